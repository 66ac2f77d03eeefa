"""What is fixed about a check, before any pod is looked at."""

from __future__ import annotations

from dataclasses import dataclass

ABOVE = "above"
BELOW = "below"


@dataclass(frozen=True)
class Definition:
    """`level` is the least level that looks. `what` is for a person, `source` names where the rule comes from.

    A check that measures has a `unit` and thresholds in it: ABOVE, a value from the threshold upwards is bad;
    BELOW, a value under it. `warns` and `fails` say the rule of a check that does not, or what else matters.
    """

    level: str
    what: str
    source: str
    unit: str = ""
    worse: str = ""
    warn: float | None = None
    fail: float | None = None
    warns: str = ""
    fails: str = ""

    @property
    def measures(self) -> bool:
        return bool(self.worse)

    def when_warn(self) -> str:
        return self._when(self.warn, self.warns)

    def when_fail(self) -> str:
        return self._when(self.fail, self.fails)

    def _when(self, threshold: float | None, words: str) -> str:
        if threshold is None:
            return words
        sign = "≥" if self.worse == ABOVE else "<"
        said = f"{sign} {shown(threshold, self.unit)}"
        return f"{said}; {words}" if words else said


def amount(value: float) -> str:
    """`0.85`, `12.5`, `20 000 000`."""
    if value == int(value):
        return f"{int(value):,}".replace(",", " ") if value >= 10_000 else str(int(value))
    return f"{value:.4g}"


def shown(value: float, unit: str) -> str:
    """`12.5 MB/s`; a share as `85 % of the default`."""
    if unit.startswith("of "):
        return f"{amount(round(value * 100, 1))} % {unit}"
    return f"{amount(value)} {unit}".strip()
