"""What a person sees: on a terminal, in a pipe, with and without colour."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable

import pexpect
import pytest

from conftest import RP, User, World, until

COMMANDS = (
    *("deploy", "list", "gpus", "health", "why", "stop", "terminate", "add", "remove", "hosts", "template", "cleanup"),
    *("login", "notify", "demo", "sim", "completion"),
)
VERBS = (
    *(("hosts", verb) for verb in ("list", "trust", "forget")),
    *(("template", verb) for verb in ("create", "derive", "edit", "list", "show", "rename", "copy")),
    *(("template", verb) for verb in ("validate", "diff", "export", "import", "schema", "delete")),
    *(("sim", verb) for verb in ("start", "status", "stop", "scenario", "ledger")),
)
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
POD = '[[account.pod]]\nid = "{id}"\nname = "by-hand"\nvolume = 50\n'


def terminal(user: User, *words: str, columns: int = 80, **env: str) -> "pexpect.spawn[str]":
    return pexpect.spawn(
        RP, list(words), env={**user.env, **env}, dimensions=(40, columns), encoding="utf-8", timeout=30
    )


def shown(child: "pexpect.spawn[str]") -> str:
    """All that came, once the command has ended."""
    child.expect(pexpect.EOF)
    child.close()
    return (child.before or "").replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [60, 80])
def test_tables_fit_the_terminal_and_keep_the_ids_whole(
    user: User, make_world: Callable[..., World], columns: int
) -> None:
    make_world(POD.format(id="averylongpodid1"))
    user.write_config("pods.json", json.dumps({"a-rather-long-alias-for-a-pod": "averylongpodid1"}))

    text = ESCAPE.sub("", shown(terminal(user, "list", columns=columns)))

    lines = text.splitlines()
    assert lines[0].split()[:3] == ["ALIAS", "ID", "STATUS"]
    assert "averylongpodid1  RUNNING" in lines[1]
    assert all(len(line) <= columns for line in lines), lines


def test_colour_is_for_terminals_that_want_it(user: User, empty_world: World) -> None:
    with_colour = shown(terminal(user, "stop", "nothing"))
    without = shown(terminal(user, "stop", "nothing", NO_COLOR="1"))
    dumb = shown(terminal(user, "stop", "nothing", TERM="dumb"))

    assert "\x1b[1;31merror:\x1b[0m" in with_colour
    assert without.startswith("error: no alias or pod")
    assert dumb.startswith("error: no alias or pod")
    assert "\x1b" not in user.rp("stop", "nothing", code=6).err


def test_deploy_asks_first_on_a_terminal_and_no_means_no(user: User, empty_world: World) -> None:
    user.write_template()
    child = terminal(user, "deploy", "sd", "--alias", "my-pod")

    child.expect_exact("Deploy my-pod on RTX 4090, anywhere, secure at $0.74/h? [Y/n] ")
    child.sendline("n")
    shown(child)

    assert child.exitstatus == 1
    assert empty_world.pods == []


def test_ctrl_d_is_no_answer(user: User, empty_world: World) -> None:
    user.write_template()
    child = terminal(user, "deploy", "sd")

    child.expect_exact("[Y/n] ")
    child.sendeof()
    shown(child)

    assert child.exitstatus == 1
    assert empty_world.pods == []


def test_a_closed_terminal_ends_the_pod_though_shells_hang_up_twice(
    user: User, make_world: Callable[..., World]
) -> None:
    world = make_world(
        '[[fault]]\noperation = "deletePod"\nkind = "status"\nnth = [1]\nstatus = 500\n',
        boot="[boot]\nprovisioning_s = 30\nstarting_s = 30\n",
    )
    user.write_template()
    child = terminal(user, "deploy", "sd", "--yes")
    child.expect("provisioning")

    child.kill(signal.SIGHUP)
    until(lambda: bool(world.calls("deletePod")), "the first try to end the pod")
    child.kill(signal.SIGHUP)

    until(lambda: world.alive == [], "the end of the pod")
    shown(child)
    assert child.exitstatus == 130


@pytest.mark.parametrize("closing", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_bug(user: User, empty_world: World, closing: str) -> None:
    user.write_template()
    for words, code in (("list", 0), ("--help", 0), ("stop nothing", 6), ("deploy sd --dry-run", 0)):
        done = subprocess.run(
            ["/bin/sh", "-c", f"'{RP}' {words} {closing}"], env=user.env, capture_output=True, text=True, timeout=60
        )
        assert (words, done.returncode) == (words, code), done.stderr
        assert "bug in rp" not in done.stdout + done.stderr


def test_progress_on_a_terminal_is_one_live_line_with_phase_time_and_cost(user: User, world: World) -> None:
    user.write_template()

    text = ESCAPE.sub("", shown(terminal(user, "deploy", "sd", "--alias", "my-pod", "--yes", columns=60)))

    assert re.search(r"provisioning \d+s.*\$0\.\d+ so far", text)
    assert "my-pod is ready after" in text
    assert "ssh my-pod" in text


def test_ctrl_c_on_a_terminal_ends_the_pod(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(boot="[boot]\nprovisioning_s = 30\nstarting_s = 30\n")
    user.write_template()
    child = terminal(user, "deploy", "sd", "--yes")

    child.expect("provisioning")
    child.sendintr()
    text = shown(child)

    assert child.exitstatus == 130
    assert "interrupted: cleaning up" in text
    assert "was terminated" in text
    assert world.alive == []


def test_terminate_asks_and_tells_what_is_lost(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(POD.format(id="p1"))
    child = terminal(user, "terminate", "p1", columns=120)

    child.expect_exact("50 GB on its volume die with it. [y/N] ")
    child.sendline("")
    shown(child)

    assert child.exitstatus == 1
    assert len(world.alive) == 1


def test_login_asks_without_showing_and_stores_for_the_user_alone(user: User, empty_world: World) -> None:
    key = user.env.pop("RUNPOD_API_KEY")
    child = terminal(user, "login")

    child.expect_exact("RunPod API key: ")
    child.sendline(key)
    text = shown(child)

    assert child.exitstatus == 0
    assert key not in text
    path = user.config / "runpod_api_key"
    assert path.read_text().strip() == key
    assert path.stat().st_mode & 0o777 == 0o600
    user.rp("list")


def test_login_reads_a_pipe_and_refuses_a_key_that_does_not_work(user: User, empty_world: World) -> None:
    key = user.env.pop("RUNPOD_API_KEY")

    refused = user.rp("login", stdin="nonsense\n", code=4)
    empty = user.rp("login", stdin="", code=4)
    accepted = user.rp("login", stdin=f"{key}\n")

    assert "nonsense" not in refused.err
    assert "401" in refused.err
    assert "there is no API key in standard input" in empty.err
    assert "stored in" in accepted.out
    assert key not in accepted.out + accepted.err


def test_a_missing_key_is_asked_for_on_a_terminal(user: User, make_world: Callable[..., World]) -> None:
    make_world(POD.format(id="p1"))
    key = user.env.pop("RUNPOD_API_KEY")
    child = terminal(user, "list")

    child.expect_exact("RunPod API key: ")
    child.sendline(key)
    text = shown(child)

    assert child.exitstatus == 0
    assert "p1" in text
    assert key not in text


def test_names_and_answers_cannot_steer_the_terminal(user: User, make_world: Callable[..., World]) -> None:
    evil = "\\u001b]0;owned\\u0007[red]x"
    make_world(f'[[refuse]]\nstatus = 400\ndetail = "{evil}"\n')
    user.write_template()

    piped = user.rp("deploy", "sd", code=1)
    text = shown(terminal(user, "deploy", "sd", "--yes"))

    assert "\x1b" not in piped.err
    assert "\x1b]0;" not in text
    assert "[red]x" in text


@pytest.mark.parametrize("words", [("list",), ("template", "list"), ("deploy", "sd", "--dry-run"), ("sim", "status")])
def test_a_closed_pipe_is_no_error(user: User, empty_world: World, words: tuple[str, ...]) -> None:
    user.write_template()
    command = f"'{RP}' {' '.join(words)} | true"

    done = pexpect.run(f'/bin/sh -c "{command}"', env={**os.environ, **user.env}, encoding="utf-8")

    assert "Traceback" not in done
    assert "BrokenPipe" not in done


@pytest.mark.parametrize("words", [(), *((command,) for command in COMMANDS), *VERBS])
def test_every_help_page_has_an_example_and_fits_60_columns(user: User, words: tuple[str, ...]) -> None:
    page = user.rp(*words, "--help", COLUMNS="60").out

    assert "examples:\n" in page
    assert f"  rp {' '.join(words)}".rstrip() in page
    examples = page.index("examples:")
    assert all(len(line) <= 60 for line in page[:examples].splitlines() if " " in line.strip())


def test_the_commands_here_are_all_there_are(user: User) -> None:
    listed = re.findall(r"^  ([a-z]+)  ", user.rp("--help").out.split("commands", 1)[1].split("examples", 1)[0], re.M)

    assert tuple(listed) == COMMANDS


def test_rp_alone_shows_the_help_and_is_a_usage_error(user: User) -> None:
    result = user.rp(code=2)

    assert result.out == ""
    assert "commands" in result.err


def test_the_version_is_told(user: User) -> None:
    assert re.fullmatch(r"rp \d+\.\d+\.\d+\n", user.rp("--version").out)
