"""From a created pod to one that runs and has an address; what its machine's log tells on the way."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from rp import errors
from rp.domain import boot_log
from rp.domain.boot_causes import Cause, container_cause
from rp.domain.boot_log import BootLog, Stage
from rp.domain.pod import RUNNING, Pod
from rp.domain.template import Health
from rp.domain.units import duration
from rp.operations.events import Event, Phase
from rp.operations.looks import BadPod, Looks
from rp.operations.ports import Ports

# Seconds. RunPod's own image tests (runpod/containers) give a pod 600 s to start (CREATE_TIMEOUT) and speak of a stall
# after 180 s (STALL_HINT_AFTER); dstack gives one 20 minutes, since images of 30 to 50 GB take 8 to 15 to pull.
BOOT_LIMIT = 600.0
NO_PROGRESS_LIMIT = 180.0
HARD_LIMIT = 1200.0
_POLLS = (1.0, 2.0, 3.0, 4.0, 5.0)
_POLL_AT_MOST = 8.0
# A pod that is up at once costs no look at its log.
FIRST_READ = 10.0
_READ_EVERY = 10.0
# Deploys side by side that may read their logs that often.
_READERS = 4.0
# A pull of 20 layers says some hundred lines in that time.
_TAIL = 1000
_CONTAINER_TAIL = 200
# How long a log may be silent. One that could not be read is given more time at the next try.
_QUIET = 1.0
_PATIENT_QUIET = 5.0
_READING_AT_MOST = 3.0


@dataclass
class Pace:
    """Growing pauses: short ones first, `at_most` from then on."""

    pauses: tuple[float, ...]
    at_most: float
    taken: int = 0

    def next(self) -> float:
        pause = self.pauses[self.taken] if self.taken < len(self.pauses) else self.at_most
        self.taken += 1
        return pause


class Watch:
    """What is known of a pod that starts, and for how long there is hope.

    Two clocks: since the last progress, and in all. What is not known counts as hope: a log that tells nothing
    leaves the pod BOOT_LIMIT.
    """

    def __init__(self, pod: Pod, ports: Ports) -> None:
        self.log = BootLog()
        self._pod_id = pod.id
        self._ports = ports
        self._patience = max(1.0, ports.crowd / _READERS)
        self._began = self._moved_at = ports.clock.monotonic()
        self._is_readable = False
        self._quiet = _QUIET
        self._shown = ""
        self.wait()

    def wait(self) -> None:
        """A wait begins: it may be short."""
        self._next_read = self._ports.clock.monotonic() + FIRST_READ * self._patience

    def tell(self, otherwise: str) -> Iterator[Event]:
        """What goes on, where that has changed: the pull of the image, or `otherwise`."""
        text = self.log.words() if self._is_at_work else otherwise
        if text != self._shown:
            self._shown = text
            yield Phase(text)

    @property
    def _is_at_work(self) -> bool:
        return self.log.is_preparing and self.log.stage >= Stage.PULLING

    def look(self, looks: Looks) -> Generator[Event, None, Pod | None]:
        """`looks.look`, whose BadPod says what the logs know of its reason."""
        try:
            return (yield from looks.look())
        except BadPod as bad:
            self._refresh()
            if cause := self.log.cause or container_cause(self.container_lines()):
                raise given_up(cause, f"{bad}: ") from bad
            if self.log.trouble:
                raise BadPod(f"{bad}: {self.log.trouble}", owner=bad.owner, remember=bad.remember) from bad
            raise

    def read(self, *, now: bool = False) -> None:
        """Read the log if it is time to, or `now`; raises BadPod where it tells of what will not pass."""
        if not now and self._ports.clock.monotonic() < self._next_read:
            return
        self._refresh()
        cause = self.log.cause
        if cause and cause == boot_log.crash_loop(self.log.starts):
            lines = self.container_lines()
            last_words = next((line for line in reversed(lines) if line.strip()), "")
            cause = container_cause(lines) or boot_log.crash_loop(self.log.starts, last_words)
        if cause:
            raise given_up(cause)

    def _refresh(self) -> None:
        clock, before = self._ports.clock, self.log
        try:
            self.log = boot_log.read(self._lines("system", _TAIL), before)
        except errors.ApiError:
            self._is_readable, self._quiet = False, _PATIENT_QUIET
        else:
            self._is_readable, self._quiet = self.log.tells, _QUIET
        self._next_read = clock.monotonic() + _READ_EVERY * self._patience
        # All that the first read shows is new; of a container that has begun, nobody knows when that was.
        if self.log.is_beyond(before) and (before.tells or self.log.is_preparing):
            self._moved_at = clock.monotonic()

    def container_lines(self) -> list[str]:
        """The end of what the container printed; none where that cannot be had."""
        try:
            return list(self._lines("container", _CONTAINER_TAIL))
        except errors.ApiError:
            return []

    def _lines(self, source: str, tail: int) -> Iterator[str]:
        at_most = self._quiet + _READING_AT_MOST
        return self._ports.cloud.log_lines(
            self._pod_id, source=source, tail=tail, quiet_after=self._quiet, at_most=at_most
        )

    def is_hopeless(self, status: str, since: float, ssh_timeout: float) -> bool:
        """Whether a pod that has had its status `since` then has had all the time that there is for it."""
        now = self._ports.clock.monotonic()
        idle = now - max(since, self._moved_at)
        if status == RUNNING and not self.log.is_preparing:
            return idle > ssh_timeout
        # RUNNING says nothing of the image; but nobody gets less than the template gives.
        least = ssh_timeout if status == RUNNING else 0.0
        if now - self._began > HARD_LIMIT and now - since > least:
            return True
        if not self._is_readable:
            return now - self._moved_at > max(BOOT_LIMIT, least)
        return idle > max(NO_PROGRESS_LIMIT, least)

    def stalled(self, status: str, since: float) -> str:
        """The reason for giving up a pod whose container has not begun."""
        now = self._ports.clock.monotonic()
        text = f"still {status} after {duration(now - self._began)}"
        if self._is_readable:
            words = self.log.words() if self._is_at_work else "nothing new in its log"
            text += f", without progress for {duration(now - max(since, self._moved_at))} ({words})"
        return text


def given_up(cause: Cause, prefix: str = "") -> BadPod:
    return BadPod(prefix + cause.sentence, owner=cause.owner, final=cause.final, remember=cause.remember)


def booted(pod: Pod, health: Health, looks: Looks, watch: Watch, ports: Ports) -> Generator[Event, None, Pod]:
    """Wait until the pod is RUNNING and has an SSH address; raises BadPod."""
    clock, pace, status = ports.clock, Pace(_POLLS, _POLL_AT_MOST), pod.status
    since = clock.monotonic()
    yield from watch.tell(_words(status))
    while True:
        clock.sleep(pace.next())
        latest = yield from watch.look(looks)
        if latest and latest.status != status:
            status, since = latest.status, clock.monotonic()
        if latest and status == RUNNING and latest.ssh:
            return latest
        watch.read()
        yield from watch.tell(_words(status))
        if watch.is_hopeless(status, since, health.ssh_timeout_seconds):
            # Whatever was read last may be old by now.
            watch.read(now=True)
            if watch.is_hopeless(status, since, health.ssh_timeout_seconds):
                raise BadPod(_why(status, since, watch, ports))


def _why(status: str, since: float, watch: Watch, ports: Ports) -> str:
    if status == RUNNING and not watch.log.is_preparing:
        return f"no public SSH port {duration(ports.clock.monotonic() - since)} after RUNNING"
    return watch.stalled(status, since)


def _words(status: str) -> str:
    return "getting an SSH port" if status == RUNNING else status.lower()
