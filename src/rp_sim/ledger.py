"""The truth that tests and benchmarks read: every pod there ever was, and every call that came in."""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rp_sim.clock import iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
        pods = [_pod(pod, now) for pod in world.pods.values()]
        return {
            "time": iso(now),
            "seed": world.seed,
            "balance": round(world.credit(), 6),
            "totalCost": round(world.spent(), 6),
            "mostAlive": most_alive(pods),
            "pods": pods,
            "volumes": [volume.wire() for volume in world.volumes.values()],
            "calls": [asdict(call) for call in self.calls],
        }


def most_alive(pods: Iterable[Mapping[str, Any]]) -> int:
    """Of these rows of a ledger, how many there were at once when there were most. Only what is terminated is gone."""
    rows = list(pods)
    moments = [(row["began"], 1) for row in rows] + [(row["ended"], -1) for row in rows if row["ended"]]
    return max(itertools.accumulate((change for _, change in sorted(moments)), initial=0))


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
        "dataCenter": pod.host.data_center or None,
        "host": pod.host.id,
        "cost": round(gpu + disk, 6),
        "gpuCost": round(gpu, 6),
        "diskCost": round(disk, 6),
        "createdAt": iso(pod.created_at, fraction=True),
        "terminatedAt": iso(pod.terminated_at, fraction=True) if pod.terminated_at else None,
        "began": pod.began,
        "ended": pod.ended,
        "janks": [jank.kind for jank in pod.janks],
        "port": pod.port,
    }
