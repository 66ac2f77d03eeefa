"""Signals, kills and second terminals: no pod is left that nobody knows of."""

import os
import signal
import subprocess
from collections.abc import Callable

import pytest

from conftest import User, World, end, until

SLOW_BOOT = "[boot]\nprovisioning_s = 30\nstarting_s = 30\nsshd_s = 0.1\n"


def _deploying(user: User, world: World) -> "subprocess.Popen[str]":
    """A deploy whose pod is created and boots for a long time."""
    user.write_template()
    process = user.start("deploy", "sd", "--alias", "my-pod")
    until(lambda: bool(world.alive), "a pod")
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_pod_in_flight_and_says_so(
    user: User, make_world: Callable[..., World], number: signal.Signals
) -> None:
    world = make_world(boot=SLOW_BOOT)
    process = _deploying(user, world)

    result = end(process, number)

    assert result.code == 130
    assert world.alive == []
    assert f"interrupted by {number.name}" in result.err
    assert f"pod {world.pods[0]['id']}" in result.err
    assert "was terminated" in result.err
    assert user.aliases == {}
    assert user.rp("cleanup").out == "nothing is left behind\n"


def test_a_second_signal_leaves_at_once_and_the_next_command_cleans_up(
    user: User, make_world: Callable[..., World]
) -> None:
    world = make_world('[[fault]]\noperation = "deletePod"\nkind = "hang"\nnth = [1]\nseconds = 60\n', boot=SLOW_BOOT)
    process = _deploying(user, world)

    process.send_signal(signal.SIGINT)
    until(lambda: bool(world.calls("deletePod")), "the first attempt to end the pod")
    result = end(process, signal.SIGINT)
    assert result.code == 130
    assert len(world.alive) == 1
    listed = user.rp("list")

    assert world.alive == []
    assert "is terminated" in listed.err


@pytest.mark.parametrize("command", [("list",), ("cleanup",), ("deploy", "sd", "--dry-run"), ("stop", "nothing")])
def test_after_kill_9_the_next_command_ends_the_pod(
    user: User, make_world: Callable[..., World], command: tuple[str, ...]
) -> None:
    world = make_world(boot=SLOW_BOOT)
    process = _deploying(user, world)

    end(process, signal.SIGKILL)
    assert len(world.alive) == 1
    user.rp(*command, code=None)

    assert world.alive == []


def test_a_deploy_that_is_alive_is_left_alone(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(boot=SLOW_BOOT)
    process = _deploying(user, world)

    user.rp("list")
    user.rp("cleanup")

    assert len(world.alive) == 1
    end(process, signal.SIGINT)
    assert world.alive == []


def test_a_pod_that_the_journal_does_not_know_is_never_touched(user: User, make_world: Callable[..., World]) -> None:
    world = make_world('[[account.pod]]\nid = "p1"\nname = "rp-sd-abcdefgh-1"\n', boot=SLOW_BOOT)
    process = _deploying(user, world)
    end(process, signal.SIGKILL)

    user.rp("cleanup")

    assert [pod["id"] for pod in world.alive] == ["p1"]


def test_recovery_keeps_a_pod_that_an_alias_owns(user: User, make_world: Callable[..., World]) -> None:
    """The process died after the alias was written and before the journal knew."""
    world = make_world(boot=SLOW_BOOT)
    process = _deploying(user, world)
    end(process, signal.SIGKILL)
    user.write_config("pods.json", f'{{"my-pod": "{world.alive[0]["id"]}"}}')

    user.rp("cleanup")

    assert len(world.alive) == 1


def test_two_deploys_at_once_both_get_their_pod(user: User, world: World) -> None:
    user.write_template()

    processes = [user.start("deploy", "sd", "--alias", alias) for alias in ("one", "two")]
    for process in processes:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err

    assert set(user.aliases) == {"one", "two"}
    assert len(world.alive) == 2
    assert user.ssh("one", "true").code == 0
    assert user.ssh("two", "true").code == 0


@pytest.mark.slow
def test_nohup_keeps_a_deploy_from_a_closed_terminal(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(boot="[boot]\nprovisioning_s = 1.5\nstarting_s = 0.1\nsshd_s = 0.1\n")
    user.write_template()
    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = user.start("deploy", "sd", "--alias", "my-pod")
    finally:
        signal.signal(signal.SIGHUP, previous)
    until(lambda: bool(world.alive), "a pod")

    os.kill(process.pid, signal.SIGHUP)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert len(world.alive) == 1


def test_two_deploys_for_one_alias_leave_one_pod(user: User, world: World) -> None:
    user.write_template()

    processes = [user.start("deploy", "sd", "--alias", "same") for _ in range(2)]
    results = [(process.communicate(timeout=60)[1], process.returncode) for process in processes]

    # The second is refused at once, or, if both began at the same moment, when it would take the alias.
    assert sorted(code for _, code in results) in ([0, 2], [0, 7])
    assert [pod["id"] for pod in world.alive] == [user.aliases["same"]]
