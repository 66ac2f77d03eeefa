"""What a health check says: a verdict on each thing that was looked at, and what follows from all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

OFF = "off"
PASSIVE = "passive"
BASIC = "basic"
STANDARD = "standard"
DEEP = "deep"
# From no look at all to minutes of load; each level holds the checks of those before it.
LEVELS = (OFF, PASSIVE, BASIC, STANDARD, DEEP)


class Verdict(StrEnum):
    """UNKNOWN: the pod does not let itself be asked. Never a pass, and never a reason to end a pod."""

    PASS = "pass"  # noqa: S105 - no password
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


class Owner(StrEnum):
    """Whose fault it is, and so what to avoid: this machine, or the image, which fails on each machine."""

    MACHINE = "machine"
    IMAGE = "image"


@dataclass(frozen=True)
class Check:
    """`id` as `gpu.ecc_uncorrected`; `gpu` is the index of the GPU that it is about. `sentence` is for a person."""

    id: str
    verdict: Verdict
    sentence: str
    measured: str = ""
    expected: str = ""
    gpu: int | None = None
    owner: Owner = Owner.MACHINE


@dataclass(frozen=True)
class Report:
    """Every check of one look at a pod. `raw` is what the pod printed, for support tickets; `seconds` its wall time."""

    level: str
    checks: tuple[Check, ...]
    seconds: float = 0.0
    gpu_uuids: tuple[str, ...] = ()
    raw: str = ""

    @property
    def verdict(self) -> Verdict:
        """The worst of what is known; UNKNOWN only where nothing at all is known."""
        found = {check.verdict for check in self.checks}
        for worst in (Verdict.FAIL, Verdict.WARN, Verdict.PASS):
            if worst in found:
                return worst
        return Verdict.UNKNOWN

    def of(self, verdict: Verdict) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.verdict is verdict)


def facts(check: Check) -> dict[str, Any]:
    """What `--json` and the journal tell of a check."""
    return {
        "id": check.id,
        "verdict": check.verdict.value,
        "gpu": check.gpu,
        "measured": check.measured,
        "expected": check.expected,
        "sentence": check.sentence,
        "owner": check.owner.value,
    }


def from_facts(raw: Mapping[str, Any]) -> Check:
    """The check that `facts` was made of."""
    return Check(
        id=raw["id"],
        verdict=Verdict(raw["verdict"]),
        sentence=raw["sentence"],
        measured=raw["measured"],
        expected=raw["expected"],
        gpu=raw["gpu"],
        owner=Owner(raw["owner"]),
    )
