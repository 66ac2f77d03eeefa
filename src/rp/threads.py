"""Jobs side by side, in threads that do not outlive an interrupted command."""

import queue
import resource
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

_AT_ONCE = 16
# Open files of the program itself, and of a deploy: sockets, pipes of ssh, locks.
_FILES = 128
_FILES_OF_A_JOB = 16


class Threads:
    """Not a ThreadPoolExecutor: that waits for every job, the queued ones included, however the command ends."""

    def __init__(self) -> None:
        self._bell = threading.Event()

    def together(self, jobs: Sequence[Callable[[], T]]) -> list[T]:
        """What the jobs return, in their order; the first error in that order is raised."""
        if len(jobs) == 1:
            return [jobs[0]()]
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        done: dict[int, tuple[T | None, BaseException | None]] = {}
        for number in range(len(jobs)):
            waiting.put(number)
        threads = [
            threading.Thread(target=_work, args=(jobs, waiting, done), daemon=True)
            for _ in range(min(_AT_ONCE, len(jobs)))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        results: list[T] = []
        for number in range(len(jobs)):
            result, error = done[number]
            if error is not None:
                raise error
            results.append(result)  # type: ignore[arg-type]
        return results

    def make_room(self, jobs: int) -> None:
        """Let this process hold as many files open as that many deploys need; macOS allows 256 at first."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _FILES + jobs * _FILES_OF_A_JOB
        if hard != resource.RLIM_INFINITY:
            wanted = min(wanted, hard)
        if soft < wanted:
            with suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

    def start(self, job: Callable[[], None]) -> None:
        threading.Thread(target=job, daemon=True).start()

    def wait(self, seconds: float) -> None:
        """Until somebody rings, at most `seconds`."""
        self._bell.wait(seconds)
        self._bell.clear()

    def ring(self) -> None:
        self._bell.set()


def _work(
    jobs: Sequence[Callable[[], T]],
    waiting: "queue.SimpleQueue[int]",
    done: dict[int, tuple[T | None, BaseException | None]],
) -> None:
    while True:
        try:
            number = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            done[number] = (jobs[number](), None)
        except BaseException as error:  # noqa: BLE001 - raised again where the result is wanted
            done[number] = (None, error)
