"""A template as a document with every default filled in."""

import dataclasses
from typing import Any

from rp.domain import decode
from rp.domain.template import Template


def whole(value: Any) -> dict[str, Any]:
    """Like `decode.encode`, with what equals its default, and without the name."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        item = getattr(value, field.name)
        key = decode.key_of(field.name)
        if dataclasses.is_dataclass(item):
            found[key] = whole(item)
        else:
            found[key] = list(item) if isinstance(item, tuple) else item
    if isinstance(value, Template):
        del found["name"]
    return found
