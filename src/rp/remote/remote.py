"""Everything rp does over SSH, for `operations/ports.py`."""

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from rp.domain.host_keys import HostKey
from rp.domain.identity import Identity
from rp.domain.pod import Endpoint
from rp.domain.remote import NoSession
from rp.errors import RpError
from rp.paths import Paths
from rp.remote import identity, ssh, ssh_config
from rp.remote.known_hosts import KnownHosts


class OpenSsh:
    def __init__(self, paths: Paths, env: Mapping[str, str]) -> None:
        self._paths = paths
        self._env = env
        self._known_hosts = KnownHosts(paths.known_hosts)
        self._config = ssh_config.SshConfig(paths.ssh_config, paths.user_ssh_config, paths.known_hosts)

    def identity(self) -> Identity:
        """Raises RpError where OpenSSH is missing, NotAllowed where no key works unattended."""
        identity.check_installed()
        return identity.find(self._paths.home, self._env)

    def answers(self, endpoint: Endpoint) -> bool:
        return ssh.answers(endpoint)

    def host_keys(self, endpoint: Endpoint) -> tuple[HostKey, ...]:
        return ssh.host_keys(endpoint)

    def pin(self, pod_id: str, keys: Iterable[HostKey]) -> None:
        self._known_hosts.pin(pod_id, keys)

    def open_session(self, pod_id: str, endpoint: Endpoint, key: Identity) -> ssh.Session:
        """An open connection, for the caller to close; raises NoSession."""
        try:
            return ssh.Session(pod_id, endpoint, self._known_hosts.path, key.path, self._paths.runtime)
        except OSError as error:
            raise NoSession(f"cannot start ssh: {error.strerror or error}") from error

    def prepare(self) -> str | None:
        """Make sure that `publish` can work; return what to tell where the user's own file was changed for it."""
        self._config.check_writable()
        return f"added one Include line to {self._config.users}" if self._config.ensure_include() else None

    def publish(self, alias: str, pod_id: str, endpoint: Endpoint, key: Identity) -> None:
        """Make `ssh alias` reach this pod."""
        self._config.put(alias, ssh_config.host_block(alias, pod_id, endpoint, self._known_hosts.path, key.path))

    def withdraw(self, alias: str) -> None:
        """Take the address of `alias` out of rp's ssh_config."""
        self._config.remove(alias)

    def forget(self, pod_id: str) -> None:
        """Drop the host keys of a pod that is gone."""
        self._known_hosts.forget(pod_id)

    def setup_scripts(self) -> tuple[Path | None, Path | None]:
        """The user's local and remote setup script, None where there is none."""
        local, remote = self._paths.setup_local, self._paths.setup_remote
        return (local if local.is_file() else None, remote if remote.is_file() else None)

    def run_local_setup(self, script: Path, alias: str) -> Iterator[str | None]:
        """The script's lines as they come, None where it is quiet; raises CommandFailed."""
        try:
            process = subprocess.Popen(
                ["bash", str(script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**self._env, "POD_HOST": alias},
            )
        except OSError as error:
            raise RpError(f"cannot run {script}: {error.strerror}") from error
        yield from ssh.stream(process)
