"""Sessions against the machine's own sshd, which holds pipes longer than the simulator's does."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rp.domain.host_keys import scanned
from rp.domain.pod import Endpoint
from rp.remote import ssh
from rp.remote.known_hosts import KnownHosts

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/bin:/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(SSHD is None, reason="there is no sshd on this machine")


@pytest.fixture(scope="module")
def privilege_folder() -> Iterator[None]:
    """Where root's sshd separates its privileges; Debian makes it only when its service starts."""
    folder = Path("/run/sshd")
    is_ours = os.geteuid() == 0 and folder.parent.is_dir() and not folder.exists()
    if is_ours:
        folder.mkdir()
    yield
    if is_ours:
        folder.rmdir()


@pytest.fixture(scope="module")
def session(privilege_folder: None) -> Iterator[ssh.Session]:
    with tempfile.TemporaryDirectory(prefix="rp-sshd-", dir="/tmp") as name:
        folder = Path(name)
        for key in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)], check=True)
        shutil.copy(folder / "user.pub", folder / "authorized_keys")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        (folder / "config").write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\nPermitRootLogin yes\n"
        )
        daemon = subprocess.Popen([str(SSHD), "-D", "-e", "-f", str(folder / "config")], stderr=subprocess.DEVNULL)
        endpoint = Endpoint("127.0.0.1", port, getpass.getuser())
        try:
            _wait(endpoint, daemon)
            known = KnownHosts(folder / "known_hosts")
            known.pin("p1", scanned(f"x {(folder / 'host.pub').read_text()}"))
            opened = ssh.Session("p1", endpoint, known.path, folder / "user", folder / "run")
            yield opened
            opened.close()
        finally:
            daemon.terminate()
            daemon.wait()


def _wait(endpoint: Endpoint, daemon: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 10
    while not ssh.answers(endpoint, timeout=1):
        if daemon.poll() is not None or time.monotonic() > deadline:
            pytest.skip("sshd does not run here")
        time.sleep(0.02)


def test_a_command_that_never_ends_costs_its_limit_and_no_more(session: ssh.Session) -> None:
    began = time.monotonic()

    done = session.run("echo before; sleep 60", timeout=1)

    assert done.status == 124
    assert done.output.startswith("before")
    assert time.monotonic() - began < 20


def test_the_connection_lives_on_after_that(session: ssh.Session) -> None:
    session.run("sleep 60", timeout=0.2)

    assert session.run("echo alive", timeout=10).output == "alive"


def test_status_output_and_input_go_through(session: ssh.Session) -> None:
    assert session.run("exit 7", timeout=10).status == 7
    assert session.run("cat; echo err >&2", timeout=10, stdin=b"in").output in ("in\nerr", "inerr")


def test_output_without_end_is_cut_to_its_tail(session: ssh.Session) -> None:
    done = session.run("yes | head -c 3000000; echo last", timeout=20)

    assert done.output.endswith("last")
    assert len(done.output) <= 2000


def test_a_local_script_may_leave_something_running(tmp_path: Path) -> None:
    process = subprocess.Popen(
        ["/bin/sh", "-c", "echo done; sleep 30 &"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    began = time.monotonic()

    # None is a quiet moment, of which a busy machine may have one.
    lines = [line for line in ssh.stream(process) if line is not None]

    os.killpg(process.pid, signal.SIGKILL)
    assert lines == ["done"]
    assert time.monotonic() - began < 20
