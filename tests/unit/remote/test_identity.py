import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rp.errors import NotAllowed
from rp.remote import identity

pytestmark = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="OpenSSH is not on this machine")


def _make(path: Path, passphrase: str = "", kind: str = "ed25519") -> str:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    words = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", path.name, "-f", str(path)]
    subprocess.run(words, check=True, timeout=30)
    return path.with_name(f"{path.name}.pub").read_text().strip()


def test_without_a_key_the_user_learns_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotAllowed, match="no SSH key") as caught:
        identity.find(tmp_path, {})

    assert "ssh-keygen" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "name", [".ssh/runpod", ".ssh/id_ed25519", ".ssh/id_ecdsa", ".ssh/id_rsa", ".runpod/ssh/RunPod-Key-Go"]
)
def test_a_key_in_a_usual_place_is_found(tmp_path: Path, name: str) -> None:
    public = _make(tmp_path / name)

    found = identity.find(tmp_path, {})

    assert (found.path, found.public_key) == (tmp_path / name, public)


def test_the_older_rps_key_comes_first(tmp_path: Path) -> None:
    _make(tmp_path / ".ssh" / "id_ed25519")
    _make(tmp_path / ".ssh" / "runpod")

    assert identity.find(tmp_path, {}).path == tmp_path / ".ssh" / "runpod"


def test_a_locked_key_is_passed_over_for_one_that_works(tmp_path: Path) -> None:
    _make(tmp_path / ".ssh" / "id_ed25519", "sesame")
    _make(tmp_path / ".ssh" / "id_ecdsa", kind="ecdsa")

    assert identity.find(tmp_path, {}).path == tmp_path / ".ssh" / "id_ecdsa"


def test_a_locked_key_alone_is_told_with_the_remedy(tmp_path: Path) -> None:
    _make(tmp_path / ".ssh" / "id_ed25519", "sesame")

    with pytest.raises(NotAllowed, match="needs a passphrase") as caught:
        identity.find(tmp_path, {})

    assert caught.value.hint == f"ssh-add {tmp_path}/.ssh/id_ed25519"


def test_the_public_key_is_computed_where_its_file_is_missing(tmp_path: Path) -> None:
    public = _make(tmp_path / ".ssh" / "id_ed25519")
    (tmp_path / ".ssh" / "id_ed25519.pub").unlink()

    assert identity.find(tmp_path, {}).public_key.split()[:2] == public.split()[:2]


def test_a_public_key_alone_opens_nothing(tmp_path: Path) -> None:
    _make(tmp_path / ".ssh" / "id_ed25519")
    (tmp_path / ".ssh" / "id_ed25519").unlink()

    with pytest.raises(NotAllowed):
        identity.find(tmp_path, {})


def test_a_file_that_is_no_key_is_no_key(tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_rsa").write_text("hello\n")

    with pytest.raises(NotAllowed):
        identity.find(tmp_path, {})


@pytest.fixture
def agent(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The environment of a fresh agent that lives as long as the test."""
    if not shutil.which("ssh-agent"):
        pytest.skip("ssh-agent is not on this machine")
    # A socket's path has to be short.
    socket = Path("/tmp") / f"rp-agent-{os.getpid()}"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    yield {"SSH_AUTH_SOCK": str(socket)}
    process.terminate()
    process.communicate()
    socket.unlink(missing_ok=True)


def _add(key: Path, passphrase: str, folder: Path) -> None:
    """Unlock a copy for the agent; the file itself stays locked."""
    copy = folder / "unlocked"
    shutil.copy(key, copy)
    copy.chmod(0o600)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", passphrase, "-N", "", "-f", str(copy)], check=True, timeout=30)
    subprocess.run(["ssh-add", "-q", str(copy)], check=True, timeout=30, capture_output=True)
    copy.unlink()


def test_a_locked_key_that_the_agent_holds_works(tmp_path: Path, agent: dict[str, str]) -> None:
    key = tmp_path / ".ssh" / "id_ed25519"
    _make(key, "sesame")
    _add(key, "sesame", tmp_path)

    assert identity.find(tmp_path, agent).path == key


def test_a_key_of_the_agent_alone_has_no_file(tmp_path: Path, agent: dict[str, str]) -> None:
    public = _make(tmp_path / "elsewhere" / "key", "sesame")
    _add(tmp_path / "elsewhere" / "key", "sesame", tmp_path)

    found = identity.find(tmp_path, agent)

    assert found.path is None
    assert found.public_key.split()[:2] == public.split()[:2]


def test_an_agent_without_keys_is_no_key(tmp_path: Path, agent: dict[str, str]) -> None:
    with pytest.raises(NotAllowed):
        identity.find(tmp_path, agent)


def test_a_dead_agent_is_no_error(tmp_path: Path) -> None:
    _make(tmp_path / ".ssh" / "id_ed25519")

    assert identity.find(tmp_path, {"SSH_AUTH_SOCK": str(tmp_path / "no")}).path == tmp_path / ".ssh" / "id_ed25519"
