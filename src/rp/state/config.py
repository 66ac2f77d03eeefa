"""What the user has set for good: `config.toml`."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rp import files
from rp.domain import names

_KEYS = ("notify",)
_AT = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True)
class Config:
    """`notify`: where to tell that something is done. `warnings`: one sentence for each thing to look at."""

    notify: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read(path: Path) -> Config:
    """Nothing is set where there is no file. Raises StateUnreadable, with the line and the column."""
    text = files.read_text(path)
    if text is None:
        return Config()
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise files.unreadable(path, _placed(str(error), text)) from error
    except RecursionError:
        raise files.unreadable(path, "line 1, column 1: nested too deeply") from None
    except ValueError:
        raise files.unreadable(path, files.NUMBER_TOO_LONG) from None
    targets = _texts(document, "notify", path)
    warnings = [_unknown(key, path) for key in document if key not in _KEYS]
    return Config(targets, (*warnings, *_open_to_others(targets, path)))


def _placed(said: str, text: str) -> str:
    """`line 2, column 5: what is wrong`, as in the other files."""
    at = _AT.search(said)
    lines = text.split("\n")
    line, column = (at[1], at[2]) if at and at[1] else (len(lines), len(lines[-1]) + 1)
    return f"line {line}, column {column}: {_AT.sub('', said)}"


def _texts(document: dict[str, Any], key: str, path: Path) -> tuple[str, ...]:
    value = document.get(key, [])
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(item, str) and item.strip() for item in found):
        raise files.unreadable(path, f'{key}: expected a list of texts, as in {key} = ["desktop"]')
    return tuple(found)


def _unknown(key: str, path: Path) -> str:
    near = names.nearest(key, _KEYS, most=1, cutoff=0.6)
    return f"{path}: rp knows no `{key[:40]}`; {names.did_you_mean(near) if near else 'known is ' + ', '.join(_KEYS)}"


def _open_to_others(targets: tuple[str, ...], path: Path) -> list[str]:
    """Addresses hold tokens, unless these are references."""
    if any("://" in target and "${env:" not in target for target in targets) and path.stat().st_mode & 0o044:
        return [f"{path} holds addresses of your services, and others may read it: chmod 600 {path}"]
    return []
