"""Threads on simulated time."""

import heapq
import itertools
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol


class Closed(BaseException):
    """The process of this thread is over."""


class Time(Protocol):
    """What simulated time is kept in."""

    time: float


class Stage:
    """Clock and workers in one: one thread runs until it sleeps, then the next, in an order that repeats."""

    def __init__(self, clock: Time) -> None:
        self._clock = clock
        self._number = itertools.count()
        self._is_closed = False
        self._sleepers: list[tuple[float, int, threading.Event]] = []
        self._threads: dict[threading.Event, threading.Thread] = {}

    def now(self) -> float:
        return self._clock.time

    def monotonic(self) -> float:
        return self._clock.time

    def sleep(self, seconds: float) -> None:
        if self._is_closed:
            raise Closed
        if not self._sleepers:
            self._clock.time += seconds
            return
        turn = self._at(self._clock.time + seconds, threading.current_thread())
        self._next()
        self._await(turn)

    def wait(self, seconds: float) -> None:
        self.sleep(seconds)

    def make_room(self, jobs: int) -> None:
        pass

    def ring(self) -> None:
        pass

    def together(self, jobs: Sequence[Callable[[], Any]]) -> list[Any]:
        return [job() for job in jobs]

    def start(self, job: Callable[[], None]) -> None:
        def run() -> None:
            with suppress(Closed):
                self._await(turn)
                job()
                self._next()

        thread = threading.Thread(target=run, daemon=True)
        turn = self._at(self._clock.time, thread)
        thread.start()

    def close(self) -> None:
        """The process is over: what still waits for its turn never gets one."""
        self._is_closed = True
        while self._sleepers:
            turn = heapq.heappop(self._sleepers)[2]
            turn.set()
            # One by one: nothing of them may run beside what comes after the process.
            self._threads[turn].join(30)

    def _await(self, turn: threading.Event) -> None:
        assert turn.wait(30), "nobody passes the turn on"
        if self._is_closed:
            raise Closed

    def _at(self, time: float, thread: threading.Thread) -> threading.Event:
        turn = threading.Event()
        self._threads[turn] = thread
        heapq.heappush(self._sleepers, (time, next(self._number), turn))
        return turn

    def _next(self) -> None:
        if self._is_closed:
            return
        time, _, turn = heapq.heappop(self._sleepers)
        self._clock.time = max(self._clock.time, time)
        del self._threads[turn]
        turn.set()
