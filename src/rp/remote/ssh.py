"""The machine's own OpenSSH: is the port answering, who answers, and commands on one shared connection."""

import hashlib
import os
import queue
import selectors
import socket
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import IO

from rp import files
from rp.domain.host_keys import HostKey, scanned
from rp.domain.pod import Endpoint
from rp.domain.remote import CommandFailed, Completed, NoSession
from rp.remote import argv

_BANNER_TIMEOUT = 5.0
_KEYSCAN_TIMEOUT = 20.0
_CONNECT_TIMEOUT = 20.0
_COPY_TIMEOUT = 60.0
_TAIL = 2000
# How long output may trail behind its process, in seconds.
_LAST_WORDS = 0.5
# A socket's path has to fit into 104 bytes on macOS, and OpenSSH adds a suffix of 17 while it connects.
_LONGEST_SOCKET_PATH = 85
# Plain `ssh host command` has none of the pod's environment; official images write it to this file, as
# `export K="V"` lines without escapes. A value that breaks its line must not take the others with it.
_WITH_POD_ENV = (
    "if [ -r /etc/rp_environment ]; then "
    "if ( . /etc/rp_environment ) > /dev/null 2>&1; then . /etc/rp_environment > /dev/null 2>&1; else "
    'while IFS= read -r rp_line; do case $rp_line in "export "*) '
    '( eval "$rp_line" ) > /dev/null 2>&1 && eval "$rp_line" ;; esac; '
    "done < /etc/rp_environment; fi; fi; "
)


def answers(endpoint: Endpoint, timeout: float = _BANNER_TIMEOUT) -> bool:
    """Whether something that speaks SSH is there: RunPod opens port 22 for images without sshd too."""
    try:
        with socket.create_connection((endpoint.host, endpoint.port), timeout=timeout) as connection:
            connection.settimeout(timeout)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def host_keys(endpoint: Endpoint) -> tuple[HostKey, ...]:
    """The keys that the endpoint shows; none where it does not answer."""
    try:
        done = subprocess.run(
            argv.keyscan(endpoint),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_KEYSCAN_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return scanned(done.stdout.decode("utf-8", "replace"))


class Session:
    """A shared connection to one pod. It ends with `close`, and with this process whatever ends it."""

    def __init__(
        self, pod_id: str, endpoint: Endpoint, known_hosts: Path, identity: Path | None, runtime: Path
    ) -> None:
        """Raises NoSession."""
        self._endpoint = endpoint
        self._base = argv.options(pod_id, known_hosts, identity)
        self._control_path = _control_path(runtime, pod_id)
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `close`
        self._master = subprocess.Popen(
            argv.master(endpoint, self._base, self._control_path),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        if not _says_ok(self._master, _CONNECT_TIMEOUT):
            self._end_master()
            last_word = self._last_word()
            self._errors.close()
            raise NoSession(last_word)

    def run(self, command: str, *, timeout: float, stdin: bytes = b"", most: int = _TAIL) -> Completed:
        """Run `command` with the pod's environment; its status, 124 where it took too long, and its last output."""
        process = self._start(_WITH_POD_ENV + command)
        output = _Tail(process, stdin, most)
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return Completed(124, f"{output.text()}\n(no end after {timeout:g} s)".strip())
        return Completed(status, output.text())

    def run_script(self, script: Path) -> Iterator[str | None]:
        """Copy `script` to the pod and run it there; its lines, None where it is quiet. Raises CommandFailed."""
        there = f".rp/{script.name}"
        text = files.read_text(script) or ""
        copied = self.run(
            f"umask 077 && mkdir -p .rp && cat > {there} && chmod 700 {there}",
            timeout=_COPY_TIMEOUT,
            stdin=text.encode(),
        )
        if copied.status:
            yield copied.output
            raise CommandFailed(copied.status)
        # One stream over there: two would come here in any order.
        yield from stream(self._start(f"{_WITH_POD_ENV}./{there} 2>&1"))

    def close(self) -> None:
        self._end_master()
        self._errors.close()

    def _end_master(self) -> None:
        if self._master.stdin:
            self._master.stdin.close()
        try:
            self._master.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._master.kill()
            self._master.wait()
        if self._master.stdout:
            self._master.stdout.close()

    def _start(self, command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            argv.command(self._endpoint, self._base, self._control_path, command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def _last_word(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "no answer"


class _Tail:
    """The end of what a process prints, read beside it: a shared connection may hold the pipe longer than it lives."""

    def __init__(self, process: subprocess.Popen[bytes], stdin: bytes, most: int) -> None:
        self._most = most
        self._kept = bytearray()
        self._threads = [
            threading.Thread(target=self._feed, args=(process.stdin, stdin), daemon=True),
            threading.Thread(target=self._read, args=(process.stdout,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def text(self) -> str:
        """What came until a moment after the process's end."""
        for thread in self._threads:
            thread.join(_LAST_WORDS)
        return bytes(self._kept[-self._most :]).decode("utf-8", "replace").strip()

    def _feed(self, pipe: IO[bytes] | None, data: bytes) -> None:
        with suppress(OSError), pipe or nullcontext():
            if pipe:
                pipe.write(data)

    def _read(self, pipe: IO[bytes] | None) -> None:
        with pipe or nullcontext():
            while pipe and (chunk := pipe.read1(65536)):  # type: ignore[attr-defined]
                self._kept += chunk
                if len(self._kept) > 2 * self._most:
                    del self._kept[: -self._most]


def stream(process: subprocess.Popen[bytes]) -> Iterator[str | None]:
    """The process's lines as they come, None after each quiet moment; CommandFailed for a status that is not 0.

    What it leaves running in the background may hold its output: that is not waited for.
    """
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    if process.stdin:
        process.stdin.close()
    threading.Thread(target=_pump, args=(process.stdout, lines), daemon=True).start()
    try:
        while True:
            ended = process.poll() is not None
            try:
                line = lines.get(timeout=_LAST_WORDS)
            except queue.Empty:
                if ended:
                    break
                yield None
                continue
            if line is None:
                break
            yield line.decode("utf-8", "replace").rstrip("\r\n")
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.wait():
        raise CommandFailed(process.returncode)


def _pump(pipe: IO[bytes] | None, lines: "queue.SimpleQueue[bytes | None]") -> None:
    with pipe or nullcontext():
        for line in pipe or ():
            lines.put(line)
    lines.put(None)


def _says_ok(process: subprocess.Popen[bytes], timeout: float) -> bool:
    """Whether the line OK comes in time; a login shell may print greetings before it."""
    if process.stdout is None:
        return False
    descriptor = process.stdout.fileno()
    deadline = time.monotonic() + timeout
    seen = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            if not selector.select(left):
                break
            chunk = os.read(descriptor, 4096)
            if not chunk:
                break
            seen += chunk
            if b"OK" in seen.splitlines():
                return True
    return False


def _control_path(runtime: Path, pod_id: str) -> Path | None:
    """Where the shared connection's socket lives; None where a path would be too long or not ours."""
    # One per process: a socket that a killed rp left behind must not be taken for ours.
    name = hashlib.sha256(f"{pod_id}-{os.getpid()}-{time.monotonic_ns()}".encode()).hexdigest()[:16]
    path = runtime / name
    if len(str(path)) > _LONGEST_SOCKET_PATH:
        return None
    try:
        runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = runtime.lstat()
    except OSError:
        return None
    private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
    return path if private else None
