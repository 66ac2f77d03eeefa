"""Generators of events side by side, each in a thread of its own; their events come out as one stream."""

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from rp.operations.events import Event
from rp.operations.ports import Clock, Ports

T = TypeVar("T")

# Seconds: how soon a sleeping lane notices that it is not wanted any more.
_NAP = 0.5
# How long lanes that are not wanted any more are waited for: those that sleep, and those that wait for the answer to a
# create, which may take 30 s.
SOON = 3.0
AT_LAST = 60.0


class Cancelled(Exception):
    """This lane's work is not wanted any more: it ends what it has begun, and says so in the details."""

    def __init__(self) -> None:
        super().__init__()
        self.details: tuple[str, ...] = ()
        self.facts: dict[str, object] = {}


@dataclass
class _Lane:
    """`told`: it knows that it is cancelled, and cleans up."""

    name: str
    cancelled: bool = False
    told: bool = False
    over: bool = False

    def check(self) -> None:
        """Raises Cancelled, once."""
        if self.cancelled and not self.told:
            self.told = True
            raise Cancelled


@dataclass(frozen=True)
class _LaneClock:
    """Sleeping is where a lane hears that it is cancelled."""

    clock: Clock
    lane: _Lane = field(repr=False)

    def now(self) -> float:
        return self.clock.now()

    def monotonic(self) -> float:
        return self.clock.monotonic()

    def sleep(self, seconds: float) -> None:
        deadline = self.clock.monotonic() + seconds
        self.lane.check()
        while (left := deadline - self.clock.monotonic()) > 0:
            self.clock.sleep(min(left, _NAP))
            self.lane.check()


def shield(ports: Ports) -> None:
    """From here on this lane cleans up: it is not cancelled any more."""
    if isinstance(ports.clock, _LaneClock):
        ports.clock.lane.told = True


class Lanes(Generic[T]):
    """`results` holds what each lane returned or raised, by name, once it is over."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._lanes: list[_Lane] = []
        self._inbox: deque[tuple[str, Event]] = deque()
        self.results: dict[str, T | BaseException] = {}

    def start(self, name: str, job: Callable[[Ports], Generator[Event, None, T]]) -> None:
        lane = _Lane(name)
        ports = replace(self._ports, clock=_LaneClock(self._ports.clock, lane))
        self._lanes.append(lane)
        self._ports.workers.start(lambda: self._work(lane, job(ports)))

    def events(self, enough: Callable[[], bool]) -> Generator[tuple[str, Event], None, None]:
        """(lane, event) as they come, until all lanes are over or it is `enough`."""
        while True:
            done = enough() or all(lane.over for lane in self._lanes)
            while self._inbox:
                yield self._inbox.popleft()
            if done:
                return
            self._ports.workers.wait(_NAP)

    def cancel(self) -> None:
        for lane in self._lanes:
            lane.cancelled = True

    def last_words(self, seconds: float) -> Generator[tuple[str, Event], None, None]:
        """What cancelled lanes still tell while they clean up, for that long at most."""
        deadline = self._ports.clock.monotonic() + seconds
        yield from self.events(lambda: self._ports.clock.monotonic() > deadline)

    def _work(self, lane: _Lane, job: Generator[Event, None, T]) -> None:
        try:
            self.results[lane.name] = self._drive(lane, job)
        except BaseException as error:  # noqa: BLE001 - the owner of the lanes decides what it means
            self.results[lane.name] = error
        finally:
            lane.over = True
            self._ports.workers.ring()

    def _drive(self, lane: _Lane, job: Generator[Event, None, T]) -> T:
        try:
            event = next(job)
            while True:
                self._inbox.append((lane.name, event))
                self._ports.workers.ring()
                try:
                    lane.check()
                except Cancelled as cancelled:
                    event = job.throw(cancelled)
                else:
                    event = next(job)
        except StopIteration as end:
            result: T = end.value
            return result
