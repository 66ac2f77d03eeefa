"""`rp deploy` when SSH never comes: each cause is named, the pod ended, and what it says of others is heeded."""

import re
from collections.abc import Callable

import pytest

from conftest import IMAGE, User, World

NO_CHECKS = {"level": "off", "retryBackoffSeconds": 0}
LIMITED = NO_CHECKS | {"sshTimeoutSeconds": 3}
TOO_OLD = "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8, please update your driver"


def _jank(kind: str, which: str = "nth_pod = [1]", **settings: str) -> str:
    more = "".join(f'{name} = "{value}"\n' for name, value in settings.items())
    return f'[[jank]]\nkind = "{kind}"\n{which}\n{more}'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        (_jank("ssh_never_up"), "SSH port: connection refused; its log says that sshd runs, so the machine does not"),
        (_jank("no_banner"), "nothing answers on its SSH port: it says nothing"),
        (_jank("key_refused"), "its sshd refuses your key"),
        (_jank("crash_loop"), "its container ends and is begun again"),
        (_jank("crash_loop", message=TOO_OLD), '`"minCudaVersion": "12.8"` in the template'),
        (_jank("error", message="failed to create network"), "ERROR while it was starting: failed to create network"),
    ],
)
def test_the_cause_is_named_the_pod_ended_and_another_one_taken(
    user: User, make_world: Callable[..., World], scenario: str, words: str
) -> None:
    world = make_world(scenario)
    user.write_template(health=LIMITED)

    result = user.rp("deploy", "sd", "--alias", "my-pod")

    bad, good = world.pods
    assert [pod["id"] for pod in world.alive] == [good["id"]]
    assert user.aliases == {"my-pod": good["id"]}
    [line] = [line for line in result.err.splitlines() if f"pod {bad['id']} is bad" in line]
    assert words in line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("manifest unknown", "the registry has no such image: manifest unknown"),
        ("Error response from daemon: pull access denied for example/own-image", "`registryAuthId` if it is private"),
    ],
)
def test_an_image_that_cannot_be_pulled_ends_it_all_after_one_create(
    user: User, make_world: Callable[..., World], error: str, words: str
) -> None:
    world = make_world(f'[images."example/*"]\npull_error = "{error}"\n')
    user.write_template(container={"imageName": "example/own-image:1"}, health=NO_CHECKS, gpuPreference=["H100"])

    result = user.rp("deploy", "sd", code=None)

    assert result.code not in (0, 3)
    assert words in result.err
    assert len(world.calls("createPod")) == 1
    assert world.alive == []


@pytest.mark.slow
def test_a_rate_limit_of_the_registry_is_the_machines_and_the_next_is_tried(
    user: User, make_world: Callable[..., World]
) -> None:
    world = make_world('[images."example/*"]\npull_error = "toomanyrequests: You have reached your pull rate limit"\n')
    user.write_template(container={"imageName": "example/own-image:1"}, health=NO_CHECKS)

    result = user.rp("deploy", "sd", "--retries", "1", code=5)

    assert result.err.count("the registry gives this machine nothing more for now") >= 2
    assert len(world.calls("createPod")) == 2
    assert world.alive == []


@pytest.mark.slow
def test_a_pull_is_shown_as_it_goes_on_and_waited_for(user: User, make_world: Callable[..., World]) -> None:
    """Ten minutes of a pull within half a minute."""
    world = make_world('[images."example/*"]\nsize_gb = 40\npull_s = 600\n', boot="[clock]\nspeed = 20\n")
    user.write_template(container={"imageName": "example/own-image:1"}, health=LIMITED)

    result = user.rp("deploy", "sd", "--alias", "my-pod")

    assert re.search(r"pulling the image: \d+ of \d+ layers, \d+ GB so far", result.err)
    assert len(world.pods) == 1


@pytest.mark.slow
def test_a_start_command_that_fails_on_two_machines_ends_it_all(user: User, make_world: Callable[..., World]) -> None:
    """A third machine would cost money for nothing."""
    world = make_world()
    user.write_template(container={"imageName": IMAGE, "args": "false"}, health=LIMITED | {"maxRetries": 5})

    result = user.rp("deploy", "sd", code=None)

    assert result.code not in (0, 3)
    assert "its start command failed: start command failed with exit status 1" in result.err
    assert len(world.calls("createPod")) == 2
    assert world.alive == []
