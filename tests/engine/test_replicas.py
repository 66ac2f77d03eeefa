"""`--replicas`: several deploys side by side that share what they learn, and fail one by one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.test_crash_matrix import FOREIGN
from engine.world import World
from rp.domain.pod import Pod
from rp.errors import Interrupted, NoCapacity, UsageProblem
from rp.operations import replicas
from rp.operations.events import Healthy, Of
from rp.operations.results import Replicas


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    assert set(made.aliases.all().values()) == set(made.cloud.pods_by_id)


def _deploy(world: World, count: int, *creates: str, pattern: str | None = "sd-{i}") -> Replicas:
    world.cloud.on_create = list(creates)
    plans = replicas.plans_of(world.plan("sd-1"), count, pattern, world.ports)
    result: Replicas = world.follow(replicas.deploy_all(plans, world.ports))
    return result


def test_each_gets_a_pod_and_an_alias_of_its_own(world: World) -> None:
    result = _deploy(world, 5)

    assert [one.alias for one in result.ready] == [f"sd-{number}" for number in range(1, 6)]
    assert len({one.pod.id for one in result.ready}) == 5
    assert result.exit_status == 0


def test_numbers_that_are_taken_are_left_out(world: World) -> None:
    world.aliases.put("sd-2", world.cloud.create(FOREIGN).id)

    result = _deploy(world, 3)

    assert [one.alias for one in result.all] == ["sd-1", "sd-3", "sd-4"]


def test_one_name_is_not_enough_for_several(world: World) -> None:
    with pytest.raises(UsageProblem, match="names one pod"):
        _deploy(world, 2, pattern="sd")


def test_each_has_a_fallback_and_retries_of_its_own(world: World) -> None:
    result = _deploy(world, 3, "bad", "bad", "good", "good", "good")

    assert len(result.ready) == 3
    assert sum(len(one.attempts) for one in result.ready) == 5


def test_partial_success_is_told_as_such(world: World) -> None:
    left = 2

    def has_room(_: object) -> bool:
        nonlocal left
        left -= 1
        return left >= 0

    world.cloud.has_room = has_room

    result = _deploy(world, 4)

    assert len(result.ready) == 2
    assert all(isinstance(one.error, NoCapacity) for one in result.all if not one.deployed)
    assert result.exit_status == 1


def test_nothing_at_all_has_the_status_of_its_reason(world: World) -> None:
    world.cloud.has_room = lambda request: False

    assert _deploy(world, 3).exit_status == 3


def test_what_one_was_refused_no_other_asks_for(world: World) -> None:
    world.cloud.has_room = lambda request: request.gpu_id == "OTHER"

    result = _deploy(world, 8)

    assert len(result.ready) == 8
    assert [request.gpu_id for request in world.cloud.created].count("GPU") == 1


def test_one_list_of_pods_serves_them_all(world: World) -> None:
    lists, real = [], world.cloud.pods

    def pods() -> tuple[Pod, ...]:
        lists.append(world.clock.time)
        return real()

    world.cloud.pods = pods  # type: ignore[method-assign]

    result = _deploy(world, 32)

    assert len(result.ready) == 32
    assert len(lists) <= 3


def test_an_interruption_keeps_what_is_ready(world: World) -> None:
    world.cloud.on_create = ["good", "slow", "slow"]
    plans = replicas.plans_of(world.plan("sd-1"), 3, "sd-{i}", world.ports)
    events = replicas.deploy_all(plans, world.ports)
    while not any(isinstance(one, Of) and isinstance(one.event, Healthy) for one in world.events):
        world.events.append(next(events))

    with pytest.raises(Interrupted) as interrupted:
        events.throw(Interrupted("SIGINT"))

    assert list(world.aliases.all()) == ["sd-1"]
    said = "\n".join(interrupted.value.details)
    assert "sd-1 is ready and keeps running" in said
    assert "sd-2: " in said
    assert world.journal.unfinished() == ()


def test_a_template_can_number_them(world: World) -> None:
    world.template = replace(world.template, alias_pattern="gpu-{i}")
    plan = replace(world.plan("gpu-1"))

    plans = replicas.plans_of(plan, 2, None, world.ports)

    assert [one.alias for one in plans] == ["gpu-1", "gpu-2"]
