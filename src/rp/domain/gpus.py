"""GPU names as people say them → the catalog's GPU types."""

from collections.abc import Iterable

from rp.domain import names
from rp.domain.catalog import GpuType
from rp.domain.gpu_words import (
    Vocabulary,
    is_model,
    is_narrowing,
    is_noise,
    meant,
    unmistaken,
    vocabulary_of,
    without_vendor,
    words_of,
)
from rp.domain.wishes import ANY_GPU, LONGEST_GPU
from rp.errors import NotFound

# A hint lists at most this many types.
_LONGEST_LIST = 8


def match(text: str, gpus: Iterable[GpuType]) -> tuple[GpuType, ...]:
    """Every GPU type that `text` fits, cheapest first; `any` fits all but slices.

    An id, a display name, or an id of several words without its vendor means that type alone. Otherwise the text must
    be made of words of the id and the display name, `rtx4090` as well as `RTX-4090`, with a model or a memory among
    them. Memory (`80gb`, and `80` beside a model) is the catalog's; where none is the same, one that differs by at
    most 2.5 % will do, since makers and RunPod round it differently. Raises NotFound with the nearest names.
    """
    if len(text) > LONGEST_GPU:
        raise NotFound(f"no GPU is called `{text[:40]}…`", hint=f"no name has more than {LONGEST_GPU} characters")
    offered = tuple(gpus)
    exact = [gpu for gpu in offered if text.strip() == gpu.id]
    found = exact or _known(_called(text, offered) or _described(text, offered))
    if not found:
        raise NotFound(f"no GPU is called `{text}`", hint=_hint(text, offered))
    return tuple(sorted(found, key=lambda gpu: (gpu.cheapest, gpu.id)))


def is_any(text: str) -> bool:
    """Whether `text` means every type: `any`, `any GPU`."""
    return _meant(text) == [ANY_GPU]


def _meant(text: str) -> list[str]:
    return [word for word in words_of(text) if not is_noise(word)]


def _vocabulary(gpu: GpuType) -> Vocabulary:
    return vocabulary_of(gpu.id, gpu.name, gpu.manufacturer)


def _known(found: list[GpuType]) -> list[GpuType]:
    """RunPod lists misspelt twins and leftovers, such as `NVIDIA A5000 Ada`, and tells no memory of them."""
    return [gpu for gpu in found if gpu.memory_gb] or found


def _called(text: str, offered: tuple[GpuType, ...]) -> list[GpuType]:
    """The types with this very id or name, whatever the case and the separators."""
    words = words_of(text)
    glued, bare = "".join(words), without_vendor(words)
    vendors = set(words).difference(bare)
    found = []
    for gpu in offered if glued else ():
        known = _vocabulary(gpu)
        if glued in known.full or ("".join(bare) in known.bare and known.words.issuperset(vendors)):
            found.append(gpu)
    return found


def _described(text: str, offered: tuple[GpuType, ...]) -> list[GpuType]:
    words = _meant(text)
    if words == [ANY_GPU]:
        return [gpu for gpu in offered if not _vocabulary(gpu).is_slice]
    found: list[GpuType] = []
    for tolerance in (0.0, 0.025):
        found = found or [gpu for gpu in offered if meant(words, _vocabulary(gpu), gpu.memory_gb, tolerance)]
    return found


def _hint(text: str, offered: tuple[GpuType, ...]) -> str:
    words = [word for word in without_vendor(words_of(text)) if not is_noise(word)]
    if len(words) > 1 and len(words[0]) < 3 and words[0].isdigit() and _described(" ".join(words[1:]), offered):
        return f"a number of GPUs is written `{words[0]}x{text.strip().removeprefix(words[0]).strip()}`"
    family = _known(
        _described(" ".join(word for word in words if not is_narrowing(word)), offered)
        or _described(" ".join(filter(is_model, words)), offered)
        or [gpu for gpu in offered if words and _vocabulary(gpu).words.issuperset(words)]
    )
    family = [gpu for gpu in family if not _vocabulary(gpu).is_slice] or family
    if family and len(family) <= _LONGEST_LIST:
        each = sorted({f"{gpu.name} ({gpu.memory_gb} GB)" if gpu.memory_gb else gpu.name for gpu in family})
        return f"there {'is' if len(each) == 1 else 'are'} " + ", ".join(each)
    spellings, said = _spellings(offered), unmistaken("".join(words))
    near = [said] if said in spellings else names.nearest(said, spellings, most=8, cutoff=0.6)
    suggested = list(dict.fromkeys(spellings[key] for key in near))
    if suggested:
        return names.did_you_mean(suggested[:3])
    some = ", ".join(sorted({gpu.name for gpu in offered})[:5])
    return "`rp gpus` shows names and prices" + (f"; some are {some}" if some else "")


def _spellings(offered: tuple[GpuType, ...]) -> dict[str, str]:
    """What may have been mistyped → the name to suggest for it."""
    spellings = {unmistaken("".join(words_of(gpu.name))): gpu.name for gpu in offered}
    for gpu in offered:
        for model in filter(is_model, words_of(gpu.name)):
            family = _known(_described(model, offered))
            is_family = len(family) > 1
            spellings.setdefault(unmistaken(model), model.upper() if is_family else (family or [gpu])[0].name)
            for memory in {one.memory_gb for one in family if is_family and one.memory_gb}:
                for spelled in (f"{model}{memory}", f"{model}{memory}gb"):
                    spellings.setdefault(unmistaken(spelled), f"{model.upper()} {memory}GB")
    return spellings
