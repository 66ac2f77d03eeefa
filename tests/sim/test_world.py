"""The world by itself: no HTTP, no containers, and a clock that stands still unless it is pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rp_sim.clock import Clock, iso, parse_iso
from rp_sim.problems import Problem
from rp_sim.scenario import loads
from rp_sim.world import World
from sim.api import pod_body

if TYPE_CHECKING:
    from rp_sim.pod import Pod

START = 1_800_000_000.0
BOOT = 2.0  # the default: one second each for provisioning and starting


class NoContainers:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.ports = 10_000
        self.held: set[int] = set()

    def reserve_port(self) -> int:
        self.ports += 1
        self.held.add(self.ports)
        return self.ports

    def release_port(self, port: int) -> None:
        self.held.remove(port)

    def create(self, pod: Pod) -> None:
        self.told.append(("create", pod.id))

    def start(self, pod: Pod) -> None:
        self.told.append(("start", pod.id))

    def stop(self, pod: Pod) -> None:
        self.told.append(("stop", pod.id))

    def remove(self, pod: Pod) -> None:
        self.told.append(("remove", pod.id))


class Stage:
    def __init__(self, scenario: str = "") -> None:
        self.clock = Clock(start=START, monotonic=lambda: 0.0)
        self.containers = NoContainers()
        self.world = World(loads(scenario), self.clock, self.containers)

    def after(self, seconds: float) -> World:
        self.clock.advance(seconds)
        self.world.tick()
        return self.world

    def create(self, **changes: Any) -> Pod:
        return self.world.create(pod_body(**changes))


def test_a_life_in_order() -> None:
    stage = Stage()
    pod = stage.create()
    assert stage.containers.told == []
    stage.after(3)
    stage.world.act(pod.id, "stop")
    stage.world.act(pod.id, "start")
    stage.after(3)
    stage.world.delete(pod.id)
    told = [what for what, _ in stage.containers.told]
    assert told == ["create", "start", "stop", "create", "start", "stop", "remove"]
    assert stage.containers.held == set()
    assert pod.host.used == 0


def test_an_action_cancels_what_was_due() -> None:
    stage = Stage()
    pod = stage.create()
    stage.after(0.5)
    stage.world.act(pod.id, "stop")
    assert stage.after(100).pods[pod.id].status == "EXITED"


def test_a_leap_bills_each_stretch_at_its_own_price() -> None:
    stage = Stage('[hosts]\nresume = "ok"\n[[jank]]\nkind = "exited"\n')
    pod = stage.create()
    stage.after(10 * 3600)
    gpu, _ = pod.cost(stage.world.life.at)
    assert pod.status == "EXITED"
    assert gpu == pytest.approx(0.74 * (BOOT + 0.5) / 3600)


def test_money_runs_out_to_the_second() -> None:
    stage = Stage("[account]\nbalance = 1.48\n")
    pod = stage.create(disk=1)
    stage.after(100 * 3600)
    assert pod.terminated_at is not None
    assert pod.terminated_at - START == pytest.approx(2 * 3600, rel=0.001)
    assert stage.world.credit() == pytest.approx(0, abs=1e-6)
    with pytest.raises(Problem) as refused:
        stage.create()
    assert refused.value.status == 402


def test_a_stopped_pod_keeps_costing_its_disk() -> None:
    stage = Stage("[account]\nbalance = 1.0\n")
    pod = stage.create(mounts={"persistent": {"size": 73, "path": "/workspace"}})
    stage.after(3)
    stage.world.act(pod.id, "stop")
    before = stage.world.credit()
    assert before - stage.after(3600).credit() == pytest.approx(73 * 0.20 / 730)


def test_a_seed_repeats_everything() -> None:
    def story() -> list[tuple[str, str, str]]:
        stage = Stage("seed = 7\n[boot]\njitter = 0.5\n")
        pods = [stage.create() for _ in range(5)]
        stage.after(2)
        return [(pod.id, pod.host.id, pod.status) for pod in pods]

    assert story() == story()


def test_jitter_spreads_the_boots() -> None:
    stage = Stage("seed = 1\n[boot]\njitter = 0.5\n")
    pods = [stage.create() for _ in range(30)]
    stage.after(BOOT)
    assert {pod.status for pod in pods} == {"STARTING", "RUNNING"}


def test_no_host_is_ever_overbooked() -> None:
    stage = Stage('[[stock]]\ncount = "none"\n[[stock]]\ndata_center = "EU-RO-1"\ncount = 11\n')
    gpu = {"id": "NVIDIA GeForce RTX 4090", "count": 2}
    for _ in range(5):  # 8 + 3 GPUs: four pods and one
        stage.create(gpu=gpu)
    with pytest.raises(Problem):
        stage.create(gpu=gpu)
    assert all(host.used <= host.offered for host in stage.world.stock.hosts.values())


def test_a_new_scenario_leaves_pods_where_they_are() -> None:
    stage = Stage()
    pod = stage.create(gpu={"id": "NVIDIA GeForce RTX 4090", "count": 8})
    stage.world.replace(loads('[[stock]]\ncount = "none"\n'))
    stage.world.replace(loads(""))
    stage.world.stock.pool(pod.host.data_center, pod.gpu.id, pod.cloud)
    assert pod.host.used == 8
    assert pod.host.free == 0


def test_the_clock_may_run_fast() -> None:
    ticks = iter([0.0, 10.0, 10.0, 10.0, 20.0])
    clock = Clock(60, start=START, monotonic=lambda: next(ticks))
    assert clock.now() == START + 600
    clock.set_speed(1)
    assert clock.now() == START + 610
    assert clock.real_seconds(5) == 5


def test_moments_as_text() -> None:
    assert iso(START) == "2027-01-15T08:00:00Z"
    assert iso(START + 0.25, fraction=True) == "2027-01-15T08:00:00.250Z"
    assert parse_iso("2027-01-15T09:00:00+01:00") == START
    with pytest.raises(ValueError, match="no time zone"):
        parse_iso("2027-01-15T08:00:00")
