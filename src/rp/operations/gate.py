"""What a create has to pass: no more pods at a time than are wanted, those included that nobody has seen yet."""

from collections.abc import Generator
from threading import Lock

from rp.domain.attempt import State
from rp.domain.candidate import Candidate
from rp.operations import ending
from rp.operations.events import Event
from rp.operations.ports import Deployment, Ports
from rp.operations.results import Plan

# Seconds between looks whether there is room, and for pods that nobody has seen yet.
_LOOK_EVERY = 1.0
_SEARCH_EVERY = 5.0


class Lost(Exception):
    """Another pod of the same race was kept before this one."""


class Gate:
    """For all lanes of one deploy. `most`: pods that may exist at a time; 0 is no limit."""

    def __init__(self, plan: Plan, whole: Deployment, most: int = 0) -> None:
        self._plan = plan
        self._whole = whole
        self._most = most
        self._abandoned: set[str] = set()
        self._searched_at = float("-inf")
        self._lock = Lock()

    def admit(self, candidate: Candidate, lane: Deployment, ports: Ports) -> Generator[Event, None, str]:
        """Journal the intent of one create; return the pod's name. Raises Lost once a race is decided."""
        while (name := self._begun(candidate, lane, ports)) is None:
            yield from self._clear(ports)
            ports.clock.sleep(_LOOK_EVERY)
        return name

    def _begun(self, candidate: Candidate, lane: Deployment, ports: Ports) -> str | None:
        with self._lock:
            attempts = self._whole.attempts()
            if self._most and any(attempt.state is State.KEPT for attempt in attempts):
                raise Lost
            if self._most and sum(attempt.is_open for attempt in attempts) >= self._most:
                return None
            name = self._plan.pod_name(len(attempts) + 1)
            lane.intend(name, candidate, ports.clock.now())
            return name

    def abandon(self, name: str) -> None:
        """Nobody looks for this pod any more: it keeps its room until it is certain that there is none."""
        self._abandoned.add(name)

    def _clear(self, ports: Ports) -> Generator[Event, None, None]:
        """One lane looks after what was abandoned, for all. Raises PodLeft for a pod that will not go."""
        now = ports.clock.monotonic()
        with self._lock:
            if now - self._searched_at < _SEARCH_EVERY:
                return
            self._searched_at = now
            names, self._abandoned = frozenset(self._abandoned), set()
        if names:
            yield from ending.settle(self._whole, ports, only=names)
            left = [attempt for attempt in self._whole.open_attempts() if attempt.name in names]
            with self._lock:
                self._abandoned |= {attempt.name for attempt in left}
            ending.check_none_left(left, ports)
