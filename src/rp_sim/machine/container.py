"""One life of a pod's container: its start command, then its sshd, until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
import shutil
import urllib.parse
from typing import TYPE_CHECKING

import asyncssh

from rp_sim.machine.folder import Folder
from rp_sim.machine.sshd import Server
from rp_sim.scenario.model import Command

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping
    from pathlib import Path

    from rp_sim.logbook import LogBook
    from rp_sim.machine.ports import Ports
    from rp_sim.machine.processes import Processes
    from rp_sim.pod import Pod
    from rp_sim.scenario import Scenario

BACKLOG = 128
SHELL = shutil.which("bash") or "/bin/sh"
HOST_KEYS = ("ssh-ed25519", "ecdsa-sha2-nistp256")
SHOWN_AS = {"ssh-ed25519": "ED25519", "ecdsa-sha2-nistp256": "ECDSA"}
BITS = 256
POISON = {
    "CUDA_VISIBLE_DEVICES": "7",
    "LD_LIBRARY_PATH": "/usr/local/cuda/compat:/usr/local/nvidia/lib64",
    "CUDA_INJECTION64_PATH": "/opt/profiler/libinject.so",
}
FEW_FILES = 256
BROKEN = "the machine is broken"


class Container:
    def __init__(self, pod: Pod, folder: Folder, log: LogBook, ports: Ports, processes: Processes) -> None:
        self.pod = pod
        self.folder = folder
        self.processes = processes
        self.authorized: set[bytes] = set()
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self.sessions = 0
        self._log = log
        self._ports = ports
        self._port = pod.port
        self._boot: asyncio.Task[None] | None = None
        self._listener: asyncssh.SSHAcceptor | asyncio.Server | None = None
        self._env_in_ssh = False

    def start(self, scenario: Scenario, api: str, fingerprints: bool, sshd: bool) -> None:
        self._env_in_ssh = scenario.pods.env_in_ssh
        task = self._start(scenario.pods.args_timeout_s, api, fingerprints, sshd)
        self._boot = asyncio.get_running_loop().create_task(task)

    async def _start(self, timeout: float, api: str, fingerprints: bool, sshd: bool) -> None:
        self.folder.write_environment(self.environment(api))
        if self.pod.args:
            await self._run_args(api, timeout)
            if "/start.sh" not in self.pod.args:
                return  # the command took the place of the one that starts sshd
        if fingerprints:
            self._log.write("container", "Pod Started")
        if sshd and self._read_keys(self.environment(api).get("PUBLIC_KEY", "")):
            await self._serve(fingerprints)
        if fingerprints:
            self._log.write("container", "Start script(s) finished, Pod is ready to use.")

    def stop(self) -> None:
        if self._boot:
            self._boot.cancel()
        for connection in tuple(self.connections):
            connection.abort()
        if self._listener:
            self._listener.close()
        self.processes.kill(self.pod.id)
        if self._port is not None:
            self._ports.hold_again(self._port)

    # -- the start command --------------------------------------------------------------------------------

    async def _run_args(self, api: str, timeout: float) -> None:
        words = [self.folder.localize(word) for word in _words(self.pod.args)]
        env = {**self._base_environment(), **self.environment(api)}
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                cwd=self.folder.home,
                env=env,
                start_new_session=True,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
        except (OSError, ValueError) as error:
            self._log.write("container", f"exec {words[0]}: {error}")
            return
        self.processes.started(process.pid, self.pod.id)
        reader = asyncio.create_task(self._copy(process.stdout))
        try:
            await asyncio.wait_for(process.wait(), timeout or None)
        except TimeoutError:
            self._log.write("container", f"start command still runs after {timeout:g} s")
            return
        self.processes.ended(process.pid)
        # What a background job writes later goes to the log too, but nobody waits for it.
        await asyncio.wait({reader}, timeout=0.5)
        if process.returncode:
            self._log.write("container", f"start command failed with exit status {process.returncode}")

    async def _copy(self, stream: asyncio.StreamReader | None) -> None:
        while stream is not None and (line := await _line(stream)):
            self._log.write("container", line.decode("utf-8", "replace").rstrip("\n"))

    # -- sshd ---------------------------------------------------------------------------------------------

    def _read_keys(self, text: str) -> bool:
        """As authorized_keys: one key per line, what is no key is passed over."""
        if self.pod.jank("key_refused"):
            return True
        for line in text.splitlines():
            with contextlib.suppress(asyncssh.KeyImportError):
                self.authorized.add(asyncssh.import_public_key(line).public_data)
        ssh = self.folder.home / ".ssh"
        ssh.mkdir(mode=0o700, exist_ok=True)
        (ssh / "authorized_keys").write_text(text.rstrip("\n") + "\n", encoding="utf-8")
        return bool(self.authorized)

    async def _serve(self, fingerprints: bool) -> None:
        keys = [asyncssh.generate_private_key(kind) for kind in HOST_KEYS]
        if fingerprints:
            for key in keys:
                shown = SHOWN_AS[key.get_algorithm()]
                line = f"{BITS} {key.get_fingerprint()} root@{self.pod.id} ({shown})"
                self._log.write("container", line)
        if self._port is None or self.pod.jank("ssh_never_up", "connection_refused"):
            return
        sock = self._ports.take(self._port)
        if self.pod.jank("no_banner"):
            self._listener = await asyncio.start_server(_say_nothing, sock=sock)
            return
        if self.pod.jank("wrong_host_key"):
            keys = [asyncssh.generate_private_key(kind) for kind in HOST_KEYS]
        self._listener = await self._listen(sock, keys)

    async def _listen(self, sock: socket.socket, keys: list[asyncssh.SSHKey]) -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            sock=sock,
            backlog=BACKLOG,
            server_factory=lambda: Server(self),
            server_host_keys=keys,
            server_version="OpenSSH_9.6p1",
            encoding=None,
            reuse_address=True,
            login_timeout=30,
            keepalive_interval=0,
        )

    # -- what runs in it ----------------------------------------------------------------------------------

    def scripted(self, command: str) -> Command | None:
        """The result that the scenario sets for a command, if it does."""
        for jank in self.pod.janks:
            if jank.kind == "smoke_failure" and not jank.command:
                return _failure(jank.message or BROKEN) if command else None
            for entry in jank.command:
                if re.search(entry.match, command):
                    return entry
        return None

    def shell(self, command: str | None) -> list[str]:
        if command is None:
            return [SHELL, "-i"] if SHELL.endswith("bash") else [SHELL]
        few = self.pod.jank("few_files")
        limit = f"ulimit -n {few.count or FEW_FILES}\n" if few else ""
        return [SHELL, "-c", limit + self.folder.localize(command)]

    def session_environment(self, terminal: str | None, sent: Mapping[str, str]) -> dict[str, str]:
        """What sshd gives a session: not the container's environment, unless the scenario says so."""
        own = self.environment("") if self._env_in_ssh else {}
        locale = {name: value for name, value in sent.items() if name.startswith(("LANG", "LC_"))}
        base = {**self._base_environment(), **own, **locale}
        return {**base, "TERM": terminal} if terminal else base

    def _base_environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.folder.home),
            "USER": "root",
            "LOGNAME": "root",
            "SHELL": SHELL,
            "PATH": self.folder.path,
            "TMPDIR": str(self.folder.root / "tmp"),
            "LANG": "C.UTF-8",
            # Where rp's health check looks for /proc, /sys and /etc.
            "RP_ROOT": str(self.folder.root),
            **self._poison(),
            **self.processes.mark(self.pod.id),
        }

    def environment(self, api: str) -> dict[str, str]:
        """The container's own environment. RP_API_URL is the simulator's: a program in the pod finds it."""
        pod = self.pod
        given = {
            "RUNPOD_POD_ID": pod.id,
            "RUNPOD_POD_HOSTNAME": f"{pod.id}-{pod.host.id}",
            "RUNPOD_API_KEY": pod.api_key,
            "RUNPOD_GPU_COUNT": str(pod.gpus_present),
            "RUNPOD_GPU_NAME": urllib.parse.quote_plus(pod.gpu.id),
            "RUNPOD_CPU_COUNT": str(pod.gpu.vcpu_per_gpu * pod.count),
            "RUNPOD_MEM_GB": str(pod.gpu.ram_per_gpu * pod.count),
            "RUNPOD_PUBLIC_IP": "127.0.0.1",
            "RUNPOD_TCP_PORT_22": str(pod.port or ""),
            **self._image_environment(),
        }
        if pod.host.data_center:
            given["RUNPOD_DC_ID"] = pod.host.data_center
        if pod.volume_id:
            given["RUNPOD_VOLUME_ID"] = pod.volume_id
        if api:
            given["RP_API_URL"] = api
        gone = {name for jank in pod.janks if jank.kind == "env_missing" for name in jank.names}
        everything = {**given, **pod.injected, **pod.env, **self._poison()}
        return {name: value for name, value in everything.items() if _possible(name, value) and name not in gone}

    def _image_environment(self) -> dict[str, str]:
        told = re.search(r"cu(?:da)?[:-]?(\d\d)\.?(\d)(?:\.?(\d))?", self.pod.image)
        version = ".".join(filter(None, told.groups())) if told else self.pod.host.cuda or ""
        return {
            "CUDA_VERSION": version,
            "NVIDIA_VISIBLE_DEVICES": "all" if self.pod.gpu.manufacturer == "NVIDIA" else "void",
            "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
        }

    def _poison(self) -> dict[str, str]:
        jank = self.pod.jank("poisoned_env")
        return (jank.env or POISON) if jank else {}


def make_container(pod: Pod, pods: Path, volumes: Path, log: LogBook, ports: Ports, processes: Processes) -> Container:
    return Container(pod, Folder(pods, volumes, pod), log, ports, processes)


def _possible(name: str, value: str) -> bool:
    """Whether a process can have it in its environment; the API takes any string."""
    return bool(name) and "=" not in name and "\0" not in name + value


def _words(args: str) -> list[str]:
    """The words of `args`, as a shell would split them; one shell line where it cannot."""
    try:
        return shlex.split(args)
    except ValueError:
        return ["/bin/sh", "-c", args]


def _failure(message: str) -> Command:
    return Command(match="", stderr=f"{message}\n", exit=1)


async def _line(stream: asyncio.StreamReader) -> bytes:
    """One line, or as much of an endless one as fits."""
    try:
        return await stream.readuntil()
    except asyncio.IncompleteReadError as error:
        return error.partial
    except asyncio.LimitOverrunError as error:
        return await stream.read(error.consumed)


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.CancelledError):
        while await reader.read(1024):
            pass
    writer.close()
