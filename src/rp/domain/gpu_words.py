"""The words that GPU names are made of."""

import re
from dataclasses import dataclass
from functools import lru_cache

_WORD = re.compile(r"[a-z0-9]+")
# A text with anything else is no name at all: what is not understood is not passed over.
_NAME = re.compile(r"[a-z0-9\s._/()®™-]*")
_VENDORS = frozenset({"nvidia", "amd"})
_NOISE = frozenset({"gpu", "gpus", "tesla"})
# Another type than the one without the word: a 3090 is no 3090 Ti, and a slice of a GPU is not the GPU.
_SLICE = "mig"
_VARIANTS = frozenset({"ti", "super", _SLICE})
# Ids say SXM4 and HBM3, people say SXM.
_NUMBERED_FORM = re.compile(r"(sxm|hbm)\d+")
_FORMS = frozenset({"pcie", "sxm", "nvl", "oam", "hbm", "fhhl", "sff"})
_MEMORY = re.compile(r"(\d{1,5})(?:gb|gib|g)")
_LONGEST_MEMORY = len("12345gib")
# What fingers and eyes take for one another.
_MISTAKEN = str.maketrans("oil", "011")


@dataclass(frozen=True)
class Vocabulary:
    """Of one type: its words, its id and name in one piece (`full`), and the same without the vendor (`bare`)."""

    words: frozenset[str]
    full: frozenset[str]
    bare: frozenset[str]

    @property
    def is_slice(self) -> bool:
        return _SLICE in self.words


def words_of(text: str) -> list[str]:
    """`RTX-4090 (24 GB)` → rtx, 4090, 24, gb; none where the text has characters that no name has."""
    said = text.lower()
    return _WORD.findall(said) if _NAME.fullmatch(said) else []


def without_vendor(words: list[str]) -> list[str]:
    return [word for word in words if word not in _VENDORS]


def is_noise(word: str) -> bool:
    return word in _NOISE


def is_model(word: str) -> bool:
    """Whether a word alone says which GPU: A100, 4090."""
    return any(letter.isdigit() for letter in word) and not is_narrowing(word)


def is_narrowing(word: str) -> bool:
    """Whether a word tells memory or form: 80gb, 80, gb, SXM4."""
    is_memory = bool(_MEMORY.fullmatch(word)) or (word.isdigit() and len(word) < 4)
    return is_memory or word in _FORMS or word in ("gb", "gib") or bool(_NUMBERED_FORM.fullmatch(word))


def unmistaken(text: str) -> str:
    """The same for `H10O` and `H100`."""
    return text.translate(_MISTAKEN)


@lru_cache(maxsize=512)
def vocabulary_of(gpu_id: str, name: str, manufacturer: str) -> Vocabulary:
    spelled = words_of(gpu_id), words_of(name)
    words = {word for one in spelled for word in one}
    words |= {form[1] for word in words if (form := _NUMBERED_FORM.fullmatch(word))}
    # `H200` is the family and not the one type with the id `NVIDIA H200`: an id without its vendor has two words.
    bare = [without_vendor(spelled[0])] if len(without_vendor(spelled[0])) > 1 else []
    return Vocabulary(
        frozenset(words | {manufacturer.lower()}),
        frozenset("".join(one) for one in spelled),
        frozenset("".join(one) for one in [*bare, without_vendor(spelled[1])]),
    )


def meant(words: list[str], vocabulary: Vocabulary, memory_gb: int, tolerance: float) -> bool:
    """Whether `words` are made of the vocabulary, wherever they are parted, with a model or a memory among them.

    `memory_gb` may differ by the share `tolerance`.
    """
    glued = "".join(words)
    longest = max([_LONGEST_MEMORY, *map(len, vocabulary.words)])
    edges = {len("".join(words[:number])) for number in range(len(words) + 1)}
    variants = vocabulary.words & _VARIANTS
    # (characters read, whether a model or a memory was among them, variants that were not)
    seen = {(0, False, variants)}
    todo = list(seen)
    while todo:
        start, told, missing = todo.pop()
        if start == len(glued) and told and not missing:
            return True
        for end in range(start + 1, min(len(glued), start + longest) + 1):
            piece = glued[start:end]
            if piece not in vocabulary.words:
                size = _size(piece, is_word=start in edges and end in edges)
                if size is None or not memory_gb or abs(size - memory_gb) > tolerance * memory_gb:
                    continue
            tells = is_model(piece) or bool(_MEMORY.fullmatch(piece))
            state = (end, told or tells, missing - {piece})
            if state not in seen:
                seen.add(state)
                todo.append(state)
    return False


def _size(piece: str, *, is_word: bool) -> int | None:
    """`80gb` → 80; a number without its unit only where it stands alone."""
    if not piece[0].isdigit():
        return None
    if found := _MEMORY.fullmatch(piece):
        return int(found[1])
    return int(piece) if is_word and piece.isdigit() and len(piece) < 4 else None
