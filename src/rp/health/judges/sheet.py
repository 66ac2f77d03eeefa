"""Where the judges write what they found; it makes the checks of a report out of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypedDict, Unpack

from rp.domain.verdict import LEVELS, Check, Owner, Verdict
from rp.health.asked import Asked
from rp.health.catalogue import CHECKS, OFF, WARN, Limits, limits
from rp.health.data.definition import BELOW, shown
from rp.health.stream import clean

_LONGEST_SENTENCE = 300
_LONGEST_VALUE = 120
_WORST_FIRST = (Verdict.FAIL, Verdict.WARN, Verdict.PASS, Verdict.UNKNOWN)
_RANK = {verdict: rank for rank, verdict in enumerate(_WORST_FIRST)}
_ORDER = {check: position for position, check in enumerate(CHECKS)}


class Detail(TypedDict, total=False):
    """What a check tells besides its sentence; `measured` and `expected` are shown as text."""

    measured: object
    expected: object
    gpu: int | None
    owner: Owner


class Sheet:
    """One look at one pod. The worst word counts for each check and GPU; a check that passes does so once for all."""

    def __init__(self, level: str, asked: Asked) -> None:
        self._asked = asked
        self._level = LEVELS.index(level) if level in LEVELS else len(LEVELS)
        self._found: dict[tuple[str, int | None], Check] = {}

    def add(self, check: str, verdict: Verdict, sentence: str, **detail: Unpack[Detail]) -> None:
        if LEVELS.index(CHECKS[check].level) > self._level:
            return
        gpu = detail.get("gpu")
        before = self._found.get((check, gpu))
        if before is None or _RANK[verdict] < _RANK[before.verdict]:
            self._found[check, gpu] = Check(
                check,
                verdict,
                _one_line(sentence, _LONGEST_SENTENCE),
                measured=_one_line(str(detail.get("measured", "")), _LONGEST_VALUE),
                expected=_one_line(str(detail.get("expected", "")), _LONGEST_VALUE),
                gpu=gpu,
                owner=detail.get("owner", Owner.MACHINE),
            )

    def passed(self, check: str, sentence: str, **detail: Unpack[Detail]) -> None:
        self.add(check, Verdict.PASS, sentence, **detail)

    def unknown(self, check: str, sentence: str, **detail: Unpack[Detail]) -> None:
        self.add(check, Verdict.UNKNOWN, sentence, **detail)

    def warn(self, check: str, sentence: str, **detail: Unpack[Detail]) -> None:
        self.add(check, Verdict.WARN, sentence, **detail)

    def fail(self, check: str, sentence: str, **detail: Unpack[Detail]) -> None:
        self.add(check, Verdict.FAIL, sentence, **detail)

    def verdict(self, check: str, value: float) -> Verdict:
        """What the thresholds make of a value."""
        return self.limits(check).verdict(value)

    def limits(self, check: str) -> Limits:
        return limits(check, self._asked.overrides)

    def rate(
        self, check: str, value: float, *, good: str, bad: str, most: Verdict = Verdict.FAIL, **detail: Unpack[Detail]
    ) -> Verdict:
        """Hold a value against the thresholds of its check. `most` is the worst verdict that it may get."""
        verdict = self.verdict(check, value)
        if verdict is Verdict.FAIL and most is Verdict.WARN:
            verdict = Verdict.WARN
        detail.setdefault("measured", shown(value, CHECKS[check].unit))
        detail["expected"] = self.expected(check, verdict)
        self.add(check, verdict, good if verdict is Verdict.PASS else bad, **detail)
        return verdict

    def expected(self, check: str, verdict: Verdict = Verdict.PASS) -> str:
        """The threshold that was missed, or that a good value keeps to."""
        known = self.limits(check)
        first, second = (known.fail, known.warn) if verdict is Verdict.FAIL else (known.warn, known.fail)
        threshold = second if first is None else first
        if threshold is None:
            return ""
        side = "at least" if known.worse == BELOW else "less than"
        return f"{side} {shown(threshold, CHECKS[check].unit)}"

    def has(self, check: str, *verdicts: Verdict) -> bool:
        return any(one.id == check and one.verdict in verdicts for one in self._found.values())

    def checks(self) -> tuple[Check, ...]:
        """The report's checks: each bad word, else each unknown, else one pass, in the catalogue's order."""
        by_id: dict[str, list[Check]] = {}
        for check in self._found.values():
            by_id.setdefault(check.id, []).append(check)
        told = [check for found in by_id.values() for check in self._told(found)]
        return tuple(sorted(told, key=lambda one: (_ORDER[one.id], -1 if one.gpu is None else one.gpu)))

    def _told(self, found: list[Check]) -> Iterator[Check]:
        own = self._asked.overrides.get(found[0].id)
        if own == OFF:
            return
        bad = [check for check in found if check.verdict in (Verdict.FAIL, Verdict.WARN)]
        for check in bad:
            softened = own == WARN and check.verdict is Verdict.FAIL
            yield replace(check, verdict=Verdict.WARN) if softened else check
        if not bad:
            # That other GPUs pass does not make one pass that could not be asked.
            unknown = [check for check in found if check.verdict is Verdict.UNKNOWN]
            yield from unknown or (replace(found[0], gpu=None),)


def _one_line(text: str, longest: int) -> str:
    line = " ".join(clean(text[: longest * 4]).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
