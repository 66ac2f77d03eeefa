"""Hosts and their free GPUs, per (data center, GPU type, cloud), as they are at the moment."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from rp_sim.inventory import data_centers, find_gpu, gpu_types
from rp_sim.scenario.model import Stock as StockRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rp_sim.inventory import GpuType
    from rp_sim.scenario import Scenario
    from rp_sim.scenario.model import Refuse

LEVELS = ("NONE", "LOW", "MEDIUM", "HIGH")


@dataclass
class Host:
    """One machine. Its id is what the tail of `ssh.proxy.username` shows."""

    id: str
    gpu: str
    data_center: str  # "" for a community host that belongs to none
    cloud: str
    size: int
    cuda: str | None
    offered: int
    used: int = 0

    @property
    def free(self) -> int:
        return max(0, self.offered - self.used)


@dataclass
class Pool:
    data_center: str
    gpu: str
    cloud: str
    row: StockRow
    hosts: list[Host] = field(default_factory=list)


@dataclass(frozen=True)
class Wanted:
    """What a create asks of a host."""

    gpu: str
    count: int
    cloud: str
    data_centers: tuple[str, ...] = ()
    pinned: bool = False  # the client named data centers, or a volume did
    allowed_cuda: tuple[str, ...] = ()
    minimum_cuda: str = ""


class Stock:
    """`passed` tells how many simulated seconds ago the scenario began."""

    def __init__(self, scenario: Scenario, seed: int, passed: Callable[[], float]) -> None:
        self._seed = seed
        self._passed = passed
        self.hosts: dict[str, Host] = {}
        self._pools: dict[tuple[str, str, str], Pool] = {}
        self.replace(scenario)

    def replace(self, scenario: Scenario) -> None:
        """New rules, with the hosts that pods sit on kept as they are."""
        self._scenario = scenario
        self._moments = sorted({moment for row in scenario.stock for moment in (row.from_s, row.until_s)})
        self._turn = 0
        self._pools.clear()

    def pool(self, data_center: str, gpu: str, cloud: str) -> Pool:
        turn = bisect_right(self._moments, self._passed())
        if turn != self._turn:
            self._turn = turn
            self._pools.clear()
        key = (data_center, gpu, cloud)
        if key not in self._pools:
            self._pools[key] = self._build(*key)
        return self._pools[key]

    def fitting(self, wanted: Wanted, refuses: Callable[[Host], bool] = lambda _: False) -> list[Host]:
        """The hosts with room; nothing is taken yet. Where data centers are named, hosts without a place are out."""
        centers = wanted.data_centers or tuple(center.id for center in data_centers())
        pools = [self.pool(center, wanted.gpu, wanted.cloud) for center in dict.fromkeys(centers)]
        return [
            host
            for pool in pools
            for host in pool.hosts
            if (host.data_center or not wanted.data_centers) and not refuses(host)
            if host.free >= wanted.count and cuda_fits(host.cuda, wanted.allowed_cuda, wanted.minimum_cuda)
        ]

    def availability(self, pools: Iterable[Pool], count: int, accepts: Callable[[Host], bool] = lambda _: True) -> str:
        pools = [pool for pool in pools if pool.hosts]
        told = [pool.row.availability for pool in pools if pool.row.availability]
        if told:
            return max(told, key=LEVELS.index)
        if self._scenario.catalog.stale:
            return "HIGH"
        hosts = [host for pool in pools for host in pool.hosts if accepts(host)]
        free = sum(host.free for host in hosts if host.free >= count)
        return "NONE" if not free else "LOW" if free <= 4 else "MEDIUM" if free <= 12 else "HIGH"

    def _build(self, data_center: str, gpu_id: str, cloud: str) -> Pool:
        row = self._row(data_center, gpu_id, cloud)
        pool = Pool(data_center, gpu_id, cloud, row)
        gpu = find_gpu(gpu_id)
        if gpu is None or not gpu.rentable(cloud) or data_center not in {dc.id for dc in data_centers()}:
            return pool
        pool.hosts = [self._host(pool, gpu, index, size) for index, size in enumerate(_sizes(row, gpu, cloud))]
        return pool

    def _row(self, data_center: str, gpu: str, cloud: str) -> StockRow:
        for row in reversed(self._scenario.stock):
            here = fnmatchcase(gpu, row.gpu) and fnmatchcase(data_center, row.data_center)
            if here and row.cloud in ("*", cloud) and in_force(row, self._passed()):
                return row
        return StockRow()

    def _host(self, pool: Pool, gpu: GpuType, index: int, size: tuple[int, int]) -> Host:
        text = f"{self._seed}/{pool.data_center}/{pool.gpu}/{pool.cloud}/{index}"
        host_id = hashlib.sha256(text.encode()).hexdigest()[:8]
        versions = pool.row.cuda or self._scenario.hosts.cuda_versions
        cuda = versions[index % len(versions)] if versions and gpu.manufacturer == "NVIDIA" else None
        place = "" if self._has_no_place(host_id, pool.cloud) else pool.data_center
        known = self.hosts.get(host_id)
        if known is None:
            known = self.hosts[host_id] = Host(host_id, pool.gpu, place, pool.cloud, size[0], cuda, size[1])
        # The rules have changed: pods that sit here keep their GPUs, their driver and their place.
        known.size, known.offered = size
        if not known.used:
            known.cuda, known.data_center = cuda, place
        return known

    def _has_no_place(self, host_id: str, cloud: str) -> bool:
        share = self._scenario.hosts.community_without_place
        return cloud == "COMMUNITY" and int(host_id, 16) / 16**8 < share


def _sizes(row: StockRow, gpu: GpuType, cloud: str) -> list[tuple[int, int]]:
    """(GPUs, free GPUs) per host. An empty pool still has a host: offered here, and full."""
    size = min(row.gpus_per_host or gpu.max_count(cloud), gpu.max_count(cloud))
    count = 0 if row.count == "none" else row.count
    if count == 0:
        return [(size, 0)]
    whole, rest = divmod(count, size)
    return [(size, size)] * whole + ([(size, rest)] if rest else [])


def in_force(row: StockRow | Refuse, passed: float) -> bool:
    return row.from_s <= passed and (not row.until_s or passed < row.until_s)


def cuda_fits(cuda: str | None, allowed: tuple[str, ...], minimum: str) -> bool:
    """`allowed` is matched exactly, `minimum` number by number (12.11 is above 12.2)."""
    if allowed and cuda not in allowed:
        return False
    return not minimum or (cuda is not None and version(cuda) >= version(minimum))


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def offered(cloud: str) -> list[GpuType]:
    return [gpu for gpu in gpu_types() if gpu.rentable(cloud)]
