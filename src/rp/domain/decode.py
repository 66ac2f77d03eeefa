"""JSON objects ⇄ frozen dataclasses, by their type hints, with the path of every problem.

A field `max_retries` is the key `maxRetries`. Keys that no field has are reported apart: they are kept
in the file and named to the user, who may have mistyped one.
"""

import dataclasses
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from rp.domain import names
from rp.errors import RpError

T = TypeVar("T")

# What a float still holds exactly; JSON has numbers without end.
_LARGEST = 2**53
_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


class Invalid(RpError):
    """A document that does not have the expected form; `problems` holds `path: what is wrong` lines."""

    code = "invalid"

    def __init__(self, what: str, problems: list[str], *, hint: str | None = None) -> None:
        super().__init__(what, details=problems, hint=hint)
        self.problems = problems


def key_of(field_name: str) -> str:
    """`max_retries` → `maxRetries`."""
    head, *rest = field_name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def decode(cls: type[T], raw: object, path: str, what: str) -> T:
    """Return the instance; raise Invalid, headed by `what`, with every problem found."""
    problems: list[str] = []
    value: T = _object(cls, raw, path, problems)
    if problems:
        raise Invalid(what, problems)
    return value


def encode(value: Any) -> dict[str, Any]:
    """The JSON object of a dataclass, without what equals its default."""
    result: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        item = getattr(value, field.name)
        if item != _default(field):
            result[key_of(field.name)] = _plain(item)
    return result


def unknown_keys(cls: type, raw: object, path: str) -> Iterator[str]:
    """Yield `path.key: unknown key` for what `cls` has no field for, nested objects included."""
    if not isinstance(raw, Mapping):
        return
    hints = typing.get_type_hints(cls)
    known = {key_of(name): hint for name, hint in hints.items()}
    for key, value in raw.items():
        if key not in known:
            if key.startswith("$"):
                continue
            near = names.nearest(key, known, most=1, cutoff=0.6)
            yield f"{path}.{key}: unknown key" + (f"; {names.did_you_mean(near)}" if near else "")
        elif dataclasses.is_dataclass(_without_none(known[key])):
            yield from unknown_keys(_without_none(known[key]), value, f"{path}.{key}")


def _plain(item: Any) -> Any:
    if dataclasses.is_dataclass(item):
        return encode(item)
    if isinstance(item, tuple):
        return [_plain(one) for one in item]
    if isinstance(item, Mapping):
        return dict(item)
    return item


def _default(field: "dataclasses.Field[Any]") -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _object(cls: Any, raw: object, path: str, problems: list[str]) -> Any:
    if not isinstance(raw, Mapping):
        problems.append(f"{path}: expected an object, got {describe(raw)}")
        return None
    hints = typing.get_type_hints(cls)
    values: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        key = key_of(field.name)
        where = f"{path}.{key}"
        if key not in raw:
            if _default(field) is dataclasses.MISSING:
                problems.append(f"{where}: is missing")
            continue
        found_before = len(problems)
        values[field.name] = _value(hints[field.name], raw[key], where, problems)
        if len(problems) > found_before:
            continue
        check: Callable[[Any], str | None] | None = field.metadata.get("check")
        complaint = check(values[field.name]) if check and values[field.name] is not None else None
        if complaint:
            problems.append(f"{where}: {complaint}")
    return None if problems else cls(**values)


def _value(hint: Any, raw: object, path: str, problems: list[str]) -> Any:
    if raw is None and type(None) in typing.get_args(hint):
        return None
    hint = _without_none(hint)
    origin = typing.get_origin(hint)
    if dataclasses.is_dataclass(hint):
        return _object(hint, raw, path, problems)
    if origin is tuple:
        return _items(typing.get_args(hint)[0], raw, path, problems)
    if origin is Mapping:
        return _mapping(typing.get_args(hint)[1], raw, path, problems)
    return _scalar(hint, raw, path, problems)


def _items(item_hint: Any, raw: object, path: str, problems: list[str]) -> tuple[Any, ...]:
    if not isinstance(raw, list):
        problems.append(f"{path}: expected a list, got {describe(raw)}")
        return ()
    return tuple(_value(item_hint, item, f"{path}[{index}]", problems) for index, item in enumerate(raw))


def _mapping(value_hint: Any, raw: object, path: str, problems: list[str]) -> dict[str, Any]:
    if not isinstance(raw, Mapping):
        problems.append(f"{path}: expected an object, got {describe(raw)}")
        return {}
    for key, value in raw.items():
        if value_hint is str and not isinstance(value, str):
            problems.append(f"{path}.{key}: expected a text, got {describe(value)}")
    return dict(raw)


def _scalar(hint: Any, raw: object, path: str, problems: list[str]) -> Any:
    accepted = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for kind in accepted:
        # bool is an int in Python, but `true` is no number in JSON.
        if isinstance(raw, kind) and (kind is bool or not isinstance(raw, bool)) and not _is_endless(raw):
            return raw
        if kind is float and isinstance(raw, int) and not isinstance(raw, bool) and not _is_endless(raw):
            return float(raw)
    expected = " or ".join(_WORDS.get(kind, kind.__name__) for kind in accepted)
    problems.append(f"{path}: expected {expected}, got {describe(raw)}")
    return None


def _is_endless(raw: object) -> bool:
    return isinstance(raw, int | float) and not abs(raw) <= _LARGEST


def _without_none(hint: Any) -> Any:
    args = [arg for arg in typing.get_args(hint) if arg is not type(None)]
    if isinstance(hint, types.UnionType) and len(args) == 1:
        return args[0]
    return hint


def describe(raw: object) -> str:
    """A JSON value in words, short enough for an error line."""
    match raw:
        case None:
            return "null"
        case bool():
            return str(raw).lower()
        case str():
            return f'"{raw[:40]}"'
        case list():
            return "a list"
        case Mapping():
            return "an object"
        case _:
            return str(raw)[:40]
