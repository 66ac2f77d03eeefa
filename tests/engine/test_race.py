"""Races: several pods boot at once, one is kept, the others are ended, and never are there more than were wanted."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.world import World
from rp.domain.attempt import LOST, State
from rp.domain.catalog import Stock
from rp.errors import InsufficientBalance, NoCapacity, NoGoodPod, PodLeft, StateUnwritable
from rp.operations.events import Ended, Held, Trying


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    assert set(made.aliases.all().values()) == set(made.cloud.pods_by_id)


def test_the_first_that_is_healthy_is_kept_and_the_others_are_ended(world: World) -> None:
    deployed = world.deploy(race=2)

    assert [one.candidate.gpu.name for one in world.told(Trying)] == ["GPU", "OTHER"]
    assert len(world.cloud.created) == 2
    assert world.cloud.most_alive == 2
    (ended,) = world.told(Ended)
    (loser,) = [attempt for attempt in deployed.attempts if attempt.reason == LOST]
    assert loser.name == ended.name
    assert loser.state is State.TERMINATED
    assert loser.cost > 0


def test_one_candidate_can_race_against_itself(world: World) -> None:
    world.template = replace(world.template, gpu_preference=("GPU",))

    world.deploy(race=3)

    assert [request.gpu_id for request in world.cloud.created] == ["GPU"] * 3
    assert world.cloud.most_alive == 3


def test_a_slow_pod_loses_against_a_quick_one(world: World) -> None:
    deployed = world.deploy("slow", race=2)

    assert deployed.pod.gpu_id == "OTHER"
    assert world.clock.time - world.began < 30


def test_a_bad_pod_makes_room_for_another(world: World) -> None:
    world.cloud.told = lambda cloud, gpu: Stock.HIGH if gpu == "GPU" else Stock.NONE

    world.deploy("bad", "slow", "good", race=2)

    assert world.cloud.most_alive == 2
    assert len(world.cloud.created) == 3


@pytest.mark.parametrize("race", [2, 3])
@pytest.mark.parametrize(
    "creates",
    [
        ["unclear late", "unclear", "nothing, unclear"],
        ["unclear", "unclear", "unclear"],
        ["unclear late", "bad", "unclear late", "bad late"],
        ["late", "bad late", "late"],
        ["nothing, unclear", "bad", "slow"],
    ],
)
def test_never_more_pods_exist_than_were_to_race(world: World, race: int, creates: list[str]) -> None:
    """A create without an answer keeps its room until it is certain that no pod came of it."""
    world.try_to_deploy(*creates, race=race)
    world.settle()

    assert world.cloud.most_alive <= race


def test_machines_that_failed_before_are_not_held_in_a_race(world: World) -> None:
    world.remember()

    world.deploy("same", "same", "good", race=2)

    assert not world.told(Held)
    assert world.cloud.most_alive <= 2
    assert "00000000" not in world.alive


def test_a_race_without_capacity(world: World) -> None:
    with pytest.raises(NoCapacity) as refused:
        world.deploy("refused", "refused", race=2)

    assert "2 placements tried" in refused.value.message
    assert len(world.cloud.created) == 2


def test_a_race_of_bad_pods(world: World) -> None:
    with pytest.raises(NoGoodPod):
        world.deploy("bad", "bad", "bad", "bad", race=2)


def test_an_empty_balance_does_not_end_a_pod_that_boots(world: World) -> None:
    deployed = world.deploy("good", "no balance", race=2)

    assert deployed.pod.gpu_id == "GPU"


def test_an_empty_balance_ends_a_race_without_pods(world: World) -> None:
    with pytest.raises(InsufficientBalance):
        world.deploy("no balance", "no balance", race=2)


def test_a_bad_pod_that_will_not_die_keeps_its_room(world: World) -> None:
    world.cloud.on_terminate = ["HTTP 500"] * 20

    with pytest.raises(PodLeft):
        world.deploy("bad", "bad", race=2)

    assert world.cloud.most_alive == 2
    world.cloud.on_terminate = []
    world.settle()


def test_a_loser_that_will_not_die_is_told_of(world: World) -> None:
    world.cloud.on_terminate = ["HTTP 500"] * 20

    deployed = world.deploy(race=2)

    assert len(deployed.left) == 1
    world.cloud.on_terminate = []
    world.settle()


def test_an_interruption_ends_every_pod(world: World) -> None:
    world.deploy_until(lambda: len(world.cloud.pods_by_id) == 2, "slow", "slow", race=2)

    assert world.cloud.pods_by_id == {}
    assert len(world.attempts) == 2
    assert all(attempt.state is State.TERMINATED for attempt in world.attempts)


@pytest.mark.parametrize("boot", [4.0, 23.25, 25.0, 28.0, 30.5])
def test_a_lane_that_waits_for_room_makes_no_pod_once_another_is_kept(world: World, boot: float) -> None:
    world.cloud.boot = boot

    world.deploy("good", "unclear late", race=2)
    world.settle()

    assert world.cloud.most_alive <= 2


def test_a_lane_deep_in_a_look_at_its_pod_does_not_keep_it_alive(world: World) -> None:
    """The loser's smoke command takes long; the winner's pod has none to wait for."""
    real = world.cloud.sleep
    commands = iter([100.0, 0.0])
    world.cloud.sleep = lambda seconds: real(next(commands, 0.0))

    deployed = world.deploy(race=2)

    (loser,) = [attempt for attempt in deployed.attempts if attempt.reason == LOST]
    assert loser.state is State.TERMINATED
    assert loser.seconds < 20


def test_a_bug_in_one_lane_does_not_leave_its_pod(world: World) -> None:
    opened, real = iter([True]), world.remote.open_session

    def open_session(*where: Any) -> Any:
        if next(opened, False):
            raise OSError(24, "Too many open files")
        return real(*where)

    world.remote.open_session = open_session  # type: ignore[method-assign,assignment]

    deployed = world.deploy(race=2)

    (lost,) = [attempt for attempt in deployed.attempts if attempt.state is not State.KEPT]
    assert lost.state is State.TERMINATED
    assert lost.seconds < 20


def test_a_decided_race_whose_pod_cannot_be_kept_ends_at_once(world: World) -> None:
    def publish(*what: object) -> None:
        raise StateUnwritable("the disk is full")

    world.remote.publish = publish  # type: ignore[method-assign,assignment]

    with pytest.raises(StateUnwritable) as full:
        world.deploy("good", "slow", race=2)

    assert world.clock.time - world.began < 60
    assert len(world.cloud.created) == 2
    assert "keeps running" in "\n".join(full.value.details)


def test_one_machine_can_be_had_again_after_a_bad_pod(world: World) -> None:
    """The other lane was refused it while it was taken."""
    world.template = replace(world.template, gpu_preference=("GPU",))
    world.cloud.has_room = lambda request: len(world.cloud.pods_by_id) == 0

    world.deploy("bad", race=2)

    assert len(world.cloud.pods_by_id) == 1
