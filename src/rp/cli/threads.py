"""Jobs side by side, in threads that do not outlive an interrupted command."""

import queue
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def side_by_side(jobs: Sequence[Callable[[], T]], at_once: int) -> list[T]:
    """What the jobs return, in their order; the first error in that order is raised.

    Not a ThreadPoolExecutor: that waits for every job, the queued ones included, however the command ends.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: dict[int, tuple[T | None, BaseException | None]] = {}
    for number in range(len(jobs)):
        waiting.put(number)

    def work() -> None:
        while True:
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done[number] = (jobs[number](), None)
            except BaseException as error:  # noqa: BLE001 - raised again where the result is wanted
                done[number] = (None, error)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(at_once, len(jobs)))]
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
