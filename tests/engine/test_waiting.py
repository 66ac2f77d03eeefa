"""`--wait`: the catalog is looked at, and creates are sent only where it tells something new."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.fakes import CAPACITY
from engine.world import World
from rp import errors
from rp.domain.catalog import Stock
from rp.domain.pod import Pod
from rp.domain.request import PodRequest
from rp.errors import InsufficientBalance, NoCapacity, NoGoodPod
from rp.operations.board import Board
from rp.operations.events import Looking, Warned

HOUR = 3600.0
FOR_EVER = float("inf")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Nothing is there, and the catalog says so."""
    made = World(tmp_path)
    made.cloud.told = lambda cloud, gpu: Stock.NONE
    made.cloud.has_room = lambda request: False
    yield made
    assert set(made.aliases.all().values()) == set(made.cloud.pods_by_id)


def _comes_at(world: World, seconds: float, gpu: str = "OTHER") -> None:
    """From then on there is room, and the catalog tells of it."""
    at = world.clock.time + seconds
    world.cloud.told = lambda cloud, one: Stock.LOW if one == gpu and world.clock.time >= at else Stock.NONE
    world.cloud.has_room = lambda request: request.gpu_id == gpu and world.clock.time >= at


def test_it_takes_what_appears(world: World) -> None:
    _comes_at(world, 2 * HOUR)

    deployed = world.deploy(wait=FOR_EVER)

    assert deployed.pod.gpu_id == "OTHER"
    assert 2 * HOUR <= world.clock.time - world.began < 2 * HOUR + 60
    # Each candidate once at first, then the one that the catalog tells of.
    assert [request.gpu_id for request in world.cloud.created] == ["GPU", "OTHER", "OTHER"]


def test_news_is_taken_at_the_next_look(world: World) -> None:
    _comes_at(world, 60)

    world.deploy(wait=FOR_EVER)

    assert 60 <= world.clock.time - world.began < 60 + 40


def test_looks_are_paced_for_a_night(world: World) -> None:
    _comes_at(world, 10 * HOUR)

    world.deploy(wait=FOR_EVER)

    assert 10 * HOUR / 30 < world.cloud.catalog_reads < 10 * HOUR / 15
    pauses = [looking.seconds for looking in world.told(Looking)]
    assert min(pauses) >= 15
    assert max(pauses) <= 25
    assert len(set(pauses)) > 100, "no jitter"


def test_it_gives_up_at_the_deadline(world: World) -> None:
    with pytest.raises(NoCapacity):
        world.deploy(wait=HOUR)

    assert HOUR - 1 <= world.clock.time - world.began < HOUR + 5
    assert len(world.cloud.created) == 2


def test_without_a_wait_it_gives_up_at_once(world: World) -> None:
    with pytest.raises(NoCapacity):
        world.deploy()

    assert world.clock.time - world.began < 5


def test_a_catalog_that_always_tells_of_stock_is_asked_at_intervals(world: World) -> None:
    """A label hides what comes and goes below it: each candidate is asked again every two minutes."""
    world.cloud.told = lambda cloud, gpu: Stock.HIGH

    with pytest.raises(NoCapacity):
        world.deploy(wait=2 * HOUR)

    asked = [request.gpu_id for request in world.cloud.created]
    assert 45 <= asked.count("GPU") == asked.count("OTHER") <= 61


def test_stock_that_changes_is_asked_for_again(world: World) -> None:
    """Each rise is worth one create; a change to nothing is worth none."""
    levels = [Stock.LOW, Stock.NONE, Stock.MEDIUM, Stock.NONE]
    world.cloud.told = lambda cloud, gpu: (
        levels[min(int((world.clock.time - world.began) / 60), 3)] if gpu == "GPU" else Stock.NONE
    )

    with pytest.raises(NoCapacity):
        world.deploy(wait=HOUR)

    assert [request.gpu_id for request in world.cloud.created].count("GPU") == 2


def test_the_best_that_was_seen_is_told(world: World) -> None:
    def told(cloud: str, gpu: str) -> Stock:
        passed = world.clock.time - world.began
        return Stock.MEDIUM if gpu == "GPU" and 600 < passed < 700 else Stock.NONE

    world.cloud.told = told

    with pytest.raises(NoCapacity):
        world.deploy(wait=HOUR)

    last = world.told(Looking)[-1]
    assert last.best is not None
    assert (last.best.gpu.name, last.best.stock) == ("GPU", Stock.MEDIUM)
    assert 600 < last.best_at - world.began < 750


def test_an_interruption_leaves_nothing(world: World) -> None:
    world.deploy_until(lambda: len(world.told(Looking)) == 3, wait=FOR_EVER)

    assert world.journal.unfinished() == ()


def test_an_api_that_is_down_for_a_while_is_waited_for(world: World) -> None:
    _comes_at(world, 3 * HOUR)
    real, reads = world.cloud.gpus, 0

    def gpus(*args: object, **words: object) -> object:
        nonlocal reads
        reads += 1
        if HOUR < world.clock.time - world.began < 2 * HOUR:
            raise errors.Unclear("HTTP 502")
        return real(*args, **words)  # type: ignore[arg-type]

    world.cloud.gpus = gpus  # type: ignore[method-assign,assignment]
    plan_reads_first = world.deploy(wait=FOR_EVER)

    assert plan_reads_first.pod.gpu_id == "OTHER"
    assert len([one for one in world.told(Warned) if "catalog" in one.text]) == 1
    assert reads < 3 * HOUR / 20 + 20


def test_creates_without_an_answer_do_not_end_the_night(world: World) -> None:
    _comes_at(world, HOUR)
    world.cloud.has_room = lambda request: True

    deployed = world.deploy("nothing, unclear", "nothing, unclear", "nothing, unclear", "unclear", wait=FOR_EVER)

    world.settle()
    assert deployed.pod.id in world.cloud.pods_by_id
    assert len(world.cloud.pods_by_id) == 1


def test_an_empty_balance_ends_it(world: World) -> None:
    world.cloud.has_room = lambda request: True

    with pytest.raises(InsufficientBalance):
        world.deploy("no balance", wait=FOR_EVER)


def test_bad_pods_end_it(world: World) -> None:
    world.cloud.has_room = lambda request: True

    with pytest.raises(NoGoodPod):
        world.deploy("bad", "bad", wait=FOR_EVER)


def test_one_bad_pod_and_no_capacity_is_still_a_wait(world: World) -> None:
    _comes_at(world, HOUR)
    world.cloud.has_room = lambda request: (
        not world.cloud.born_at or (request.gpu_id == "OTHER" and world.clock.time - world.began >= HOUR)
    )

    deployed = world.deploy("bad", wait=FOR_EVER)

    assert deployed.pod.gpu_id == "OTHER"


def test_what_became_too_dear_overnight_is_not_taken(world: World) -> None:
    world.template = replace(world.template, max_price_per_hour=2.0)
    dear = tuple(
        replace(gpu, offers={cloud: replace(offer, price=offer.price + 1.5) for cloud, offer in gpu.offers.items()})
        for gpu in world.cloud.gpu_types
    )
    _comes_at(world, 600)
    real = world.cloud.told

    def told(cloud: str, gpu: str) -> Stock:
        if world.clock.time - world.began > 300:
            world.cloud.gpu_types = dear
        return real(cloud, gpu)

    world.cloud.told = told

    with pytest.raises(NoCapacity):
        world.deploy(wait=HOUR)

    assert len(world.cloud.created) == 2


def test_a_race_waits_too(world: World) -> None:
    _comes_at(world, HOUR)

    deployed = world.deploy(wait=FOR_EVER, race=2)

    assert deployed.pod.gpu_id == "OTHER"
    assert world.cloud.most_alive <= 2


def test_what_falls_and_comes_back_is_news(world: World) -> None:
    """LOW was refused; NONE, and LOW again within two minutes: that is what a restock looks like."""
    world.template = replace(world.template, gpu_preference=("GPU",))

    def is_there() -> bool:
        return 60 <= world.clock.time - world.began < 110

    world.cloud.told = lambda cloud, gpu: Stock.LOW if world.clock.time - world.began < 5 or is_there() else Stock.NONE
    world.cloud.has_room = lambda request: is_there()

    world.deploy(wait=HOUR)

    assert world.clock.time - world.began < 115


def test_a_label_that_only_falls_is_no_news(world: World) -> None:
    world.template = replace(world.template, gpu_preference=("GPU",))
    world.cloud.told = lambda cloud, gpu: Stock.HIGH if world.clock.time - world.began < 60 else Stock.LOW

    with pytest.raises(NoCapacity):
        world.deploy(wait=110)

    assert len(world.cloud.created) == 1


def test_one_candidate_without_a_clear_answer_is_waited_for(world: World) -> None:
    world.template = replace(world.template, gpu_preference=("GPU",))
    world.cloud.told = lambda cloud, gpu: Stock.LOW
    world.cloud.has_room = lambda request: True

    deployed = world.deploy(*["nothing, unclear"] * 6, wait=8 * HOUR)

    assert deployed.pod.gpu_id == "GPU"


def test_a_rule_that_one_candidate_breaks_does_not_end_the_wait_for_others(world: World) -> None:
    def told(cloud: str, gpu: str) -> Stock:
        passed = world.clock.time - world.began
        return Stock.LOW if passed > (HOUR if gpu == "GPU" else 2 * HOUR) else Stock.NONE

    world.cloud.told = told
    world.cloud.has_room = lambda request: told("", request.gpu_id) is Stock.LOW
    real, creates = world.cloud.create, []

    def create(request: PodRequest) -> Pod:
        creates.append(request.gpu_id)
        if request.gpu_id == "GPU" and world.clock.time - world.began > HOUR:
            raise errors.BadRequest("no", status=400, detail="a rule of this GPU alone")
        return real(request)

    world.cloud.create = create  # type: ignore[method-assign]

    deployed = world.deploy(wait=8 * HOUR)

    assert deployed.pod.gpu_id == "OTHER"
    assert creates.count("GPU") == 2


def test_what_becomes_cheap_enough_overnight_is_taken(world: World) -> None:
    world.template = replace(world.template, max_price_per_hour=1.5)
    _comes_at(world, 600)
    cheap = tuple(
        replace(gpu, offers={cloud: replace(offer, price=1.2) for cloud, offer in gpu.offers.items()})
        for gpu in world.cloud.gpu_types
    )
    real = world.cloud.told

    def told(cloud: str, gpu: str) -> Stock:
        if world.clock.time - world.began > 300:
            world.cloud.gpu_types = cheap
        return real(cloud, gpu)

    world.cloud.told = told

    assert world.deploy(wait=HOUR).pod.gpu_id == "OTHER"


def test_a_pod_that_is_dearer_than_the_catalog_said_is_not_kept(world: World) -> None:
    """FakeCloud's pods cost a dollar, whatever the catalog says."""
    world.template = replace(world.template, max_price_per_hour=0.5)
    world.cloud.gpu_types = tuple(
        replace(gpu, offers={cloud: replace(offer, price=0.4) for cloud, offer in gpu.offers.items()})
        for gpu in world.cloud.gpu_types
    )
    world.cloud.has_room = lambda request: True

    with pytest.raises(errors.RpError, match="above maxPricePerHour"):
        world.deploy()

    assert world.cloud.pods_by_id == {}


def test_a_laptop_that_slept_waits_no_longer_than_was_said(world: World) -> None:
    real = world.stage.now
    world.stage.now = lambda: real() + (5 * HOUR if world.clock.time - world.began > 60 else 0)  # type: ignore[method-assign]

    with pytest.raises(NoCapacity):
        world.deploy(wait=2 * HOUR)

    assert world.clock.time - world.began < 120


def test_many_refusals_are_no_trouble(world: World) -> None:
    board, candidate = Board(world.clock, 1), world.plan().candidates.ordered[0]

    for _ in range(3000):
        board.refused(candidate, errors.BadRequest("refused", status=400, detail=CAPACITY))

    assert board.refusal(candidate)
    world.stage.sleep(HOUR)
    assert board.refusal(candidate) is None
