import shutil
import subprocess
from pathlib import Path

import pytest

from rp.domain.host_keys import HostKey
from rp.domain.pod import Endpoint
from rp.remote import argv
from rp.remote.known_hosts import KnownHosts

needs_ssh = pytest.mark.skipif(not shutil.which("ssh"), reason="ssh is not on this machine")
ENDPOINT = Endpoint("10.1.2.3", 40022, "root")
A = HostKey("ssh-ed25519", "AAAA")
B = HostKey("ecdsa-sha2-nistp256", "BBBB")


@needs_ssh
@pytest.mark.parametrize("folder", ["plain", "with space", "two  spaces", "quote'd", "hash#", "ünï", "100%h"])
def test_openssh_understands_any_path(tmp_path: Path, folder: str) -> None:
    known_hosts, identity = tmp_path / folder / "known", tmp_path / folder / "id"
    done = subprocess.run(
        ["ssh", "-G", *argv.options("p1", known_hosts, identity), "-p", "40022", "-l", "root", "--", "10.1.2.3"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    found = dict(line.partition(" ")[::2] for line in done.stdout.splitlines())

    # OpenSSH expands `%h` and the like later: a percent sign has to be told twice.
    assert found["userknownhostsfile"].strip('"').replace("%%", "%") == str(known_hosts)
    assert found["identityfile"].strip('"').replace("%%", "%") == str(identity)
    assert found["identityfile"].count("%") % 2 == 0
    assert found["hostkeyalias"] == "rp-p1"
    assert found["batchmode"] == "yes"
    assert found["identitiesonly"] == "yes"
    assert found["stricthostkeychecking"] in ("true", "yes")
    assert found["forwardagent"] == "no"
    assert (found["hostname"], found["port"], found["user"]) == ("10.1.2.3", "40022", "root")


def test_the_users_own_configuration_is_not_read() -> None:
    assert argv.options("p1", Path("/k"), None)[:2] == ["-F", "none"]


def test_without_a_key_file_the_agent_decides() -> None:
    assert not any("Identit" in word for word in argv.options("p1", Path("/k"), None))


@pytest.mark.parametrize(
    "words",
    [
        argv.master(ENDPOINT, [], Path("/run/s")),
        argv.command(ENDPOINT, [], Path("/run/s"), "nvidia-smi; echo '$x'"),
        argv.keyscan(ENDPOINT),
    ],
)
def test_a_host_is_never_an_option(words: list[str]) -> None:
    assert words[words.index("10.1.2.3") - 1] == "--"


def test_the_remote_command_is_one_word() -> None:
    assert argv.command(ENDPOINT, ["-x"], None, "a b; c") == [
        "ssh",
        "-x",
        *("-p", "40022", "-l", "root", "--", "10.1.2.3", "a b; c"),
    ]


def test_the_socket_is_shared() -> None:
    assert argv.command(ENDPOINT, [], Path("/run/s"), "x")[1:3] == ["-S", "/run/s"]
    assert argv.master(ENDPOINT, [], Path("/run/s"))[1:4] == ["-M", "-S", "/run/s"]
    assert "-S" not in argv.master(ENDPOINT, [], None)


def test_host_keys_are_kept_by_pod(tmp_path: Path) -> None:
    known = KnownHosts(tmp_path / "known_hosts")
    known.pin("p1", [A, B])
    known.pin("p10", [A])
    known.pin("p1", [B])

    assert known.path.read_text() == "rp-p10 ssh-ed25519 AAAA\nrp-p1 ecdsa-sha2-nistp256 BBBB\n"

    known.forget("p1")
    known.forget("never-there")
    assert known.path.read_text() == "rp-p10 ssh-ed25519 AAAA\n"


def test_to_forget_makes_no_file(tmp_path: Path) -> None:
    KnownHosts(tmp_path / "known_hosts").forget("p1")

    assert list(tmp_path.iterdir()) == []


@needs_ssh
def test_openssh_finds_a_pinned_key_by_the_pods_alias(tmp_path: Path) -> None:
    known = KnownHosts(tmp_path / "known_hosts")
    key = HostKey("ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAILXGDN/SclOozk1xsDztpmhGiKkkrfQB9SKoO8dSIQQZ")
    known.pin("p1", [key])

    done = subprocess.run(
        ["ssh-keygen", "-F", argv.host_key_alias("p1"), "-f", str(known.path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    assert key.base64 in done.stdout
