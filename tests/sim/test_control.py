"""Starting, finding and stopping the process, and what is left of it: nothing."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from rp_sim import control
from sim.api import AT_ONCE, Api, wait_for
from sim.remote import Key, reachable
from sim_fixture import simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def started(directory: Path) -> Iterator[control.Running]:
    running = control.start(directory, parent_pid=os.getpid())
    try:
        yield running
    finally:
        control.stop(directory)


def test_start_status_stop(tmp_path: Path) -> None:
    directory = tmp_path / "sim"
    assert control.status(directory) is None
    with started(directory) as running:
        assert running.url.startswith("http://127.0.0.1:")
        assert running.key.startswith("sim_")
        assert control.status(directory) == running
        assert (directory / "api_key").stat().st_mode & 0o777 == 0o600
        with pytest.raises(control.AlreadyRunning, match=running.url):
            control.start(directory)
        assert control.stop(directory) is True
    assert control.status(directory) is None
    assert control.stop(directory) is False
    assert list(directory.iterdir()) == []


def test_a_bad_scenario_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[[stock]]\ngpu = "H100"\n', encoding="utf-8")
    with pytest.raises(control.SimulatorError, match=r"^mine\.toml: stock\[0\]\.gpu: no GPU type matches 'H100'"):
        control.start(tmp_path / "sim", scenario=path)
    with pytest.raises(control.SimulatorError, match=r"no\.toml"):
        control.start(tmp_path / "sim", scenario=tmp_path / "no.toml")
    assert control.status(tmp_path / "sim") is None


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(control.SimulatorError, match=rf"cannot serve on port {port}"):
            control.start(tmp_path / "sim", port=port)


def test_a_scenario_replaces_another_while_it_runs(tmp_path: Path) -> None:
    with simulator(tmp_path) as running:
        api = Api(running)
        path = tmp_path / "live.toml"
        path.write_text('[[stock]]\ncount = "none"\n', encoding="utf-8")
        control.apply_scenario(running, path)
        assert api.create().status == 400
        path.write_text("[[stock]]\ncount = -1\n", encoding="utf-8")
        with pytest.raises(control.SimulatorError, match=r"^live\.toml: stock\[0\]\.count: must be at least 0"):
            control.apply_scenario(running, path)


def test_a_stop_ends_pods_and_their_processes(tmp_path: Path) -> None:
    with simulator(tmp_path, AT_ONCE) as running:
        _, remote = reachable(Api(running), Key(tmp_path), tmp_path)
        pid = int(remote.out("setsid sleep 300 >/dev/null 2>&1 & echo $!"))
        port = int(remote.port)
    wait_for(lambda: _gone(pid))
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0
    assert list((tmp_path / "simulator").iterdir()) == []


def test_a_killed_simulator_takes_its_processes_along(tmp_path: Path) -> None:
    with simulator(tmp_path, AT_ONCE) as running:
        _, remote = reachable(Api(running), Key(tmp_path), tmp_path)
        pid = int(remote.out("setsid sleep 300 >/dev/null 2>&1 & echo $!"))
        os.kill(running.pid, signal.SIGKILL)
        wait_for(lambda: _gone(pid))
        assert control.status(running.directory) is None
        with started(running.directory) as again:
            assert again.pid != running.pid
            assert Api(again).listed() == []


def test_a_recorded_pid_that_is_somebody_else_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        record = json.dumps({"url": "http://127.0.0.1:9", "pid": bystander.pid})
        (tmp_path / "simulator.json").write_text(record, encoding="utf-8")
        (tmp_path / "api_key").write_text("sim_x\n", encoding="utf-8")
        assert control.status(tmp_path) is None
        assert control.stop(tmp_path) is False
        assert bystander.poll() is None
        bystander.kill()


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    code = "import sys, os; from pathlib import Path; from rp_sim import control; "
    code += "control.start(Path(sys.argv[1]), parent_pid=os.getpid()); input()"
    words = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE) as parent:
        running = wait_for(lambda: control.status(tmp_path))
        parent.kill()
    wait_for(lambda: _gone(running.pid))
    assert control.status(tmp_path) is None


def test_it_answers_within_a_second(tmp_path: Path) -> None:
    """The bound is wide, as tests share the machine; docs/simulator.md has the figure."""
    begin = time.monotonic()
    with simulator(tmp_path):
        assert time.monotonic() - begin < 5


def test_control_is_quick_to_import() -> None:
    code = "import sys; import rp_sim.control; print(sorted({'aiohttp', 'asyncssh', 'asyncio'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=20, check=True)
    assert done.stdout.strip() == b"[]"


def test_a_missing_extra_is_named() -> None:
    code = "import sys; sys.modules['aiohttp'] = None; from rp_sim.__main__ import main; "
    code += "sys.exit(main(['serve', '--directory', '/nonexistent']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=20, check=False)
    assert done.returncode == 1
    assert b"install rp with its extra `sim`" in done.stderr


def _gone(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
