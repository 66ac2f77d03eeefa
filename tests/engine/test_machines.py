"""Machines that gave bad pods: avoided, held for a while, and tried again before a deploy starves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.world import SAME, World
from rp.domain.host import FADE_DAYS
from rp.errors import NoCapacity, NoGoodPod, PodLeft
from rp.operations.events import Held, Warned


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    assert set(made.aliases.all().values()) == set(made.cloud.pods_by_id)


def test_a_machine_that_failed_before_is_left_without_a_look_inside(world: World) -> None:
    world.remember()

    world.deploy("same", "good")

    assert world.alive == ["00000002"]
    (held,) = world.told(Held)
    assert "its GPU is gone" in held.reason
    assert world.cloud.most_alive == 2
    assert not world.told(Warned)


def test_it_is_held_until_the_next_pod_has_a_machine(world: World) -> None:
    world.remember()

    world.deploy("same", "same", "good")

    assert world.alive == ["00000003"]
    assert len(world.told(Held)) == 2
    assert world.cloud.most_alive == 2


def test_a_deploy_never_starves(world: World) -> None:
    world.remember()

    world.deploy("same", "same", "same", "same", "same")

    assert world.alive == [SAME]
    (warning,) = world.told(Warned)
    assert "nothing is left but machines that failed before" in warning.text
    assert "its GPU is gone" in warning.text
    assert world.cloud.most_alive == 2


def test_the_held_pod_makes_way_where_it_takes_the_last_place(world: World) -> None:
    """Nothing else has capacity: the only machine there is has to be free to be tried."""
    world.remember()

    world.deploy("same", "refused", "refused", "same")

    assert world.alive == [SAME]
    assert world.cloud.most_alive == 1


def test_a_place_that_was_just_given_up_is_waited_for(world: World) -> None:
    """RunPod's stock lags: the machine that is free again still counts as taken."""
    world.remember()

    world.deploy("same", "refused", "refused", "refused", "refused", "same")

    assert world.alive == [SAME]


def test_a_held_pod_is_ended_though_another_will_not_go(world: World) -> None:
    """The second pod never gets a machine, is given up, and cannot be terminated: the held one is not forgotten."""
    world.remember()
    world.cloud.on_terminate = ["HTTP 500"] * 5

    with pytest.raises(PodLeft):
        world.deploy("same", "nowhere")

    assert world.alive == [None]
    world.aliases.put("left", next(iter(world.cloud.pods_by_id)))


def test_a_held_pod_that_will_not_go_is_told(world: World) -> None:
    world.remember()
    world.cloud.on_terminate = ["HTTP 500"] * 20

    deployed = world.deploy("same", "good")

    assert deployed.left == ("pod0",)
    assert any("pod0" in event.text and "still billed" in event.text for event in world.told(Warned))
    world.aliases.put("left", "pod0")


def test_nothing_is_left_behind_where_nothing_comes_of_it(world: World) -> None:
    world.remember()

    with pytest.raises(NoCapacity):
        world.deploy("same", *["refused"] * 6)

    assert world.alive == []


def test_the_machine_of_a_pod_that_was_bad_just_now_is_avoided(world: World) -> None:
    world.deploy("bad same", "same", "good")

    assert world.alive == ["00000003"]
    # A command of the user's own failed there: that is not held against the machine later.
    assert all(not host.recent(world.clock.now()) for host in world.hosts.all())


def test_the_last_resort_may_fail_too(world: World) -> None:
    world.remember()

    with pytest.raises(NoGoodPod, match="2 pods came"):
        world.deploy("same", "refused", "refused", "bad same", "bad same")

    assert world.alive == []


@pytest.mark.parametrize(("days_ago", "held"), [(FADE_DAYS - 1, 1), (FADE_DAYS + 1, 0)])
def test_failures_fade(world: World, days_ago: float, held: int) -> None:
    world.remember(days_ago)

    world.deploy("same", "good")

    assert len(world.told(Held)) == held


def test_a_trusted_machine_is_taken(world: World) -> None:
    world.remember()
    world.hosts.trust(world.hosts.all()[0].id, world.clock.now())

    world.deploy("same")

    assert world.alive == [SAME]
    assert not world.told(Held)
