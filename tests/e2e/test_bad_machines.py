"""`rp deploy` on machines that are not worth keeping: each is found, named, ended, remembered, and another taken."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conftest import FAST_BOOT, IMAGE, Result, User, World
from e2e.bad_machines import DEEP, FAILING, HANGING, IMAGE_BROKEN, UNKNOWN, WARNING, Scene, cuda, scene
from rp.domain.verdict import Check, Owner, Verdict
from rp.health.catalogue import CHECKS
from rp.state.journal import Journal
from rp.state.looks import Looks
from rp_sim.control import Running
from sim_fixture import simulator

# One of each kind is for every run; the others take minutes.
FAST = ("gpu.remap_pending",)
TORCH = '[images."runpod/*"]\ntorch = true\nfingerprints = true\n'
SAME_MACHINE = "on a machine that failed before"
NOTHING_LEFT = "nothing is left but machines that failed before: trying the best of them (it failed on "
ONE_MACHINE = """\
[[stock]]
count = "none"
[[stock]]
gpu = "NVIDIA GeForce RTX 4090"
data_center = "EU-RO-1"
cloud = "SECURE"
count = 1
gpus_per_host = 1
"""
OTHERS = '[[stock]]\ngpu = "NVIDIA L4"\ncount = 8\n'
# What the simulator cannot do → why not.
NOT_SIMULATED: dict[str, str] = {}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One simulator for all: starting it takes longer than most of the rest."""
    with simulator(tmp_path_factory.mktemp("bad-machines"), FAST_BOOT) as found:
        yield found


@dataclass(frozen=True)
class Stage:
    """A user, and the pods that come up from now on."""

    user: User
    world: World
    folder: Path
    before: int

    def set(self, scenario: str) -> None:
        self.world.follow(FAST_BOOT + TORCH + scenario, self.folder)

    def nth(self, *numbers: int) -> str:
        return f"nth_pod = {[self.before + number for number in numbers]}"

    def template(self, scene: Scene, **health: Any) -> None:
        changes = scene.template()
        changes["container"] = {"imageName": IMAGE, **changes.get("container", {})}
        changes["health"] = {"retryBackoffSeconds": 0, "sshTimeoutSeconds": 20, **changes["health"], **health}
        self.user.write_template(**changes)

    def deploy(self, *words: str, code: int = 0, limit: float = 60) -> Result:
        process = self.user.start("deploy", "sd", "--alias", "my-pod", "--json", *words)
        out, err = process.communicate(timeout=limit)
        assert process.returncode == code, f"{out}\n{err}"
        return Result(code, out, err)

    @property
    def pods(self) -> list[dict[str, Any]]:
        return self.world.pods[self.before :]

    @property
    def alive(self) -> list[str]:
        return [pod["id"] for pod in self.pods if pod["alive"]]

    @property
    def avoided(self) -> list[dict[str, Any]]:
        return [host for host in self.user.rp("hosts", "list", "--json").json if host["avoided"]]

    def checks(self, pod_id: str, verdict: Verdict) -> list[Check]:
        """What the last look at a pod found."""
        looks = Looks(Journal(self.user.state / "rp.db", self.user.state / "locks")).of(pod_id)
        return [check for check in looks[-1].report.checks if check.verdict is verdict] if looks else []


@pytest.fixture
def stage(user: User, running: Running, tmp_path: Path) -> Stage:
    world = World(running)
    user.env.update(RP_API_URL=running.url, RUNPOD_API_KEY=running.key)
    return Stage(user, world, tmp_path, len(world.pods))


@pytest.fixture
def alone(user: User, make_world: Callable[..., World], tmp_path: Path) -> Stage:
    """With a world of one's own, in which nobody else is on the machines."""
    return Stage(user, make_world(), tmp_path, 0)


def scenes(found: list[Scene], *fast: str) -> list[Any]:
    return [pytest.param(one, id=one.name, marks=() if one.name in fast else pytest.mark.slow) for one in found]


def told(attempts: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Outcome and reason of each attempt, but for machines that the next pod got once more."""
    return [(one["outcome"], one["reason"]) for one in attempts if one["reason"] != SAME_MACHINE]


# ---- the machine's faults ----


@pytest.mark.parametrize("scene", scenes(FAILING, *FAST))
def test_a_bad_machine_is_named_and_left_for_a_good_one(stage: Stage, scene: Scene) -> None:
    stage.set(scene.scenario(stage.nth(1)))
    stage.template(scene)

    deployed = stage.deploy().json

    assert_left(stage, scene, deployed)


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("scene", scenes(HANGING))
def test_a_driver_that_hangs_is_given_a_second_try_and_no_third(stage: Stage, scene: Scene) -> None:
    stage.set(scene.scenario(stage.nth(1)))
    stage.template(scene)

    deployed = stage.deploy(limit=150).json

    assert_left(stage, scene, deployed)


def assert_left(stage: Stage, scene: Scene, deployed: dict[str, Any]) -> None:
    (bad, reason), kept = told(deployed["attempts"])
    first = stage.pods[0]["id"]
    failed = [check for check in stage.checks(first, Verdict.FAIL) if check.id in scene.ids]
    assert failed
    assert (bad, kept) == ("terminated", ("kept", ""))
    assert reason.startswith(failed[0].sentence)
    assert stage.alive == [deployed["id"]] == [stage.user.aliases["my-pod"]]
    assert deployed["health"]["verdict"] == "pass"
    (host,) = stage.avoided
    assert [(one["pod_id"], one["reason"]) for one in host["failures"]] == [(first, reason)]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_nvidias_own_diagnosis_counts(stage: Stage) -> None:
    """It is part of `deep`, which takes more than a minute for each pod."""
    stage.set(DEEP.scenario())
    stage.template(DEEP)

    failed = stage.deploy("--retries", "0", code=5, limit=150).json

    [(outcome, reason)] = told(failed["attempts"])
    assert (outcome, reason) == ("terminated", "NVIDIA's diagnosis says that Memory fails - GPU: 0.")
    assert stage.alive == []


# ---- the image's faults ----


@pytest.mark.slow
@pytest.mark.parametrize("scene", scenes(IMAGE_BROKEN, "asked.env"))
def test_what_the_image_is_to_blame_for_ends_it_after_two_machines(stage: Stage, scene: Scene) -> None:
    stage.set(scene.scenario())
    stage.template(scene)

    failed = stage.deploy(code=5).json

    first, second = told(failed["attempts"])
    found = [check for check in stage.checks(stage.pods[0]["id"], Verdict.FAIL) if check.id in scene.ids]
    assert [check.owner for check in found] == [Owner.IMAGE]
    assert first == second == ("terminated", found[0].sentence)
    assert failed["error"]["code"] == "image_broken"
    assert found[0].sentence in failed["error"]["message"]
    assert stage.alive == []
    assert len({pod["host"] for pod in stage.pods}) == 2
    assert stage.avoided == []
    assert stage.user.aliases == {}


# ---- what is not worth another pod ----


@pytest.mark.parametrize("scene", scenes(WARNING, WARNING[1].name))
def test_a_warning_is_told_and_the_pod_kept(stage: Stage, scene: Scene) -> None:
    stage.set(scene.scenario(stage.nth(1)))
    stage.template(scene)

    result = stage.deploy()

    assert told(result.json["attempts"]) == [("kept", "")]
    warned = {check.id: check.sentence for check in stage.checks(result.json["id"], Verdict.WARN)}
    assert set(scene.ids) <= set(warned)
    for check in scene.ids:
        assert f"! warning: {warned[check]}\n" in result.err
    assert stage.avoided == []


def test_what_is_only_unknown_is_no_warning(stage: Stage) -> None:
    stage.set(UNKNOWN.scenario(stage.nth(1)))
    stage.template(UNKNOWN)

    result = stage.deploy()

    assert told(result.json["attempts"]) == [("kept", "")]
    assert set(UNKNOWN.ids) <= {check.id for check in stage.checks(result.json["id"], Verdict.UNKNOWN)}
    assert result.json["health"]["verdict"] == "pass"
    assert "warning" not in result.err
    assert stage.avoided == []


# ---- what good machines do once ----


@pytest.mark.parametrize(
    "once",
    [
        cuda("cuda.init", "init_once"),
        # One probe tries three times.
        pytest.param(cuda("cuda.init", "init_once", first=4), marks=pytest.mark.slow),
        pytest.param(scene("gpu.nvidia_smi", "smi_status", hang=True, first=1), marks=pytest.mark.slow),
    ],
    ids=lambda one: one.name,
)
def test_what_happens_once_is_asked_again_and_forgiven(stage: Stage, once: Scene) -> None:
    stage.set(once.scenario(stage.nth(1)))
    stage.template(once)

    result = stage.deploy()

    assert told(result.json["attempts"]) == [("kept", "")]
    assert once.ids[0] in {check.id for check in stage.checks(result.json["id"], Verdict.PASS)}
    assert stage.avoided == []


# ---- machines are remembered ----

BROKEN = cuda("cuda.wrong_result", "wrong_result")


def fail_once(alone: Stage) -> dict[str, Any]:
    """The only machine there is gives a bad pod; what is remembered of it."""
    alone.set(ONE_MACHINE + BROKEN.scenario(alone.nth(1)))
    alone.template(BROKEN)
    alone.deploy("--retries", "0", code=5)
    assert alone.alive == []
    (host,) = alone.avoided
    return host


@pytest.mark.slow
def test_a_machine_that_failed_is_recognised_before_anyone_logs_in(alone: Stage) -> None:
    host = fail_once(alone)
    # Logging in would take until the end of the world.
    alone.set(ONE_MACHINE + OTHERS + f'[[jank]]\nkind = "no_banner"\n{alone.nth(2)}\n')

    result = alone.deploy("--gpu", "RTX 4090,L4")

    _, held, kept = alone.pods
    assert [one["reason"] for one in result.json["attempts"]] == [SAME_MACHINE, "no capacity", ""]
    assert f"pod {held['id']} is held until another has a machine: its machine failed on " in result.err
    assert host["failures"][0]["reason"] in result.err
    assert alone.checks(held["id"], Verdict.PASS) == []
    assert (kept["gpu"], alone.alive) == ("NVIDIA L4", [result.json["id"]])


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["trust", "forget"])
def test_a_machine_may_be_trusted_again(alone: Stage, verb: str) -> None:
    host = fail_once(alone)
    alone.set(ONE_MACHINE + OTHERS)

    alone.user.rp("hosts", verb, str(host["number"]))
    result = alone.deploy("--gpu", "RTX 4090,L4")

    assert told(result.json["attempts"]) == [("kept", "")]
    assert result.json["gpu"] == "NVIDIA GeForce RTX 4090"
    assert alone.avoided == []
    assert "failed before" not in result.err


@pytest.mark.slow
def test_nothing_but_a_machine_that_failed_is_tried_all_the_same(alone: Stage) -> None:
    host = fail_once(alone)
    alone.set(ONE_MACHINE)

    result = alone.deploy()

    assert f"{NOTHING_LEFT}" in result.err
    assert f": {host['failures'][0]['reason']})" in result.err
    assert [one["reason"] for one in result.json["attempts"]] == [SAME_MACHINE, "no capacity", ""]
    assert len({pod["host"] for pod in alone.pods}) == 1
    assert alone.alive == [result.json["id"]]


@pytest.mark.slow
def test_a_machine_that_fails_once_more_ends_it(alone: Stage) -> None:
    fail_once(alone)
    alone.set(ONE_MACHINE + BROKEN.scenario())

    failed = alone.deploy("--retries", "0", code=5)

    assert NOTHING_LEFT in failed.err
    assert alone.alive == []
    (host,) = alone.avoided
    assert len(host["failures"]) == 2


# ---- nothing is left out ----


def test_each_check_that_can_fail_or_warn_has_a_scene() -> None:
    failing = {check for one in (*FAILING, *IMAGE_BROKEN, *HANGING, DEEP) for check in one.ids}
    warning = {check for one in WARNING for check in one.ids}
    can_fail = {check for check, known in CHECKS.items() if known.when_fail()}
    assert failing | (NOT_SIMULATED.keys() & can_fail) == can_fail
    assert warning | (NOT_SIMULATED.keys() - can_fail) == CHECKS.keys() - can_fail
    assert not NOT_SIMULATED.keys() & (failing | warning)
