import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from rp.domain.key import Key, checked
from rp.errors import NotAllowed, RpError
from rp.state.credentials import Credentials

KEY = "rpa_FROMTHEENVIRONMENT"


@pytest.fixture(autouse=True)
def _no_keyring_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


def _credentials(folder: Path, env: Mapping[str, str] | None = None) -> Credentials:
    return Credentials(env or {}, folder / "rp" / "runpod_api_key", folder / ".runpod" / "config.toml")


def _write(path: Path, text: str, mode: int = 0o600) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def test_there_may_be_no_key(tmp_path: Path) -> None:
    assert _credentials(tmp_path).find() is None


def test_the_environment_comes_first_and_runpods_own_file_last(tmp_path: Path) -> None:
    _write(tmp_path / ".runpod" / "config.toml", "apiKey = 'rpa_RUNPODS'")
    assert _credentials(tmp_path).find() == "rpa_RUNPODS"

    _write(tmp_path / "rp" / "runpod_api_key", "rpa_RPS\n")
    assert _credentials(tmp_path).find() == "rpa_RPS"

    assert _credentials(tmp_path, {"RUNPOD_API_KEY": f" {KEY}\n"}).find() == KEY


def test_an_empty_source_is_passed_over(tmp_path: Path) -> None:
    _write(tmp_path / "rp" / "runpod_api_key", "\n")
    _write(tmp_path / ".runpod" / "config.toml", "apiKey = 'rpa_RUNPODS'")

    assert _credentials(tmp_path, {"RUNPOD_API_KEY": " "}).find() == "rpa_RUNPODS"


KEYRING = """
from keyring.backend import KeyringBackend

class Fixed(KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        return "rpa_KEYRING" if (service, username) == ("rp", "runpod-api-key") else None

    def set_password(self, service, username, password):
        raise __import__("keyring").errors.PasswordSetError("read only")

    def delete_password(self, service, username):
        pass
"""
FIND = """
import os, sys
from pathlib import Path
from rp.state.credentials import Credentials
folder = Path(sys.argv[1])
found = Credentials(dict(os.environ), folder / "rp" / "runpod_api_key", folder / "none.toml")
print(str(found.find()), found.store(found.find()))
"""


@pytest.mark.parametrize(("env", "key"), [({}, "rpa_KEYRING"), ({"RUNPOD_API_KEY": KEY}, KEY)])
def test_the_keyring_comes_after_the_environment_and_before_the_file(
    tmp_path: Path, env: dict[str, str], key: str
) -> None:
    (tmp_path / "fixedring.py").write_text(KEYRING)
    _write(tmp_path / "rp" / "runpod_api_key", "rpa_RPS\n")

    done = subprocess.run(
        [sys.executable, "-c", FIND, str(tmp_path)],
        env={"PYTHONPATH": str(tmp_path), "PYTHON_KEYRING_BACKEND": "fixedring.Fixed", "HOME": str(tmp_path), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    # A keyring that cannot store is no reason to lose the key: it goes to the file.
    assert done.stdout == f"{key} {tmp_path}/rp/runpod_api_key\n"


@pytest.mark.parametrize(
    "text",
    [
        '[default]\napi_key = "rpa_X"\n',
        'apikey = "rpa_X"\napiurl = "https://api.runpod.io/graphql"\n',
        'apiKey = "rpa_X"\n',
        '[default]\nother = 1\n\n[x]\n[default.y]\n[z]\napi_key = "no"\n',
    ],
)
def test_both_layouts_of_runpods_own_file_are_read(tmp_path: Path, text: str) -> None:
    _write(tmp_path / ".runpod" / "config.toml", text)

    assert _credentials(tmp_path).find() == ("rpa_X" if "rpa_X" in text else None)
    assert (tmp_path / ".runpod" / "config.toml").read_text() == text


@pytest.mark.parametrize("text", ["not toml [", "default = 3", "apiKey = 3", "[default]\napi_key = []"])
def test_a_strange_file_of_runpod_is_passed_over(tmp_path: Path, text: str) -> None:
    _write(tmp_path / ".runpod" / "config.toml", text)

    assert _credentials(tmp_path).find() is None


def test_a_stored_key_is_the_users_alone(tmp_path: Path) -> None:
    found = _credentials(tmp_path)

    where = found.store(Key(KEY))

    path = tmp_path / "rp" / "runpod_api_key"
    assert where == str(path)
    assert path.read_text() == f"{KEY}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert found.find() == KEY


@pytest.mark.parametrize("use", ["find", "store"])
def test_a_key_file_that_others_could_read_is_closed(tmp_path: Path, use: str) -> None:
    path = tmp_path / "rp" / "runpod_api_key"
    _write(path, f"{KEY}\n", 0o644)

    if use == "find":
        assert _credentials(tmp_path).find() == KEY
    else:
        _credentials(tmp_path).store(Key(KEY))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "garbled", ["sesame\nopen", "ses ame", "sesame\x1b[2J", "sésame", "sesame\u200b", '"sesame" x']
)
def test_a_garbled_key_is_refused_and_never_repeated(tmp_path: Path, garbled: str) -> None:
    with pytest.raises(NotAllowed) as caught:
        _credentials(tmp_path, {"RUNPOD_API_KEY": garbled}).find()

    told = f"{caught.value} {caught.value!r} {caught.value.hint}"
    assert "RUNPOD_API_KEY" in told
    assert "same" not in told


def test_a_key_file_that_is_no_text_is_refused_and_never_repeated(tmp_path: Path) -> None:
    (tmp_path / "rp").mkdir()
    (tmp_path / "rp" / "runpod_api_key").write_bytes(b"sesame\xff")

    with pytest.raises(RpError) as caught:
        _credentials(tmp_path).find()

    assert "sesame" not in f"{caught.value} {caught.value!r} {caught.value.hint}"


def test_a_key_shows_itself_nowhere_but_where_it_is_sent() -> None:
    key = checked(f"{KEY}\n", "here")

    assert KEY not in repr(key)
    assert KEY not in repr([key])
    assert KEY not in f"{key!r} {(key,)}"
    assert f"Bearer {key}" == f"Bearer {KEY}"


def test_the_key_file_may_be_a_link(tmp_path: Path) -> None:
    _write(tmp_path / "vault" / "key", "rpa_OLD\n")
    (tmp_path / "rp").mkdir()
    (tmp_path / "rp" / "runpod_api_key").symlink_to(tmp_path / "vault" / "key")

    _credentials(tmp_path).store(Key(KEY))

    assert (tmp_path / "vault" / "key").read_text() == f"{KEY}\n"
    shutil.rmtree(tmp_path / "vault")
    assert _credentials(tmp_path).find() is None
