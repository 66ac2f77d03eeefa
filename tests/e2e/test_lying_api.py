"""RunPod's answers that are late, cut short or not true: no pod is lost, and none is said to be gone that is not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import User, World, until

TWO = '[[account.pod]]\nid = "p1"\nname = "one"\n[[account.pod]]\nid = "p2"\nname = "two"\n'


def test_terminate_ends_a_pod_that_one_list_leaves_out(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(TWO + '[[fault]]\noperation = "listPods"\nkind = "missing_from_list"\nnth = [1]\npod = "one"\n')
    user.write_config("pods.json", '{"a": "p1"}')

    user.rp("terminate", "a", "--yes")

    assert [pod["id"] for pod in world.alive] == ["p2"]


def test_terminate_goes_on_after_one_that_will_not_go(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(
        TWO + '[[fault]]\noperation = "deletePod"\nkind = "status"\nnth = [1]\nstatus = 403\ndetail = "no"\n'
    )

    result = user.rp("terminate", "p1", "p2", "--yes", code=1)

    assert "pod p1 could not be terminated" in result.err
    assert ": no" in result.err
    assert result.out == "terminated p2\n"
    assert [pod["id"] for pod in world.alive] == ["p1"]


def test_an_answer_without_the_list_does_not_mean_no_pods(user: User, make_world: Callable[..., World]) -> None:
    make_world(
        TWO + '[[fault]]\noperation = "listPods"\nkind = "status"\nevery = 1\nstatus = 200\nbody = "{}"\n'
        'content_type = "application/json"\n'
    )
    user.write_config("pods.json", '{"a": "p1"}')

    assert "not in a form that rp can read" in user.rp("list", code=1).err


@pytest.mark.slow
def test_a_pod_that_is_not_listed_at_once_is_waited_for(user: User, make_world: Callable[..., World]) -> None:
    world = make_world('[[fault]]\noperation = "createPod"\nkind = "late_visibility"\nnth = [1]\nseconds = 14\n')
    user.write_template()

    pod_id = user.rp("deploy", "sd", "--json").json["id"]

    assert [pod["id"] for pod in world.alive] == [pod_id]


@pytest.mark.slow
def test_a_stranger_is_not_trusted_because_the_log_is_slow(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(
        '[[jank]]\nkind = "wrong_host_key"\nnth_pod = [1]\n'
        '[[fault]]\noperation = "getPodLogs"\nkind = "slow"\nnth = [1]\nseconds = 1.5\n'
    )
    user.write_template(health={"sshTimeoutSeconds": 5, "retryBackoffSeconds": 0})

    result = user.rp("deploy", "sd", "--alias", "my-pod")

    assert "somebody else answers there" in result.err
    assert user.aliases["my-pod"] == world.pods[1]["id"]


def test_another_key_does_not_settle_what_it_cannot_see(
    user: User, make_world: Callable[..., World], tmp_path: Path
) -> None:
    mine = make_world(boot="[boot]\nprovisioning_s = 30\nstarting_s = 30\n")
    home = dict(user.env)
    user.write_template()
    process = user.start("deploy", "sd")
    until(lambda: bool(mine.alive), "a pod")
    process.kill()
    process.communicate()
    theirs = make_world()

    listed = user.rp("list")
    cleaned = user.rp("cleanup", code=1)
    user.env.update(home)
    user.rp("list")

    assert "terminated" not in listed.err
    assert "another API key or address" in cleaned.err
    assert theirs.pods == []
    assert mine.alive == []


def test_a_deploy_in_flight_is_told_from_a_forgotten_pod(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(boot="[boot]\nprovisioning_s = 30\nstarting_s = 30\n")
    user.write_template()
    process = user.start("deploy", "sd", "--alias", "soon")
    until(lambda: bool(world.alive), "a pod")

    listed = user.rp("list")
    taken = user.rp("deploy", "sd", "--alias", "soon", code=7)
    process.terminate()
    process.communicate()

    assert listed.out.startswith("(soon)\t")
    assert "no alias" not in listed.err
    assert "another rp is deploying `soon`" in taken.err
    assert world.alive == []


def test_an_alias_that_is_another_pods_id_is_not_guessed_at(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(TWO)
    user.write_config("pods.json", '{"p1": "p2"}')

    result = user.rp("terminate", "p1", "--yes", code=2)

    assert "the id of another pod" in result.err
    assert len(world.alive) == 2


def test_a_stale_public_key_beside_the_private_one_does_no_harm(user: User, world: World) -> None:
    (user.home / ".ssh" / "id_ed25519.pub").write_text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4bRr8oHdAK stale\n")
    user.write_template()

    user.rp("deploy", "sd", "--alias", "my-pod")

    assert user.ssh("my-pod", "true").code == 0
