"""Numbers and JSON out of what a pod printed: whatever it is, reading it neither raises nor takes long."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

# Larger than any byte count or counter that is real.
_MOST = 1e19
_OBJECT = re.compile(r"^\{", re.MULTILINE)
_NUMBER = re.compile(r"\s*(-?[0-9]{1,20}(?:\.[0-9]{1,12})?)(?![0-9])", re.ASCII)


def number(text: str | None) -> float | None:
    """The number that `text` begins with: `81559 MiB`, `16x`, `0.97`."""
    match = _NUMBER.match(text or "")
    return float(match[1]) if match else None


def whole(text: str | None) -> int | None:
    found = number(text)
    return None if found is None else int(found)


def version(text: str | None) -> tuple[int, int] | None:
    """`12.8` and `12.8.1` as (12, 8)."""
    match = re.match(r"\s*([0-9]{1,4})\.([0-9]{1,4})(?![0-9])", text or "", re.ASCII)
    return (int(match[1]), int(match[2])) if match else None


def json_object(text: str) -> Mapping[str, Any] | None:
    """The last whole answer of a program of the probe: others may print around it, and it may be cut short."""
    decoder = json.JSONDecoder(parse_constant=lambda _: None)
    found: Mapping[str, Any] | None = None
    at = 0
    for match in itertools.islice(_OBJECT.finditer(text), 200):
        if match.start() < at:
            continue
        try:
            value, at = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        # A row of one GPU has neither: what is left of an answer that was cut must not count as one.
        if isinstance(value, Mapping) and ("probe" in value or "status" in value):
            found = value
    return found


def json_values(text: str) -> Iterator[Any]:
    """Each JSON object or list in `text`, which may have other text between them."""
    decoder = json.JSONDecoder(parse_constant=lambda _: None)
    at = 0
    for _ in range(20):
        match = re.compile(r"[{\[]").search(text, at)
        if not match:
            return
        try:
            found, at = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            at = text.find("\n", match.start()) + 1
            if not at:
                return
        else:
            yield found


def num(raw: Mapping[str, Any], key: str) -> float | None:
    """A JSON number that is one."""
    value = raw.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _MOST:
        return None
    return float(value) if math.isfinite(value) else None


def whole_number(raw: Mapping[str, Any], key: str, most: int = 10_000) -> int | None:
    """A JSON number that is a count, an index or a status."""
    value = num(raw, key)
    return int(value) if value is not None and 0 <= value <= most else None


def text(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    return value[:2000] if isinstance(value, str) else ""


def objects(raw: Mapping[str, Any], key: str, most: int = 64) -> list[Mapping[str, Any]]:
    """The JSON objects of a list."""
    value = raw.get(key)
    return [one for one in value[:most] if isinstance(one, Mapping)] if isinstance(value, list) else []
