"""A RunPod and an OpenSSH in memory, on simulated time, and a process that can die at any outside effect."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rp import errors
from rp.domain.catalog import Catalog, DataCenter, GpuType, Offer, Stock
from rp.domain.clouds import SECURE
from rp.domain.host_keys import HostKey
from rp.domain.identity import Identity
from rp.domain.network_volume import NetworkVolume
from rp.domain.pod import Endpoint, Pod
from rp.domain.remote import Completed
from rp.domain.request import PodRequest
from rp.state.journal import Journal

CAPACITY = "There are no longer any instances available with the requested specifications."
BOOT_SECONDS = 3.0
GPU_TYPES = (
    GpuType("GPU", "GPU", 24, {SECURE: Offer(1.0, 8)}),
    GpuType("OTHER", "OTHER", 24, {SECURE: Offer(2.0, 8)}),
)
KEY = HostKey("ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIJ4bRr8oHdAKd0Pb0rbbhEZTDTmPpBWlTHCoN3rKbkOH")


class Crash(BaseException):
    """The process is dead: nothing of it runs any more."""


@dataclass
class Process:
    """Counts outside effects; dies before or after the one numbered `dies_at`."""

    dies_at: int | None = None
    points: int = 0
    dead: bool = False

    def point(self) -> None:
        if self.dead:
            raise Crash
        if self.points == self.dies_at:
            self.dead = True
            raise Crash
        self.points += 1

    def effect(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **keywords: Any) -> Any:
            self.point()
            result = call(*args, **keywords)
            self.point()
            return result

        return watched


class Watched:
    """An adapter whose calls are effects of `process`."""

    def __init__(self, inner: Any, process: Process) -> None:
        self._inner = inner
        self._process = process

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._process.effect(found) if callable(found) else found


@dataclass
class FakeClock:
    """Sleeping is what makes time pass."""

    time: float = 1_800_000_000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class FakeCloud:
    """The truth about the pods. `on_create` and `on_terminate` hold what happens at each call, in turn."""

    clock: FakeClock
    before_create: float = 0.0
    # Seconds from a create to RUNNING, and that a command on a pod takes.
    boot: float = BOOT_SECONDS
    command: float = 0.0
    sleep: Callable[[float], None] = lambda seconds: None
    on_create: list[str] = field(default_factory=list)
    on_terminate: list[str] = field(default_factory=list)
    pods_by_id: dict[str, Pod] = field(default_factory=dict)
    visible_at: dict[str, float] = field(default_factory=dict)
    born_at: dict[str, float] = field(default_factory=dict)
    terminated: list[str] = field(default_factory=list)
    # The most pods that there were at a time.
    most_alive: int = 0
    # What the catalog tells, and what is there: False is no capacity.
    told: Callable[[str, str], Stock] = lambda cloud, gpu: Stock.HIGH
    has_room: Callable[[PodRequest], bool] = lambda request: True
    # Where the next pods land.
    lands_in: list[str | None] = field(default_factory=list)
    gpu_types: tuple[GpuType, ...] = GPU_TYPES
    centers: tuple[DataCenter, ...] = ()
    created: list[PodRequest] = field(default_factory=list)
    catalog_reads: int = 0

    def create(self, request: PodRequest) -> Pod:
        plan = self.on_create.pop(0) if self.on_create else "good"
        self.clock.sleep(self.before_create)
        self.before_create = 0.0
        self.created.append(request)
        if not self.has_room(request):
            raise errors.BadRequest("refused", status=400, detail=CAPACITY)
        if plan == "refused":
            raise errors.BadRequest("refused", status=400, detail=CAPACITY)
        if plan == "nothing, unclear":
            raise errors.Unclear("HTTP 500")
        if plan == "no balance":
            raise errors.InsufficientBalance("no balance", status=402, detail="no balance")
        pod = self._born(request, bad="bad" in plan, slow="slow" in plan, same="same" in plan)
        if "nowhere" in plan:
            # It never gets a machine.
            pod = self.pods_by_id[pod.id] = replace(pod, proxy_host=None)
            self.born_at[pod.id] += 10_000
        if "late" in plan:
            self.visible_at[pod.id] = self.clock.time + 60
        if "unclear" in plan:
            raise errors.Unclear("connection reset")
        return pod

    def _born(self, request: PodRequest, *, bad: bool, slow: bool, same: bool = False) -> Pod:
        pod = Pod(
            id=f"pod{len(self.born_at)}",
            name=request.name,
            status="PROVISIONING",
            gpu_id=request.gpu_id,
            gpu_count=request.gpu_count,
            cost_per_hour=1.0,
            env={"bad": "yes"} if bad else {},
            proxy_host="00000000" if same else f"{len(self.born_at) + 1:08x}",
            data_center=self.lands_in.pop(0) if self.lands_in else None,
            cloud=request.cloud,
        )
        self.pods_by_id[pod.id] = pod
        self.visible_at[pod.id] = self.clock.time
        self.most_alive = max(self.most_alive, len(self.pods_by_id))
        self.born_at[pod.id] = self.clock.time + (10_000 if slow else 0)
        return pod

    def pods(self) -> tuple[Pod, ...]:
        return tuple(self._now(pod) for pod in self.pods_by_id.values() if self.visible_at[pod.id] <= self.clock.time)

    def pod(self, pod_id: str) -> Pod:
        self._check_known(pod_id)
        return self._now(self.pods_by_id[pod_id])

    def _now(self, pod: Pod) -> Pod:
        if self.clock.time - self.born_at[pod.id] < self.boot:
            return pod
        return replace(pod, status="RUNNING", ssh=Endpoint("192.0.2.1", 22))

    def terminate(self, pod_id: str) -> None:
        plan = self.on_terminate.pop(0) if self.on_terminate else "gone"
        if plan == "HTTP 500":
            raise errors.Unclear("HTTP 500")
        self._check_known(pod_id)
        if plan == "says gone, is not":
            return
        self.terminated.append(self.pods_by_id.pop(pod_id).name)
        if plan == "gone, unclear":
            raise errors.Unclear("connection reset")

    def _check_known(self, pod_id: str) -> None:
        """A pod that is not visible yet is not known to any call."""
        if pod_id not in self.pods_by_id or self.visible_at[pod_id] > self.clock.time:
            raise errors.NoSuchResource("pod not found", status=404)

    def stop(self, pod_id: str) -> Pod:
        return replace(self.pod(pod_id), status="EXITED")

    def log_lines(self, pod_id: str, *, source: str, tail: int, quiet_after: float, at_most: float) -> Iterator[str]:
        yield f"256 {KEY.fingerprint} root@{pod_id} (ED25519)"

    def gpus(self, cloud: str, *, count: int, min_cuda: str | None = None, cudas: tuple[str, ...] = ()) -> Catalog:
        self.catalog_reads += 1
        return Catalog(
            self.gpu_types, stock={(cloud, gpu.id, count): self.told(cloud, gpu.id) for gpu in self.gpu_types}
        )

    def data_centers(self) -> tuple[DataCenter, ...]:
        return self.centers

    def ssh_keys(self) -> tuple[str, ...]:
        return ()

    def network_volume(self, volume_id: str) -> NetworkVolume:
        raise errors.NoSuchResource("none", status=404)


class Alone:
    """Workers without threads."""

    def together(self, jobs: Sequence[Callable[[], Any]]) -> list[Any]:
        return [job() for job in jobs]


class NoCache:
    """Nothing is kept of the catalog."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


class NoImages:
    """Registries that nobody asks."""

    def facts(self, *_: object) -> None:
        return None


class FakeSession:
    def __init__(self, status: int, cloud: "FakeCloud") -> None:
        self._status = status
        self._cloud = cloud

    def run(self, command: str, *, timeout: float, stdin: bytes = b"", most: int = 0) -> Completed:
        self._cloud.sleep(self._cloud.command)
        return Completed(self._status, "")

    def run_script(self, script: Path) -> Iterator[str]:
        return iter(())

    def close(self) -> None:
        pass


@dataclass
class FakeRemote:
    cloud: FakeCloud

    def identity(self) -> Identity:
        return Identity("ssh-ed25519 AAAA me", None)

    def answers(self, endpoint: Endpoint) -> bool:
        return True

    def host_keys(self, endpoint: Endpoint) -> tuple[HostKey, ...]:
        return (KEY,)

    def pin(self, pod_id: str, keys: object) -> None:
        pass

    def open_session(self, pod_id: str, endpoint: Endpoint, key: Identity) -> FakeSession:
        return FakeSession(1 if self.cloud.pods_by_id[pod_id].env.get("bad") else 0, self.cloud)

    def prepare(self) -> str | None:
        return None

    def publish(self, alias: str, pod_id: str, endpoint: Endpoint, key: Identity) -> None:
        pass

    def withdraw(self, alias: str) -> None:
        pass

    def forget(self, pod_id: str) -> None:
        pass

    def setup_scripts(self) -> tuple[None, None]:
        return (None, None)

    def run_local_setup(self, script: Path, alias: str) -> Iterator[str]:
        return iter(())


class DyingJournal:
    """The real journal, whose locks the kernel drops when the process dies."""

    def __init__(self, journal: Journal, process: Process) -> None:
        self.real = self._journal = journal
        self._process = process
        self._locks: list[Any] = []

    def fresh_id(self) -> str:
        return self._journal.fresh_id()

    def in_flight(self) -> dict[str, str]:
        return self._journal.in_flight()

    def live_aliases(self) -> frozenset[str]:
        return self._journal.live_aliases()

    def unfinished(self, account: str | None = None) -> tuple[str, ...]:
        return self._journal.unfinished(account)

    def begin(self, *args: Any) -> Any:
        return self._held(lambda: self._journal.begin(*args))

    def claim(self, deployment_id: str) -> Any:
        return self._held(lambda: self._journal.claim(deployment_id))

    def _held(self, take: Callable[[], Any]) -> Any:
        self._process.point()
        deployment = take()
        if deployment is None:
            return None
        self._locks.append(deployment)
        self._process.point()
        return DyingDeployment(deployment, self._process)

    def after_death(self) -> None:
        """What the kernel does: descriptors are closed, files stay."""
        for deployment in self._locks:
            if deployment._lock is not None:
                os.close(deployment._lock)
                deployment._lock = None
        self._journal.close()


class DyingDeployment(Watched):
    def tell(self, *step: Any) -> None:
        """What is told for `rp why` decides nothing: dying around it is dying around the effects beside it."""

    def take(self, name: str) -> bool:
        """No effect either: it dies with the process."""
        taken: bool = self._inner.take(name)
        return taken

    def put_back(self, name: str) -> None:
        self._inner.put_back(name)

    def close(self) -> None:
        if not self._process.dead:
            self._inner.close()
