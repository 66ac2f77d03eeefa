"""`rp deploy --wait` and `--notify`: until there is capacity, and without residue where that does not come."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import User, World, end, until
from e2e.test_terminal import shown, terminal
from webhook import webhook

NOTHING = '[[stock]]\ncount = "none"\n'


def is_refused(world: World) -> bool:
    return any(call["status"] == 400 for call in world.calls("createPod"))


def residue(user: User) -> list[str]:
    """Locks, sockets and pods that are still open."""
    folders = (user.state / "locks", Path(user.env["XDG_RUNTIME_DIR"]))
    files = [str(path) for folder in folders if folder.exists() for path in folder.rglob("*") if not path.is_dir()]
    listed = user.rp("list", "--json")
    return [*files, *(str(pod) for pod in listed.json), *listed.err.splitlines()]


@pytest.mark.slow
def test_it_takes_what_appears_and_tells(user: User, make_world: Callable[..., World], tmp_path: Path) -> None:
    world = make_world(NOTHING)
    user.write_template()
    with webhook() as hook:
        words = ("deploy", "sd", "--wait", "4s", "--notify", f"http://{hook.host}/done", "--alias", "my-pod")
        process = user.start(*words)
        until(lambda: is_refused(world), "the first refusal")
        world.follow("", tmp_path)
        out, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert "my-pod is ready after" in out
    assert "no capacity; next look in " in err
    assert len(world.calls("createPod")) == 2
    assert [pod["id"] for pod in world.alive] == [user.aliases["my-pod"]]
    [(path, posted)] = hook.posted
    assert path == "/done"
    assert posted["title"] == "rp: my-pod is ready"
    assert posted["message"].startswith("ssh my-pod\n")


def test_at_its_end_it_is_no_capacity_and_tells(user: User, make_world: Callable[..., World]) -> None:
    """The catalog says that there is stock, and goes on saying the same: it is not asked again for that."""
    world = make_world(f"{NOTHING}[catalog]\nstale = true\n")
    user.write_template(gpuPreference=["L4", "A40", "H100 SXM"])

    with webhook() as hook:
        result = user.rp("deploy", "sd", "--wait", "1s", "--notify", f"http://{hook.host}/", "--alias", "x", code=3)

    assert "no capacity in 1s: 3 placements tried, all refused" in result.err
    assert "best seen: L4, anywhere, secure, high" in result.err
    assert "wait longer" in result.err
    assert len(world.calls("createPod")) == 3
    [(_, posted)] = hook.posted
    assert posted["title"] == "rp: x failed"
    assert posted["message"] == "no capacity in 1s: 3 placements tried, all refused"


def test_ctrl_c_ends_the_wait_without_residue(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(NOTHING)
    user.write_template()
    child = terminal(user, "deploy", "sd", "--wait", "--yes", columns=60)

    child.expect(r"no capacity; next look in 1\ds \(\ds in all\); none seen")
    child.sendintr()
    text = shown(child)

    assert child.exitstatus == 130
    assert "interrupted by SIGINT" in text
    assert world.pods == []
    assert residue(user) == []
    assert user.rp("cleanup").out == "nothing is left behind\n"


@pytest.mark.slow
def test_without_a_duration_it_looks_until_there_is_one(
    user: User, make_world: Callable[..., World], tmp_path: Path
) -> None:
    world = make_world(NOTHING)
    user.write_template()
    with webhook() as hook:
        process = user.start("deploy", "sd", "--wait", "--notify", f"http://{hook.host}/", "--alias", "my-pod")
        until(lambda: is_refused(world), "the first refusal")
        calls = len(world.ledger["calls"])
        world.follow("", tmp_path)
        _, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert [pod["id"] for pod in world.alive] == [user.aliases["my-pod"]]
    # Two of them for the look, the others for the pod.
    assert len(world.ledger["calls"]) - calls <= 8
    assert [posted["title"] for _, posted in hook.posted] == ["rp: my-pod is ready"]


@pytest.mark.slow
def test_an_interruption_after_a_look_leaves_nothing(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(NOTHING)
    user.write_template()
    process = user.start("deploy", "sd", "--wait", "--alias", "my-pod")
    until(lambda: is_refused(world), "the first refusal")
    reads = len(world.calls("listGpuTypes"))

    until(lambda: len(world.calls("listGpuTypes")) > reads, "a look at the catalog", limit=40)
    result = end(process, signal.SIGTERM)

    assert result.code == 130
    assert len(world.calls("createPod")) == 1
    assert world.pods == []
    assert residue(user) == []


def test_the_duration_may_be_left_out_before_the_template_too(user: User, empty_world: World) -> None:
    user.write_template()

    for words in (("--wait", "sd", "--dry-run"), ("sd", "--dry-run", "--wait"), ("--wait", "1h", "sd", "--dry-run")):
        assert user.rp("deploy", *words).out == "1\tRTX 4090\tanywhere\tsecure\t0.74\thigh\n"


def test_a_number_alone_is_no_duration(user: User, empty_world: World) -> None:
    user.write_template()

    result = user.rp("deploy", "sd", "--wait", "10", code=2)

    assert "`10` is no duration such as 90s, 30m or 1h30m" in result.err


def test_a_target_that_cannot_work_is_told_before_the_wait(user: User, empty_world: World) -> None:
    user.write_template()

    result = user.rp("deploy", "sd", "--wait", "--notify", "slakc://token", code=2)

    assert "did you mean `slack://`?" in result.err
    assert "token" not in result.err
