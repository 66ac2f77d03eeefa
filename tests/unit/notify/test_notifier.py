"""Notifications arrive at webhooks, ntfy and the desktop, and a failure is told without a secret."""

import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rp.notify.notifier import Notifier
from webhook import webhook

NOTIFY_SEND = """\
#!{python}
import json, os, sys
open({out!r}, "w").write(json.dumps([sys.argv[1:], "SECRET" in os.environ]))
sys.stderr.write({said!r})
sys.exit({status})
"""
HOSTILE = "-rf `id` $(id) ${HOME} <b>&amp; \\n 'x' \"y\"\x1b[2J\x00 é 日本\nsecond line"


def notifier(env: dict[str, str] | None = None, *, patience: float = 10.0) -> Notifier:
    return Notifier(env or {}, time.monotonic, patience=patience)


def program(folder: Path, name: str = "notify-send", *, said: str = "", status: int = 0) -> dict[str, str]:
    """An environment in whose PATH is nothing but such a program, which writes its arguments into `folder`/out."""
    path = folder / "bin" / name
    path.parent.mkdir()
    path.write_text(NOTIFY_SEND.format(python=sys.executable, out=str(folder / "out"), said=said, status=status))
    path.chmod(0o755)
    return {"PATH": str(path.parent)}


def arguments(folder: Path) -> list[str]:
    words, _ = json.loads((folder / "out").read_text())
    return [str(word) for word in words]


def test_a_webhook_gets_title_and_body_with_its_query() -> None:
    with webhook() as hook:
        problems = notifier({"TOKEN": "a%26b"}).send(
            [f"http://{hook.host}/some/path?token=${{env:TOKEN}}"], "sd is ready", "ssh sd\n$0.74/h"
        )

    assert problems == []
    ((path, posted),) = hook.posted
    assert path == "/some/path?token=a%26b"
    assert (posted["title"], posted["message"]) == ("sd is ready", "ssh sd\n$0.74/h")


def test_ntfy_gets_it_too() -> None:
    with webhook() as hook:
        assert notifier().send([f"ntfy://{hook.host}/topic"], "done", "all well") == []

    ((_, posted),) = hook.posted
    assert (posted["topic"], posted["title"], posted["message"]) == ("topic", "done", "all well")


def test_each_target_gets_it_once_and_one_that_fails_keeps_none_from_it() -> None:
    with webhook() as good, webhook(status=403) as bad:
        targets = [f"json://u:hush@{bad.host}/s3cr3t", f"json://{good.host}/", f"json://{good.host}/"]
        problems = notifier().send([*targets, "nonsense", "nonsense", targets[0]], "t", "b")

    assert (len(good.posted), len(bad.posted)) == (1, 1)
    assert problems == [
        "json://127.0.0.1: the service answered with HTTP 403; check the address and its token",
        "nonsense: this is no target; use `desktop`, or an address such as ntfy://topic, slack://… or https://host/path",
    ]


def test_nobody_there_is_told() -> None:
    (problem,) = notifier().send(["http://127.0.0.1:9/s3cr3t"], "t", "b")

    assert problem == "http://127.0.0.1: the service could not be reached; check the address and the network"


def test_a_server_that_never_answers_is_given_up() -> None:
    with webhook(status=None) as hook, webhook() as good:
        started = time.monotonic()
        problems = notifier(patience=1.0).send([f"json://{hook.host}/", f"json://{good.host}/"], "t", "b")
        took = time.monotonic() - started

    assert problems == ["json://127.0.0.1: no answer within 1 s; it may have arrived all the same"]
    assert took < 3
    assert len(good.posted) == 1


def test_hostile_text_is_text(tmp_path: Path) -> None:
    with webhook() as hook:
        problems = notifier(program(tmp_path)).send(
            [f"json://{hook.host}/", f"ntfy://{hook.host}/t", "desktop"], HOSTILE, HOSTILE
        )

    assert problems == []
    clean = "-rf `id` $(id) ${HOME} <b>&amp; \\n 'x' \"y\"[2J é 日本"
    for _, posted in hook.posted:
        assert (posted["title"], posted["message"]) == (f"{clean} second line", f"{clean}\nsecond line")
    shown = clean.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\\", "\\\\")
    assert arguments(tmp_path) == ["--app-name=rp", "--", f"{clean} second line", f"{shown}\nsecond line"]


def test_an_empty_message_still_says_who_sent_it() -> None:
    with webhook() as hook:
        assert notifier().send([f"json://{hook.host}/"], "\n", "") == []

    assert [hook.posted[0][1][part] for part in ("title", "message")] == ["rp", "rp"]


def test_on_a_mac_the_text_is_no_part_of_the_script(tmp_path: Path) -> None:
    assert notifier(program(tmp_path, "osascript")).send(["desktop"], "-e quit", 'say "x"') == []

    words = arguments(tmp_path)
    assert words[-3:] == ["rp", "-e quit", 'say "x"']
    assert words[:-3:2] == ["-e", "-e", "-e"]
    assert not any("quit" in word or "say" in word for word in words[:-3])


def test_a_desktop_that_is_not_there(tmp_path: Path) -> None:
    (problem,) = notifier(program(tmp_path, said="no bus\nat all", status=1)).send(["desktop"], "t", "b")

    assert problem == "desktop: notify-send failed: no bus; is there a desktop to notify?"
    without = notifier({"PATH": str(tmp_path)})
    assert without.problem("desktop") == without.send(["desktop"], "t", "b")[0]
    assert "there is no " in (without.problem("desktop") or "")


def test_a_desktop_program_that_hangs_is_ended(tmp_path: Path) -> None:
    env = program(tmp_path)
    (tmp_path / "bin" / "notify-send").write_text("#!/bin/sh\nexec /bin/sleep 60\n")

    (problem,) = notifier(env, patience=0.5).send(["desktop"], "t", "b")

    assert problem == "desktop: notify-send did not end within 0.45 s; is there a desktop to notify?"


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("ntfy://topic", None),
        ("https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", None),
        ("https://example.org/hook", None),
        ("${env:HOOK}", None),
        ("slakc://a/b/c", "slakc://…: no service has addresses that begin with `slakc://`; did you mean `slack://`?"),
        (
            "qqqqqqqq://a",
            "qqqqqqqq://…: no service has addresses that begin with `qqqqqqqq://`; known are ntfy://topic",
        ),
        ("slack://s3cr3t", "slack://…: the address is not complete; it has the form slack://{token_a}/{token_b}"),
        ("https://", "https://…: the address is not complete; it has the form https://host/path"),
        ("http://[bad", "http://…: the address is not well formed"),
        ("destkop", "destkop: this is no target; did you mean `desktop`?"),
        ("${env:GONE}", "${env:GONE}: GONE is not set; export GONE=… first"),
        ("", "a target without `://`: this is no target; use `desktop`, or an address such as"),
    ],
)
def test_what_is_wrong_with_a_target_is_known_without_sending(target: str, problem: str | None) -> None:
    found = notifier({"HOOK": "https://example.org/hook"}).problem(target)

    assert found == problem if problem is None else found and found.startswith(problem)
    assert "s3cr3t" not in (found or "")


def test_apprise_stays_silent(capfd: pytest.CaptureFixture[str]) -> None:
    with webhook(status=500) as hook:
        assert notifier().send([f"json://{hook.host}/", "slack://x"], "t", "b")

    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("apprise").propagate is False
    assert not [one for one in logging.getLogger("apprise").handlers if type(one).__module__.startswith("rp.")]


WITHOUT = """
import sys, time
class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "apprise":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Gone())
from rp.notify.notifier import Notifier
found = Notifier({}, time.monotonic)
print(found.problem("ntfy://s3cr3t"))
print(found.send(["https://host/s3cr3t"], "t", "b"))
"""


def test_without_the_library_the_extra_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], env=dict(os.environ), capture_output=True, text=True, timeout=60, check=True
    )

    needs = "it needs the library apprise; install rp with the extra `notify`, as in `rp[notify]`"
    assert done.stdout.splitlines() == [f"ntfy://…: {needs}", str([f"https://host: {needs}"])]
