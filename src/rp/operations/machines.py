"""The machines that gave bad pods before: recognised, avoided, and tried again before a deploy would starve."""

from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rp.domain.host import Failure, Host, Marks, is_same, marks_of
from rp.domain.pod import Pod
from rp.operations import ending
from rp.operations.ending import NO_JOURNAL
from rp.operations.events import Event, Held, Note, Warned
from rp.operations.ports import Deployment, Ports

_LONGEST_HELD_PAUSE = 30.0


class KnownBad(Exception):
    """The pod landed on a machine that gave a bad pod lately."""

    def __init__(self, failure: Failure, count: int) -> None:
        super().__init__(failure.reason)
        self.failure = failure
        self.count = count


@dataclass(frozen=True)
class _Here:
    """A machine that gave a bad pod in this deploy, for whatever reason."""

    marks: Marks
    failure: Failure


@dataclass
class Avoided:
    """What all lanes of a deploy avoid: `here` are machines that failed in it; nothing, when nothing else is left."""

    avoiding: bool = True
    here: list[_Here] = field(default_factory=list)


class Machines:
    """One lane's view of them.

    A pod on a machine that is remembered badly is held, one at most, so that the next create lands elsewhere; it
    is ended once the next one has a machine. Where there is no room for a second pod, it is ended at once.
    """

    def __init__(self, avoided: Avoided, deployment: Deployment, ports: Ports, *, may_hold: bool = True) -> None:
        self._avoided = avoided
        self._deployment = deployment
        self._ports = ports
        self._may_hold = may_hold
        self._held: Pod | None = None

    def check(self, pod: Pod, gpus: tuple[str, ...] = ()) -> Generator[Event, None, None]:
        """With every look at the pod in hand; raises KnownBad."""
        marks = marks_of(pod, gpus)
        if not marks or (self._held and pod.id == self._held.id):
            return
        if self._avoided.avoiding and (failures := self._failures(marks)):
            raise KnownBad(failures[-1], len(failures))
        yield from self.release()

    def hold(self, pod: Pod, known: KnownBad) -> Generator[Event, None, None]:
        """Keep the pod's place taken for now; the pod that was held before makes way."""
        yield from self.release()
        self._held = pod
        if not self._may_hold:
            yield Note(f"pod {pod.id} is on a machine that failed on {_day(known.failure.at)}: {known.failure.reason}")
            yield from self.release()
            return
        yield Held(pod.id, f"its machine failed on {_day(known.failure.at)}: {known.failure.reason}")

    def holds(self, pod_id: str | None) -> bool:
        return self._held is not None and self._held.id == pod_id

    def release(self) -> Generator[Event, None, None]:
        """End the pod that is held."""
        if self._held is None:
            return
        pod, self._held = self._held, None
        reason = "on a machine that failed before"
        for attempt in self._deployment.open_attempts():
            if attempt.pod_id == pod.id:
                yield from ending.end_attempt(attempt, pod.id, reason, self._deployment, self._ports)

    def release_before(self, seconds: float) -> Generator[Event, None, None]:
        """A pause of that many seconds comes: a pod is not held, and billed, through a long one."""
        if seconds > _LONGEST_HELD_PAUSE:
            yield from self.release()

    def stop_avoiding(self, known: KnownBad) -> Generator[Event, None, None]:
        """Only machines are left that failed before: the best of them are taken after all."""
        yield from self.release()
        self._avoided.avoiding = False
        yield Warned(
            "nothing is left but machines that failed before: trying the best of them"
            f" (it failed on {_day(known.failure.at)}: {known.failure.reason})"
        )

    def failed(self, pod: Pod, gpus: tuple[str, ...], reason: str, *, remember: bool) -> None:
        """`remember`: rp's own checks blame the machine, so later deploys avoid it too."""
        if marks := marks_of(pod, gpus):
            self._avoided.here.append(_Here(marks, Failure(self._ports.clock.now(), pod.id, reason)))
        if remember:
            note_failure(pod, gpus, reason, self._ports)
        else:
            note_sight(pod, gpus, self._ports)

    def _failures(self, marks: Marks) -> list[Failure]:
        """What counts against this machine, oldest first."""
        hosts: tuple[Host, ...] = ()
        with suppress(*NO_JOURNAL):
            hosts = self._ports.hosts.matching(marks)
        now = self._ports.clock.now()
        remembered = [failure for host in hosts for failure in host.recent(now)]
        here = [one.failure for one in self._avoided.here if is_same(one.marks, marks)]
        return sorted({*remembered, *here}, key=lambda failure: failure.at)


def note_sight(pod: Pod, gpus: tuple[str, ...], ports: Ports) -> Host | None:
    """Keep what tells this machine from others; None where nothing is known, or nothing can be kept."""
    place = ", ".join(filter(None, [pod.data_center, pod.cloud.lower()]))
    with suppress(*NO_JOURNAL):
        return ports.hosts.saw(marks_of(pod, gpus), pod.gpu_id or "", place, ports.clock.now())
    return None


def note_failure(pod: Pod, gpus: tuple[str, ...], reason: str, ports: Ports) -> None:
    """Hold a bad pod against its machine."""
    if host := note_sight(pod, gpus, ports):
        with suppress(*NO_JOURNAL):
            ports.hosts.failed(host, Failure(ports.clock.now(), pod.id, reason))


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
