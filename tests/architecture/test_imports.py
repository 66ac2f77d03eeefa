"""The layers of docs/design.md, held by reading every file."""

import ast
from pathlib import Path

import pytest

from architecture import rules

EVERY = sorted(path.relative_to(rules.SRC / "rp").as_posix() for path in (rules.SRC / "rp").rglob("*.py"))
RP = [relative for relative in EVERY if not relative.startswith(rules.ON_THE_POD)]
SIMULATOR = sorted(path.relative_to(rules.SRC / "rp_sim").as_posix() for path in (rules.SRC / "rp_sim").rglob("*.py"))
ALL = sorted(path.relative_to(rules.SRC).as_posix() for path in rules.SRC.rglob("*.py"))


def _source(*parts: str) -> str:
    return rules.SRC.joinpath(*parts).read_text("utf-8")


def test_there_is_something_to_check() -> None:
    assert "domain/template.py" in RP
    assert "world.py" in SIMULATOR


@pytest.mark.parametrize("relative", RP)
def test_imports_point_downwards(relative: str) -> None:
    assert rules.import_problems(relative, _source("rp", relative)) == []


@pytest.mark.parametrize("relative", RP)
def test_the_outside_is_touched_in_few_places(relative: str) -> None:
    assert rules.touch_problems(relative, _source("rp", relative)) == []


@pytest.mark.parametrize("relative", SIMULATOR)
def test_the_simulator_shares_no_code_with_rp(relative: str) -> None:
    assert rules.simulator_import_problems(relative, _source("rp_sim", relative)) == []


@pytest.mark.parametrize("relative", ALL)
def test_files_and_functions_stay_short(relative: str) -> None:
    assert rules.size_problems(relative, _source(relative)) == []


@pytest.mark.parametrize(
    ("relative", "line", "problem"),
    [
        ("domain/pod.py", "from rp import files", "imports rp.files: domain may import ['errors']"),
        ("domain/pod.py", "import rp.state.aliases", "imports rp.state.aliases: domain may import ['errors']"),
        ("domain/pod.py", "import httpx2", "imports httpx2: domain/pod.py may import []"),
        ("domain/pod.py", "from ..state import aliases", "imports rp.state.aliases"),
        ("domain/pod.py", "if TYPE_CHECKING:\n    from rp.context import Context", "imports rp.context.Context"),
        (
            "operations/deploy.py",
            "from rp.runpod.client import RunPod",
            "operations may import ['domain', 'errors', 'health']",
        ),
        ("operations/deploy.py", "def f():\n    from rp.state import journal", "imports rp.state.journal"),
        ("state/journal.py", "from rp.remote import argv", "state may import ['domain', 'errors', 'files', 'paths']"),
        ("remote/ssh.py", "from rp.state.aliases import Aliases", "imports rp.state.aliases.Aliases"),
        ("runpod/client.py", "from rp.files import locked", "runpod may import ['domain', 'errors']"),
        ("output/output.py", "from rp.operations import deploy", "imports rp.operations.deploy"),
        (
            "output/output.py",
            "from rp.operations.events_of_others import X",
            "imports rp.operations.events_of_others.X",
        ),
        ("output/output.py", "import keyring", "may import ['rich']"),
        ("state/journal.py", "import keyring", "may import []"),
        ("cli/pods.py", "from rp.runpod.client import RunPod", "imports rp.runpod.client.RunPod"),
        ("cli/pods.py", "import typer", "imports typer"),
        ("cli/pods.py", "def f():\n    import click", "imports click"),
        ("cli/pods.py", "def f():\n    import rp_sim", "only ('cli/sim.py', 'cli/demo.py') may"),
        ("cli/sim.py", "from rp_sim import control", "inside a function"),
        ("errors.py", "from rp import paths", "errors may import []"),
        ("context.py", "from rp.cli import main", "imports rp.cli.main"),
    ],
)
def test_a_planted_import_is_found(relative: str, line: str, problem: str) -> None:
    (found,) = rules.import_problems(relative, f"{line}\n")

    assert found.startswith(f"src/rp/{relative}:")
    assert problem in found


@pytest.mark.parametrize(
    ("relative", "source"),
    [
        ("domain/pod.py", "import os\nos.environ['A']"),
        ("domain/pod.py", "from os import environ\nenviron['A']"),
        ("remote/remote.py", "import os as o\no.getenv('A')"),
        ("state/journal.py", "import time\ntime.time()"),
        ("state/journal.py", "from time import sleep\nsleep(1)"),
        ("operations/deploy.py", "import time as t\nt.monotonic()"),
        ("operations/deploy.py", "from datetime import datetime\ndatetime.now()"),
        ("operations/deploy.py", "import datetime\ndatetime.datetime.now()"),
        ("cli/pods.py", "import sys\nsys.exit(1)"),
        ("cli/pods.py", "import sys\nsys.stdout.write('x')"),
        ("cli/pods.py", "print('x')"),
        ("cli/login.py", "input('x')"),
        ("domain/candidate.py", "import random\nrandom.shuffle([])"),
        ("operations/ports.py", "import socket"),
        ("remote/ssh.py", "import sqlite3"),
    ],
)
def test_a_planted_touch_is_found(relative: str, source: str) -> None:
    assert rules.touch_problems(relative, f"{source}\n")


def test_a_long_function_and_a_long_file_are_found() -> None:
    body = "    x = 1\n" * 41

    assert rules.size_problems("rp/x.py", f"def f():\n{body}")
    assert rules.size_problems("rp/x.py", "x = 1\n" * 351)
    assert not rules.size_problems("rp/x.py", f'def f():\n    """Text."""\n{body[10:]}')


@pytest.mark.parametrize("relative", RP)
def test_no_command_line_framework_is_used(relative: str) -> None:
    source = _source("rp", relative)

    assert "typer" not in source
    assert "import click" not in source


def test_what_runs_on_pods_imports_nothing_of_rp() -> None:
    """It is sent as text to a machine that has no rp; its parts are sent together."""
    programs = [relative for relative in EVERY if relative not in RP]

    assert programs
    for relative in programs:
        tree = ast.parse(_source("rp", relative))
        imported = [name for _, name, _ in rules.imports(tree, "rp.health.probe.program")]
        outside = [name for name in imported if not name.startswith("rp.health.probe.")]
        assert not [name for name in outside if name.split(".")[0] in ("rp", "rp_sim")]


def test_every_part_has_a_place_in_the_table() -> None:
    parts = {Path(relative).parts[0].removesuffix(".py") for relative in RP}

    assert parts == set(rules.LAYERS)
