"""What the deploys of one command share."""

from collections.abc import Callable
from typing import Generic, TypeVar

from rp.domain.catalog import Catalog
from rp.operations import catalog
from rp.operations.board import Board
from rp.operations.ports import Clock, Deployment, Ports

T = TypeVar("T")

# Seconds that a look at the catalog serves all who wait: the shortest pause between two looks of one of them.
_LOOK_LASTS = 15.0
_NAP = 0.1


class Shared(Generic[T]):
    """An answer that is asked for once for all who want it within `lasts` seconds."""

    def __init__(self, clock: Clock, lasts: float) -> None:
        self._clock = clock
        self._lasts = lasts
        self._answer: T | None = None
        self._at = float("-inf")
        self._is_asking = False

    def get(self, ask: Callable[[], T]) -> T:
        """Raises what `ask` raises, to the one who asked."""
        while self._is_asking:
            self._clock.sleep(_NAP)
        if self._answer is None or self._clock.monotonic() - self._at > self._lasts:
            self._is_asking = True
            try:
                began = self._clock.monotonic()
                self._answer, self._at = ask(), began
            finally:
                self._is_asking = False
        return self._answer


class Run:
    """`begun`: the deployments, by the alias that was planned."""

    def __init__(self, clock: Clock, candidates: int) -> None:
        self.board = Board(clock, candidates)
        self.begun: dict[str, Deployment] = {}
        self._looks: Shared[Catalog] = Shared(clock, _LOOK_LASTS)

    def look(self, wanted: catalog.Wanted, ports: Ports) -> Catalog:
        """The catalog as it is now, or was when another of these deploys looked. Raises ApiError."""
        return self._looks.get(lambda: catalog.read(wanted, ports, fresh=True))
