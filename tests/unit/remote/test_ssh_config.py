import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.domain.pod import Endpoint
from rp.errors import StateUnreadable, StateUnwritable
from rp.remote import ssh_config
from rp.remote.ssh_config import SshConfig, host_block

needs_ssh = pytest.mark.skipif(not shutil.which("ssh"), reason="ssh is not on this machine")
ENDPOINT = Endpoint("10.1.2.3", 40022, "root")
USERS = {
    "empty": b"",
    "plain": b"User me\nCompression yes\n",
    "hosts": b"Host work other-*\n    HostName work.example.com\n    User me\n\nHost *\n    ForwardAgent yes\n",
    "match": b"Match host other-host\n    User matched\nMatch all\n    ServerAliveInterval 7\n",
    "no_final_newline": b"Host other-host\n    Port 2222",
    "crlf": b"Host other-host\r\n    Port 2222\r\n",
    "comments": b"# mine\n\n   # Host not-me\nHost=other-host\n\tPort=2222\n",
}


@pytest.fixture
def config(tmp_path: Path) -> SshConfig:
    return SshConfig(tmp_path / "rp" / "ssh_config", tmp_path / "ssh" / "config", tmp_path / "known_hosts")


def _line(folder: Path) -> bytes:
    return f'Include "{folder}/rp/ssh_config"'.encode()


def _effective(file: Path, host: str) -> dict[str, str]:
    """What OpenSSH itself makes of the file for `host`."""
    done = subprocess.run(["ssh", "-G", "-F", str(file), host], capture_output=True, text=True, timeout=30, check=True)
    return dict(line.partition(" ")[::2] for line in done.stdout.splitlines())


def _write(config: SshConfig, text: bytes) -> None:
    config.users.parent.mkdir(exist_ok=True)
    config.users.write_bytes(text)
    config.users.chmod(0o600)


def _block(alias: str, folder: Path, pod_id: str = "p1") -> str:
    return host_block(alias, pod_id, ENDPOINT, folder / "known hosts", folder / "my keys" / "id")


@given(before=st.binary(max_size=300) | st.sampled_from(sorted(USERS.values())))
def test_the_rest_of_the_users_file_stays_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, before: bytes
) -> None:
    folder = tmp_path_factory.mktemp("ssh")
    config = SshConfig(folder / "rp" / "ssh_config", folder / "ssh" / "config", folder / "known_hosts")
    _write(config, before)

    told = [config.ensure_include() for _ in range(3)]

    after = config.users.read_bytes()
    assert told == [True, False, False]
    assert after.startswith(_line(folder))
    assert after.endswith(before)
    assert after.removesuffix(before).strip() == _line(folder)
    assert after.count(_line(folder)) == 1


@given(st.lists(st.sampled_from([b"Host a\n", b"\tPort 2\n", b"\r\n", b"# x", b"\n", b"\xff\x00"])).map(b"".join))
def test_the_line_is_a_line_of_its_own(text: bytes) -> None:
    after = ssh_config.with_include(text, b'Include "x"')

    assert after is not None
    assert after.split(b"\n")[0].rstrip(b"\r") == b'Include "x"'
    assert ssh_config.with_include(after, b'Include "x"') is None


def test_a_missing_file_is_made_for_the_user_alone(config: SshConfig, tmp_path: Path) -> None:
    assert config.ensure_include()

    assert config.users.read_bytes() == _line(tmp_path) + b"\n"
    assert stat.S_IMODE(config.users.stat().st_mode) == 0o600
    assert stat.S_IMODE(config.users.parent.stat().st_mode) == 0o700


def test_a_link_stays_a_link_and_the_mode_stays(config: SshConfig, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles"
    real.write_bytes(USERS["hosts"])
    real.chmod(0o644)
    config.users.parent.mkdir()
    config.users.symlink_to(real)

    config.ensure_include()

    assert config.users.is_symlink()
    assert real.read_bytes() == _line(tmp_path) + b"\n" + USERS["hosts"]
    assert stat.S_IMODE(real.stat().st_mode) == 0o644


def test_windows_line_ends_get_one_more(config: SshConfig, tmp_path: Path) -> None:
    _write(config, USERS["crlf"])

    config.ensure_include()

    assert config.users.read_bytes() == _line(tmp_path) + b"\r\n" + USERS["crlf"]


def test_a_folder_in_its_place_is_told(config: SshConfig) -> None:
    config.users.mkdir(parents=True)

    with pytest.raises((StateUnreadable, StateUnwritable), match="config"):
        config.ensure_include()


@needs_ssh
@pytest.mark.parametrize("text", USERS.values(), ids=USERS)
@pytest.mark.parametrize("host", ["other-host", "work", "10.1.2.3"])
def test_nothing_changes_for_other_hosts(config: SshConfig, tmp_path: Path, text: bytes, host: str) -> None:
    _write(config, text)
    before = _effective(config.users, host)

    config.put("my-pod", _block("my-pod", tmp_path))
    config.ensure_include()

    assert _effective(config.users, host) == before


@needs_ssh
@pytest.mark.parametrize("text", USERS.values(), ids=USERS)
def test_openssh_finds_the_pod_whatever_the_user_has(config: SshConfig, tmp_path: Path, text: bytes) -> None:
    _write(config, text)
    config.put("my-pod", _block("my-pod", tmp_path))
    config.ensure_include()

    found = _effective(config.users, "my-pod")

    assert (found["hostname"], found["port"], found["user"]) == ("10.1.2.3", "40022", "root")
    assert found["hostkeyalias"] == "rp-p1"
    assert found["userknownhostsfile"].strip('"') == f"{tmp_path}/known hosts"
    assert found["identityfile"].strip('"') == f"{tmp_path}/my keys/id"
    assert found["identitiesonly"] == "yes"
    assert found["stricthostkeychecking"] in ("true", "yes")
    assert found["forwardagent"] == "no"
    assert found["updatehostkeys"] in ("false", "no")


@needs_ssh
@pytest.mark.parametrize("existing", [b"Host work\n    ", b"Host work\n", b"Match host work\n"])
def test_a_line_inside_another_block_is_no_use_and_does_not_count(
    config: SshConfig, tmp_path: Path, existing: bytes
) -> None:
    _write(config, existing + _line(tmp_path) + b"\n")
    config.put("my-pod", _block("my-pod", tmp_path))

    config.ensure_include()

    assert _effective(config.users, "my-pod")["hostname"] == "10.1.2.3"


def test_without_a_key_file_the_agent_decides(tmp_path: Path) -> None:
    assert "Identit" not in host_block("a", "p", ENDPOINT, tmp_path, None)


def test_each_alias_keeps_its_block(config: SshConfig, tmp_path: Path) -> None:
    own = tmp_path / "rp" / "ssh_config"
    for alias in ("b", "a", "c"):
        config.put(alias, _block(alias, tmp_path, f"pod-{alias}"))
    config.put("b", _block("b", tmp_path, "pod-new"))
    config.remove("c")
    config.remove("never-there")

    found = ssh_config.blocks(own.read_text())

    assert list(found) == ["a", "b"]
    assert found == {"a": _block("a", tmp_path, "pod-a"), "b": _block("b", tmp_path, "pod-new")}
    assert own.read_text().startswith("# Written by rp")
    assert stat.S_IMODE(own.stat().st_mode) == 0o600


def test_to_remove_makes_no_file(config: SshConfig, tmp_path: Path) -> None:
    config.remove("a")

    assert list(tmp_path.iterdir()) == []


aliases = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)


@given(st.dictionaries(aliases, aliases, max_size=5))
def test_what_is_rendered_is_read_back(pods: dict[str, str]) -> None:
    blocks = {alias: _block(alias, Path("/x"), pod_id) for alias, pod_id in pods.items()}

    assert ssh_config.blocks(ssh_config.render(blocks)) == blocks


def test_a_folder_that_cannot_be_written_is_seen_beforehand(tmp_path: Path) -> None:
    (tmp_path / "rp").write_bytes(b"")

    with pytest.raises(StateUnwritable):
        SshConfig(tmp_path / "rp" / "ssh_config", tmp_path / "config", tmp_path / "known_hosts").check_writable()
