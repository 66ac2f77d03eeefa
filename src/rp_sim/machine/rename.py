"""The output of a script, with the container's own names put back where the pod's places on this machine stand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rp_sim.machine.child import Channel


class Renamed:
    """A channel for a program's output. A name may come in two pieces: what may be its start is held back."""

    def __init__(self, channel: Channel, names: dict[str, str]) -> None:
        self._channel = channel
        self._names = {place.encode(): name.encode() for place, name in names.items()}
        self._pattern = re.compile(b"|".join(re.escape(place) for place in sorted(self._names, key=len, reverse=True)))
        self._held: dict[int | None, bytes] = {}

    def write(self, data: bytes, datatype: int | None = None) -> None:
        text = self._held.pop(datatype, b"") + data
        if keep := self._unsure(text):
            self._held[datatype] = text[-keep:]
            text = text[:-keep]
        if text:
            self._channel.write(self._pattern.sub(lambda found: self._names[found[0]], text), datatype)

    def flush(self) -> None:
        for datatype, text in self._held.items():
            self._channel.write(text, datatype)
        self._held.clear()

    def pause_reading(self) -> None:
        self._channel.pause_reading()

    def resume_reading(self) -> None:
        self._channel.resume_reading()

    def _unsure(self, text: bytes) -> int:
        """The length of the longest end of the text that a place begins with."""
        longest = max(len(place) for place in self._names) - 1
        for length in range(min(longest, len(text)), 0, -1):
            if any(place.startswith(text[-length:]) for place in self._names):
                return length
        return 0
