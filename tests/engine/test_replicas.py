"""`--replicas`: several deploys side by side that share what they learn, and fail one by one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.test_crash_matrix import FOREIGN
from engine.world import World
from rp.domain.catalog import Stock
from rp.domain.pod import Pod
from rp.errors import Interrupted, NoCapacity, UsageProblem
from rp.operations import deploy, replicas
from rp.operations.events import Healthy, Of, Phase
from rp.operations.results import Deployed, Replicas


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
    assert "sd-1: pod pod0" in said
    assert "keeps running" in said
    assert "sd-2: pod pod1" in said
    assert world.journal.unfinished() == ()


def test_a_template_can_number_them(world: World) -> None:
    world.template = replace(world.template, alias_pattern="gpu-{i}")
    plan = replace(world.plan("gpu-1"))

    plans = replicas.plans_of(plan, 2, None, world.ports)

    assert [one.alias for one in plans] == ["gpu-1", "gpu-2"]


def test_an_interruption_ends_pods_whose_lanes_are_deep_in_a_look(world: World) -> None:
    world.cloud.command = 200.0
    plans = replicas.plans_of(world.plan("sd-1"), 4, "sd-{i}", world.ports)
    events = replicas.deploy_all(plans, world.ports)
    while len([one for one in world.events if isinstance(one, Of) and one.event == Phase("checking: check")]) < 4:
        world.events.append(next(events))

    with pytest.raises(Interrupted) as interrupted:
        events.throw(Interrupted("SIGINT"))

    assert world.cloud.pods_by_id == {}
    assert len([line for line in interrupted.value.details if "was terminated" in line]) == 4


def test_an_interruption_does_not_cut_a_clean_up_short(world: World) -> None:
    """sd-1 fails by itself, its pod does not go at the first try, and then comes Ctrl-C."""
    other = world.cloud.create(FOREIGN)
    world.cloud.on_create = ["good", "slow"]
    world.cloud.on_terminate = ["HTTP 500", "HTTP 500"]
    plans = replicas.plans_of(world.plan("sd-1"), 2, "sd-{i}", world.ports)
    plans = tuple(replace(plan, force=False) for plan in plans)
    world.aliases.put("sd-1", other.id)
    events = replicas.deploy_all(plans, world.ports)
    while not world.cloud.on_terminate or len(world.cloud.on_terminate) == 2:
        world.events.append(next(events))

    with pytest.raises(Interrupted) as interrupted:
        events.throw(Interrupted("SIGINT"))

    assert list(world.cloud.pods_by_id) == [other.id]
    assert "keeps running" not in "\n".join(interrupted.value.details)


def test_a_bug_in_one_does_not_hide_the_others(world: World) -> None:
    opened, real = iter([True]), world.remote.open_session

    def open_session(*where: Any) -> Any:
        if next(opened, False):
            raise OSError(24, "Too many open files")
        return real(*where)

    world.remote.open_session = open_session  # type: ignore[method-assign,assignment]

    result = _deploy(world, 3)

    assert len(result.ready) == 2
    (failed,) = [one for one in result.all if one.bug]
    assert "Too many open files" in str(failed.error)
    assert result.exit_status == 1


def test_they_look_at_the_catalog_together(world: World) -> None:
    world.cloud.told = lambda cloud, gpu: Stock.NONE
    world.cloud.has_room = lambda request: False
    plans = replicas.plans_of(replace(world.plan("sd-1"), wait=3600.0), 32, "sd-{i}", world.ports)
    before = world.cloud.catalog_reads

    result: Replicas = world.follow(replicas.deploy_all(plans, world.ports))

    assert not result.ready
    assert world.cloud.catalog_reads - before < 3600 / 12


def test_a_number_that_another_terminal_took_meanwhile_is_left_to_it(world: World) -> None:
    mine, theirs = world.plan("sd-{i}"), world.plan("sd-{i}")
    assert mine.alias == theirs.alias == "sd-1"
    running = deploy.deploy(theirs, world.ports)
    next(running)

    deployed: Deployed = world.follow(deploy.deploy(mine, world.ports))

    assert deployed.alias == "sd-2"
    world.follow(running)
    assert sorted(world.aliases.all()) == ["sd-1", "sd-2"]


def test_room_that_a_bad_pod_gave_back_is_not_lost(world: World) -> None:
    world.template = replace(world.template, gpu_preference=("GPU",))
    world.cloud.has_room = lambda request: len(world.cloud.pods_by_id) < 2

    result = _deploy(world, 2, "bad", "good", "good")

    assert len(result.ready) == 2
