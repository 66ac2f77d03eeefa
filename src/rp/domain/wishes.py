"""GPUs and regions as a preference lists them: `2xH100`, `H100:2`, `!US-TX-3`."""

import re

from rp.errors import UsageProblem

# What an item says beside a name: any GPU type, any data center.
ANY_GPU = "any"
ANYWHERE = "anywhere"
# Characters. RunPod's longest GPU id has about half as many.
LONGEST_GPU = 100

_BEFORE = re.compile(r"(\d{1,3})\s*[x×*]\s*(\S.*)", re.IGNORECASE)
_AFTER = re.compile(r"(.*\S)\s*:\s*(\d{1,3})")
# An x that belongs to the name must not be read as one: RTX4090, RTX 409, MI300X 192GB.
_TIMES = re.compile(r"(.*\S)(?:\s+[x×*]\s*|(?<![rg]t)[x×*])(\d{1,3})", re.IGNORECASE)


def gpus(text: str) -> tuple[str, int | None]:
    """(name, how many): `2xH100`, `2 x H100`, `H100:2`, `H100 x2`; None where the template's number counts.

    Raises UsageProblem for none of them.
    """
    said = text.strip()
    if found := _BEFORE.fullmatch(said):
        name, count = found[2], found[1]
    elif found := _AFTER.fullmatch(said) or _TIMES.fullmatch(said):
        name, count = found[1], found[2]
    else:
        return said, None
    if int(count) == 0:
        raise UsageProblem(f"`{said}` is no GPU at all", hint="a pod has at least one: `1x…`")
    return name.strip(), int(count)


def without_count(text: str) -> str:
    return gpus(text)[0]


def forbidden(text: str) -> str | None:
    """The place that `!place` shuts out; None for a place that is wanted."""
    said = text.strip()
    return said[1:].strip() if said.startswith("!") else None
