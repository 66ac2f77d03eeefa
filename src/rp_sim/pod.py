"""A pod as the simulator knows it, and what it has cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rp_sim.inventory import GpuType
    from rp_sim.scenario.model import Jank
    from rp_sim.stock import Host

Status = Literal["PROVISIONING", "STARTING", "RUNNING", "EXITED", "ERROR", "TERMINATED"]

ACTIONS: dict[str, list[str]] = {
    "PROVISIONING": ["stop", "terminate"],
    "STARTING": ["stop", "terminate"],
    "RUNNING": ["stop", "restart", "terminate"],
    "EXITED": ["start", "terminate"],
    "ERROR": ["start", "terminate"],
    "TERMINATED": [],
}
HOURS_PER_MONTH = 730
CONTAINER_DISK = 0.10 / HOURS_PER_MONTH  # USD per GB and hour
VOLUME_RUNNING = 0.10 / HOURS_PER_MONTH
VOLUME_STOPPED = 0.20 / HOURS_PER_MONTH


@dataclass
class Segment:
    """A stretch of time at one price."""

    start: float
    gpu_rate: float
    disk_rate: float
    end: float | None = None

    def hours(self, since: float, until: float) -> float:
        end = until if self.end is None else min(self.end, until)
        return max(0.0, end - max(self.start, since)) / 3600


@dataclass
class Pod:
    id: str
    name: str
    image: str
    host: Host
    gpu: GpuType
    count: int
    cloud: str
    disk: int
    created_at: float
    order: int
    api_key: str
    args: str = ""
    mounts: dict[str, Any] = field(default_factory=dict)
    ports: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    injected: dict[str, str] = field(default_factory=dict)
    registry: str | None = None
    global_networking: bool = False
    cluster: str = ""
    status: Status = "PROVISIONING"
    locked: bool = False
    started_at: float | None = None
    running_since: float | None = None
    terminated_at: float | None = None
    began: int = 0  # of all that began and ended, which it was: several may share a time
    ended: int | None = None
    visible_from: float = 0.0
    holds_gpus: bool = True
    gpus_present: int = 0
    port: int | None = None
    stale_port: int | None = None
    stale_until: float = 0.0
    generation: int = 0
    janks: tuple[Jank, ...] = ()
    segments: list[Segment] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        return self.status != "TERMINATED"

    @property
    def volume_gb(self) -> int:
        return int(self.mounts.get("persistent", {}).get("size", 0))

    @property
    def mount_path(self) -> str:
        if "persistent" in self.mounts:
            return str(self.mounts["persistent"]["path"])
        return str(self.mounts["network"][0]["path"]) if self.mounts.get("network") else ""

    @property
    def volume_id(self) -> str:
        return str(self.mounts["network"][0]["volumeId"]) if self.mounts.get("network") else ""

    @property
    def hourly(self) -> float:
        """What `cost` tells: the disk of a stopped pod is not in it, as on RunPod."""
        busy = self.status not in ("EXITED", "TERMINATED")
        return round(self.gpu.price(self.cloud) * self.count, 6) if busy else 0.0

    def jank(self, *kinds: str) -> Jank | None:
        return next((jank for jank in self.janks if jank.kind in kinds), None)

    def told_port(self, now: float) -> int | None:
        """For a while after a start RunPod still tells the port of the life before."""
        if self.stale_port is not None and now < self.stale_until:
            return self.stale_port
        return self.port

    def bill(self, now: float) -> None:
        """Closes the current price segment and opens the one that fits the status."""
        if self.segments and self.segments[-1].end is None:
            self.segments[-1].end = now
        if self.status == "TERMINATED":
            return
        stopped = self.status == "EXITED"
        disk = 0.0 if stopped else self.disk * CONTAINER_DISK
        disk += self.volume_gb * (VOLUME_STOPPED if stopped else VOLUME_RUNNING)
        self.segments.append(Segment(now, self.hourly, disk))

    def cost(self, until: float, since: float = 0.0) -> tuple[float, float]:
        """(GPU, disk) in USD between two moments."""
        spent = [(part.hours(since, until), part) for part in self.segments]
        gpu = sum(hours * part.gpu_rate for hours, part in spent)
        return gpu, sum(hours * part.disk_rate for hours, part in spent)

    def burn(self) -> float:
        """USD per hour right now, disk included."""
        open_ = self.segments[-1] if self.segments and self.segments[-1].end is None else None
        return open_.gpu_rate + open_.disk_rate if open_ else 0.0
