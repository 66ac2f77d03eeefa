"""Which of the user's SSH keys opens a pod without asking for anything."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from rp.domain.identity import Identity
from rp.errors import NotAllowed, RpError

# The first is where the older rp kept it; the last two are runpodctl's.
_USUAL = (
    ".ssh/runpod",
    ".ssh/id_ed25519",
    ".ssh/id_ecdsa",
    ".ssh/id_rsa",
    ".runpod/ssh/runpodctl-ssh-key",
    ".runpod/ssh/RunPod-Key-Go",
)
_TIMEOUT = 10


def check_installed() -> None:
    """Raises RpError where OpenSSH's client is missing."""
    missing = [tool for tool in ("ssh", "ssh-keyscan", "ssh-keygen") if not shutil.which(tool)]
    if missing:
        raise RpError(
            f"`{missing[0]}` is not on this machine",
            hint="install the OpenSSH client: sudo apt-get install openssh-client, or your system's package",
        )


def find(home: Path, env: Mapping[str, str]) -> Identity:
    """The first key that works unattended; raises NotAllowed with what to do where there is none."""
    offered = _agent_keys(env)
    useless: list[NotAllowed] = []
    for path in (home / name for name in _USUAL):
        if not path.is_file():
            continue
        derived = _run(["ssh-keygen", "-y", "-P", "", "-f", str(path)], env)
        public = _public_key(path, derived)
        if public and (derived.returncode == 0 or _body(public) in {_body(key) for key in offered}):
            return Identity(public, path)
        useless.append(_useless(path, derived.stderr))
    if offered:
        return Identity(offered[0], None)
    if useless:
        raise useless[0]
    raise NotAllowed(
        f"there is no SSH key in {home / '.ssh'}, so nobody could log in to the pod",
        hint="ssh-keygen -t ed25519 makes one; rp uses id_ed25519, id_ecdsa, id_rsa, runpod, or the agent's",
    )


def _agent_keys(env: Mapping[str, str]) -> list[str]:
    if not env.get("SSH_AUTH_SOCK"):
        return []
    listed = _run(["ssh-add", "-L"], env)
    return [line.strip() for line in listed.stdout.splitlines() if listed.returncode == 0 and len(line.split()) > 1]


def _public_key(path: Path, derived: "subprocess.CompletedProcess[str]") -> str | None:
    """Derived where that works: the file beside a key may be another key's."""
    if derived.returncode == 0:
        return derived.stdout.strip()
    beside = path.with_name(f"{path.name}.pub")
    return (beside.read_text("utf-8", "replace").strip() or None) if beside.is_file() else None


def _useless(path: Path, complaint: str) -> NotAllowed:
    """Why the key cannot be used; ssh-keygen's own words tell a passphrase from a file that is too open or broken."""
    if "passphrase" in complaint:
        return NotAllowed(
            f"the SSH key {path} needs a passphrase, and no agent holds it",
            hint=f"ssh-add {path}",
        )
    last = complaint.strip().splitlines()[-1] if complaint.strip() else "ssh-keygen cannot read it"
    return NotAllowed(f"the SSH key {path} cannot be used: {last}", hint=f"chmod 600 {path}, or make another key")


def _body(public_key: str) -> str:
    words = public_key.split()
    return words[1] if len(words) > 1 else public_key


def _run(argv: list[str], env: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Status 1 and no output where it could not even be run."""
    try:
        return subprocess.run(
            argv,
            env=dict(env),
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return subprocess.CompletedProcess(argv, 1, "", "")
