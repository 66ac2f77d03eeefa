"""The truth that tests and benchmarks read: every pod there ever was, and every call that came in."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rp_sim.clock import iso

if TYPE_CHECKING:
    from rp_sim.pod import Pod
    from rp_sim.world import World


@dataclass
class Call:
    time: str
    method: str
    path: str
    query: str
    operation: str | None
    requestId: str  # noqa: N815  the ledger is JSON, and its keys are camel case
    body: Any = None
    status: int | None = None
    fault: str | None = None


class Ledger:
    def __init__(self) -> None:
        self.calls: list[Call] = []

    def report(self, world: World) -> dict[str, Any]:
        now = world.life.at
        return {
            "time": iso(now),
            "seed": world.seed,
            "balance": round(world.credit(), 6),
            "totalCost": round(world.spent(), 6),
            "pods": [_pod(pod, now) for pod in world.pods.values()],
            "volumes": [volume.wire() for volume in world.volumes.values()],
            "calls": [asdict(call) for call in self.calls],
        }


def _pod(pod: Pod, now: float) -> dict[str, Any]:
    gpu, disk = pod.cost(now)
    return {
        "id": pod.id,
        "name": pod.name,
        "status": pod.status,
        "alive": pod.alive,
        "image": pod.image,
        "gpu": pod.gpu.id,
        "count": pod.count,
        "cloud": pod.cloud,
        "dataCenter": pod.host.data_center,
        "host": pod.host.id,
        "cost": round(gpu + disk, 6),
        "gpuCost": round(gpu, 6),
        "diskCost": round(disk, 6),
        "createdAt": iso(pod.created_at),
        "terminatedAt": iso(pod.terminated_at) if pod.terminated_at else None,
        "janks": [jank.kind for jank in pod.janks],
        "port": pod.port,
    }
