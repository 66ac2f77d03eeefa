"""A user in an empty home, and the installed `rp` as a process."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rp_sim import control
from rp_sim.control import Running
from sim_fixture import simulator

RP = str(Path(sys.executable).with_name("rp"))
LIMIT = 60
IMAGE = "runpod/pytorch:2.8.0-py3.11-cuda12.8.1-cudnn-devel-ubuntu22.04"
FAST_BOOT = "[boot]\nprovisioning_s = 0.1\nstarting_s = 0.1\nsshd_s = 0.1\n"


@dataclass(frozen=True)
class Result:
    """What a command printed, and its exit status."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class User:
    """An empty home, one SSH key, and the environment that an `rp` of this user has."""

    home: Path
    env: dict[str, str] = field(default_factory=dict)

    def rp(self, *words: str, code: int | None = 0, stdin: str = "", **env: str) -> Result:
        """Run `rp`; fail the test where the exit status is not `code` (None: any)."""
        done = subprocess.run(
            [RP, *words], env={**self.env, **env}, input=stdin, capture_output=True, text=True, timeout=LIMIT
        )
        result = Result(done.returncode, done.stdout, done.stderr)
        if code is not None and result.code != code:
            pytest.fail(f"rp {' '.join(words)} exited with {result.code}, not {code}:\n{result.out}\n{result.err}")
        return result

    def start(self, *words: str, **env: str) -> "subprocess.Popen[str]":
        """Start `rp` and leave it running, in a process group of its own."""
        return subprocess.Popen(
            [RP, *words],
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def ssh(self, alias: str, command: str) -> Result:
        """Plain OpenSSH with the user's own configuration file."""
        argv = ["ssh", "-F", self.env["RP_SSH_CONFIG"], "-o", "BatchMode=yes", alias, command]
        done = subprocess.run(argv, env=self.env, capture_output=True, text=True, timeout=LIMIT)
        return Result(done.returncode, done.stdout, done.stderr)

    @property
    def config(self) -> Path:
        return self.home / ".config" / "rp"

    @property
    def state(self) -> Path:
        return self.home / ".local" / "state" / "rp"

    @property
    def aliases(self) -> dict[str, str]:
        path = self.config / "pods.json"
        found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def write_template(self, name: str = "sd", **changes: Any) -> None:
        """A template that deploys at once, without a look at the machine; `health={…}` replaces all of it."""
        path = self.config / "templates.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        stored = json.loads(path.read_text()) if path.exists() else {}
        template: dict[str, Any] = {
            "gpuPreference": ["NVIDIA GeForce RTX 4090"],
            "container": {"imageName": IMAGE},
            "health": {"smokeCommands": ["echo OK"], "retryBackoffSeconds": 0, "sshTimeoutSeconds": 20, "level": "off"},
        }
        stored[name] = template | changes
        path.write_text(json.dumps(stored))

    def write_config(self, name: str, text: str) -> Path:
        path = self.config / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


@dataclass(frozen=True)
class World:
    """A simulated RunPod, and the truth about it."""

    running: Running

    @property
    def ledger(self) -> dict[str, Any]:
        return control.ledger(self.running)

    @property
    def pods(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ledger["pods"]
        return found

    @property
    def alive(self) -> list[dict[str, Any]]:
        return [pod for pod in self.pods if pod["alive"]]

    def calls(self, operation: str) -> list[dict[str, Any]]:
        return [call for call in self.ledger["calls"] if call["operation"] == operation]

    def follow(self, scenario: str, folder: Path) -> None:
        """Replace the scenario."""
        path = folder / "next.toml"
        path.write_text(scenario)
        control.apply_scenario(self.running, path)


@pytest.fixture(scope="session")
def ssh_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One key for all: making it is the slow part."""
    path = tmp_path_factory.mktemp("ssh") / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)], check=True)
    return path


@pytest.fixture
def user(tmp_path: Path, ssh_key: Path) -> Iterator[User]:
    home = tmp_path / "home"
    folder = home / ".ssh"
    folder.mkdir(parents=True, mode=0o700)
    for key in (ssh_key, ssh_key.with_suffix(".pub")):
        shutil.copy(key, folder / key.name)
    # Sockets need a short path, and pytest's folders are long.
    runtime = tempfile.mkdtemp(prefix="rp-", dir="/tmp")
    env = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "XDG_RUNTIME_DIR": runtime,
        "RP_SSH_CONFIG": str(folder / "config"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        # Nothing listens there: a test that forgets its world must not reach the real one.
        "RP_API_URL": "http://127.0.0.1:9",
        "RUNPOD_API_KEY": "no-key-at-all",
        # Tests stay on this machine; those of the check bring a registry of their own.
        "RP_IMAGE_CHECK": "off",
    }
    yield User(home, env)
    shutil.rmtree(runtime)


@pytest.fixture
def make_world(user: User, tmp_path: Path) -> Iterator[Callable[..., World]]:
    """A simulator with this scenario (pods boot in 0.3 s), which `user` talks to from then on."""
    running: list[AbstractContextManager[Running]] = []

    def make(scenario: str = "", *, boot: str = FAST_BOOT) -> World:
        # The same hosts at each run: whether a pod lands on the one that was bad must not be a matter of luck.
        seed = "" if "seed =" in scenario else f"seed = {len(running) + 1}\n"
        manager = simulator(tmp_path / f"world-{len(running)}", seed + boot + scenario)
        running.append(manager)
        found = manager.__enter__()
        user.env.update(RP_API_URL=found.url, RUNPOD_API_KEY=found.key)
        return World(found)

    yield make
    for manager in running:
        manager.__exit__(None, None, None)


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A healthy RunPod."""
    return make_world()


@pytest.fixture(scope="session")
def shared_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with simulator(tmp_path_factory.mktemp("shared"), FAST_BOOT) as running:
        yield running


@pytest.fixture
def empty_world(user: User, shared_simulator: Running) -> World:
    """A healthy RunPod for tests that never get as far as a pod: they share it, since starting one takes its time."""
    user.env.update(RP_API_URL=shared_simulator.url, RUNPOD_API_KEY=shared_simulator.key)
    return World(shared_simulator)


def until(question: Callable[[], bool], what: str, limit: float = 30.0) -> None:
    """Wait for a condition; fail the test where it does not come."""
    deadline = time.monotonic() + limit
    while not question():
        if time.monotonic() > deadline:
            pytest.fail(f"did not come within {limit:g} s: {what}")
        time.sleep(0.02)


def end(process: "subprocess.Popen[str]", number: signal.Signals) -> Result:
    """Signal a process that `User.start` began, and wait for its end."""
    process.send_signal(number)
    out, err = process.communicate(timeout=LIMIT)
    return Result(process.returncode, out, err)
