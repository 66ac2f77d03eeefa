"""Looks at the pods in hand: one list of all pods per look."""

from collections.abc import Generator

from rp import errors
from rp.domain.pod import ERROR, EXITED, TERMINATED, Pod
from rp.domain.verdict import Owner
from rp.operations import ending
from rp.operations.events import Event
from rp.operations.machines import Machines
from rp.operations.ports import Deployment, Ports

# A pod that was listed and is not any more may still be there: RunPod's lists lag.
_MISSES_BEFORE_GONE = 3


class BadPod(Exception):
    """The pod is not worth keeping; the text is the reason.

    `owner` says whether the machine or the image is at fault. `final`: it would fail in the same way everywhere.
    `remember`: later deploys should avoid this machine; not for a failed command of the user's own. `gpus` are UUIDs.
    """

    def __init__(
        self,
        reason: str,
        *,
        owner: Owner = Owner.MACHINE,
        final: bool = False,
        remember: bool = True,
        gpus: tuple[str, ...] = (),
    ) -> None:
        super().__init__(reason)
        self.owner = owner
        self.final = final
        self.remember = remember and owner is Owner.MACHINE
        self.gpus = gpus


class OutsideRegion(Exception):
    """The pod was not pinned, and landed where it is not wanted."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place


class Looks:
    """An API in trouble costs a look, not the pod."""

    def __init__(
        self, pod: Pod, landing: tuple[str, ...], deployment: Deployment, machines: Machines, ports: Ports
    ) -> None:
        self._ports = ports
        self._landing = landing
        self._machines = machines
        self._deployment = deployment
        self._id = pod.id
        self.latest = pod
        self._began = ports.clock.monotonic()
        self._was_listed = False
        self._misses = 0

    def look(self) -> Generator[Event, None, Pod | None]:
        """The pod as it is now, None where this look tells nothing.

        Raises BadPod where it is gone, KnownBad where its machine failed before, OutsideRegion.
        """
        try:
            pods = ending.patiently(self._ports.cloud.pods, self._ports.clock)
        except (errors.Unclear, errors.RateLimited):
            return None
        yield from self._end_twins(pods)
        found = next((pod for pod in pods if pod.id == self._id), None)
        self._was_listed |= found is not None
        self._misses = 0 if found else self._misses + 1
        if self._misses >= _MISSES_BEFORE_GONE and (self._was_listed or not self._is_young()):
            raise BadPod("RunPod no longer lists it", remember=False)
        if found and found.status in (EXITED, ERROR, TERMINATED):
            # A user may have stopped it, or an empty balance: only an error is the machine's.
            text = f"its status became {found.status} while it was starting"
            raise BadPod(text, remember=found.status == ERROR)
        if found:
            self.latest = found
            self.check_place(found)
            yield from self._machines.check(found)
        return found

    def check_place(self, pod: Pod) -> None:
        """Raises OutsideRegion. Where the place is not told, nothing is known against it."""
        if self._landing and pod.data_center and pod.data_center not in self._landing:
            raise OutsideRegion(pod.data_center)

    def _is_young(self) -> bool:
        return self._ports.clock.monotonic() - self._began < ending.SETTLE_SECONDS

    def _end_twins(self, pods: tuple[Pod, ...]) -> Generator[Event, None, None]:
        """Pods of earlier creates without an answer: this intent has its pod."""
        waited_for = {attempt.name: attempt for attempt in self._deployment.open_attempts() if not attempt.pod_id}
        for name, twin in ending.find_by_name(waited_for, pods).items():
            if twin.id != self._id:
                reason = "showed up late"
                yield from ending.end_attempt(waited_for[name], twin.id, reason, self._deployment, self._ports)
