"""Every check by its id, and what a template may change about it (`health.checks`)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from rp.domain.names import did_you_mean, nearest
from rp.domain.verdict import Verdict
from rp.health.data import gpu_checks, machine_checks
from rp.health.data.definition import ABOVE, BELOW, Definition

__all__ = ("ABOVE", "BELOW", "CHECKS", "Definition", "Limits", "limits", "override_problems")

OFF = "off"
WARN = "warn"
FAIL = "fail"
CHECKS: Mapping[str, Definition] = MappingProxyType({**gpu_checks.CHECKS, **machine_checks.CHECKS})


@dataclass(frozen=True)
class Limits:
    """The thresholds that hold for one pod. `own_fail`: the fail threshold is the template's."""

    worse: str
    warn: float | None
    fail: float | None
    own_fail: bool = False

    def verdict(self, value: float) -> Verdict:
        if self._is_over(value, self.fail):
            return Verdict.FAIL
        return Verdict.WARN if self._is_over(value, self.warn) else Verdict.PASS

    def _is_over(self, value: float, threshold: float | None) -> bool:
        if threshold is None:
            return False
        return value >= threshold if self.worse == ABOVE else value < threshold


def limits(check: str, overrides: Mapping[str, Any]) -> Limits:
    """The thresholds of a check, the template's own before the catalogue's."""
    known = CHECKS[check]
    own = overrides.get(check)
    said = {key: own[key] for key in (WARN, FAIL) if _is_number(own.get(key))} if isinstance(own, Mapping) else {}
    return Limits(known.worse, said.get(WARN, known.warn), said.get(FAIL, known.fail), own_fail=FAIL in said)


def override_problems(overrides: Mapping[str, Any]) -> list[str]:
    """What is wrong with a template's `health.checks`, all of it; empty where nothing is."""
    if not isinstance(overrides, Mapping):
        return ["health.checks must be an object: check → off, warn or thresholds"]
    found = []
    for check, own in overrides.items():
        where = f"health.checks: {check!r}"
        if check not in CHECKS:
            close = nearest(str(check), CHECKS)
            found.append(f"{where} is not a check" + (f"; {did_you_mean(close)}" if close else ""))
        elif isinstance(own, Mapping):
            found += [f"{where}: {problem}" for problem in _threshold_problems(CHECKS[check], check, own)]
        elif own not in (OFF, WARN):
            found.append(f'{where} must be "off", "warn" or an object of thresholds')
    return found


def _threshold_problems(known: Definition, check: str, own: Mapping[str, Any]) -> list[str]:
    if not known.measures:
        return ['it has no thresholds; "off" and "warn" are possible']
    found = [f"{key!r} is not one of its thresholds (warn, fail)" for key in own if key not in (WARN, FAIL)]
    found += [f"{key} must be a number" for key in (WARN, FAIL) if key in own and not _is_number(own[key])]
    if not own:
        found.append("give warn or fail")
    both = limits(check, {check: own})
    if not found and both.warn is not None and both.fail is not None:
        crossed = both.fail < both.warn if known.worse == ABOVE else both.fail > both.warn
        if crossed:
            side = "under" if known.worse == ABOVE else "over"
            found.append(f"fail ({both.fail:g}) must not lie {side} warn ({both.warn:g})")
    return found


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 1e15 and math.isfinite(value)
