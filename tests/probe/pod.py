"""A pretended pod: a folder with the few programs that a test wants it to have, and the probe's script run in it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rp.health.asked import Asked
from rp.health.script import probe_script

SHELLS = {"dash": ["dash"], "bash": ["bash"], "busybox": ["busybox", "sh"]}
TOOLS = (
    *("cat", "cmp", "cut", "date", "dd", "df", "grep", "head", "id", "ls", "mkdir", "mv", "nproc", "readlink", "rm"),
    *("sed", "setsid", "sleep", "sort", "stat", "tail", "tr", "uname", "wc", "sh", "cksum", "printf"),
)
# One GPU as nvidia-smi tells of it, as far as the script looks at it.
ONE_GPU = '<nvidia_smi_log>\n\t<gpu id="00000000:01:00.0">\n\t</gpu>\n</nvidia_smi_log>'
TWO_GPUS = ONE_GPU.replace("</nvidia_smi_log>", '\t<gpu id="00000000:02:00.0">\n\t</gpu>\n</nvidia_smi_log>')


@dataclass(frozen=True)
class Section:
    status: str
    ms: int
    lines: list[str] = field(default_factory=list)

    @property
    def pairs(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.lines if "=" in line)


def sections(output: str) -> dict[str, Section]:
    """The stream, taken apart without the product's own parser."""
    found: dict[str, Section] = {}
    last: Section | None = None
    for line in output.splitlines():
        if line.startswith("@@ "):
            _, name, status, ms = line.split(" ")
            found[name] = last = Section(status, int(ms))
        elif last:
            assert line.startswith(" "), line
            last.lines.append(line[1:])
    return found


class Pod:
    def __init__(self, folder: Path, shell: str = "dash") -> None:
        words = SHELLS[shell]
        program = shutil.which(words[0])
        if program is None:
            pytest.skip(f"no {shell} here")
        self.shell = [program, *words[1:]]
        self.root = folder
        self.bin = folder / "usr" / "bin"
        self.home = folder / "root"
        self.tmp = folder / "tmp"
        for place in (self.bin, self.home, self.tmp, folder / "proc" / "1", folder / "etc"):
            place.mkdir(parents=True)
        (folder / "proc" / "mounts").write_text("overlay / overlay rw 0 0\n")
        self.env = {"HOME": str(self.home), "RP_ROOT": str(folder), "RP_TMP": str(self.tmp)}
        for tool in TOOLS:
            self.link(tool)

    def link(self, tool: str) -> None:
        path = shutil.which(tool)
        assert path, tool
        (self.bin / tool).symlink_to(path)

    def drop(self, *tools: str) -> None:
        for tool in tools:
            (self.bin / tool).unlink()

    def add(self, name: str, text: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def add_python(self) -> None:
        self.add("python3", f'exec {sys.executable} "$@"')

    def add_smi(self, answer: str = ONE_GPU) -> None:
        """Notes what it is asked."""
        (self.root / "smi.xml").write_text(answer)
        log = self.root / "smi.log"
        self.add(
            "nvidia-smi", f'echo "$*" >>{log}\ncase $1 in -q) exec cat {self.root}/smi.xml ;; *) echo "$*" ;; esac'
        )

    def smi_calls(self) -> list[str]:
        log = self.root / "smi.log"
        return log.read_text().splitlines() if log.exists() else []

    def start(self, script: bytes, *, before: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        """The script on standard input, which stays open, as it does over SSH."""
        env = {"PATH": str(self.bin), **self.env}
        process = subprocess.Popen(
            [*before, *self.shell, "-s"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
        )
        assert process.stdin
        process.stdin.write(script)
        process.stdin.flush()
        return process

    def run(
        self,
        level: str = "passive",
        asked: Asked | None = None,
        *,
        parts: tuple[str, ...] = (),
        limit: float | None = None,
        before: tuple[str, ...] = (),
    ) -> dict[str, Section]:
        process = self.start(probe_script(level, asked or Asked(), parts=parts, limit=limit), before=before)
        output = process.communicate(timeout=60)[0].decode()
        found = sections(output)
        assert process.returncode == 0, output
        assert next(iter(found)) == "probe"
        assert list(found)[-1] == "end"
        self.assert_clean()
        return found

    def processes(self) -> list[int]:
        """Of this pod: they have its folder in their environment."""
        mark = f"RP_ROOT={self.root}\0".encode()
        found = []
        for place in Path("/proc").iterdir():
            if not place.name.isdigit():
                continue
            try:
                if mark in (place / "environ").read_bytes():
                    found.append(int(place.name))
            except OSError:
                continue
        return found

    def assert_clean(self, seconds: float = 5) -> None:
        until = time.monotonic() + seconds
        while (left := [*self.processes(), *self.files()]) and time.monotonic() < until:
            time.sleep(0.05)
        assert not left

    def files(self) -> list[Path]:
        return [path for place in (self.tmp, self.home) for path in place.rglob("*")]


@contextmanager
def nothing_left(pod: Pod) -> Iterator[None]:
    """Ends what a failing test would leave behind: its own processes alone."""
    try:
        yield
    finally:
        for pid in pod.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
