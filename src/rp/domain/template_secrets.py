"""Secrets in a template outside of `container.env`: in tags, addresses, scripts, and keys that rp does not know."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rp.domain import redact, secrets
from rp.domain.template import Container, Template
from rp.domain.template_whole import whole

_ENV = "container.env"
# Nothing runs on these: a mark in the place of a secret breaks nothing.
_FREE = ("tags", "health.speedTest.url")
_KNOWN = whole(Template("", (), Container("")))
# Deeper than any template that is taken from elsewhere may be.
_DEEPEST = 40


@dataclass(frozen=True)
class Cleaned:
    """`replaced` are the paths that have a mark in their place, `left` those that only a person can mend."""

    raw: dict[str, Any]
    replaced: tuple[str, ...]
    left: tuple[str, ...]


def clean(raw: Mapping[str, Any]) -> Cleaned:
    """`raw` without the secrets that can be taken out of it; `container.env` stays as it is."""
    replaced: list[str] = []
    left: list[str] = []
    return Cleaned(_section(_KNOWN, raw, "", replaced, left), tuple(replaced), tuple(left))


def _section(
    known: Mapping[str, Any], raw: Mapping[str, Any], path: str, replaced: list[str], left: list[str]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in raw.items():
        where = f"{path}{key}"
        inner = known.get(key)
        if isinstance(value, Mapping) and isinstance(inner, Mapping) and inner:
            found[key] = _section(inner, value, f"{where}.", replaced, left)
        elif where == _ENV:
            found[key] = value
        elif key not in known or where in _FREE:
            found[key] = without(value, where, key, replaced)
        else:
            found[key] = value
            without(value, where, "", left)
    return found


def without(value: Any, where: str = "", key: str = "", paths: list[str] | None = None, *, depth: int = 0) -> Any:
    """`value` with a mark for each secret; `key` is what it is called, `paths` gets where the secrets were."""
    paths = paths if paths is not None else []
    if depth > _DEEPEST:
        paths.append(where)
        return redact.MARK
    if isinstance(value, Mapping):
        return {
            name: without(inner, f"{where}.{name}", str(name), paths, depth=depth + 1) for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [without(inner, f"{where}[{number}]", key, paths, depth=depth + 1) for number, inner in enumerate(value)]
    if not isinstance(value, str) or not value:
        return value
    named = secrets.names_secret(key)
    if not named and not secrets.holds_secret(value):
        return value
    paths.append(where)
    cleaned = value if named else redact.redacted(value)
    return redact.MARK if cleaned == value else cleaned
