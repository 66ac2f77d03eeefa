"""The machine's own OpenSSH against a pod."""

from __future__ import annotations

import shlex
import subprocess
from typing import TYPE_CHECKING, Any

from sim.api import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from sim.api import Api


class Key:
    def __init__(self, folder: Path, name: str = "id") -> None:
        self.path = folder / name
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(self.path)], check=True, timeout=10
        )
        self.public = self.path.with_suffix(".pub").read_text(encoding="utf-8").strip()


class Remote:
    """`known_hosts` starts empty: the first key that a port shows is the one it has to keep."""

    def __init__(self, key: Key, pod: dict[str, Any], folder: Path) -> None:
        self.port = str(pod["ssh"]["direct"]["port"])
        self.known_hosts = folder / f"known_hosts_{pod['id']}"
        self.options = [
            "-F", "none", "-i", str(key.path), "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
            "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new", "-o", "ConnectTimeout=5",
            "-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "LogLevel=ERROR",
        ]  # fmt: skip

    def ssh(self, *command: str, flags: tuple[str, ...] = (), stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        words = ["ssh", *self.options, *flags, "-p", self.port, "root@127.0.0.1", *command]
        return subprocess.run(words, input=stdin, capture_output=True, timeout=20, check=False)

    def out(self, command: str) -> str:
        done = self.ssh(command)
        assert done.returncode == 0, done
        return done.stdout.decode()

    def tool(self, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """scp or sftp, which spell the port with a capital letter."""
        line = [words[0], *self.options, "-P", self.port, *words[1:]]
        return subprocess.run(line, input=stdin, capture_output=True, timeout=20, check=False)

    def transport(self) -> str:
        return shlex.join(["ssh", *self.options, "-p", self.port])


def reachable(api: Api, key: Key, folder: Path, **changes: Any) -> tuple[dict[str, Any], Remote]:
    """A pod that is up and has answered."""
    env = {"PUBLIC_KEY": key.public, **changes.pop("env", {})}
    pod = api.running_pod(env=env, **changes)
    return pod, connected(api, key, pod["id"], folder)


def connected(api: Api, key: Key, pod_id: str, folder: Path) -> Remote:
    def probe() -> Remote | None:
        pod = api.pod(pod_id)
        if pod["ssh"]["direct"] is None:
            return None
        remote = Remote(key, pod, folder)
        return remote if remote.ssh("true").returncode == 0 else None

    return wait_for(probe)
