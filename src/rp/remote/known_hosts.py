"""rp's own known_hosts: host keys by pod id."""

from collections.abc import Iterable
from pathlib import Path

from rp import files
from rp.domain.host_keys import HostKey
from rp.remote import argv


class KnownHosts:
    def __init__(self, path: Path) -> None:
        self.path = path

    def pin(self, pod_id: str, keys: Iterable[HostKey]) -> None:
        """From now on only these keys are this pod."""
        name = argv.host_key_alias(pod_id)
        self._replace(name, [f"{name} {key.type} {key.base64}" for key in keys])

    def forget(self, pod_id: str) -> None:
        if self.path.exists():
            self._replace(argv.host_key_alias(pod_id), [])

    def _replace(self, name: str, lines: list[str]) -> None:
        with files.locked(self.path):
            before = (files.read_text(self.path) or "").splitlines()
            kept = [line for line in before if line.split(" ", 1)[0] != name]
            files.write_atomic(self.path, "".join(f"{line}\n" for line in [*kept, *lines]).encode())
