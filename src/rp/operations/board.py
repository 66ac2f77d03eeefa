"""What a run learned of refused candidates."""

from dataclasses import dataclass

from rp.domain.attempt import is_capacity
from rp.domain.candidate import Candidate, Key
from rp.domain.catalog import Stock
from rp.errors import ApiError
from rp.operations.ports import Clock

# Seconds until a candidate that was refused although the catalog told of stock, and tells no more ever since, is
# asked again: a label of three levels hides what comes and goes below it. It doubles with each refusal.
_SAME_WORDS = 300.0
_MOST_DOUBLINGS = 2
_SAME_WORDS_AT_MOST = 1200.0


@dataclass(frozen=True)
class _Refusal:
    """`lowest` is the least stock that was told since, overall and of each data center."""

    failure: ApiError
    lowest: dict[str, Stock]
    at: float
    times: int


class Board:
    """Shared by the deploys of a run, so that none asks what another was refused before its stock has risen."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refusals: dict[Key, _Refusal] = {}

    def refused(self, candidate: Candidate, failure: ApiError) -> None:
        before = self._refusals.get(candidate.key)
        same_words = before is not None and not _has_risen(candidate, before.lowest)
        times = before.times + 1 if before and same_words else 0
        now = self._clock.monotonic()
        self._refusals[candidate.key] = _Refusal(failure, dict(candidate.told), now, min(times, _MOST_DOUBLINGS))

    def forget(self, candidate: Candidate) -> None:
        """Its stock has changed: a place was given up here."""
        self._refusals.pop(candidate.key, None)

    def saw(self, candidate: Candidate) -> None:
        """Another look at the catalog: what falls and comes back has risen."""
        if refusal := self._refusals.get(candidate.key):
            for place, level in candidate.told:
                refusal.lowest[place] = min(level, refusal.lowest.get(place, level))
            for place in refusal.lowest.keys() - dict(candidate.told).keys():
                refusal.lowest[place] = Stock.NONE

    def refusal(self, candidate: Candidate) -> ApiError | None:
        """Why this candidate is not asked again now; None where it may be."""
        refusal = self._refusals.get(candidate.key)
        if refusal is None:
            return None
        if not is_capacity(refusal.failure):
            return refusal.failure
        patience = min(_SAME_WORDS * 2**refusal.times, _SAME_WORDS_AT_MOST)
        is_news = _has_risen(candidate, refusal.lowest) or self._clock.monotonic() - refusal.at >= patience
        return None if is_news else refusal.failure

    def may_pass(self, candidate: Candidate) -> bool:
        """Whether it was refused for want of capacity."""
        refusal = self._refusals.get(candidate.key)
        return refusal is not None and is_capacity(refusal.failure)


def _has_risen(candidate: Candidate, lowest: dict[str, Stock]) -> bool:
    return any(level > lowest.get(place, Stock.NONE) for place, level in candidate.told)
