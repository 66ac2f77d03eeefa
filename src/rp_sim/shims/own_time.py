"""A clock that runs ahead while a program waits for hardware that is not there."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Clock:
    """Per thread: real time, without what the pretended driver takes, and with what a GPU would have taken."""

    def __init__(self) -> None:
        self._real = time.monotonic
        self._own = threading.local()

    def now(self) -> float:
        entered = getattr(self._own, "entered", None)
        return (self._real() if entered is None else entered) + self._shift

    def wait_until(self, moment: float) -> None:
        if (ahead := moment - self.now()) > 0:
            self._own.shift = self._shift + ahead

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """On a busy machine a call into the driver takes long, which is no fault of the GPU."""
        self._own.entered = begin = self._real()
        try:
            yield
        finally:
            self._own.shift = self._shift - (self._real() - begin)
            self._own.entered = None

    @property
    def _shift(self) -> float:
        return float(getattr(self._own, "shift", 0.0))

    def install(self) -> None:
        time.monotonic = time.perf_counter = self.now
        time.monotonic_ns = time.perf_counter_ns = lambda: int(self.now() * 1e9)
