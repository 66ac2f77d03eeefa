"""Real `kill -9` at random moments of an installed `rp deploy`: the next `rp list` leaves no pod that nobody owns."""

import os
import random
import signal
import time
from collections.abc import Callable

import pytest

from conftest import User, World

# Two refusals, a bad pod, a create whose answer is lost, then a good pod: about five seconds of deploy.
SCENARIO = """
[[refuse]]
gpu = "NVIDIA H100*"

[[jank]]
kind = "commands"
nth_pod = [1]

[[jank.command]]
match = "rp-smoke"
exit = 1

[[fault]]
operation = "createPod"
kind = "answer_lost"
nth = [4]
"""
LONGEST = 7.0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_no_pod_is_lost_at_a_random_moment(user: User, make_world: Callable[..., World], seed: int) -> None:
    moment = random.Random(seed).uniform(0.0, LONGEST)
    world = make_world(SCENARIO)
    user.write_template(
        gpuPreference=["H100", "RTX 4090"],
        health={"smokeCommands": ["true rp-smoke"], "retryBackoffSeconds": 0, "level": "passive"},
    )
    process = user.start("deploy", "sd", "--alias", "my-pod")

    time.sleep(moment)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    user.rp("list")

    owned = set(user.aliases.values())
    lost = [pod["id"] for pod in world.alive if pod["id"] not in owned]
    assert lost == [], f"killed after {moment:.3f} s (seed {seed})"
    assert len(world.alive) <= 1
