"""Which creates a deploy sends: landings outside the region, refused candidates, single data centers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.world import World
from rp.domain.catalog import Catalog, DataCenter, GpuType, Offer, Stock
from rp.domain.clouds import COMMUNITY, SECURE
from rp.domain.pod import Pod
from rp.domain.request import PodRequest
from rp.errors import NoCapacity
from rp.operations.events import Warned
from rp.operations.sweep import LANDINGS

CENTERS = (
    DataCenter("EU-RO-1", continent="EUROPE"),
    DataCenter("EU-SE-1", continent="EUROPE"),
    DataCenter("EU-CZ-1", continent="EUROPE"),
    DataCenter("US-KS-2", continent="NORTH_AMERICA"),
)
EU = ("EU-RO-1", "EU-SE-1", "EU-CZ-1")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    made.cloud.centers = CENTERS
    made.cloud.gpu_types = (GpuType("GPU", "GPU", 24, {SECURE: Offer(1.0, 8), COMMUNITY: Offer(0.5, 8)}),)
    made.template = replace(
        made.template, gpu_preference=("GPU",), region_preference=("EU",), cloud_preference=(COMMUNITY,)
    )
    yield made
    assert set(made.aliases.all().values()) == set(made.cloud.pods_by_id)


def test_a_community_create_is_not_pinned(world: World) -> None:
    world.cloud.lands_in = ["EU-RO-1"]

    deployed = world.deploy()

    assert [request.data_center_ids for request in world.cloud.created] == [()]
    assert deployed.pod.data_center == "EU-RO-1"
    assert not world.told(Warned)


def test_a_pod_outside_the_region_is_dropped_at_once(world: World) -> None:
    world.cloud.lands_in = ["US-KS-2", "EU-SE-1"]

    deployed = world.deploy()

    assert deployed.pod.data_center == "EU-SE-1"
    (dropped, _) = deployed.attempts
    assert "landed in US-KS-2, outside EU" in dropped.reason
    assert dropped.seconds < 5
    # It is nobody's fault: it costs no retry, and no machine is remembered for it.
    assert not [host for host in world.hosts.all() if host.failures]


def test_after_that_many_landings_it_is_pinned(world: World) -> None:
    world.cloud.lands_in = [*["US-KS-2"] * LANDINGS, "EU-SE-1"]

    world.deploy()

    assert [request.data_center_ids for request in world.cloud.created] == [()] * LANDINGS + [EU]


def test_landings_are_bounded(world: World) -> None:
    world.cloud.lands_in = ["US-KS-2"] * 20
    world.cloud.has_room = lambda request: not request.data_center_ids

    with pytest.raises(NoCapacity):
        world.deploy()

    assert len(world.cloud.created) == LANDINGS + 1
    assert world.cloud.pods_by_id == {}


def test_a_place_that_is_not_told_is_kept_and_said_so(world: World) -> None:
    world.cloud.lands_in = [None]

    world.deploy()

    (warned,) = world.told(Warned)
    assert "EU was wanted" in warned.text


def test_a_secure_create_names_the_whole_region(world: World) -> None:
    world.template = replace(world.template, cloud_preference=(SECURE,))

    world.deploy()

    assert [request.data_center_ids for request in world.cloud.created] == [EU]


def test_single_data_centers_come_after_the_whole_list(world: World) -> None:
    """The catalog names one of the three, the list was refused all the same: it is asked for by itself."""
    world.template = replace(world.template, cloud_preference=(SECURE,))
    real = world.cloud.gpus

    def gpus(cloud: str, *, count: int, **cuda: object) -> Catalog:
        places = {(SECURE, "GPU", 1, place): Stock.NONE for place in EU} | {(SECURE, "GPU", 1, "EU-CZ-1"): Stock.LOW}
        return replace(real(cloud, count=count), place_stock=places)

    world.cloud.gpus = gpus  # type: ignore[method-assign]
    world.cloud.has_room = lambda request: request.data_center_ids == ("EU-CZ-1",)

    world.deploy()

    assert [request.data_center_ids for request in world.cloud.created] == [EU, ("EU-CZ-1",)]


def _sixty(world: World) -> None:
    """60 candidates, of which the last alone has room."""
    world.cloud.gpu_types = tuple(GpuType(f"GPU {n}", f"GPU {n}", 24, {SECURE: Offer(1.0 + n, 8)}) for n in range(60))
    world.template = replace(
        world.template,
        gpu_preference=tuple(f"GPU {n}" for n in range(60)),
        region_preference=(),
        cloud_preference=(SECURE,),
    )
    world.cloud.has_room = lambda request: request.gpu_id == "GPU 59"


@pytest.mark.parametrize("order", ["preference", "price", "stock"])
def test_a_true_catalog_saves_the_creates(world: World, order: str) -> None:
    _sixty(world)
    world.template = replace(world.template, order=order)
    world.cloud.told = lambda cloud, gpu: Stock.LOW if gpu == "GPU 59" else Stock.NONE

    world.deploy()

    assert len(world.cloud.created) == 1
    assert world.cloud.catalog_reads == 1


@pytest.mark.parametrize("level", [Stock.HIGH, Stock.NONE])
def test_a_stale_catalog_hides_nothing(world: World, level: Stock) -> None:
    _sixty(world)
    world.cloud.told = lambda cloud, gpu: level

    world.deploy()

    assert [request.gpu_id for request in world.cloud.created] == [f"GPU {n}" for n in range(60)]
    assert world.cloud.catalog_reads == 1


def test_a_landing_that_is_told_late_counts_too(world: World) -> None:
    real = world.cloud.create

    def create(request: PodRequest) -> Pod:
        return replace(real(request), data_center=None)

    world.cloud.create = create  # type: ignore[method-assign]
    world.cloud.lands_in = ["US-KS-2", "EU-SE-1"]

    deployed = world.deploy()

    assert deployed.pod.data_center == "EU-SE-1"
    assert len(world.cloud.created) == 2


def test_landings_are_bounded_over_a_night(world: World) -> None:
    world.cloud.lands_in = ["US-KS-2"] * 200
    world.cloud.has_room = lambda request: not request.data_center_ids
    world.cloud.told = lambda cloud, gpu: Stock.LOW if int((world.clock.time - world.began) / 300) % 2 else Stock.NONE

    with pytest.raises(NoCapacity):
        world.deploy(wait=8 * 3600.0)

    assert len(world.cloud.born_at) == LANDINGS


def test_singles_follow_the_newest_catalog(world: World) -> None:
    world.template = replace(world.template, cloud_preference=(SECURE,))
    real = world.cloud.gpus

    def gpus(cloud: str, *, count: int, **cuda: object) -> Catalog:
        stocked = "EU-RO-1" if world.clock.time - world.began < 3600 else "EU-CZ-1"
        places = {(SECURE, "GPU", 1, place): Stock.NONE for place in EU} | {(SECURE, "GPU", 1, stocked): Stock.LOW}
        return replace(real(cloud, count=count), place_stock=places)

    world.cloud.gpus = gpus  # type: ignore[method-assign]
    world.cloud.has_room = lambda request: request.data_center_ids == ("EU-CZ-1",)

    deployed = world.deploy(wait=4 * 3600.0)

    assert deployed.pod.id in world.cloud.pods_by_id
    assert world.cloud.created[-1].data_center_ids == ("EU-CZ-1",)


@pytest.mark.parametrize("race", [2, 3])
def test_a_race_asks_nothing_that_is_told_to_be_empty(world: World, race: int) -> None:
    _sixty(world)
    world.cloud.told = lambda cloud, gpu: Stock.LOW if gpu == "GPU 59" else Stock.NONE

    world.deploy(race=race)

    assert [request.gpu_id for request in world.cloud.created] == ["GPU 59"] * race


def test_a_race_goes_on_to_what_is_told_to_be_empty(world: World) -> None:
    _sixty(world)
    world.cloud.told = lambda cloud, gpu: Stock.NONE

    world.deploy(race=2)

    assert len(world.cloud.created) == 60


def test_creates_that_are_not_pinned_are_all_the_same(world: World) -> None:
    world.template = replace(world.template, region_preference=("EU", "NA"))
    world.cloud.has_room = lambda request: bool(request.data_center_ids)

    with pytest.raises(NoCapacity):
        world.deploy()

    assert len(world.cloud.created) == 1


@pytest.mark.parametrize("race", [2, 3])
def test_landings_are_bounded_in_a_race_too(world: World, race: int) -> None:
    world.cloud.lands_in = ["US-KS-2"] * 200
    world.cloud.has_room = lambda request: not request.data_center_ids

    with pytest.raises(NoCapacity):
        world.deploy(race=race)

    assert len(world.cloud.born_at) <= LANDINGS + race - 1
    assert world.cloud.pods_by_id == {}
