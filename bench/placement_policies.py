"""Ways to come to a pod: two loops as one would write them, and rp's own engine."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from placement_ports import SeededJournal, ports_of
from placement_world import CLOUDS, GPUS, REGIONS, World, data_centers, wanted_gpus
from rp import errors
from rp.domain.catalog import Stock
from rp.domain.order import PREFERENCE
from rp.domain.pod import Pod
from rp.domain.request import PodRequest
from rp.domain.spec import Spec
from rp.domain.template import Container, Health, Template
from rp.operations import deploy, preflight

TEMPLATE = Template(
    name="bench",
    gpu_preference=GPUS,
    cloud_preference=CLOUDS,
    region_preference=tuple(REGIONS),
    container=Container("image:1"),
    health=Health(smoke_commands=("check",), level="off"),
)
# Seconds. `--wait` looks every 20 s on average for a template of two clouds: the loops begin anew as often. They look
# at a pod that boots every 5 s.
PAUSE, POLL = 20.0, 5.0
LIMIT = 7 * 86_400.0


@dataclass(frozen=True)
class Found:
    """What a way came to: the pod that is kept, if any, and what the pods cost that were ended, in USD."""

    pod_id: str | None
    ended: float = 0.0


Way = Callable[[World, SeededJournal], Found]


@dataclass(frozen=True)
class Policy:
    """`again`: it goes on until there is a pod. `most_alive`: pods that it may have at a time."""

    name: str
    again: bool
    run: Way
    most_alive: int = 1


def engine(*, order: str = PREFERENCE, race: int = 1, wait: float | None = None) -> Way:
    """`rp deploy` from its preflight to the pod that is ready."""

    def run(world: World, journal: SeededJournal) -> Found:
        ports = ports_of(world, journal)
        plan = preflight.prepare(Spec(replace(TEMPLATE, order=order)), "pod", force=False, ports=ports)
        pod_id = None
        try:
            for _ in deploy.deploy(replace(plan, race=race, wait=wait), ports):
                pass
            pod_id = ports.aliases.get("pod")
        except (errors.NoCapacity, errors.NoGoodPod):
            pass
        return Found(pod_id, sum(one.cost for one in journal.attempts(plan.deployment_id) if one.pod_id != pod_id))

    return run


def documented(world: World) -> Iterator[PodRequest]:
    """The sample that RunPod's contract has beside createPod: what the catalog has, a data center at a time.

    It is given two clouds and two regions instead of one.
    """
    told: Mapping[tuple[str, str, int, str], Stock] = {}
    for cloud in CLOUDS:
        told = {**told, **world.gpus(cloud, count=1).place_stock}
    for cloud, ids, gpu in _matrix():
        here = [(told[cloud, gpu, 1, place], place) for place in ids if (cloud, gpu, 1, place) in told]
        for level, place in sorted(here, key=lambda one: -one[0]):
            if level is not Stock.NONE:
                yield _request(cloud, (place,), gpu)


def blind(_: World) -> Iterator[PodRequest]:
    """Each GPU type on each cloud in each region, the region's data centers as one list; nobody asks the catalog."""
    for cloud, ids, gpu in _matrix():
        yield _request(cloud, ids, gpu)


def loop(requests: Callable[[World], Iterator[PodRequest]], *, again: bool) -> Way:
    """Create until one is not refused, anew after a pause where all were, and wait for it to run."""

    def run(world: World, _: object) -> Found:
        deadline = world.clock.now() + LIMIT
        while True:
            for request in requests(world):
                try:
                    pod = world.create(request)
                except errors.BadRequest:
                    continue
                return _booted(pod, world)
            if not again or world.clock.now() > deadline:
                return Found(None)
            world.clock.sleep(PAUSE)

    return run


def _booted(pod: Pod, world: World) -> Found:
    while world.pod(pod.id).ssh is None:
        world.clock.sleep(POLL)
    return Found(pod.id)


def _matrix() -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Cloud × region × GPU, in the order in which rp tries them."""
    for cloud in CLOUDS:
        for continent in REGIONS.values():
            ids = tuple(one.id for one in data_centers() if one.continent == continent)
            for gpu in wanted_gpus():
                yield cloud, ids, gpu


def _request(cloud: str, ids: tuple[str, ...], gpu: str) -> PodRequest:
    return PodRequest("bench", "image:1", gpu, 1, cloud, 20, ("22/tcp",), data_center_ids=ids)


POLICIES = (
    Policy("documented loop", False, loop(documented, again=False)),
    Policy("blind loop", False, loop(blind, again=False)),
    Policy("rp", False, engine()),
    Policy("rp --order stock", False, engine(order="stock")),
    Policy("rp --order price", False, engine(order="price")),
    Policy("rp --race 2", False, engine(race=2), most_alive=2),
    Policy("documented loop, again", True, loop(documented, again=True)),
    Policy("blind loop, again", True, loop(blind, again=True)),
    Policy("rp --wait", True, engine(wait=LIMIT)),
    Policy("rp --wait --order stock", True, engine(order="stock", wait=LIMIT)),
    Policy("rp --wait --race 2", True, engine(race=2, wait=LIMIT), most_alive=2),
)
