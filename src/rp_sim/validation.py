"""Checks request bodies, and reports what is wrong with them the way RunPod does.

A branch that fails loses its say over its properties: when one is missing, the valid ones next to it are
reported as "additional" too. Clients have to live with that noise, so it is made here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Schema = dict[str, Any]
TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "array": list,
    "object": dict,
    "null": type(None),
    "boolean": bool,
}


def check(body: object, schema: Schema) -> list[str]:
    """Every violation, as `$.path: what is wrong`."""
    return list(_check(body, schema, "$"))


def _check(value: object, schema: Schema, path: str) -> Iterator[str]:
    wanted = schema.get("type")
    names = [wanted] if isinstance(wanted, str) else wanted or []
    if names and not any(_is(value, name) for name in names):
        yield f"{path}: got {_type_name(value)}, want {' or '.join(names)}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: value must be one of {', '.join(repr(word) for word in schema['enum'])}"
    if isinstance(value, str):
        yield from _check_string(value, schema, path)
    elif isinstance(value, list):
        yield from _check_array(value, schema, path)
    elif isinstance(value, dict):
        yield from _check_object(value, schema, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _check_number(value, schema, path)


def _check_string(value: str, schema: Schema, path: str) -> Iterator[str]:
    if len(value) < schema.get("minLength", 0):
        yield f"{path}: minLength: got {len(value)}, want {schema['minLength']}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{path}: {value!r} does not match pattern '{schema['pattern']}'"


def _check_number(value: float, schema: Schema, path: str) -> Iterator[str]:
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{path}: minimum: got {value:g}, want {schema['minimum']}"
    if "maximum" in schema and value > schema["maximum"]:
        yield f"{path}: maximum: got {value:g}, want {schema['maximum']}"


def _check_array(value: list[object], schema: Schema, path: str) -> Iterator[str]:
    if len(value) > schema.get("maxItems", len(value)):
        yield f"{path}: maxItems: got {len(value)}, want {schema['maxItems']}"
    for index, item in enumerate(value):
        yield from _check(item, schema.get("items", {}), f"{path}/{index}")


def _check_object(value: dict[str, object], schema: Schema, path: str) -> Iterator[str]:
    """`branches` are the parts of an allOf: one that fails takes its properties down with it."""
    evaluated: set[str] = set()
    for branch in schema.get("branches", [schema]):
        problems = list(_check_branch(value, branch, path))
        yield from problems
        if not problems:
            evaluated |= set(branch.get("properties", {}))
    yield from _check_condition(value, schema, path)
    if len(value) < schema.get("minProperties", 0):
        yield f"{path}: minProperties: got {len(value)}, want {schema['minProperties']}"
    if not schema.get("open"):
        extra = [key for key in value if key not in evaluated]
        if extra:
            yield f"{path}: additional properties {', '.join(repr(key) for key in extra)} not allowed"


def _check_branch(value: dict[str, object], branch: Schema, path: str) -> Iterator[str]:
    for name in branch.get("required", []):
        if name not in value:
            yield f"{path}: missing property {name!r}"
    for name, schema in branch.get("properties", {}).items():
        if name in value:
            yield from _check(value[name], schema, f"{path}/{name}")
    if "values" in branch:
        for name, item in value.items():
            yield from _check(item, branch["values"], f"{path}/{name}")


def _check_condition(value: dict[str, object], schema: Schema, path: str) -> Iterator[str]:
    unless, required = schema.get("required_unless", ("", ""))
    if unless and unless not in value and required not in value:
        yield f"{path}: missing property {required!r}"


def _is(value: object, name: str) -> bool:
    if name == "integer":
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        return whole and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def _type_name(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number"
    return next(name for name, kind in TYPES.items() if isinstance(value, kind))
