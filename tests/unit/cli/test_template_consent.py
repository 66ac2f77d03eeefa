"""The question before the first deploy of an imported template."""

import io
import json
from pathlib import Path

import pytest

from rp.cli.template_share import agreed
from rp.context import Context
from rp.domain import template as template_module
from rp.domain import template_document
from rp.errors import UsageProblem

RAW = {"name": "sd", "gpuPreference": ["H100"], "container": {"imageName": "i", "startScript": "echo all of it"}}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _context(home: Path, typed: str | None = None) -> tuple[Context, io.StringIO]:
    """`typed` on a terminal; None where there is none."""
    err = io.StringIO() if typed is None else Terminal()
    stdin = io.StringIO() if typed is None else Terminal(typed)
    return Context({"HOME": str(home)}, stdin, io.StringIO(), err, wants_json=False), err


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / ".config" / "rp" / "templates.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"sd": template_document.marked(RAW, "https://example.com/sd.json", "now"), "own": RAW}))
    return tmp_path


def _agreed(home: Path, name: str = "sd", *, typed: str | None = None, yes: bool = False) -> tuple[bool, str]:
    context, err = _context(home, typed)
    return agreed(name, template_module.parse(name, RAW), context, yes=yes), err.getvalue()


def test_ones_own_template_is_not_asked_about(home: Path) -> None:
    assert _agreed(home, "own") == (True, "")


def test_what_will_run_is_shown_and_a_yes_counts_for_good(home: Path) -> None:
    refused, _ = _agreed(home, typed="\n")
    accepted, shown = _agreed(home, typed="y\n")

    assert (refused, accepted) == (False, True)
    assert "imported from https://example.com/sd.json" in shown
    assert "echo all of it" in shown
    assert _agreed(home) == (True, "")


def test_without_a_terminal_it_takes_an_explicit_yes(home: Path) -> None:
    with pytest.raises(UsageProblem, match="no terminal"):
        _agreed(home)

    assert _agreed(home, yes=True)[0]
    assert _agreed(home) == (True, "")
