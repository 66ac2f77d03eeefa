"""Which parts of a probe deserve a second try: a healthy machine is silent or stumbles once in a while."""

from __future__ import annotations

import re

from rp.domain.verdict import BASIC, DEEP, LEVELS, STANDARD
from rp.health.judges.reading import json_object, objects, text, whole_number
from rp.health.stream import Section, Stream

_PASSIVE = ("sys", "asked", "dev", "smi", "kmsg", "space")
# Killed, for whatever reason, by something that is not the part itself.
_KILLED = ("124", "137", "143")
# Errors of cuInit that waiting does not heal: no GPU, a stub, and libraries of the image.
_LASTING = (34, 100, 803, 804)
_DIED = re.compile(r"hang|stopped by signal")


def again(stream: Stream) -> tuple[str, ...]:
    """The parts to run once more, with more time, before what they said counts; most often none.

    After no answer at all it names the parts that put no load on the pod: it cannot know more of what was asked.
    """
    if stream.get("fatal"):
        return ()
    level = stream.level if stream.level in LEVELS else ""
    wanted = ()
    if not stream.complete:
        has_cuda = level in (BASIC, STANDARD, DEEP)
        wanted = tuple(name for name in (*_PASSIVE, *(("cuda",) if has_cuda else ())) if not stream.get(name))
    smi, cuda = stream.get("smi"), stream.get("cuda")
    repeated = [name for name, section in (("smi", smi), ("cuda", cuda)) if section and _is_silent(section)]
    if cuda and not _is_silent(cuda) and _is_flake(cuda):
        repeated.append("cuda")
    return tuple(dict.fromkeys((*wanted, *repeated)))


def _is_silent(section: Section) -> bool:
    return section.timed_out or section.status in _KILLED


def _is_flake(section: Section) -> bool:
    """CUDA that did not start, or a GPU that did not answer: seen on good machines, once."""
    found = json_object(section.text)
    if found is None:
        return section.status not in ("0", "127")
    if _DIED.match(text(found, "error")):
        return True
    if text(found, "stage") == "cuInit":
        return found.get("status") == "fail" and whole_number(found, "rc") not in _LASTING
    return any(_DIED.match(text(gpu, "error")) for gpu in objects(found, "gpus"))
