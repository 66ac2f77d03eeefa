"""docs/health.md lists what the catalogue holds, no more and no less."""

from __future__ import annotations

from pathlib import Path

from rp.health.catalogue import CHECKS, Definition

DOCS = Path(__file__).parents[2] / "docs" / "health.md"


def row(check: str, known: Definition) -> str:
    cells = (f"`{check}`", known.level, known.what, known.when_warn(), known.when_fail(), known.source)
    return "| " + " | ".join(cells) + " |"


def test_the_table_is_the_catalogue() -> None:
    lines = DOCS.read_text().partition("## The checks")[2].splitlines()
    assert [line for line in lines if line.startswith("| `")] == [row(check, known) for check, known in CHECKS.items()]
