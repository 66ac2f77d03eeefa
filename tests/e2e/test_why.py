"""`rp why`: what happened, told without a key and without a network."""

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import User, World
from rp.state.journal import Journal
from unit.output import stories

SMOKE = {"smokeCommands": ["true rp-smoke"], "retryBackoffSeconds": 0, "sshTimeoutSeconds": 20, "level": "off"}
FIRST_IS_BAD = (
    '[[jank]]\nkind = "commands"\nnth_pod = [1]\n'
    '[[jank.command]]\nmatch = "rp-smoke"\nstderr = "disk is broken\\n"\nexit = 9\n'
)


@pytest.fixture
def offline(user: User) -> User:
    """A user whose key is gone, with one deploy in the journal."""
    user.state.mkdir(parents=True)
    stories.write(user.state)
    del user.env["RUNPOD_API_KEY"]
    return user


def test_a_deploy_with_a_bad_pod_is_told_afterwards(
    user: User, make_world: Callable[..., World], tmp_path: Path
) -> None:
    world = make_world(FIRST_IS_BAD)
    user.write_template(health=SMOKE)
    user.rp("deploy", "sd", "--alias", "my-pod", "--yes")
    bad, good = world.pods
    calls = len(world.ledger["calls"])

    text = user.rp("why", "my-pod").out
    told = user.rp("why", bad["id"], "--json").json
    user.rp("why", good["id"], "--html", "-o", str(tmp_path / "page.html"))

    assert len(world.ledger["calls"]) == calls
    assert text.startswith("my-pod: ready after")
    assert f"pod {bad['id']}" in text
    assert "smoke command `true rp-smoke` ended with status 9: disk is broken" in text
    assert [attempt["outcome"] for attempt in told["attempts"]] == ["terminated", "kept"]
    assert [attempt["pod_id"] for attempt in told["attempts"]] == [bad["id"], good["id"]]
    assert told["attempts"][0]["bad"]
    assert "disk is broken" in (tmp_path / "page.html").read_text()


def test_it_needs_no_key_and_no_network(offline: User) -> None:
    result = offline.rp("why")

    assert result.out.startswith("my-pod: ready after 50s\n")
    assert result.err == ""


def test_without_a_name_the_newest_is_told_and_the_others_named(offline: User) -> None:
    journal = Journal(offline.state / "rp.db", offline.state / "locks")
    deployment = journal.begin("newer123", "account", "sd", "other", {}, stories.START + 100)
    deployment.finish("failed", stories.START + 103)
    deployment.close()
    journal.close()

    result = offline.rp("why")

    assert result.out.startswith("other: failed after 3s\n")
    assert "rp why mxeshdgr   my-pod, ready, 2026-11-24 09:12 UTC" in result.err


def test_names_that_mean_nothing_are_6(user: User, offline: User) -> None:
    unknown = offline.rp("why", "my-pd", code=6)
    as_json = offline.rp("why", "my-pd", "--json", code=6)

    assert "did you mean `my-pod`?" in unknown.err
    assert as_json.json["error"]["code"] == "not_found"


def test_without_any_deploy_there_is_nothing_to_tell(user: User) -> None:
    result = user.rp("why", code=6)

    assert "no deployment to tell of" in result.err
    assert not user.state.exists()


def test_the_bundle_is_written_once_and_says_what_to_look_at(offline: User, tmp_path: Path) -> None:
    path = tmp_path / "ticket.tar.gz"
    offline.write_template(container={"imageName": "x", "env": {"MY_TOKEN": "worker line 7"}})
    words = ("why", "my-pod", "--bundle", "-o", str(path))

    written = offline.rp(*words, USER="worker", OTHER_SECRET="line 3-5 and more", RUNPOD_API_KEY="provisioning")
    again = offline.rp(*words, code=2)
    offline.rp(*words, "--force")

    assert written.out == f"{path}\n"
    assert "README.txt" in written.err
    assert "--force" in again.err
    with tarfile.open(path) as tar:
        readme = tar.extractfile("rp-why-mxeshdgr/README.txt")
        assert readme is not None
        assert b"Please refund" in readme.read()


def test_secrets_of_the_template_the_environment_and_the_key_are_left_out(offline: User) -> None:
    offline.write_template(container={"imageName": "x", "env": {"MY_TOKEN": "worker line 17"}})

    offline.write_config("runpod_api_key", "waiting").chmod(0o600)

    told = offline.rp("why", "--json", OTHER_SECRET="worker line 18").out

    assert "worker line 16" in told
    assert "worker line 17" not in told
    assert "worker line 18" not in told
    assert "waiting" not in told


def test_dash_is_stdout(offline: User) -> None:
    page = offline.rp("why", "--html", "-o", "-").out

    assert page.startswith("<!DOCTYPE html>")
    assert page.endswith("</html>\n")


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["-o", "x"], 2, "--html or --bundle"),
        (["--force"], 2, "--html or --bundle"),
        (["--html", "--bundle"], 2, "not allowed with"),
        (["--html", "-o", "/no/such/folder/x.html"], 1, "cannot write /no/such/folder/x.html: No such file"),
        (["--bundle", "-o", "/dev/full"], 2, "no ordinary file"),
        (["--html", "-o", "/"], 2, "no ordinary file"),
    ],
)
def test_what_cannot_be_written_is_told(offline: User, words: list[str], code: int, text: str) -> None:
    assert text in offline.rp("why", *words, code=code).err


def test_a_broken_alias_or_template_file_is_no_obstacle(offline: User) -> None:
    offline.write_config("templates.json", "{broken")
    offline.write_config("pods.json", "[]")

    assert json.loads(offline.rp("why", "my-pod", "--json").out)["outcome"] == "ready"
