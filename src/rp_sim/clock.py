"""Simulated time: `speed` times as fast as the wall clock, and it can be pushed forward."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    def __init__(
        self,
        speed: float = 1.0,
        *,
        start: float | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._speed = speed
        self._simulated = time.time() if start is None else start
        self._real = monotonic()

    def now(self) -> float:
        return self._simulated + (self._monotonic() - self._real) * self._speed

    def advance(self, seconds: float) -> None:
        self._simulated += seconds

    def set_speed(self, speed: float) -> None:
        self._simulated, self._real, self._speed = self.now(), self._monotonic(), speed

    def real_seconds(self, simulated: float) -> float:
        """How long a stretch of simulated time lasts on the wall clock."""
        return simulated / self._speed


def iso(epoch: float, *, fraction: bool = False) -> str:
    moment = datetime.fromtimestamp(epoch, UTC)
    text = moment.isoformat(timespec="milliseconds" if fraction else "seconds")
    return text.replace("+00:00", "Z")


def parse_iso(text: str) -> float:
    """RFC 3339 to epoch seconds; a ValueError for anything else."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00").replace("z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError(f"no time zone in {text!r}")
    return moment.timestamp()
