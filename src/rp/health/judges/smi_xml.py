"""`nvidia-smi -q -x` as flat tables. The pod may print any XML: no declarations, no entities, bounded in every way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rp.health.judges.reading import number

# Spellings of "there is no such thing here"; none of them is a fault.
_ABSENT = frozenset(
    ("", "n/a", "none", "not supported", "not available", "requested functionality has been deprecated", "unknown")
)
_DENIED = frozenset(("insufficient permissions",))
_BROKEN = frozenset(("unknown error", "gpu is lost", "err!", "gpu requires reset", "gpu access blocked"))
_ROOT = "nvidia_smi_log"
_SKIPPED = frozenset(("processes", "supported_clocks", "accounted_processes", "supported_graphics_clock"))
_DEEPEST = 16
_MOST_FIELDS = 4000
_MOST_GPUS = 64
_LONGEST = 200


@dataclass(frozen=True)
class SmiGpu:
    """`fields`: path below `<gpu>` → text, as `fb_memory_usage/total`."""

    index: int
    bus_id: str
    fields: Mapping[str, str]

    def said(self, *paths: str) -> str | None:
        """What the first of these fields that is there says; None where it says that there is no such thing."""
        for path in paths:
            text = self.fields.get(path)
            if text is not None:
                plain = text.strip("[] ").lower()
                return None if plain in _ABSENT | _DENIED | _BROKEN else text
        return None

    def number(self, *paths: str) -> float | None:
        return number(self.said(*paths))

    def is_denied(self, path: str) -> bool:
        return self.fields.get(path, "").strip("[] ").lower() in _DENIED

    def broken(self) -> Iterator[tuple[str, str]]:
        """(path, text) of each reading that failed."""
        for path, text in self.fields.items():
            if text.strip("[] ").lower() in _BROKEN:
                yield path, text

    def below(self, path: str) -> Iterator[tuple[str, str]]:
        """(last part of the path, text) of each field below `path`."""
        for one, text in self.fields.items():
            if one.startswith(f"{path}/"):
                yield one.rsplit("/", 1)[-1], text

    @property
    def name(self) -> str:
        return self.said("product_name") or ""

    @property
    def uuid(self) -> str:
        return self.said("uuid") or ""

    @property
    def has_mig(self) -> bool:
        return self.said("mig_mode/current_mig") == "Enabled"


@dataclass(frozen=True)
class Smi:
    """One answer of nvidia-smi. `driver` and `cuda` are its versions, as text."""

    driver: str
    cuda: str
    gpus: tuple[SmiGpu, ...]


@dataclass
class _Reader:
    path: list[str] = field(default_factory=list)
    text: str = ""
    top: dict[str, str] = field(default_factory=dict)
    gpus: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self.path) >= _DEEPEST:
            raise ValueError("too deep")
        self.path.append(tag)
        self.text = ""
        if self.path == [_ROOT, "gpu"]:
            if len(self.gpus) >= _MOST_GPUS:
                raise ValueError("too many GPUs")
            self.gpus.append((attributes.get("id", "")[:40], {}))

    def data(self, text: str) -> None:
        if len(self.text) < _LONGEST:
            self.text += text[:_LONGEST]

    def end(self, tag: str) -> None:
        is_gpu = self.path[:2] == [_ROOT, "gpu"] and len(self.path) > 2
        if is_gpu and not _SKIPPED.intersection(self.path):
            fields = self.gpus[-1][1]
            if self.text.strip() and len(fields) < _MOST_FIELDS:
                fields.setdefault("/".join(self.path[2:]), self.text.strip()[:_LONGEST])
        elif len(self.path) == 2:
            self.top.setdefault(tag, self.text.strip()[:_LONGEST])
        self.path.pop()
        self.text = ""


def read(text: str) -> Smi | None:
    """The document in `text`; None where there is no whole one."""
    from xml.parsers import expat

    start, stop = text.find(f"<{_ROOT}"), text.rfind(f"</{_ROOT}>")
    if start < 0 or stop < start:
        return None
    # What comes before the root is the document type, the only place where entities could be declared.
    document = text[start:stop] + f"</{_ROOT}>"
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, ValueError):
        return None
    gpus = (SmiGpu(index, bus_id, fields) for index, (bus_id, fields) in enumerate(reader.gpus))
    return Smi(reader.top.get("driver_version", ""), reader.top.get("cuda_version", ""), tuple(gpus))
