"""What Tab offers, asked as the shells ask it."""

import argparse
import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from conftest import RP, User
from rp.cli import completion
from rp.cli.main import COMMANDS
from rp.domain import gpus, places
from rp.state.catalog import CatalogCache
from unit.samples import CATALOG, NAMED_GPUS

NOW = 1_700_000_000.0
# Asks bash's own function once per line of its input, and prints the answers.
ASK = r"""
source <("$1" completion bash)
while IFS= read -r COMP_LINE; do
    COMP_POINT=${#COMP_LINE} COMP_TYPE=9 COMPREPLY=()
    _python_argcomplete "$1"
    printf '%s|' "${COMPREPLY[@]}"; echo
done
"""


@pytest.fixture
def known(user: User) -> User:
    """A user with templates, aliases and an old catalog, and nobody at RunPod's address."""
    del user.env["RUNPOD_API_KEY"]
    for name in ("sd", "sd-a100", "train", "$schema"):
        user.write_template(name)
    user.write_config("pods.json", json.dumps({"my-pod": "p1", "other": "p2", "evil\x1b]0;x\x07": "p3"}))
    cache = CatalogCache(user.state / "catalog.json", user.env["RP_API_URL"])
    cache.put_gpus("SECURE 1", CATALOG, NOW)
    cache.put_data_centers(CATALOG.data_centers, NOW)
    return user


def asked(user: User, *lines: str) -> list[list[str]]:
    """What bash would offer for each of `lines`."""
    done = subprocess.run(
        ["bash", "-c", ASK, "bash", RP],
        input="\n".join(lines) + "\n",
        env=user.env,
        cwd=user.home,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return [[word for word in line.split("|") if word] for line in done.stdout.splitlines()]


def test_commands_verbs_options_and_names_are_offered(known: User) -> None:
    (known.home / "plan.toml").write_text("")
    (known.home / "folder").mkdir()
    lines = {
        "rp gp": ["gpus "],
        "rp gpus --pl": ["--places "],
        "rp template sh": ["show "],
        "rp health my-pod --level st": ["standard "],
        "rp deploy s": ["sd", "sd-a100"],
        "rp template show ": ["sd", "sd-a100", "train"],
        "rp stop ": ["my-pod", "other"],
        "rp deploy sd --cloud=SEC": ["SECURE "],
        "rp deploy sd --cloud ALL,": ["ALL,SECURE", "ALL,COMMUNITY"],
        "rp deploy --region EU,eu-r": ["EU,eu-ro-1 "],
        r"rp gpus rtx\ 409": [r"rtx\ 4090 "],
        "rp gpus 'RTX 409": ["RTX 4090"],
        "rp gpus 2xH100,h20": [r"2xH100,h200\ sxm", "2xH100,h200"],
        "rp deploy sd --alias ": [],
        "rp sim start --scenario pl": ["plan.toml "],
        "rp sim start --scenario fo": ["folder/"],
        "cd there && RP_DEBUG=1 rp why ot": ["other "],
    }

    found = dict(zip(lines, asked(known, *lines), strict=True))

    assert found == lines


def test_a_tab_changes_nothing_and_is_quiet_whatever_the_files_are(known: User) -> None:
    older = '{"aliases": {"old": "p1"}}'
    known.write_config("pods.json", older)
    known.write_config("templates.json", "{broken")
    (known.state / "catalog.json").write_text("[" * 9000)
    known.env["RP_API_URL"] = "ftp://nowhere"
    before = sorted(path for path in known.home.rglob("*"))

    assert asked(known, "rp stop ", "rp deploy ", "rp gpus H", "rp deploy 'un", "rp") == [[]] * 5
    assert sorted(path for path in known.home.rglob("*")) == before
    assert (known.config / "pods.json").read_text() == older


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_can_read(known: User, shell: str) -> None:
    script = known.rp("completion", shell).out

    assert "_ARGCOMPLETE" in script
    assert "\x1b" not in script
    if shutil.which(shell):
        flags = ["--no-execute"] if shell == "fish" else ["-n"]
        done = subprocess.run([shell, *flags], input=script, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_shows_what_each_word_is(known: User) -> None:
    path = f"{Path(RP).parent}:{known.env['PATH']}"
    command = "rp completion fish | source; complete -C 'rp gpus rtx40'; complete -C 'rp deploy tr'"
    done = subprocess.run(
        ["fish", "-N", "-c", command], env={**known.env, "PATH": path}, capture_output=True, text=True, timeout=60
    )

    assert "train" in done.stdout.splitlines()


def test_a_shell_that_is_not_known_is_a_usage_error(user: User) -> None:
    assert "invalid choice: 'tcsh'" in user.rp("completion", "tcsh", code=2).err


def modules_of(user: User, *words: str, **env: str) -> set[str]:
    """What is loaded when `rp` ends."""
    program = (
        "import os, sys\n"
        "tell = lambda: print('\\n'.join(['', '--', *sys.modules]), flush=True)\n"
        "leave = os._exit\n"
        "os._exit = lambda status: (tell(), leave(0))\n"
        "from rp.cli.main import run\n"
        "run(sys.argv[1:])\n"
        "tell()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        env={**user.env, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stdout.partition("\n--\n")[2].split())


def test_argcomplete_is_loaded_at_a_tab_alone_and_nothing_heavy_with_it(known: User) -> None:
    # Descriptor 8 is where the answer goes; without one argcomplete gives up.
    line = "rp gpus H1"
    with open(os.devnull, "w") as nowhere:
        at_tab = modules_of(
            known,
            _ARGCOMPLETE="1",
            COMP_LINE=line,
            COMP_POINT=str(len(line)),
            _ARGCOMPLETE_STDOUT_FILENAME=nowhere.name,
        )
    usual = modules_of(known, "template", "list")

    assert {"argcomplete", "rp.cli.gpus", "rp.state.catalog"} <= at_tab
    heavy = {"httpx2", "rich", "keyring", "sqlite3", "ssl", "asyncio", "rp.operations", "rp.runpod", "rp.cli.deploy"}
    assert at_tab & heavy == set()
    assert "rp.cli.templates" in usual
    assert {one for one in usual if one.startswith("argcomplete")} == set()


def options_of(parser: argparse.ArgumentParser, path: str) -> set[tuple[str, str]]:
    found = set()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, verb in action.choices.items():
                found |= options_of(verb, f"{path} {name}")
        else:
            found.add((path, action.dest))
    return found


def test_the_table_of_completers_names_options_that_exist() -> None:
    there: set[tuple[str, str]] = set()
    for name, (module, _) in COMMANDS.items():
        parser = argparse.ArgumentParser()
        import_module(module).CONFIGURE[name](parser)
        there |= options_of(parser, name)
    anywhere = {("*", dest) for _, dest in there}

    assert set(completion.COMPLETERS) <= there | anywhere
    for dest in ("template", "pod", "pods", "gpu", "gpus", "region", "cloud"):
        owners = {(path, name) for path, name in there if name == dest}
        assert {
            one for one in owners if one not in completion.COMPLETERS and ("*", dest) not in completion.COMPLETERS
        } == set()


def test_every_word_that_is_offered_is_understood() -> None:
    names = completion._gpu_names(CATALOG, is_short=True)
    regions = completion._region_names(CATALOG)

    assert {gpu.name for gpu in NAMED_GPUS if gpu.offers} <= set(names)
    assert {"H100", "4090", "A100"} <= set(names)
    for name in names:
        assert gpus.match(name, CATALOG.gpus)
        assert gpus.match(name.lower(), CATALOG.gpus)
    assert {"EU", "NA", "US", "RO", "US-TX-3"} <= set(regions)
    for region in regions:
        assert places.data_centers_in(region.lower(), CATALOG.data_centers)
