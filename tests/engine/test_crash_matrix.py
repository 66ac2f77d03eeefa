"""The process dies before and after every outside effect, and so does its recovery: no pod is ever lost."""

import copy
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from engine.fakes import (
    Crash,
    DyingJournal,
    FakeClock,
    FakeCloud,
    FakeRemote,
    NoCache,
    NoImages,
    Process,
    Watched,
)
from engine.stage import Stage
from engine.world import TEMPLATE
from rp.domain.pod import Pod
from rp.domain.request import PodRequest
from rp.domain.spec import Spec
from rp.errors import RpError
from rp.operations import deploy, ending, preflight
from rp.operations.ports import Ports
from rp.operations.recover import recover
from rp.state.aliases import Aliases
from rp.state.hosts import Hosts
from rp.state.journal import Journal
from rp.state.looks import Looks

FOREIGN = PodRequest("rp-t-zzzzzzzz-1", "image:1", "GPU", 1, "SECURE", 20, ("22/tcp",))

# What happens at each create and at each terminate, in turn; "good" and "gone" from then on.
SCENARIOS: dict[str, tuple[list[str], list[str]]] = {
    "it works": ([], []),
    "refused, then it works": (["refused"], []),
    "nothing anywhere": (["refused", "refused"], []),
    "a bad pod, then a good one": (["bad"], []),
    "bad pods only": (["bad", "bad"], []),
    "the answer is lost, the pod is there": (["unclear"], []),
    "the answer is lost, the pod shows up late": (["unclear late"], []),
    "the answer is lost, twice, one of them late": (["unclear late", "unclear"], []),
    "answered, and visible late": (["late"], []),
    "answered, visible late, and bad": (["bad late"], []),
    "an error, and no pod": (["nothing, unclear"], []),
    "errors only": (["nothing, unclear"] * 6, []),
    "a bad pod that dies at the second try": (["bad"], ["HTTP 500"]),
    "a bad pod whose end is not confirmed": (["bad"], ["gone, unclear"]),
    "a bad pod that is said to be gone and is not": (["bad"], ["says gone, is not"]),
    "a bad pod that will not die": (["bad"], ["HTTP 500"] * 6),
    "the bad machine again, then another": (["bad same", "same"], []),
    "the bad machine again, and its pod will not die": (["bad same", "same"], ["gone", "HTTP 500"]),
    "the bad machine again, then no capacity": (["bad same", "same", "refused", "refused"], []),
    "nothing but the bad machine": (["bad same", "same", "same", "same", "same", "same"], []),
    "no balance after a refusal": (["refused", "no balance"], []),
}
# The same for races, whose lanes take their turns.
RACES: dict[str, tuple[list[str], list[str]]] = {
    "all good": ([], []),
    "the first is bad": (["bad"], []),
    "all bad": (["bad"] * 4, []),
    "one refused": (["refused"], []),
    "nothing anywhere": (["refused"] * 4, []),
    "an answer is lost, and its pod shows up late": (["unclear late"], []),
    "every answer is lost": (["unclear late", "unclear", "nothing, unclear"], []),
    "a loser that will not die": ([], ["HTTP 500"] * 6),
    "a bad pod that will not die": (["bad"], ["HTTP 500"] * 6),
    "a slow one": (["slow"], []),
    "the bad machine again": (["bad same", "same", "same"], []),
    "no balance": (["good", "no balance"], []),
}
# The same effects as the others, and many of them.
LONG = ("the bad machine again, and its pod will not die", "nothing but the bad machine", "bad pods only")


@dataclass
class World:
    """What survives a process: the account's pods, and the files."""

    folder: Path
    race: int = 1
    clock: FakeClock = field(default_factory=FakeClock)
    cloud: FakeCloud = field(init=False)

    def __post_init__(self) -> None:
        self.cloud = FakeCloud(self.clock)
        self.cloud.create(FOREIGN)

    def run(self, process: Process, *, command: str, account: str = "mine") -> bool:
        """One process; returns whether it lived to its end."""
        journal = DyingJournal(Journal(self.folder / "rp.db", self.folder / "locks"), process)
        stage = Stage(self.clock)
        ports = self._ports(process, journal, stage, account)
        try:
            if command == "deploy":
                plan = preflight.prepare(Spec(TEMPLATE), "my-pod", force=False, ports=ports)
                _drain(deploy.deploy(replace(plan, race=self.race), ports))
            else:
                _drain(recover(ports, everything=command == "cleanup"))
        except Crash:
            return False
        except RpError:
            return True
        finally:
            stage.close()
            journal.after_death()
        return True

    def _ports(self, process: Process, journal: DyingJournal, stage: Stage, account: str) -> Ports:
        watched = Watched(self.cloud, process), Watched(FakeRemote(self.cloud), process)
        aliases = Watched(Aliases(self.folder / "pods.json"), process)
        kept = Looks(journal.real), Hosts(journal.real)
        outside = (*watched, aliases, None, journal, *kept, stage, stage, NoCache(), NoImages())
        return Ports(account, *cast("Any", outside))

    def check(self) -> None:
        """Every pod is an alias's, or gone; nobody else's pod was touched; no alias means a dead pod."""
        owned = set(Aliases(self.folder / "pods.json").all().values())
        alive = {pod.id for pod in self.cloud.pods_by_id.values() if pod.name != FOREIGN.name}
        assert alive <= owned, f"lost: {alive - owned}"
        assert owned <= alive, f"an alias means a dead pod: {owned - alive}"
        assert len(alive) <= 1
        assert FOREIGN.name not in self.cloud.terminated
        if self.race > 1:
            assert self.cloud.most_alive - 1 <= self.race, "more than were to race"


def _drain(events: Iterator[object]) -> None:
    for _ in events:
        pass


@pytest.fixture
def fast_folder() -> Iterator[Path]:
    """Syncing to the disk is not what is tested here, and there are thousands of it."""
    shared = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="rp-crash-", dir=shared if shared.is_dir() else None))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name not in LONG])
def test_no_pod_is_lost_at_a_sample_of_places(name: str, fast_folder: Path) -> None:
    _die_everywhere(*SCENARIOS[name], fast_folder, stride=3)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_no_pod_is_lost_wherever_the_process_dies(name: str, fast_folder: Path) -> None:
    _die_everywhere(*SCENARIOS[name], fast_folder)


@pytest.mark.parametrize("name", RACES)
def test_no_pod_of_a_race_is_lost_at_a_sample_of_places(name: str, fast_folder: Path) -> None:
    _die_everywhere(*RACES[name], fast_folder, race=2, stride=5)


@pytest.mark.slow
@pytest.mark.parametrize("race", [2, 3])
@pytest.mark.parametrize("name", RACES)
def test_no_pod_of_a_race_is_lost_wherever_the_process_dies(name: str, race: int, fast_folder: Path) -> None:
    _die_everywhere(*RACES[name], fast_folder, race=race)


def _die_everywhere(
    creates: list[str], terminates: list[str], fast_folder: Path, *, race: int = 1, stride: int = 1
) -> None:
    """At every `stride`-th effect of a deploy, and after each at every `stride`-th effect of the recovery."""
    visited = 0

    def world() -> World:
        nonlocal visited
        visited += 1
        made = World(fast_folder / str(visited), race)
        made.folder.mkdir()
        made.cloud.on_create, made.cloud.on_terminate = list(creates), list(terminates)
        return made

    for dies_at in range(0, _points(world(), "deploy") + 1, stride):
        crashed = _crashed(world(), dies_at)
        for recovery_dies_at in range(
            dies_at // stride % stride, _points(_copy(crashed, world()), "recover") + 1, stride
        ):
            again = _copy(crashed, world())
            again.run(Process(recovery_dies_at), command="recover")
            _later(again)
            again.check()
        shutil.rmtree(fast_folder, ignore_errors=True)
        fast_folder.mkdir()
    print(f"{visited} crash points visited")


def _points(world: World, command: str) -> int:
    process = Process()
    assert world.run(process, command=command)
    if command == "deploy":
        _later(world)
        world.check()
    return process.points


def _crashed(world: World, dies_at: int) -> World:
    world.run(Process(dies_at), command="deploy")
    return world


def _copy(crashed: World, into: World) -> World:
    """What a crash left, once more: it is the same each time, and making it takes longer."""
    shutil.copytree(crashed.folder, into.folder, dirs_exist_ok=True)
    into.cloud = copy.deepcopy(crashed.cloud)
    into.clock = into.cloud.clock
    return into


def _later(world: World) -> None:
    """Two later commands, the second after everything that can show up late has done so."""
    world.run(Process(), command="recover")
    world.clock.sleep(ending.SETTLE_SECONDS + 1)
    world.run(Process(), command="recover")


def test_a_pod_that_no_list_shows_yet_is_waited_for(fast_folder: Path) -> None:
    world = World(fast_folder)
    world.cloud.on_create = ["late"]

    world.run(Process(), command="deploy")

    assert len(world.cloud.pods_by_id) == 2
    assert world.cloud.terminated == []


def test_the_window_counts_from_the_answer_not_from_the_intent(fast_folder: Path) -> None:
    """The create waited for a rate limit first, so the whole window had passed when its answer was lost."""
    world = World(fast_folder)
    world.cloud.on_create = ["unclear late"]
    world.cloud.before_create = 200.0

    world.run(Process(), command="deploy")
    _later(world)

    world.check()


def test_another_key_settles_nothing_by_what_it_does_not_see(fast_folder: Path) -> None:
    """Under another account RunPod knows none of these pods, and that proves nothing."""
    world = World(fast_folder)
    world.cloud.on_create = ["slow"]
    _crash_with_a_pod(world)
    theirs = World(fast_folder)
    theirs.clock.sleep(ending.SETTLE_SECONDS + 1)

    theirs.run(Process(), command="recover", account="another")
    for _ in range(2):
        theirs.run(Process(), command="cleanup", account="another")
        theirs.clock.sleep(ending.SETTLE_SECONDS + 1)
    world.run(Process(), command="recover")

    world.check()
    assert len(world.cloud.pods_by_id) == 1


def _crash_with_a_pod(world: World) -> None:
    for dies_at in range(100):
        world.run(Process(dies_at), command="deploy")
        if len(world.cloud.pods_by_id) > 1:
            return
    raise AssertionError("no pod was made")


def test_the_matrix_would_notice_an_intent_that_is_written_too_late(fast_folder: Path) -> None:
    """The check itself can fail: a pod made without a journal entry is found to be lost."""
    world = World(fast_folder)
    pod: Pod = world.cloud.create(PodRequest("rp-t-unknown1-1", "image:1", "GPU", 1, "SECURE", 20, ("22/tcp",)))

    _later(world)

    with pytest.raises(AssertionError, match=f"lost: {{'{pod.id}'}}"):
        world.check()
