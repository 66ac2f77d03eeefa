"""`rp deploy` when RunPod does not play along. After each: what the user is told, and no pod left."""

from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import IMAGE, User, World
from rp_sim import control

SMOKE_FAILS = (
    '[[jank]]\nkind = "commands"\n{which}\n'
    '[[jank.command]]\nmatch = "rp-smoke"\nstderr = "disk is broken\\n"\nexit = 9\n'
)
SMOKE = {"smokeCommands": ["true rp-smoke"], "retryBackoffSeconds": 0, "sshTimeoutSeconds": 20, "level": "off"}


def test_refused_gpus_are_passed_over_in_the_order_of_preference(user: User, make_world: Callable[..., World]) -> None:
    world = make_world('[[refuse]]\ngpu = "NVIDIA H100*"\n')
    user.write_template(gpuPreference=["H100", "NVIDIA GeForce RTX 4090"])

    deployed = user.rp("deploy", "sd", "--json").json

    assert deployed["gpu"] == "NVIDIA GeForce RTX 4090"
    assert [attempt["reason"] for attempt in deployed["attempts"]][:2] == ["no capacity"] * 2
    assert [call["body"]["gpu"]["id"] for call in world.calls("createPod")] == [
        "NVIDIA H100 NVL",
        "NVIDIA H100 80GB HBM3",
        "NVIDIA GeForce RTX 4090",
    ]


def test_gpus_without_stock_are_tried_last(user: User, make_world: Callable[..., World]) -> None:
    make_world('[[stock]]\ngpu = "NVIDIA L4"\ncount = "none"\n')
    user.write_template(gpuPreference=["L4", "NVIDIA GeForce RTX 4090"])

    table = user.rp("deploy", "sd", "--dry-run").out.splitlines()
    deployed = user.rp("deploy", "sd", "--json").json

    assert [row.split("\t")[1] for row in table] == ["RTX 4090", "L4"]
    assert table[1].endswith("none")
    assert len(deployed["attempts"]) == 1


def test_a_stale_catalog_does_not_hide_the_last_pod(user: User, make_world: Callable[..., World]) -> None:
    make_world('[[stock]]\ngpu = "NVIDIA L4"\navailability = "NONE"\n')
    user.write_template(gpuPreference=["L4"])

    assert user.rp("deploy", "sd", "--json").json["gpu"] == "NVIDIA L4"


def test_the_dry_run_creates_nothing_and_journals_nothing(user: User, world: World) -> None:
    user.write_template()

    plan = user.rp("deploy", "sd", "--dry-run", "--json", "--alias", "x").json

    assert plan["alias"] == "x"
    assert plan["candidates"][0]["price_per_hour"] == 0.74
    assert world.pods == []
    assert not (user.home / ".ssh" / "config").exists()
    # What RunPod told is kept for the next command; nothing of this one is.
    assert {path.name for path in user.state.iterdir()} <= {"catalog.json", ".catalog.json.lock"}


def test_a_bad_pod_is_terminated_and_another_taken(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(SMOKE_FAILS.format(which="nth_pod = [1]"))
    user.write_template(health=SMOKE)

    result = user.rp("deploy", "sd", "--alias", "my-pod")

    bad, good = world.pods
    assert not bad["alive"]
    assert good["alive"]
    assert user.aliases == {"my-pod": good["id"]}
    assert f"pod {bad['id']} is bad: smoke command `true rp-smoke` ended with status 9: disk is broken" in result.err
    assert "disk is broken" in result.out


@pytest.mark.slow
def test_after_too_many_bad_pods_it_gives_up_with_5_and_leaves_none(
    user: User, make_world: Callable[..., World]
) -> None:
    world = make_world(SMOKE_FAILS.format(which='pod = "*"'))
    user.write_template(health=SMOKE)

    result = user.rp("deploy", "sd", "--retries", "1", code=5)

    assert len(world.pods) == 2
    assert world.alive == []
    assert "2 pods came and none was worth keeping" in result.err
    assert user.aliases == {}


@pytest.mark.slow
def test_a_candidate_with_two_bad_pods_makes_way_for_the_next(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(SMOKE_FAILS.format(which='gpu = "NVIDIA L4"'))
    user.write_template(gpuPreference=["L4", "RTX 4090"], health=SMOKE)

    user.rp("deploy", "sd")

    assert [pod["gpu"] for pod in world.pods] == ["NVIDIA L4", "NVIDIA L4", "NVIDIA GeForce RTX 4090"]
    assert len(world.alive) == 1


@pytest.mark.parametrize(
    ("jank", "reason"),
    [
        ("error", "its status became ERROR"),
        ("no_public_ip", "no public SSH port"),
        ("key_refused", "Permission denied"),
        pytest.param("exited", "its status became EXITED", marks=pytest.mark.slow),
        pytest.param("connection_refused", "nothing answers on its SSH port", marks=pytest.mark.slow),
        pytest.param("no_banner", "nothing answers on its SSH port", marks=pytest.mark.slow),
        pytest.param("wrong_host_key", "somebody else answers there", marks=pytest.mark.slow),
    ],
)
def test_each_kind_of_bad_pod_is_named_and_ended(
    user: User, make_world: Callable[..., World], jank: str, reason: str
) -> None:
    world = make_world(f'[[jank]]\nkind = "{jank}"\nnth_pod = [1]\n')
    user.write_template(health={"sshTimeoutSeconds": 3, "retryBackoffSeconds": 0, "level": "off"})

    result = user.rp("deploy", "sd", "--alias", "my-pod")

    bad, good = world.pods
    assert not bad["alive"]
    assert reason in result.err
    assert user.aliases == {"my-pod": good["id"]}
    assert user.ssh("my-pod", "echo fine").out == "fine\n"


def test_no_capacity_anywhere_is_3_with_a_line_per_placement(user: User, make_world: Callable[..., World]) -> None:
    world = make_world("[[refuse]]\n")
    user.write_template(gpuPreference=["H100"], cloudPreference=["ALL"])

    result = user.rp("deploy", "sd", code=3)

    assert result.err.count(": no capacity") >= 4
    assert "no capacity: 4 placements tried, all refused" in result.err
    assert world.pods == []


def test_one_rule_broken_everywhere_is_reported_as_the_cause(user: User, make_world: Callable[..., World]) -> None:
    make_world('[[refuse]]\nstatus = 400\ndetail = "disk must not exceed 10 GB for this account"\n')
    user.write_template(gpuPreference=["H100"])

    result = user.rp("deploy", "sd", code=1)

    assert "RunPod rejects this request wherever it is tried: disk must not exceed 10 GB" in result.err


def test_a_pool_closed_to_the_account_is_passed_over(user: User, make_world: Callable[..., World]) -> None:
    make_world('[[refuse]]\ncloud = "SECURE"\nstatus = 403\ndetail = "access denied"\n')
    user.write_template(cloudPreference=["ALL"])

    assert user.rp("deploy", "sd", "--json").json["cloud"] == "COMMUNITY"


@pytest.mark.parametrize(
    ("scenario", "code", "text"),
    [
        ("[account]\nbalance = 0.01\n", 4, "insufficient balance"),
        (
            '[[fault]]\noperation = "createPod"\nkind = "status"\nevery = 1\nstatus = 402\ndetail = "pay up"\n',
            4,
            "pay up",
        ),
        (
            '[[fault]]\noperation = "createPod"\nkind = "status"\nevery = 1\nstatus = 401\ndetail = "no"\n',
            4,
            "rp login",
        ),
        ('[[fault]]\noperation = "createPod"\nkind = "status"\nevery = 1\nstatus = 422\ndetail = "bad"\n', 1, "bad"),
    ],
)
def test_what_no_other_candidate_would_change_ends_it_at_once(
    user: User, make_world: Callable[..., World], scenario: str, code: int, text: str
) -> None:
    world = make_world(scenario)
    user.write_template(gpuPreference=["H100"])

    result = user.rp("deploy", "sd", code=code)

    assert text in result.err
    assert "request id" in result.err
    assert len(world.calls("createPod")) == 1
    assert world.alive == []


@pytest.mark.parametrize(
    ("kind", "when"),
    [
        ("answer_lost", "after"),
        ("error_after_commit", "after"),
        ("malformed", "after"),
        ("reset", "after"),
        # Nothing is there to be found, and that takes its time.
        pytest.param("reset", "before", marks=pytest.mark.slow),
    ],
)
def test_a_create_without_a_clear_answer_never_makes_two_pods(
    user: User, make_world: Callable[..., World], kind: str, when: str
) -> None:
    world = make_world(f'[[fault]]\noperation = "createPod"\nkind = "{kind}"\nnth = [1]\nwhen = "{when}"\n')
    user.write_template()

    deployed = user.rp("deploy", "sd", "--alias", "my-pod", "--json").json

    assert [pod["id"] for pod in world.alive] == [deployed["id"]]
    assert user.aliases == {"my-pod": deployed["id"]}


@pytest.mark.slow
def test_a_pod_that_shows_up_late_is_ended_by_a_later_command(user: User, make_world: Callable[..., World]) -> None:
    """Its create had no answer, and the lists left it out until after the deploy was done."""
    world = make_world(
        '[[fault]]\noperation = "createPod"\nkind = "answer_lost"\nnth = [1]\n'
        '[[fault]]\noperation = "createPod"\nkind = "late_visibility"\nnth = [1]\nseconds = 25\n'
    )
    user.write_template()

    result = user.rp("deploy", "sd", "--alias", "my-pod")
    assert "`rp cleanup` looks for it" in result.err
    assert len(world.alive) == 2

    control.advance(world.running, 30)
    listed = user.rp("list")

    assert [pod["id"] for pod in world.alive] == [user.aliases["my-pod"]]
    assert "is terminated, it cost" in listed.err


def test_a_rate_limit_is_waited_out(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(
        '[[fault]]\noperation = "createPod"\nkind = "status"\nnth = [1]\nstatus = 429\nretry_after = 1\n'
    )
    user.write_template()

    user.rp("deploy", "sd")

    assert [call["status"] for call in world.calls("createPod")] == [429, 201]


def test_terminating_a_bad_pod_goes_on_until_it_is_gone(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(
        SMOKE_FAILS.format(which="nth_pod = [1]")
        + '[[fault]]\noperation = "deletePod"\nkind = "status"\nnth = [1]\nstatus = 500\n'
    )
    user.write_template(health=SMOKE)

    user.rp("deploy", "sd")

    assert len(world.alive) == 1
    assert len(world.calls("deletePod")) == 2


@pytest.mark.slow
def test_a_pod_that_will_not_die_is_told_loudly_and_tried_again_later(
    user: User, make_world: Callable[..., World], tmp_path: Path
) -> None:
    stubborn = '[[fault]]\noperation = "deletePod"\nkind = "status"\nevery = 1\nstatus = 500\n'
    world = make_world(SMOKE_FAILS.format(which="nth_pod = [1]") + stubborn)
    user.write_template(health=SMOKE)

    result = user.rp("deploy", "sd", code=1)
    world.follow("", tmp_path)
    cleaned = user.rp("cleanup")

    assert "could not be terminated and is still billed" in result.err
    assert "console.runpod.io" in result.err
    assert world.alive == []
    assert "nothing is left behind" in cleaned.out


def test_an_alias_that_is_taken_is_refused_before_any_money_is_spent(user: User, world: World) -> None:
    user.write_config("pods.json", '{"my-pod": "old123"}')
    user.write_template()

    result = user.rp("deploy", "sd", "--alias", "my-pod", code=2)

    assert "taken by pod old123" in result.err
    assert "--force" in result.err
    assert world.calls("createPod") == []


def test_force_points_the_alias_to_the_new_pod_and_names_the_old_one(user: User, world: World) -> None:
    user.write_template()
    old = user.rp("deploy", "sd", "--alias", "my-pod", "--json").json["id"]

    result = user.rp("deploy", "sd", "--alias", "my-pod", "--force")

    assert user.aliases["my-pod"] != old
    assert len(world.alive) == 2
    assert f"rp terminate {old}" in result.out


def test_the_default_alias_tells_the_template(user: User, world: World) -> None:
    user.write_template()

    alias = user.rp("deploy", "sd", "--json").json["alias"]

    assert alias.startswith("rp-sd-")
    assert user.ssh(alias, "echo in").out == "in\n"


def test_overrides_of_the_command_line_win(user: User, world: World) -> None:
    user.write_template(container={"imageName": IMAGE, "env": {"A": "template", "B": "template"}})

    user.rp("deploy", "sd", "--gpu", "A40", "--region", "EU", "--count", "2", "--env", "A=x=y", "--env", "C=")

    [create] = world.calls("createPod")
    assert create["body"]["gpu"]["id"] == "NVIDIA A40"
    assert create["body"]["gpu"]["count"] == 2
    assert all(place.startswith("EU") for place in create["body"]["dataCenterIds"])
    env = create["body"]["env"]
    assert (env["A"], env["B"], env["C"]) == ("x=y", "template", "")


def test_tags_and_odd_values_leave_the_pods_environment_whole(user: User, world: World) -> None:
    """Official images write each variable between double quotes into a file that shells read."""
    user.write_template(
        tags={"purpose": "bob's llm"},
        container={"imageName": IMAGE, "env": {"ODD": 'a "quote" and \'one', "MODE": "fast"}},
        health={"smokeCommands": ['test "$MODE" = fast', 'test "$RP_TAGS" = "purpose=bob%27s+llm"']},
    )

    user.rp("deploy", "sd")

    assert world.calls("createPod")[0]["body"]["env"]["RP_TAGS"] == "purpose=bob%27s+llm"


def test_a_start_script_runs_and_ssh_comes_up_all_the_same(user: User, world: World) -> None:
    script = '#!/bin/bash\nset -euo pipefail\necho "it\'s $((1+1))" > started.txt\nfalse\n'
    user.write_template(container={"imageName": IMAGE, "startScript": script})

    user.rp("deploy", "sd", "--alias", "my-pod")

    assert user.ssh("my-pod", "cat started.txt").out == "it's 2\n"


def test_a_network_volume_binds_the_data_center(user: User, make_world: Callable[..., World]) -> None:
    world = make_world('[[account.volume]]\nid = "vol1"\nname = "data"\ndata_center = "EU-RO-1"\n')
    user.write_template(networkVolumeId="vol1", cloudPreference=["ALL"])

    user.rp("deploy", "sd")
    elsewhere = user.rp("deploy", "sd", "--region", "US", code=2)

    [create] = world.calls("createPod")
    assert create["body"]["dataCenterIds"] == ["EU-RO-1"]
    assert create["body"]["mounts"] == {"network": [{"volumeId": "vol1", "path": "/workspace"}]}
    assert "vol1 is in EU-RO-1" in elsewhere.err


def test_an_image_whose_log_shows_no_host_key_is_trusted_at_first_sight_and_that_is_said(
    user: User, world: World
) -> None:
    user.write_template(container={"imageName": "example/own-image:1"})

    result = user.rp("deploy", "sd", "--alias", "my-pod")

    assert "shows no host key: the first one seen is trusted" in result.err
    assert user.ssh("my-pod", "true").code == 0


def test_a_first_try_takes_at_most_8_calls(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(boot="")
    user.write_template(regionPreference=["EU"], cloudPreference=["ALL"])

    user.rp("deploy", "sd")

    calls = [call["operation"] for call in world.ledger["calls"]]
    assert len(calls) <= 8, calls


def test_the_journal_tells_every_attempt_in_json(user: User, make_world: Callable[..., World]) -> None:
    make_world("[[refuse]]\n")
    user.write_template(gpuPreference=["H100"])

    failed = user.rp("deploy", "sd", "--json", code=3).json

    assert failed["error"]["code"] == "no_capacity"
    assert [attempt["outcome"] for attempt in failed["attempts"]] == ["refused", "refused"]


def test_a_secret_that_a_smoke_command_prints_is_not_kept(world: World, user: User) -> None:
    user.write_template(health={"smokeCommands": ["env | grep SECRET_WORD; false"], "level": "off", "maxRetries": 0})

    result = user.rp("deploy", "sd", "--env", "SECRET_WORD_TOKEN=swordfish-12345", code=5)

    assert "smoke command" in result.err
    kept = b"".join(path.read_bytes() for path in user.state.glob("rp.db*"))
    assert b"smoke command" in kept
    for text in (kept, result.err.encode(), result.out.encode(), user.rp("why", "--json").out.encode()):
        assert b"swordfish" not in text
