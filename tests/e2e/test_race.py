"""`rp deploy --race`: one pod is kept, the others are gone, and never are there more than were to race."""

import re
import signal
from collections.abc import Callable

import pytest

from conftest import User, World, end, until

SLOW_BOOT = "[boot]\nprovisioning_s = 60\nstarting_s = 60\n"


def test_one_is_kept_and_the_report_tells_what_the_race_cost(user: User, world: World) -> None:
    user.write_template(gpuPreference=["L4", "A40"])

    result = user.rp("deploy", "sd", "--race", "2", "--alias", "my-pod")

    [kept] = world.alive
    assert user.aliases == {"my-pod": kept["id"]}
    assert user.ssh("my-pod", "true").code == 0
    [lost] = [pod for pod in world.pods if not pod["alive"]]
    assert {pod["gpu"] for pod in world.pods} == {"NVIDIA L4", "NVIDIA A40"}
    assert world.ledger["mostAlive"] == 2
    gpu = lost["gpu"].removeprefix("NVIDIA ")
    assert re.search(rf"  the race cost \$0\.\d+: 1 other pod ended \({gpu}, anywhere, secure\)\n", result.out)
    # Each phase says whose it is.
    assert re.search(rf"(L4|A40) ({kept['id']}|{lost['id']}): waiting for SSH", result.err)
    # The pod that lost was ended once, by one of the two who wanted to.
    assert "does not know" not in result.err
    assert user.rp("cleanup").out == "nothing is left behind\n"


@pytest.mark.slow
def test_more_often_than_once_and_in_json(user: User, world: World) -> None:
    """Whether the loser's own lane or the winner's ends a pod is a matter of milliseconds."""
    user.write_template(gpuPreference=["L4", "A40"])

    for number in (1, 2):
        document = user.rp("deploy", "sd", "--race", "3", "--json").json

        assert document["left"] == []
        reasons = sorted((one["outcome"], one["reason"]) for one in document["attempts"])
        assert reasons == [("kept", ""), *[("terminated", "lost the race")] * 2]
        lost = [one["cost"] for one in document["attempts"] if one["reason"]]
        assert document["race_cost"] == pytest.approx(sum(lost), abs=1e-5)
        assert min(lost) > 0
        assert len(world.alive) == number

    assert len(world.pods) == 6
    assert user.rp("cleanup").out == "nothing is left behind\n"


def test_ctrl_c_ends_every_pod_of_it(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(boot=SLOW_BOOT)
    user.write_template()
    process = user.start("deploy", "sd", "--race", "3", "--alias", "my-pod")
    until(lambda: len(world.alive) == 3, "three pods")

    result = end(process, signal.SIGINT)

    assert result.code == 130
    assert world.alive == []
    assert all(f"pod {pod['id']} " in result.err for pod in world.pods)
    assert result.err.count("was terminated") == 3
    assert user.rp("cleanup").out == "nothing is left behind\n"


@pytest.mark.slow
def test_after_kill_9_the_next_command_ends_every_pod_of_it(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(boot=SLOW_BOOT)
    user.write_template()
    process = user.start("deploy", "sd", "--race", "3", "--alias", "my-pod")
    until(lambda: len(world.alive) == 3, "three pods")

    end(process, signal.SIGKILL)
    assert len(world.alive) == 3
    user.rp("list")

    assert world.alive == []
    assert world.ledger["mostAlive"] == 3
