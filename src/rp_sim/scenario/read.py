"""TOML tables into dataclasses, led by the type hints; errors name the path in the file."""

from __future__ import annotations

import dataclasses
import difflib
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class ScenarioError(ValueError):
    """The scenario is wrong; the text says where and why."""


def read_table(cls: type[T], table: object, path: str) -> T:
    if not isinstance(table, dict):
        raise ScenarioError(f"{path}: expected a table, got {_kind(table)}")
    fields = {item.name: item for item in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in table:
        if key not in fields:
            raise ScenarioError(f"{_join(path, key)}: unknown key{_did_you_mean(key, list(fields))}")
    hints = get_type_hints(cls)
    values = {key: read_value(hints[key], value, _join(path, key)) for key, value in table.items()}
    for name, item in fields.items():
        if name in values:
            _check_bounds(values[name], item.metadata, _join(path, name))
        elif item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
            raise ScenarioError(f"{_join(path, name)}: missing")
    return cls(**values)


def read_value(hint: Any, value: object, path: str) -> object:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _read_union(get_args(hint), value, path)
    if origin is Literal:
        return _read_literal(get_args(hint), value, path)
    if origin is tuple:
        return _read_list(get_args(hint)[0], value, path)
    if origin is dict:
        return _read_dict(get_args(hint)[1], value, path)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return read_table(hint, value, path)
    return _read_scalar(hint, value, path)


def _read_union(options: tuple[Any, ...], value: object, path: str) -> object:
    for option in options:
        if option is type(None):
            continue
        try:
            return read_value(option, value, path)
        except ScenarioError:
            continue
    raise ScenarioError(f"{path}: expected {' or '.join(_name(o) for o in options)}, got {_kind(value)}")


def _read_literal(allowed: tuple[object, ...], value: object, path: str) -> object:
    if value in allowed:
        return value
    words = ", ".join(repr(word) for word in allowed if word != "")
    raise ScenarioError(f"{path}: expected one of {words}, got {value!r}")


def _read_list(item: Any, value: object, path: str) -> tuple[object, ...]:
    # `nth = 1` says the same as `nth = [1]`; a lone [table] is a list of one.
    items = value if isinstance(value, list) else [value]
    return tuple(read_value(item, entry, f"{path}[{index}]") for index, entry in enumerate(items))


def _read_dict(item: Any, value: object, path: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ScenarioError(f"{path}: expected a table, got {_kind(value)}")
    return {key: read_value(item, entry, _join(path, key)) for key, entry in value.items()}


def _read_scalar(hint: Any, value: object, path: str) -> object:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    raise ScenarioError(f"{path}: expected {_name(hint)}, got {_kind(value)}")


def _check_bounds(value: object, bounds: Mapping[str, float], path: str) -> None:
    if not isinstance(value, int | float):
        return
    if value < bounds.get("min", value):
        raise ScenarioError(f"{path}: must be at least {bounds['min']:g}, got {value:g}")
    if value > bounds.get("max", value):
        raise ScenarioError(f"{path}: must be at most {bounds['max']:g}, got {value:g}")


def _join(path: str, key: str) -> str:
    shown = key if key.replace("_", "").isalnum() else f'"{key}"'
    return f"{path}.{shown}" if path else shown


def _kind(value: object) -> str:
    names = {str: "a string", bool: "a boolean", int: "an integer", float: "a number", dict: "a table"}
    return names.get(type(value), "a list" if isinstance(value, list) else type(value).__name__)


def _name(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(repr(word) for word in get_args(hint))
    names = {str: "a string", bool: "true or false", int: "an integer", float: "a number"}
    return names.get(hint, str(hint))


def _did_you_mean(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else f" (known: {', '.join(known)})"
