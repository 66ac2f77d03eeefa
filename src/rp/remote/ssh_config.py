"""rp's own ssh_config, and the one Include line that lets plain `ssh my-pod` read it."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path

from rp import files
from rp.domain.pod import Endpoint
from rp.remote import argv, older_blocks
from rp.remote.older_blocks import OlderBlock

_HEADER = "# Written by rp; changes are lost.\n\n"
_MARK = re.compile(r"(?m)^# rp:managed alias=(?P<alias>\S+) pod_id=(?P<pod_id>\S+)$")
_SECTION = re.compile(rb"\s*(host|match)[\s=]", re.IGNORECASE)


def host_block(alias: str, pod_id: str, endpoint: Endpoint, known_hosts: Path, identity: Path | None) -> str:
    """What `ssh alias` needs to know. Agent forwarding is off: a pod's host could use the user's keys."""
    lines = [
        f"# rp:managed alias={alias} pod_id={pod_id}",
        f"Host {alias}",
        f"    HostName {endpoint.host}",
        f"    Port {endpoint.port}",
        f"    User {endpoint.user}",
        f"    HostKeyAlias {argv.host_key_alias(pod_id)}",
        f"    UserKnownHostsFile {argv.quoted(known_hosts)}",
        "    GlobalKnownHostsFile none",
        "    StrictHostKeyChecking yes",
        "    UpdateHostKeys no",
        "    CheckHostIP no",
        "    ForwardAgent no",
        "    ServerAliveInterval 30",
    ]
    if identity:
        lines += [f"    IdentityFile {argv.quoted(identity)}", "    IdentitiesOnly yes"]
    return "\n".join(lines) + "\n\n"


def carried_over(block: OlderBlock, known_hosts: Path) -> str:
    """A block of the older rp in today's form; its host key is trusted once more, and pinned from then on."""
    lines = [
        f"# rp:managed alias={block.alias} pod_id={block.pod_id}",
        f"Host {block.alias}",
        *(f"    {option}" for option in block.options),
        f"    HostKeyAlias {argv.host_key_alias(block.pod_id)}",
        f"    UserKnownHostsFile {argv.quoted(known_hosts)}",
        "    StrictHostKeyChecking accept-new",
        "    ForwardAgent no",
    ]
    return "\n".join(lines) + "\n\n"


def blocks(text: str) -> dict[str, str]:
    """alias → block of a file that `render` made."""
    marks = list(_MARK.finditer(text))
    starts = [*(mark.start() for mark in marks), len(text)]
    return {
        mark["alias"]: text[start:end] for mark, (start, end) in zip(marks, itertools.pairwise(starts), strict=True)
    }


def render(by_alias: dict[str, str]) -> str:
    return _HEADER + "".join(by_alias[alias] for alias in sorted(by_alias))


def with_include(text: bytes, line: bytes) -> bytes | None:
    """`text` with `line` at its top; None where it is in force already, which it is not below a Host line."""
    newline = b"\r\n" if b"\r\n" in text else b"\n"
    for present in text.split(b"\n"):
        if present.strip() == line:
            return None
        if _SECTION.match(present):
            break
    return line + newline + text


class SshConfig:
    def __init__(self, own: Path, users: Path, known_hosts: Path) -> None:
        self._own = own
        self._known_hosts = known_hosts
        self.users = users

    def put(self, alias: str, block: str) -> None:
        self._edit(lambda by_alias: by_alias | {alias: block})

    def remove(self, alias: str) -> None:
        if self._own.exists():
            self._edit(lambda by_alias: {name: block for name, block in by_alias.items() if name != alias})

    def check_writable(self) -> None:
        """Raises StateUnwritable, or StateUnreadable."""
        with files.locked(self._own):
            files.read_text(self._own)
            files.check_writable(self._own)

    def ensure_include(self) -> bool:
        """Put the Include line into the user's file; return whether it was new there.

        Blocks that the older rp left in that file move into rp's own.
        """
        line = f'Include "{self._own}"'.encode()
        with files.locked(self._own):
            before, older = older_blocks.take_out(_bytes(self.users))
            after = with_include(before, line)
            if after is None and not older:
                return False
            after = before if after is None else after
            moved = {block.alias: carried_over(block, self._known_hosts) for block in older}
            self._write(moved | blocks(files.read_text(self._own) or ""))
            with files.writable(self.users):
                files.make_folder(self.users.parent)
            files.write_atomic(self.users, after)
            return True

    def _edit(self, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        with files.locked(self._own):
            before = blocks(files.read_text(self._own) or "")
            self._write(change(before))

    def _write(self, by_alias: dict[str, str]) -> None:
        files.write_atomic(self._own, render(by_alias).encode())


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise files.unreadable(path, error.strerror or str(error)) from error
