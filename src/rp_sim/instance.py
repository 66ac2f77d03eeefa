"""The files by which a running simulator is found in its directory."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

RECORD = "simulator.json"
KEY = "api_key"
LOG = "simulator.log"
FOLDERS = ("pods", "volumes", "groups")


@dataclass(frozen=True)
class Running:
    """A simulator that answers: `url` has no `/v2`, `key` is the account's API key."""

    url: str
    key: str
    pid: int
    directory: Path


def write(running: Running) -> None:
    """The key first, then the record: who finds the record finds the key."""
    directory = running.directory
    handle = os.open(directory / KEY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(running.key + "\n")
    draft = directory / f"{RECORD}.new"
    draft.write_text(json.dumps({"url": running.url, "pid": running.pid}), encoding="utf-8")
    draft.replace(directory / RECORD)


def read(directory: Path) -> Running | None:
    """What the files say; whether it still runs is another question."""
    try:
        record = json.loads((directory / RECORD).read_text(encoding="utf-8"))
        key = (directory / KEY).read_text(encoding="utf-8").strip()
        return Running(str(record["url"]), key, int(record["pid"]), directory)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def forget(directory: Path) -> None:
    for name in (RECORD, KEY):
        (directory / name).unlink(missing_ok=True)
