"""Processes of the pods: each in a session of its own, and none that outlives its pod.

A process may leave its group (`setsid`), so it is also known by a mark in its environment. If the simulator
itself is killed, a small shell that waits on a pipe does the same.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = "RP_SIM_POD"
PROC = Path("/proc")
REAPER = r"""
read -r line
for file in "$1"/*; do
  [ -e "$file" ] && kill -9 -- "-${file##*/}" 2>/dev/null
done
[ -d /proc/self ] || exit 0
for environ in /proc/[0-9]*/environ; do
  if grep -qa "RP_SIM_POD=$2/" "$environ" 2>/dev/null; then
    pid=${environ#/proc/}; kill -9 "${pid%/environ}" 2>/dev/null
  fi
done
"""


class Processes:
    """`groups` holds one empty file per live process group, named after it, for the reaper to read."""

    def __init__(self, groups: Path, run: str) -> None:
        self._groups = groups
        self._run = run
        self._live: dict[int, str] = {}
        groups.mkdir(parents=True, exist_ok=True)
        self._reaper = subprocess.Popen(  # noqa: S602, RUF100  a fixed script, its arguments apart
            ["/bin/sh", "-c", REAPER, "rp-sim-reaper", str(groups), run],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def mark(self, pod_id: str) -> dict[str, str]:
        return {MARK: f"{self._run}/{pod_id}"}

    def started(self, pid: int, pod_id: str) -> None:
        self._live[pid] = pod_id
        (self._groups / str(pid)).touch()

    def ended(self, pid: int) -> None:
        """The leader ended; its group may live on, and then stays on record."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, 0)
            return
        self._forget(pid)

    def kill(self, pod_id: str) -> None:
        self._kill({pid for pid, owner in self._live.items() if owner == pod_id}, f"{self._run}/{pod_id}")

    def close(self) -> None:
        self._kill(set(self._live), f"{self._run}/")
        if self._reaper.stdin:
            self._reaper.stdin.close()
        self._reaper.wait(timeout=10)

    def _kill(self, groups: set[int], mark: str) -> None:
        for pid in groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            self._forget(pid)
        for pid in _marked(mark):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    def _forget(self, pid: int) -> None:
        self._live.pop(pid, None)
        (self._groups / str(pid)).unlink(missing_ok=True)


def _marked(mark: str) -> Iterator[int]:
    """Processes whose environment starts the mark so. Only Linux shows it: elsewhere the groups must do."""
    if not sys.platform.startswith("linux"):
        return
    wanted = f"{MARK}={mark}".encode()
    for entry in PROC.iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            words = (entry / "environ").read_bytes().split(b"\0")
            if any(word == wanted or (mark.endswith("/") and word.startswith(wanted)) for word in words):
                yield int(entry.name)
