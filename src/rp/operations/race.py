"""Several pods booting at the same time: the first that proves healthy is kept, the others are ended at once."""

from collections.abc import Callable, Generator
from threading import Lock

from rp.domain.attempt import LOST
from rp.errors import Interrupted, RpError
from rp.operations import ending
from rp.operations.events import Created, Event, Phase
from rp.operations.gate import Gate, Lost
from rp.operations.lanes import AT_LAST, SOON, Cancelled, Lanes, shield
from rp.operations.machines import Machines
from rp.operations.placing import Search, place
from rp.operations.ports import Deployment, Ports
from rp.operations.provision import Kept, Lane


class _Finish:
    """The first to arrive wins."""

    def __init__(self) -> None:
        self.winner = ""
        self._lock = Lock()

    def arrive(self, lane: str) -> bool:
        with self._lock:
            self.winner = self.winner or lane
            return self.winner == lane


def race(search: Search, deployment: Deployment, ports: Ports) -> Generator[Event, None, Kept | None]:
    """The pod that is kept, None where every lane found no candidate left.

    Raises the first lane's error where no lane kept a pod. Never more than `plan.race` pods exist.
    """
    gate, finish, lanes = Gate(search.plan, deployment, search.plan.race), _Finish(), Lanes[Kept | None](ports)
    pods: dict[str, str] = {}
    try:
        for number in range(1, search.plan.race + 1):
            lanes.start(str(number), _runner(str(number), search, gate, finish, deployment.lane()))
        for lane, event in lanes.events(lambda: finish.winner in lanes.results):
            if isinstance(event, Created):
                pods[lane] = f"{event.candidate.gpu.name} {event.pod.id}"
            # Of several pods that boot at once, a phase alone says nothing.
            yield Phase(f"{pods.get(lane, lane)}: {event.text}") if isinstance(event, Phase) else event
        lanes.cancel()
        if winner := _winner(lanes):
            yield from _end_others(lanes, deployment, ports)
            return winner
    except BaseException as error:
        lanes.cancel()
        lines = ending.told(event for _, event in lanes.last_words(SOON))
        lines += ending.told(_end_own("interrupted", deployment, ports))
        lines += ending.told(event for _, event in lanes.last_words(AT_LAST))
        if isinstance(error, RpError | Interrupted):
            error.details = (*error.details, *lines)
        raise
    failed = [result for result in lanes.results.values() if isinstance(result, BaseException)]
    if failed:
        raise min(failed, key=lambda error: not isinstance(error, RpError))
    return None


def _runner(
    name: str, search: Search, gate: Gate, finish: _Finish, deployment: Deployment
) -> Callable[[Ports], Generator[Event, None, Kept | None]]:
    def run(ports: Ports) -> Generator[Event, None, Kept | None]:
        # There is no room to hold a pod on a bad machine beside the others.
        machines = Machines(search.avoided, deployment, ports, may_hold=False)
        lane = Lane(deployment, machines, gate, ports, lambda: finish.arrive(name), search.sweep.gave_pod)
        try:
            return (yield from place(search, lane))
        except (Lost, Cancelled):
            shield(ports)
            yield from _end_own(LOST if finish.winner else "interrupted", deployment, ports)
            return None
        except BaseException:
            shield(ports)
            yield from ending.settle(deployment, ports)
            raise

    return run


def _winner(lanes: Lanes[Kept | None]) -> Kept | None:
    return next((result for result in list(lanes.results.values()) if isinstance(result, Kept)), None)


def _end_others(lanes: Lanes[Kept | None], deployment: Deployment, ports: Ports) -> Generator[Event, None, None]:
    """Each lane ends its own pod as soon as it hears, which may take a while where it is deep in a look at its pod."""
    yield from _end_own(LOST, deployment, ports)
    for _, event in lanes.last_words(AT_LAST):
        yield event


def _end_own(reason: str, deployment: Deployment, ports: Ports) -> Generator[Event, None, None]:
    """End every open pod that `deployment` has begun."""
    for attempt in deployment.open_attempts():
        if attempt.pod_id:
            yield from ending.end_attempt(attempt, attempt.pod_id, reason, deployment, ports)
