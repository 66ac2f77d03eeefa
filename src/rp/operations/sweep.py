"""Which candidate is tried next, given what came of the others; several lanes may ask at once."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from threading import Lock

from rp.domain import candidate as candidates
from rp.domain.candidate import Candidate, Key
from rp.domain.catalog import Catalog, Stock
from rp.domain.template import Template
from rp.errors import ApiError, RpError, Unclear
from rp.operations.board import Board
from rp.operations.looks import BadPod
from rp.operations.machines import KnownBad

# A candidate that gave this many bad pods is asked again only after all others.
_BAD_PODS_PER_CANDIDATE = 2
# Unpinned pods of one candidate that may land outside the wanted region, before it is asked for by its data centers.
LANDINGS = 2
# Single data centers that are tried after all else, in one deploy.
_MOST_SINGLES = 5


class Sweep:
    """`failures` and `bad` are what came so far; `known` are candidates whose machines failed before."""

    def __init__(self, ordered: Iterable[Candidate], catalog: Catalog, template: Template, board: Board) -> None:
        self.all = tuple(ordered)
        self.catalog = catalog
        self.failures: list[ApiError] = []
        self.bad: list[tuple[Candidate, BadPod]] = []
        self.known: dict[Key, KnownBad] = {}
        # Seconds to wait for a place that was given up a moment ago.
        self.pauses: list[float] = []
        self._template = template
        self._board = board
        self._queue = deque(self.all)
        self._in_hand: Counter[Key] = Counter()
        self._gave_pod: set[Key] = set()
        self._landings: Counter[Key] = Counter()
        self._has_singles = False
        self._lock = Lock()

    def take(self) -> Candidate | None:
        """The best that may be tried now, also one that is in another lane's hands.

        What is told to have no stock is nobody's beside a lane that has something better in hand.
        """
        with self._lock:
            found = next(self._open(), None)
            if found is None or found.stock is Stock.NONE:
                is_busy = self.is_busy
                if found and is_busy:
                    self._queue.appendleft(found)
                found = next(filter(self._may_share, self.all), None if is_busy else found)
            if found:
                self._in_hand[found.key] += 1
            return found

    def _may_share(self, candidate: Candidate) -> bool:
        """Another lane's pod came of it, and its create was not refused since."""
        has_pod = self._in_hand[candidate.key] and candidate.key in self._gave_pod
        return bool(has_pod) and candidate.stock is not Stock.NONE and self._board.refusal(candidate) is None

    def gave_pod(self, candidate: Candidate) -> None:
        self._gave_pod.add(candidate.key)

    @property
    def is_busy(self) -> bool:
        """Whether another lane has a candidate in hand: what comes of it may leave something to do."""
        return any(self._in_hand.values())

    def _open(self) -> Iterator[Candidate]:
        while self._queue:
            candidate = self._placed(self._queue.popleft())
            if failure := self._board.refusal(candidate):
                self.failures.append(failure)
            else:
                yield candidate

    def number(self, candidate: Candidate) -> int:
        """Which of all it is, from 1."""
        keys = [one.key for one in self.all]
        return keys.index(candidate.key) + 1 if candidate.key in keys else len(keys)

    def done(self, candidate: Candidate) -> None:
        """The candidate is in nobody's hands any more, as far as the caller is concerned."""
        with self._lock:
            self._in_hand[candidate.key] -= 1

    def again(self, candidate: Candidate) -> None:
        """Next, before all others."""
        self._queue.appendleft(candidate)

    def refused(self, candidate: Candidate, failure: ApiError) -> None:
        self._board.refused(candidate, failure)
        self.failures.append(failure)

    def unclear(self, failure: ApiError) -> None:
        self.failures.append(failure)

    def bad_pod(self, candidate: Candidate, bad: BadPod) -> None:
        """Once more, at once or after all others."""
        with self._lock:
            self._board.forget(candidate)
            self.bad.append((candidate, bad))
            count = sum(one.key == candidate.key for one, _ in self.bad)
            (self._queue.append if count % _BAD_PODS_PER_CANDIDATE == 0 else self._queue.appendleft)(candidate)

    def recognised(self, candidate: Candidate, known: KnownBad) -> None:
        """Once more while the bad machine is taken; after that this candidate is a last resort."""
        with self._lock:
            if candidate.key not in self.known:
                self._queue.appendleft(candidate)
            self.known[candidate.key] = known

    def landed_outside(self, candidate: Candidate) -> None:
        """Once more; pinned to its data centers, from now on and for every lane, where that happens too often."""
        with self._lock:
            self._board.forget(candidate)
            self._landings[candidate.key] += 1
            if self._landings[candidate.key] <= LANDINGS:
                self._queue.appendleft(self._placed(candidate))
            self.all = tuple(self._placed(one) for one in self.all)

    def _placed(self, candidate: Candidate) -> Candidate:
        return candidate.pinned() if self._landings[candidate.key] >= LANDINGS else candidate

    def last_resort(self, pauses: Iterable[float]) -> KnownBad:
        """Let those be tried whose machines failed before, the least bad first; return what is held against that."""
        with self._lock:
            worst_last = sorted(self.known, key=lambda key: _badness(self.known[key]))
            by_key = {one.key: one for one in self.all}
            for candidate in (by_key[key] for key in worst_last if key in by_key):
                self._board.forget(candidate)
                self._queue.append(candidate)
            self.pauses.extend(pauses)
            return self.known[worst_last[0]]

    def add_singles(self) -> bool:
        """Once: single data centers with stock of regions that were refused as a whole. Whether there are any."""
        if self._has_singles:
            return False
        self._has_singles = True
        refused = [one for one in self.all if self._board.refusal(one)]
        found = [single for one in refused for single in candidates.singles(one, self.catalog)]
        self._queue.extend(found[:_MOST_SINGLES])
        return bool(found)

    @property
    def may_pass(self) -> bool:
        """Whether what stood in the way so far may change by itself."""
        unclear = any(isinstance(failure, Unclear) for failure in self.failures)
        return unclear or any(self._board.may_pass(one) for one in self.all)

    def renew(self, catalog: Catalog) -> bool:
        """Begin anew with what may be asked again, now that the catalog tells this. Whether there is anything."""
        with self._lock:
            self.catalog = catalog
            # A name may be missing from a catalog for once: what there was is kept then.
            with suppress(RpError):
                self.all = candidates.expand(self._template, catalog).ordered
            self.all = tuple(self._placed(one) for one in self.all)
            for one in self.all:
                self._board.saw(one)
            asked = [one for one in self.all if one.stock is not Stock.NONE and self._board.refusal(one) is None]
            self._queue = deque(asked)
            self._has_singles = False
            if asked:
                self.failures.clear()
            return bool(asked)


def _badness(known: KnownBad) -> tuple[int, float]:
    """The fewest failures first, and of those the longest ago."""
    return known.count, known.failure.at
