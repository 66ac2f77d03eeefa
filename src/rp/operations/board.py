"""What a run learned of refused candidates."""

from dataclasses import dataclass

from rp.domain.attempt import is_capacity
from rp.domain.candidate import Candidate, Key
from rp.domain.catalog import Stock
from rp.errors import ApiError
from rp.operations.ports import Clock

# Seconds until a candidate that was refused although the catalog told of stock, and tells no more ever since, is
# asked again: a label of three levels hides what comes and goes below it. Longer where there are many of them, so that
# they take a tenth of the quota's sixty calls a minute (the example in RunPod's contract).
_SAME_WORDS = 120.0
_SECONDS_A_CREATE = 10.0


@dataclass(frozen=True)
class _Refusal:
    """`lowest` is the least stock that was told since, overall and of each data center."""

    failure: ApiError
    lowest: dict[str, Stock]
    at: float


class Board:
    """Shared by the deploys of a run, so that none asks what another was refused before its stock has risen."""

    def __init__(self, clock: Clock, candidates: int) -> None:
        self._clock = clock
        self._patience = max(_SAME_WORDS, _SECONDS_A_CREATE * candidates)
        self._refusals: dict[Key, _Refusal] = {}

    def refused(self, candidate: Candidate, failure: ApiError) -> None:
        self._refusals[_create(candidate)] = _Refusal(failure, _told(candidate), self._clock.monotonic())

    def forget(self, candidate: Candidate) -> None:
        """Its stock has changed: a place was given up here."""
        self._refusals.pop(_create(candidate), None)

    def saw(self, candidate: Candidate) -> None:
        """Another look at the catalog: what falls and comes back has risen."""
        if refusal := self._refusals.get(_create(candidate)):
            told = _told(candidate)
            for place in told.keys() | refusal.lowest.keys():
                level = told.get(place, Stock.NONE)
                refusal.lowest[place] = min(level, refusal.lowest.get(place, level))

    def refusal(self, candidate: Candidate) -> ApiError | None:
        """Why this candidate is not asked again now; None where it may be."""
        refusal = self._refusals.get(_create(candidate))
        if refusal is None:
            return None
        if not is_capacity(refusal.failure):
            return refusal.failure
        has_risen = any(level > refusal.lowest.get(place, Stock.NONE) for place, level in _told(candidate).items())
        is_news = has_risen or self._clock.monotonic() - refusal.at >= self._patience
        return None if is_news else refusal.failure

    def may_pass(self, candidate: Candidate) -> bool:
        """Whether it was refused for want of capacity."""
        refusal = self._refusals.get(_create(candidate))
        return refusal is not None and is_capacity(refusal.failure)


def _create(candidate: Candidate) -> Key:
    """What RunPod is asked: candidates that are not pinned, for whatever region, all send the same."""
    return (candidate.cloud, candidate.data_center_ids, candidate.gpu.id, candidate.count)


def _told(candidate: Candidate) -> dict[str, Stock]:
    """What the catalog tells of all the places where the create may land; "" is overall."""
    told = dict(candidate.told)
    return told if candidate.data_center_ids else {"": told.get("", candidate.stock)}
