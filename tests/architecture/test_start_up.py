"""What a command that needs no network loads: each heavy module costs every `rp` its load time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "aiohttp",
    "asyncio",
    "asyncssh",
    "email",
    "http.client",
    "httpx2",
    "keyring",
    "rich",
    "rp.operations.deploy",
    "rp.runpod",
    "rp_sim",
    "sqlite3",
    "ssl",
    "subprocess",
)
PROGRAM = """
import sys
from rp.cli.main import run
status = None
try:
    status = run(sys.argv[1:])
except SystemExit as end:
    status = end.code
print("\\n".join(["", "--modules--", str(status), *sys.modules]))
"""


def _loaded(home: Path, *words: str) -> tuple[str, set[str]]:
    """(exit status, modules in memory at the end)."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    status, *modules = done.stdout.partition("--modules--\n")[2].split()
    return status, set(modules)


@pytest.mark.parametrize("words", [("--version",), ("--help",), ("template", "list"), ("template", "--help")])
def test_a_local_command_loads_no_heavy_module(tmp_path: Path, words: tuple[str, ...]) -> None:
    status, modules = _loaded(tmp_path, *words)

    assert status == "0"
    assert "rp.cli.main" in modules
    assert sorted(modules & set(HEAVY)) == []


def test_a_heavy_module_would_be_seen(tmp_path: Path) -> None:
    _, modules = _loaded(tmp_path, "cleanup")

    assert "sqlite3" in modules or "httpx2" in modules or "rp.operations.recover" in modules
