"""A RunPod in memory, on simulated time: stock that comes and goes, and a catalog that may be late or say always HIGH.

The stock is invented: each (cloud, GPU type, place) has it for a while and then for a while not, on its own.
"""

import bisect
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from engine.stage import Stage
from rp import errors
from rp.domain.catalog import Catalog, DataCenter, GpuType, Offer, Stock
from rp.domain.clouds import COMMUNITY, SECURE
from rp.domain.host_keys import HostKey
from rp.domain.pod import Endpoint, Pod
from rp.domain.request import PodRequest
from rp_sim import inventory

GPUS = ("RTX 4090", "RTX 5090", "L40S", "RTX 6000 Ada", "A100 PCIe")
CLOUDS = (SECURE, COMMUNITY)
REGIONS = {"EU": "EUROPE", "NA": "NORTH_AMERICA"}
# Data centers of each wanted region that have a GPU type on a cloud. On the community cloud there are machines
# elsewhere too, and some that belong to no data center: creates that are not pinned reach them.
PLACES, ELSEWHERE, NOWHERE = 3, 2, 2

# Seconds. How long stock of each level lasts on average; each level begins equally often.
LASTS = {Stock.LOW: 240.0, Stock.MEDIUM: 600.0, Stock.HIGH: 1200.0}
LATENCY = 0.15
BOOT = (40.0, 120.0)
# When a deploy begins, in seconds of its world: there is a past for a late catalog to tell of.
BEGIN = 7200.0
EPOCH = 1_800_000_000.0

# What RunPod answers to a create that finds no room.
CAPACITY = "There are no longer any instances available with the requested specifications."
KEY = HostKey("ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIJ4bRr8oHdAKd0Pb0rbbhEZTDTmPpBWlTHCoN3rKbkOH")

Place = tuple[str, str, str]


def chance(name: str) -> random.Random:
    """The same dice for the same name."""
    return random.Random(name)  # noqa: S311 - nothing is to be kept secret


class Flow:
    """When one place has stock and when not: the same for the same `name`. `shortage` is the share of time without."""

    def __init__(self, name: str, shortage: float) -> None:
        self._random = chance(name)
        mean = sum(LASTS.values()) / len(LASTS)
        self._empty_for = mean * shortage / (1 - shortage)
        # What is met at a moment is more often what lasts.
        [begin] = self._random.choices([*LASTS], [*LASTS.values()])
        self._levels = [Stock.NONE if self._random.random() < shortage else begin]
        self._until = [self._lasts()]

    def _lasts(self) -> float:
        return self._random.expovariate(1 / LASTS.get(self._levels[-1], self._empty_for))

    def at(self, time: float) -> Stock:
        while self._until[-1] <= time:
            self._levels.append(Stock.NONE if self._levels[-1] else self._random.choice([*LASTS]))
            self._until.append(self._until[-1] + self._lasts())
        return self._levels[bisect.bisect_right(self._until, time)]


class Flows:
    """The stock of all places of one world."""

    def __init__(self, seed: int, shortage: float) -> None:
        self._seed = seed
        self._shortage = shortage
        self._known: dict[Place, Flow] = {}

    def at(self, place: Place, time: float) -> Stock:
        if place not in self._known:
            self._known[place] = Flow(f"{self._seed}/{'/'.join(place)}", self._shortage)
        return self._known[place].at(time)


@dataclass(frozen=True)
class CatalogMode:
    """`late`: it tells what was so many seconds ago. `blind`: it says HIGH of all that is offered, always."""

    name: str
    late: float = 0.0
    blind: bool = False


@dataclass
class Clock:
    """What `Stage` keeps its time in."""

    time: float = EPOCH + BEGIN


class Turns(Stage):
    """Side by side is what takes as long as the slowest."""

    def together(self, jobs: Sequence[Callable[[], Any]]) -> list[Any]:
        began = latest = self._clock.time
        results = []
        for job in jobs:
            self._clock.time = began
            results.append(job())
            latest = max(latest, self._clock.time)
        self._clock.time = latest
        return results


@dataclass
class World:
    """One account at this RunPod. `bad` is the share of pods whose smoke command fails."""

    seed: int
    flows: Flows
    catalog: CatalogMode
    bad: float = 0.0
    calls: list[tuple[float, str]] = field(default_factory=list)
    pods_by_id: dict[str, Pod] = field(default_factory=dict)
    created_at: dict[str, float] = field(default_factory=dict)
    most_alive: int = 0
    clock: Turns = field(default_factory=lambda: Turns(Clock()))

    def _call(self, name: str) -> None:
        self.clock.sleep(LATENCY)
        self.calls.append((self.clock.now(), name))

    def create(self, request: PodRequest) -> Pod:
        self._call("create")
        now = self.clock.now()
        wanted = [place for place in offered(request.cloud, request.gpu_id) if _fits(place, request)]
        free = [place for place in wanted if self.flows.at(place, now - EPOCH)]
        if not free:
            raise errors.BadRequest("refused", status=400, detail=CAPACITY)
        dice = chance(f"{self.seed} pod {len(self.created_at)}")
        pod = Pod(
            id=f"pod{len(self.created_at)}",
            name=request.name,
            status="PROVISIONING",
            cloud=request.cloud,
            data_center=dice.choice(free)[2] or None,
            gpu_id=request.gpu_id,
            gpu_count=request.gpu_count,
            cost_per_hour=inventory.require_gpu(request.gpu_id).price(request.cloud),
            env={"bad": "yes"} if dice.random() < self.bad else {},
            # Each pod has a machine of its own.
            proxy_host=f"{len(self.created_at) + 1:08x}",
        )
        self.pods_by_id[pod.id] = pod
        self.created_at[pod.id] = now
        self.most_alive = max(self.most_alive, len(self.pods_by_id))
        return pod

    def _seen(self, pod: Pod) -> Pod:
        boots_for = chance(f"{self.seed} boot {pod.id}").uniform(*BOOT)
        if self.clock.now() - self.created_at[pod.id] < boots_for:
            return pod
        return replace(pod, status="RUNNING", ssh=Endpoint(f"{pod.proxy_host}.example", 22))

    def pods(self) -> tuple[Pod, ...]:
        self._call("list pods")
        return tuple(map(self._seen, self.pods_by_id.values()))

    def pod(self, pod_id: str) -> Pod:
        self._call("get pod")
        return self._seen(self._known(pod_id))

    def terminate(self, pod_id: str) -> None:
        self._call("terminate")
        self._known(pod_id)
        del self.pods_by_id[pod_id]

    def _known(self, pod_id: str) -> Pod:
        if pod_id not in self.pods_by_id:
            raise errors.NoSuchResource("pod not found", status=404)
        return self.pods_by_id[pod_id]

    def log_lines(self, pod_id: str, *, source: str, quiet_after: float, **_: object) -> Iterator[str]:
        self._call("log")
        if source == "container":
            yield f"256 {KEY.fingerprint} root@{pod_id} (ED25519)"
        self.clock.sleep(quiet_after)

    def gpus(self, cloud: str, *, count: int, **_: object) -> Catalog:
        self._call("catalog")
        stock: dict[tuple[str, str, int], Stock] = {}
        by_place: dict[tuple[str, str, int, str], Stock] = {}
        for gpu in wanted_gpus():
            levels = {place: self._told(place) for place in offered(cloud, gpu)}
            stock[cloud, gpu, count] = max(levels.values())
            by_place |= {(cloud, gpu, count, place[2]): level for place, level in levels.items() if place[2]}
        return Catalog(gpu_types(), (), stock, by_place)

    def _told(self, place: Place) -> Stock:
        if self.catalog.blind:
            return Stock.HIGH
        return self.flows.at(place, self.clock.now() - EPOCH - self.catalog.late)

    def data_centers(self) -> tuple[DataCenter, ...]:
        self._call("data centers")
        return data_centers()

    def ssh_keys(self) -> tuple[str, ...]:
        self._call("ssh keys")
        return ()


@cache
def gpu_types() -> tuple[GpuType, ...]:
    """Those of `GPUS`: nobody asks for another."""
    known = {one.name: one for one in inventory.gpu_types()}
    wanted = [known[name] for name in GPUS]
    return tuple(GpuType(one.id, one.name, one.memory, _offers(one), one.manufacturer) for one in wanted)


def _offers(gpu: inventory.GpuType) -> dict[str, Offer]:
    return {cloud: Offer(gpu.price(cloud), gpu.max_count(cloud)) for cloud in CLOUDS if gpu.rentable(cloud)}


@cache
def data_centers() -> tuple[DataCenter, ...]:
    return tuple(DataCenter(one.id, one.name, one.region, one.global_network) for one in inventory.data_centers())


@cache
def wanted_gpus() -> tuple[str, ...]:
    """The ids of `GPUS`."""
    return tuple(gpu.id for gpu in gpu_types())


@cache
def offered(cloud: str, gpu: str) -> tuple[Place, ...]:
    """Where there may be stock of a GPU type; the same in all worlds."""
    dice = chance(f"{cloud} {gpu}")
    inside = {region: [one.id for one in data_centers() if one.continent == region] for region in REGIONS.values()}
    ids = [place for region in inside.values() for place in sorted(dice.sample(region, PLACES))]
    if cloud == COMMUNITY:
        others = [one.id for one in data_centers() if one.continent not in inside]
        ids += [*sorted(dice.sample(others, ELSEWHERE)), *("" for _ in range(NOWHERE))]
    # Those without a data center are told apart by their number.
    return tuple((f"{cloud} {number}", gpu, place) for number, place in enumerate(ids))


def _fits(place: Place, request: PodRequest) -> bool:
    return not request.data_center_ids or place[2] in request.data_center_ids
