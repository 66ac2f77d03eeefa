"""`rp deploy --replicas`: several pods of one template side by side."""

import re
import signal
from collections import Counter
from collections.abc import Callable

import pytest

from conftest import User, World, end, until
from e2e.test_terminal import ESCAPE, shown, terminal

NOTHING = '[[stock]]\ncount = "none"\n'
PATTERN = ("--alias", "sd-{i}")


def test_three_pods_get_three_numbered_aliases(user: User, world: World) -> None:
    user.write_template()

    result = user.rp("deploy", "sd", "--replicas", "3", *PATTERN)

    assert sorted(user.aliases) == ["sd-1", "sd-2", "sd-3"]
    assert sorted(user.aliases.values()) == sorted(pod["id"] for pod in world.alive)
    assert re.match(r"sd-1: ready after \d+s: \w+, RTX 4090, [A-Z0-9-]+ secure, \$0.74/h\n", result.out)
    assert re.search(r"\n3 of 3 are ready after \d+s, \$2.22/h together\n$", result.out)
    assert user.ssh("sd-2", "true").code == 0


def test_some_of_them_are_partial_success(user: User, make_world: Callable[..., World]) -> None:
    few = '[[stock]]\ngpu = "NVIDIA L4"\ndata_center = "EU-RO-1"\ncloud = "SECURE"\ncount = 2\n'
    world = make_world(NOTHING + few)
    user.write_template(gpuPreference=["L4"])

    result = user.rp("deploy", "sd", "--replicas", "3", *PATTERN, "--json", code=1)

    assert (result.json["wanted"], result.json["ready"]) == (3, 2)
    assert [one["alias"] for one in result.json["replicas"]] == ["sd-1", "sd-2", "sd-3"]
    [failed] = [one for one in result.json["replicas"] if one["id"] is None]
    assert failed["error"]["code"] == "no_capacity"
    assert [one["outcome"] for one in failed["attempts"]] == ["refused"]
    assert sorted(user.aliases.values()) == sorted(pod["id"] for pod in world.alive)
    assert len(world.alive) == 2


def test_a_row_for_each_on_a_terminal_and_none_at_all(user: User, make_world: Callable[..., World]) -> None:
    make_world(NOTHING)
    user.write_template()

    text = shown(terminal(user, "deploy", "sd", "--replicas", "2", *PATTERN, "--yes", "--wait", "1s", columns=60))

    table = ESCAPE.sub("", text)
    assert re.search(r"ALIAS +STATE +WHERE +\$/H +TIME", table)
    assert re.search(r"sd-1 +no capacity, waiting", table)
    assert "sd-1: failed: no capacity in 1s: 1 placement tried, all refused" in table.replace("\n", "")
    assert "0 of 2 are ready" in table


def test_many_rows_fit_a_terminal_that_is_not_high(user: User, make_world: Callable[..., World]) -> None:
    make_world(NOTHING)
    user.write_template()
    child = terminal(user, "deploy", "sd", "--replicas", "40", *PATTERN, "--yes", "--wait", "1m")

    child.expect_exact("3 more: 0 ready, 3 not yet")
    child.sendintr()
    shown(child)

    assert child.exitstatus == 130


def test_ctrl_c_keeps_those_that_are_ready(user: User, make_world: Callable[..., World]) -> None:
    world = make_world('[[jank]]\nkind = "stuck_provisioning"\nnth_pod = [2, 3]\n')
    user.write_template()
    process = user.start("deploy", "sd", "--replicas", "3", *PATTERN)
    until(lambda: len(world.pods) == 3 and len(user.aliases) == 1, "one that is ready, and two that boot")
    [alias] = user.aliases

    result = end(process, signal.SIGINT)

    assert result.code == 130
    assert [pod["id"] for pod in world.alive] == [user.aliases[alias]]
    assert re.search(rf"{alias}: pod {user.aliases[alias]} .*keeps running", result.err)
    assert result.err.count("was terminated") == 2
    assert user.ssh(alias, "true").code == 0
    assert user.rp("cleanup").out == "nothing is left behind\n"


def test_one_name_for_several_is_told_without_a_try(user: User, empty_world: World) -> None:
    user.write_template()

    one_name = user.rp("deploy", "sd", "--replicas", "3", "--alias", "sd", "--dry-run", code=2)
    racing = user.rp("deploy", "sd", "--replicas", "3", "--race", "2", code=2)

    assert "--alias 'sd-{i}' numbers them" in one_name.err
    assert "--race and --replicas exclude each other" in racing.err


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_32_within_a_quota_of_60_calls_a_minute(user: User, make_world: Callable[..., World]) -> None:
    world = make_world("[quota]\nminute = 60\n")
    user.write_template()

    process = user.start("deploy", "sd", "--replicas", "32", *PATTERN)
    _, err = process.communicate(timeout=500)

    assert process.returncode == 0, err
    assert len(user.aliases) == len(world.alive) == 32
    calls = world.ledger["calls"]
    refused = [call for call in calls if call["status"] == 429]
    # One create and one look at the log for each is more than a minute's quota: some wait for the next minute, once.
    assert "the first host key seen is trusted" not in err
    assert len(refused) <= 12, Counter((call["operation"], call["status"]) for call in calls)
