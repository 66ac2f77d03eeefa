"""Where the API key is kept: the system keyring, or a file of mode 0600."""

import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from rp import files
from rp.domain.key import KEY_VARIABLE, Key, checked

_SERVICE = "rp"
_ACCOUNT = "runpod-api-key"


class Credentials:
    def __init__(self, env: Mapping[str, str], key_file: Path, runpod_config: Path) -> None:
        self._env = env
        self._key_file = key_file
        self._runpod_config = runpod_config

    def find(self) -> Key | None:
        """The first key of: environment, keyring, rp's file, RunPod's own file. Raises NotAllowed for a garbled one."""
        sources: tuple[tuple[str, Callable[[], str | None]], ...] = (
            (KEY_VARIABLE, lambda: self._env.get(KEY_VARIABLE)),
            ("the keyring", _from_keyring),
            (str(self._key_file), self._from_file),
            (str(self._runpod_config), self._from_runpod_config),
        )
        for where, source in sources:
            text = source()
            if text and text.strip():
                return checked(text, where)
        return None

    def store(self, key: Key) -> str:
        """Keep the key for later; return where."""
        if _to_keyring(key):
            return "the system keyring"
        with files.locked(self._key_file):
            files.write_atomic(self._key_file, f"{key}\n".encode(), keep_mode=False)
        return str(self._key_file)

    def _from_file(self) -> str | None:
        text = files.read_text(self._key_file)
        if text is not None and self._key_file.stat().st_mode & 0o077:
            with suppress(OSError):
                self._key_file.chmod(0o600)
        return text

    def _from_runpod_config(self) -> str | None:
        """Both layouts: RunPod's SDK has `[default] api_key`, runpodctl `apiKey` at the top."""
        text = files.read_text(self._runpod_config)
        if text is None:
            return None
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            return None
        section = document.get("default")
        tables = [section if isinstance(section, dict) else {}, document]
        names = ("api_key", "apiKey", "apikey")
        found = [table.get(name) for table in tables for name in names]
        return next((key for key in found if isinstance(key, str)), None)


def _from_keyring() -> str | None:
    # The import looks for backends and may fail where there is no desktop session.
    try:
        import keyring
    except ImportError:
        return None
    try:
        return keyring.get_password(_SERVICE, _ACCOUNT)
    except (keyring.errors.KeyringError, OSError, RuntimeError):
        return None


def _to_keyring(key: str) -> bool:
    """Whether the keyring took the key and gives it back: some backends only pretend."""
    try:
        import keyring

        keyring.set_password(_SERVICE, _ACCOUNT, str(key))
    except (ImportError, OSError, RuntimeError):
        return False
    except keyring.errors.KeyringError:
        return False
    return _from_keyring() == str(key)
