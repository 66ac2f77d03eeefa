"""Templates as documents that somebody else may have written: text → JSON values, with limits on all that grows.

Also the mark of an imported template: a key `$imported`, which every rp keeps and none takes for a setting.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from rp.domain.decode import Invalid, key_of
from rp.errors import UsageProblem

IMPORTED = "$imported"
# Characters of one text: a long script, and far less than one argument of a program may have.
_LONGEST_TEXT = 1 << 16
_MOST_ITEMS = 1000
# Templates have four levels; what is much deeper breaks other programs first.
_DEEPEST = 32
_LARGEST_NUMBER = 1 << 53
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# A template has one of these, and a file of templates has neither: its keys are names.
_TELLING = frozenset({key_of("gpu_preference"), "container"})


class _Refused(ValueError):
    """A value that JSON has, or Python thinks it has, and no template needs."""


def load(text: str, where: str) -> Any:
    """The JSON value; raises Invalid for what is no JSON, or goes beyond the limits."""
    what = f"{where} is no JSON that rp can use"
    try:
        document = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_whole_number,
            parse_float=_number,
            parse_constant=_no_number,
        )
    except json.JSONDecodeError as error:
        raise Invalid(what, [f"line {error.lineno}, column {error.colno}: {error.msg}"]) from None
    except _Refused as refused:
        raise Invalid(what, [str(refused)]) from None
    except RecursionError:
        raise Invalid(what, ["nested too deeply"]) from None
    check(document, what)
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Refused(f"`{key[:40]}` is there twice in one object")
            seen.add(key)
    return found


def _whole_number(text: str) -> int:
    # Python refuses to read numbers of thousands of digits, and floats end before those do.
    if len(text) > 17 or abs(int(text)) > _LARGEST_NUMBER:
        raise _Refused(f"{text[:20]}… is too large a number")
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Refused(f"{text[:20]} is too large a number")
    return number


def _no_number(text: str) -> float:
    raise _Refused(f"{text} is no number in JSON")


def check(document: Any, what: str) -> None:
    """Raise Invalid, headed by `what`, where a value is deeper, longer or stranger than any template needs."""
    problems = list(dict.fromkeys(_beyond(document)))
    if problems:
        raise Invalid(what, problems[:8])


def _beyond(document: Any) -> Iterator[str]:
    # Not recursive: what is too deep for templates may be too deep for Python.
    waiting: list[tuple[str, int, Any]] = [("", 0, document)]
    while waiting:
        path, depth, value = waiting.pop()
        where = path or "the document"
        if isinstance(value, str):
            yield from _of_text(where, value)
        elif isinstance(value, float) and not math.isfinite(value):
            yield f"{where}: {value} is no number in JSON"
        elif isinstance(value, Mapping | list | tuple):
            if depth == _DEEPEST:
                yield f"{where[:80]}: nested too deeply"
                continue
            if len(value) > _MOST_ITEMS:
                yield f"{where}: has {len(value)} entries, at most {_MOST_ITEMS}"
                continue
            pairs = value.items() if isinstance(value, Mapping) else enumerate(value)
            for key, inner in pairs:
                if isinstance(key, str):
                    yield from _of_text(f"a key of {where}", key)
                step = f"[{key}]" if isinstance(key, int) else f".{str(key)[:40]}" if path else str(key)[:40]
                waiting.append((path + step, depth + 1, inner))


def _of_text(where: str, text: str) -> Iterator[str]:
    if len(text) > _LONGEST_TEXT:
        yield f"{where}: has {len(text)} characters, at most {_LONGEST_TEXT}"
    elif "\0" in text:
        yield f"{where}: has a NUL character, which no program can be given"
    elif _LONE_SURROGATE.search(text):
        yield f"{where}: has half of a character (a lone surrogate)"


def split(document: Any, otherwise: str) -> dict[str, Any]:
    """name → template, of a document with one template or of a whole `templates.json`.

    One template is called by its key `name`, or `otherwise`. Raises UsageProblem for what is neither.
    """
    if not isinstance(document, Mapping):
        raise UsageProblem("that is no template: expected a JSON object", hint="`rp template export <name>` makes one")
    named = {key: value for key, value in document.items() if not key.startswith("$")}
    is_many = not _TELLING & named.keys() and all(isinstance(value, Mapping) for value in named.values())
    if is_many and named and any(_TELLING & value.keys() for value in named.values()):
        return named
    name = document.get("name")
    return {name if isinstance(name, str) and name else otherwise: dict(document)}


def renamed(raw: Any, name: str) -> Any:
    """The same template under another name: where it tells its name, it tells the new one."""
    return {**raw, "name": name} if isinstance(raw, Mapping) and "name" in raw else raw


def marked(raw: Mapping[str, Any], origin: str, at: str) -> dict[str, Any]:
    """`raw` as imported, and not yet agreed to, whatever it says of itself."""
    return {**raw, IMPORTED: {"from": origin, "at": at, "agreed": False}}


def unmarked(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in raw.items() if key != IMPORTED}


def wants_consent(raw: Any) -> bool:
    """Whether a template was imported and nobody has agreed to what it runs. A broken mark is no agreement."""
    if not isinstance(raw, Mapping) or IMPORTED not in raw:
        return False
    mark = raw[IMPORTED]
    return not (isinstance(mark, Mapping) and mark.get("agreed") is True)


def agreed(raw: Mapping[str, Any]) -> dict[str, Any]:
    mark = raw.get(IMPORTED)
    return {**raw, IMPORTED: {**(mark if isinstance(mark, Mapping) else {}), "agreed": True}}


def origin_of(raw: Any) -> str:
    """Where it was imported from; empty where that is not told."""
    mark = raw.get(IMPORTED) if isinstance(raw, Mapping) else None
    return str(mark.get("from") or "") if isinstance(mark, Mapping) else ""
