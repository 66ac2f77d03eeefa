"""Several pods booting at the same time: the first that proves healthy is kept, the others are ended at once."""

from collections.abc import Callable, Generator
from threading import Lock

from rp.domain.attempt import LOST
from rp.errors import RpError
from rp.operations import ending
from rp.operations.events import Event
from rp.operations.gate import Gate
from rp.operations.lanes import Cancelled, Lanes
from rp.operations.machines import Machines
from rp.operations.placing import Search, place
from rp.operations.ports import Deployment, Ports
from rp.operations.provision import Kept, Lane, Lost


class _Finish:
    """The first to arrive wins."""

    def __init__(self) -> None:
        self.is_over = False
        self._lock = Lock()

    def arrive(self) -> bool:
        with self._lock:
            is_first, self.is_over = not self.is_over, True
            return is_first


def race(search: Search, deployment: Deployment, ports: Ports) -> Generator[Event, None, Kept | None]:
    """The pod that is kept, None where every lane found no candidate left.

    Raises the first lane's error where no lane kept a pod. Never more than `plan.race` pods exist.
    """
    gate, finish, lanes = Gate(search.plan, deployment, search.plan.race), _Finish(), Lanes[Kept | None](ports)
    try:
        for number in range(1, search.plan.race + 1):
            lanes.start(str(number), _runner(search, gate, finish, deployment.lane()))
        for _, event in lanes.events(lambda: _winner(lanes) is not None):
            yield event
        lanes.cancel()
        if winner := _winner(lanes):
            yield from _end_others(lanes, deployment, ports)
            return winner
    except BaseException:
        lanes.cancel()
        for _ in lanes.last_words():
            pass
        raise
    failed = [result for result in lanes.results.values() if isinstance(result, BaseException)]
    if failed:
        raise min(failed, key=lambda error: not isinstance(error, RpError))
    return None


def _runner(
    search: Search, gate: Gate, finish: _Finish, deployment: Deployment
) -> Callable[[Ports], Generator[Event, None, Kept | None]]:
    def run(ports: Ports) -> Generator[Event, None, Kept | None]:
        # There is no room to hold a pod on a bad machine beside the others.
        machines = Machines(search.avoided, deployment, ports, may_hold=False)
        lane = Lane(deployment, machines, gate, ports, finish.arrive)
        try:
            return (yield from place(search, lane))
        except (Lost, Cancelled):
            yield from _end_own(LOST if finish.is_over else "interrupted", deployment, ports)
            return None
        except RpError:
            yield from ending.settle(deployment, ports)
            raise

    return run


def _winner(lanes: Lanes[Kept | None]) -> Kept | None:
    return next((result for result in list(lanes.results.values()) if isinstance(result, Kept)), None)


def _end_others(lanes: Lanes[Kept | None], deployment: Deployment, ports: Ports) -> Generator[Event, None, None]:
    """Each lane ends its own pod as soon as it hears, which may take a while where it is deep in a look at its pod."""
    yield from _end_own(LOST, deployment, ports)
    for _, event in lanes.last_words():
        yield event


def _end_own(reason: str, deployment: Deployment, ports: Ports) -> Generator[Event, None, None]:
    """End every open pod that `deployment` has begun."""
    for attempt in deployment.open_attempts():
        if attempt.pod_id:
            yield from ending.end_attempt(attempt, attempt.pod_id, reason, deployment, ports)
