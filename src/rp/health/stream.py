"""What the probe printed, taken apart. It may be anything: sizes are bounded, and nothing can steer a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

TIMEOUT = "timeout"
NAMES = frozenset(
    (
        *("probe", "fatal", "sys", "asked", "dev", "smi", "smi2", "smi3", "nvlink", "kmsg", "space"),
        *("cuda", "disk", "net_hub", "net_code", "net_index", "dl_1", "dl_2", "dl_own", "torch", "dcgm", "end"),
    )
)
LONGEST_STREAM = 8 << 20
LONGEST_SECTION = 512 << 10
# The JSON of many GPUs is one line.
LONGEST_LINE = 64 << 10
# C0 without tab and newline, DEL, C1, surrogates, line separators, and the marks that reorder or hide text.
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufff9-\ufffb]"
)
_HEADER = re.compile(r"@@ ([a-z][a-z0-9_]{0,19}) (\d{1,3}|timeout) (\d{1,9})\s*", re.ASCII)
_PAIR = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.ASCII)


def clean(text: str) -> str:
    """`text` with every character that could steer a terminal replaced."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)


@dataclass(frozen=True)
class Section:
    """What one part of the probe printed; `status` is its exit status or `timeout`, `ms` how long it took."""

    name: str
    status: str
    ms: int
    text: str

    @property
    def timed_out(self) -> bool:
        return self.status == TIMEOUT

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n") if self.text else []

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Each `key=value` line, in order; a key may come more than once."""
        for line in self.lines:
            if match := _PAIR.fullmatch(line):
                yield match[1], match[2].strip()


@dataclass(frozen=True)
class Stream:
    """`complete`: the probe got to its end, so what is missing was not asked, rather than not answered."""

    sections: Mapping[str, Section] = field(default_factory=dict)
    complete: bool = False

    def get(self, name: str) -> Section | None:
        return self.sections.get(name)

    @property
    def level(self) -> str:
        """The level that the probe says it ran; empty where it does not say."""
        probe = self.get("probe")
        return _said(probe.text, "level") if probe else ""

    def rendered(self) -> str:
        """The stream in the probe's own form, as far as it was understood."""
        parts = []
        for section in self.sections.values():
            parts.append(f"@@ {section.name} {section.status} {section.ms}")
            parts += [f" {line}" for line in section.lines]
        return "\n".join(parts) + "\n" if parts else ""


def parse(text: str | bytes) -> Stream:
    """Take apart what a probe printed. A section that comes twice counts as printed last."""
    if isinstance(text, bytes):
        text = text[:LONGEST_STREAM].decode("utf-8", "replace")
    sections: dict[str, Section] = {}
    header: tuple[str, str, int] | None = None
    lines: list[str] = []
    # A line that was cut short may say something else than the whole one would: what has no end does not count.
    for line in clean(text[:LONGEST_STREAM].replace("\r\n", "\n")).split("\n")[:-1]:
        if match := _HEADER.fullmatch(line):
            _keep(sections, header, lines)
            header, lines = (match[1], match[2], int(match[3])), []
        elif header and line.startswith(" "):
            lines.append(line[1 : LONGEST_LINE + 1])
    _keep(sections, header, lines)
    return Stream(MappingProxyType(sections), complete="end" in sections)


def _keep(sections: dict[str, Section], header: tuple[str, str, int] | None, lines: list[str]) -> None:
    if header and header[0] in NAMES and (header[1] == TIMEOUT or int(header[1]) <= 255):
        sections[header[0]] = Section(*header, text="\n".join(lines)[:LONGEST_SECTION])


def merged(first: Stream, second: Stream) -> Stream:
    """`first`, with each section that was run once more replaced by its second answer."""
    news = {name: section for name, section in second.sections.items() if name not in ("probe", "end")}
    around = {} if first.get("probe") else {n: s for n, s in second.sections.items() if n == "probe"}
    sections = {**around, **first.sections, **news}
    if second.complete:
        sections.setdefault("end", second.sections["end"])
    return Stream(MappingProxyType(sections), complete=first.complete or second.complete)


def _said(text: str, key: str) -> str:
    match = re.search(rf"(?:^|\s){key}=(\S{{1,40}})", text)
    return match[1] if match else ""
