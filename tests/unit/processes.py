"""Python programs as processes of their own: only those can be killed, and can hold locks against each other."""

import subprocess
import sys
from collections.abc import Sequence


def start(program: str, *words: str) -> "subprocess.Popen[str]":
    """A process that runs `program` with `words` as `sys.argv[1:]`."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def finish(processes: "Sequence[subprocess.Popen[str]]", *, timeout: float = 60) -> list[str]:
    """What each printed, once all have ended well."""
    printed = [process.communicate(timeout=timeout)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return printed


def next_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def kill(process: "subprocess.Popen[str]") -> None:
    """As `kill -9` and power loss do: no clean-up runs."""
    process.kill()
    process.communicate()
