"""Starts, finds and stops simulators, for a command line or a test. Imports neither aiohttp nor asyncssh."""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
from typing import TYPE_CHECKING, Any

from rp_sim import instance
from rp_sim.instance import Running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = [
    "AlreadyRunning",
    "Running",
    "SimulatorError",
    "advance",
    "apply_scenario",
    "ledger",
    "start",
    "status",
    "stop",
]

START_LIMIT_S = 20.0
STOP_LIMIT_S = 10.0
POLL_S = 0.02
LOCK = "simulator.lock"


class SimulatorError(Exception):
    """The text is for people."""


class AlreadyRunning(SimulatorError):
    """A simulator runs in this directory already."""


def start(directory: Path, *, scenario: Path | None = None, port: int = 0, parent_pid: int | None = None) -> Running:
    """Spawns a simulator in a session of its own and returns when it answers."""
    directory.mkdir(parents=True, exist_ok=True)
    directory = directory.resolve()
    with _locked(directory):
        if running := status(directory):
            raise AlreadyRunning(f"a simulator is running already: {running.url} (in {directory})")
        _clean(directory)
        return _spawn(directory, scenario, port, parent_pid)


def status(directory: Path) -> Running | None:
    """The simulator that runs in the directory. A process that merely has its pid is not it."""
    running = instance.read(directory.resolve())
    return running if running and _answers(running) else None


def stop(directory: Path) -> bool:
    """Ends the simulator and waits until it is gone; False when there was none."""
    directory = directory.resolve()
    running = status(directory)
    if running:
        os.kill(running.pid, signal.SIGTERM)
        if not _wait(STOP_LIMIT_S, lambda: not _answers(running) and not _exists(running.pid)):
            os.kill(running.pid, signal.SIGKILL)
            _wait(STOP_LIMIT_S, lambda: not _exists(running.pid))
    _clean(directory)
    (directory / LOCK).unlink(missing_ok=True)
    return running is not None


def apply_scenario(running: Running, path: Path) -> None:
    """Replaces the scenario while the simulator runs; pods that exist stay."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise SimulatorError(f"{path}: {error.strerror}") from error
    code, body = _call(running, "POST", "/sim/scenario", text)
    if code != 200:
        raise SimulatorError(str(body.get("detail", body)).replace("scenario.toml", path.name, 1))


def advance(running: Running, seconds: float) -> None:
    """Pushes the simulated clock forward."""
    code, body = _call(running, "POST", "/sim/clock", json.dumps({"advance": seconds}).encode())
    if code != 200:
        raise SimulatorError(str(body.get("detail", body)))


def ledger(running: Running) -> dict[str, Any]:
    return _call(running, "GET", "/sim/ledger")[1]


def _spawn(directory: Path, scenario: Path | None, port: int, parent_pid: int | None) -> Running:
    words = [sys.executable, "-m", "rp_sim", "serve", "--directory", str(directory), "--port", str(port)]
    words += ["--scenario", str(scenario.resolve())] if scenario else []
    words += ["--parent-pid", str(parent_pid)] if parent_pid else []
    with (directory / instance.LOG).open("wb") as log:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    found: list[Running] = []

    def answers() -> bool:
        running = instance.read(directory)
        if running and running.pid == process.pid and _answers(running):
            found.append(running)
        return bool(found) or process.poll() is not None

    _wait(START_LIMIT_S, answers)
    if found:
        _let_go(process)
        return found[0]
    process.kill()
    process.wait()
    raise SimulatorError(_last_words(directory))


def _let_go(process: subprocess.Popen[bytes]) -> None:
    """It outlives us on purpose: no warning about that."""
    process.returncode = 0


def _last_words(directory: Path) -> str:
    text = (directory / instance.LOG).read_text(encoding="utf-8", errors="replace").strip()
    _clean(directory)
    last = text.splitlines()[-1] if text else "it ended without a word"
    return last.removeprefix("rp_sim: ")


def _answers(running: Running) -> bool:
    try:
        code, body = _call(running, "GET", "/sim/health", timeout=2.0)
    except SimulatorError:
        return False
    return code == 200 and body.get("pid") == running.pid


def _call(
    running: Running, method: str, path: str, body: bytes | None = None, timeout: float = 30.0
) -> tuple[int, dict[str, Any]]:
    address = urllib.parse.urlsplit(running.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=timeout)
    with contextlib.closing(connection):
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise SimulatorError(f"the simulator at {running.url} does not answer: {error}") from error
        return response.status, answer


def _exists(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # if it is our own child, it must not stay as a zombie
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _clean(directory: Path) -> None:
    """Leftovers of a simulator that was killed; its processes were ended by its reaper."""
    instance.forget(directory)
    for name in instance.FOLDERS:
        shutil.rmtree(directory / name, ignore_errors=True)
    (directory / instance.LOG).unlink(missing_ok=True)


def _wait(limit: float, done: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + limit
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Two starts at once: one of them waits, and then finds the other's simulator."""
    with (directory / LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
