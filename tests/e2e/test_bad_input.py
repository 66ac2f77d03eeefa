"""What a user can get wrong, and what goes wrong around them: a clear message, the right status, nothing lost."""

import json
import resource
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import IMAGE, RP, User, World


def test_without_a_key_it_says_how_to_get_one(user: User, empty_world: World) -> None:
    del user.env["RUNPOD_API_KEY"]

    result = user.rp("list", code=4)

    assert result.err == (
        "error: there is no RunPod API key\nhint: `rp login` stores one, or export RUNPOD_API_KEY=…\n"
    )


def test_a_wrong_key_is_named_as_the_cause_and_never_shown(user: User, empty_world: World) -> None:
    result = user.rp("list", code=4, RUNPOD_API_KEY="wrong-key-123")

    assert "401" in result.err
    assert "rp login" in result.err
    assert "wrong-key-123" not in result.err


def test_a_key_with_a_line_break_is_refused_without_showing_it(user: User, empty_world: World) -> None:
    result = user.rp("list", code=4, RUNPOD_API_KEY="secret\nInjected: header")

    assert "secret" not in result.err
    assert "RUNPOD_API_KEY" in result.err


@pytest.mark.parametrize(
    ("words", "code", "texts"),
    [
        (["deploy", "sdd"], 6, ["no template is called `sdd`", "did you mean `sd`?"]),
        (["deploy", "sd", "--gpu", "H1OO"], 6, ["no GPU is called `H1OO`", "did you mean", "H100"]),
        (["deploy", "sd", "--gpu", "4O90,A1000"], 6, ["2 things", "`4O90`", "`A1000`"]),
        (["deploy", "sd", "--region", "US-TX-33"], 6, ["no data center is in region `US-TX-33`", "US-TX-3"]),
        (["deploy", "sd", "--region", "XX"], 6, ["region `XX`", "continent"]),
        (["deploy", "sd", "--cloud", "PRIVATE"], 2, ["the options do not fit", "PRIVATE"]),
        (["deploy", "sd", "--region", ""], 2, ["--region", "empty"]),
        (["deploy", "sd", "--alias", ""], 2, ["cannot be an alias"]),
        (["deploy", "sd", "--alias", "127.0.0.1"], 2, ["cannot be an alias"]),
        (["deploy", "sd", "--alias", "a b"], 2, ["`a b` cannot be an alias"]),
        (["deploy", "sd", "--alias", "-oProxyCommand=x"], 2, ["--alias"]),
        (["deploy", "sd", "--alias", "x\ny"], 2, ["cannot be an alias"]),
        (["deploy", "sd", "--env", "NOVALUE"], 2, ["KEY=VALUE"]),
        (["deploy", "sd", "--count", "0"], 2, ["below 1"]),
        (["deploy", "sd", "--count", "64"], 3, ["at most", "64 wanted"]),
        (["deploy", "sd", "--retries", "-1"], 2, ["--retries"]),
        (["stop", "my-pood"], 6, ["no alias or pod is called `my-pood`"]),
        (["terminate", "nothing", "--yes"], 6, ["`nothing`"]),
        (["remove", "nothing"], 6, ["no alias is called `nothing`"]),
        (["add", "x", "no-such-pod"], 6, ["the account has no pod `no-such-pod`"]),
        (["template", "show", "s"], 6, ["did you mean `sd`?"]),
        (["template", "delete", "nope", "--yes"], 6, ["no template is called `nope`"]),
        (["template", "derive", "../x", "--from", "y"], 6, ["`y`"]),
        (["dploy"], 2, ["there is no command `dploy`", "did you mean `rp deploy`?"]),
        (["deploy"], 2, ["required"]),
        (["deploy", "sd", "--bogus"], 2, ["--bogus"]),
    ],
)
def test_each_mistake_is_named_with_its_remedy(
    user: User, empty_world: World, words: list[str], code: int, texts: list[str]
) -> None:
    user.write_template()

    result = user.rp(*words, code=code)

    for text in texts:
        assert text in result.err
    assert "Traceback" not in result.err
    assert result.out == ""
    assert empty_world.alive == []


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"health": {"maxRetries": "two"}}, 'sd.health.maxRetries: expected a whole number, got "two"'),
        ({"gpuPreference": "H100"}, 'sd.gpuPreference: expected a list, got "H100"'),
        ({"container": {}}, "sd.container.imageName: is missing"),
        ({"container": {"imageName": IMAGE, "ports": ["ssh"]}}, "sd.container.ports: `ssh` is no port"),
        ({"container": {"imageName": IMAGE, "env": {"A": 1}}}, "sd.container.env.A: expected a text, got 1"),
        ({"gpuCount": True}, "sd.gpuCount: expected a whole number, got true"),
        ({"stopAfter": "2h"}, "sd.stopAfter"),
        ({"container": {"imageName": IMAGE, "env": {"T": "${env:UNSET_HERE}"}}}, "UNSET_HERE is not set here"),
        ({"networkVolumeId": "vol-none"}, "there is no network volume `vol-none`"),
    ],
)
def test_a_template_that_is_wrong_is_told_by_its_path(
    user: User, empty_world: World, change: dict[str, Any], text: str
) -> None:
    user.write_template(**change)

    result = user.rp("deploy", "sd", code=None)

    assert result.code != 0
    assert text in result.err
    assert empty_world.calls("createPod") == []


def test_every_problem_of_a_template_is_told_at_once(user: User, empty_world: World) -> None:
    user.write_template(gpuCount=0, health={"maxRetries": -1}, cloudPreference=["MOON"])

    result = user.rp("deploy", "sd", code=1)

    for path in ("sd.gpuCount", "sd.health.maxRetries", "sd.cloudPreference"):
        assert path in result.err


def test_a_mistyped_key_is_pointed_out(user: User, empty_world: World) -> None:
    user.write_template(gpuCont=2)

    result = user.rp("deploy", "sd", "--dry-run")

    assert "sd.gpuCont: unknown key; did you mean `gpuCount`?" in result.err


@pytest.mark.parametrize("name", ["templates.json", "pods.json"])
@pytest.mark.parametrize(
    ("text", "place"),
    [('{"sd": {,}}', "line 1, column 9"), ('{\n  "a": 1,,\n}', "line 2, column 10"), ("[]", "object")],
)
def test_a_broken_file_is_named_with_line_and_column_and_left_as_it_is(
    user: User, empty_world: World, name: str, text: str, place: str
) -> None:
    user.write_template()
    path = user.write_config(name, text)

    results = [user.rp("deploy", "sd", code=1), user.rp("deploy", "sd", "--alias", "x", code=1)]

    assert str(path) in results[0].err
    assert place in results[0].err
    assert "mv " in results[0].err
    assert path.read_text() == text
    assert empty_world.pods == []


def test_without_any_ssh_key_nothing_is_created(user: User, empty_world: World) -> None:
    shutil.rmtree(user.home / ".ssh")
    user.write_template()

    result = user.rp("deploy", "sd", code=4)

    assert "there is no SSH key" in result.err
    assert "ssh-keygen -t ed25519" in result.err
    assert empty_world.pods == []


def test_a_key_that_needs_a_passphrase_is_told_from_none(user: User, empty_world: World) -> None:
    key = user.home / ".ssh" / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "secret", "-P", "", "-f", str(key)], check=True)
    user.write_template()

    result = user.rp("deploy", "sd", code=4)

    assert f"ssh-add {key}" in result.err
    assert empty_world.pods == []


def test_without_ssh_on_the_machine_nothing_is_created(user: User, empty_world: World, tmp_path: Path) -> None:
    user.write_template()
    empty = tmp_path / "empty"
    empty.mkdir()

    result = user.rp("deploy", "sd", code=1, PATH=str(empty))

    assert "`ssh` is not on this machine" in result.err
    assert "openssh-client" in result.err
    assert empty_world.pods == []


def test_an_api_that_is_down_is_told_as_that(user: User) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        user.env["RP_API_URL"] = f"http://127.0.0.1:{reserved.getsockname()[1]}"

        result = user.rp("list", code=1)

    assert "cannot reach RunPod" in result.err
    assert "uptime.runpod.io" in result.err


def test_an_api_that_answers_html_is_told_as_that(user: User, make_world: Callable[..., World]) -> None:
    make_world(
        '[[fault]]\noperation = "listPods"\nkind = "status"\nevery = 1\nstatus = 503\n'
        'body = "<html>Bad gateway</html>"\ncontent_type = "text/html"\n'
    )

    result = user.rp("list", code=1)

    assert "HTTP 503" in result.err
    assert "<html>" not in result.err


@pytest.mark.slow
def test_an_api_that_does_not_answer_is_given_up_after_half_a_minute(
    user: User, make_world: Callable[..., World]
) -> None:
    make_world('[[fault]]\noperation = "listPods"\nkind = "hang"\nevery = 1\nseconds = 50\n')

    result = user.rp("list", code=1)

    assert "did not answer GET /pods in time" in result.err


def test_one_bad_answer_to_a_question_is_asked_again(user: User, make_world: Callable[..., World]) -> None:
    make_world('[[fault]]\noperation = "listPods"\nkind = "status"\nnth = [1, 2]\nstatus = 500\n')

    user.rp("list")


def test_the_key_does_not_travel_unencrypted(user: User) -> None:
    result = user.rp("list", code=2, RP_API_URL="http://api.runpod.example")

    assert "must not go there" in result.err


def test_a_configuration_folder_that_cannot_be_written_stops_it_before_any_money(
    user: User, empty_world: World
) -> None:
    user.write_template()
    (user.home / "file").write_text("")

    result = user.rp("deploy", "sd", code=1, RP_STATE_DIR=str(user.home / "file" / "rp"))

    assert "cannot write" in result.err
    assert "RP_STATE_DIR" in result.err
    assert empty_world.pods == []


def test_a_full_disk_stops_it_before_any_money(user: User, empty_world: World) -> None:
    user.write_template()

    done = subprocess.run(
        [RP, "deploy", "sd"],
        env=user.env,
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    )

    assert done.returncode == 1, done.stderr
    assert "cannot write" in done.stderr
    assert json.loads((user.config / "templates.json").read_text())
    assert empty_world.pods == []


def test_a_failed_remote_setup_keeps_the_pod_and_says_so(user: User, world: World) -> None:
    user.write_template()
    user.write_config("setup_remote.sh", "#!/bin/sh\necho installing\nexit 7\n")

    result = user.rp("deploy", "sd", "--alias", "my-pod", code=1)

    assert "setup_remote.sh: installing" in result.err
    assert "setup_remote.sh ended with status 7" in result.err
    assert "keeps running as `my-pod`" in result.err
    assert len(world.alive) == 1
    assert "my-pod" in user.aliases
