"""GPU names as people say them → the catalog's GPU types."""

import itertools
import re
from collections.abc import Iterable

from rp.domain import names
from rp.domain.catalog import GpuType
from rp.errors import NotFound

_MEMORY = re.compile(r"(\d+)(gb|g)")
_WORD = re.compile(r"[a-z0-9.]+")
_NOISE = frozenset({"nvidia", "amd", "gpu", "tesla", "geforce"})


def match(text: str, gpus: Iterable[GpuType]) -> tuple[GpuType, ...]:
    """Every GPU type that `text` fits, cheapest first.

    An id or a display name means that type alone. Otherwise each word must be a word of the id or the
    name (`rtx4090` is two of them), and `80gb` must be the memory. Raises NotFound with the nearest names.
    """
    offered = tuple(gpus)
    said = _normal(text)
    exact = [gpu for gpu in offered if text.strip() == gpu.id]
    exact = exact or [gpu for gpu in offered if said in (_normal(gpu.id), _normal(gpu.name))]
    found = exact or _fitting(said, offered)
    if not found:
        raise NotFound(f"no GPU is called `{text}`", hint=_nearest(text, offered))
    return tuple(sorted(found, key=lambda gpu: (gpu.cheapest, gpu.id)))


def _normal(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))


def _fitting(said: str, offered: tuple[GpuType, ...]) -> list[GpuType]:
    words = [word for word in said.split() if word not in _NOISE]
    return [gpu for gpu in offered if words and all(_fits(word, gpu) for word in words) and _mig_fits(words, gpu)]


def _fits(word: str, gpu: GpuType) -> bool:
    memory = _MEMORY.fullmatch(word)
    if memory and int(memory[1]) == gpu.memory_gb:
        return True
    for spelled in (_normal(gpu.id).split(), _normal(gpu.name).split()):
        neighbours = {a + b for a, b in itertools.pairwise(spelled)}
        if word in spelled or word in neighbours:
            return True
        # Ids say SXM4, SXM6; people say SXM.
        if any(
            part.startswith(word) and part[len(word) :].isdigit()
            for part in spelled
            if word.isalpha() and len(word) > 1
        ):
            return True
    return False


def _mig_fits(words: list[str], gpu: GpuType) -> bool:
    """A slice of a GPU is no answer to a request for the GPU."""
    return "mig" in words or "mig" not in _normal(gpu.id).split()


def _nearest(text: str, offered: tuple[GpuType, ...]) -> str:
    spellings = {gpu.name.lower(): gpu.name for gpu in offered}
    for name in list(spellings):
        for word in name.split():
            if any(letter.isdigit() for letter in word):
                spellings.setdefault(word, spellings[name])
    said = " ".join(word for word in _normal(text).split() if word not in _NOISE)
    near = dict.fromkeys(spellings[key] for key in names.nearest(said, spellings, most=5))
    if near:
        return names.did_you_mean(list(near)[:3])
    return "`rp deploy --dry-run` shows names and prices; some are " + ", ".join(
        sorted({gpu.name for gpu in offered})[:5]
    )
