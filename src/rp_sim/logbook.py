"""The log lines of one pod, from two sources, with readers that wait for more."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rp_sim.clock import iso, parse_iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Source = Literal["container", "system"]
KEPT = 5000


@dataclass(frozen=True)
class Line:
    number: int
    at: float
    source: Source
    text: str

    @property
    def ts(self) -> str:
        return iso(self.at, fraction=True)

    @property
    def id(self) -> str:
        return f"{self.ts}/{self.number:012d}"


class LogBook:
    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lines: deque[Line] = deque(maxlen=KEPT)
        self._count = 0
        self._waiting: set[asyncio.Event] = set()

    def write(self, source: Source, text: str) -> None:
        for line in text.splitlines() or [""]:
            self._count += 1
            self._lines.append(Line(self._count, self._now(), source, line))
        for event in self._waiting:
            event.set()

    def forget_container(self) -> None:
        """The container was removed, and its log with it; the host's own lines stay."""
        kept = [line for line in self._lines if line.source == "system"]
        self._lines = deque(kept, maxlen=KEPT)

    def after(self, number: int) -> Iterator[Line]:
        return (line for line in tuple(self._lines) if line.number > number)

    def number_at_tail(self, count: int, source: str | None) -> int:
        """The number to read `after` to get the last `count` lines."""
        if count == 0:
            return self._count
        lines = [line for line in self._lines if source in (None, line.source)]
        return lines[-count].number - 1 if len(lines) >= count else 0

    def number_since(self, moment: float) -> int:
        """The number to read `after` to get what was written at or after a moment."""
        first = next((line for line in self._lines if line.at >= moment), None)
        return self._count if first is None else first.number - 1

    def number_of(self, event_id: str) -> int:
        """Where a reconnecting reader was: `ts/number`, or the `ts` alone. ValueError if neither."""
        stamp, _, number = event_id.partition("/")
        moment = parse_iso(stamp)
        if number:
            return int(number)
        last = [line.number for line in self._lines if line.ts <= iso(moment, fraction=True)]
        return last[-1] if last else 0

    async def changed(self, since: int, timeout: float) -> None:
        """Returns when there is a line after `since`, or at the latest after `timeout` real seconds."""
        if self._count > since:
            return
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            await asyncio.wait_for(event.wait(), timeout)
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(event)
