"""What a look at a pod found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rp.domain.units import duration
from rp.domain.verdict import Check, Report, Verdict, facts
from rp.output.table import Column

if TYPE_CHECKING:
    from datetime import datetime

    from rp.operations.results import Checkup

CHECKS = (
    Column("VERDICT"),
    Column("CHECK"),
    Column("GPU", right=True, drop=3),
    Column("MEASURED", shrink=True, drop=1),
    Column("EXPECTED", shrink=True, drop=2),
)
# The worst first.
_ORDER = (Verdict.FAIL, Verdict.WARN, Verdict.UNKNOWN, Verdict.PASS)


def rows(report: Report) -> list[tuple[str, ...]]:
    return [
        (
            check.verdict.value,
            check.id,
            "-" if check.gpu is None else str(check.gpu),
            _last_line(check.measured),
            _last_line(check.expected),
        )
        for check in _sorted(report)
    ]


def short_rows(report: Report) -> list[tuple[str, ...]]:
    """As `rows`, with what passed in one row an area: `cuda.*`, 16 checks."""
    areas: dict[str, list[str]] = {}
    for check in report.of(Verdict.PASS):
        areas.setdefault(check.id.partition(".")[0], []).append(check.id)
    passed = [
        (f"{area}.*", f"{len(ids)} passed") if len(ids) > 1 else (ids[0], "passed") for area, ids in areas.items()
    ]
    others = [row for row in rows(report) if row[0] != Verdict.PASS.value]
    return others + [(Verdict.PASS.value, name, "-", count, "-") for name, count in passed]


def sentences(report: Report) -> list[str]:
    """What is not as it should be, or could not be seen, in words; what one cause explains is said once."""
    said = [f"{check.verdict}: {check.sentence}" for check in _sorted(report) if check.verdict is not Verdict.PASS]
    return list(dict.fromkeys(said))


def tally(report: Report) -> str:
    """`41 passed, 1 warning, 3 unknown`."""
    words = (
        (Verdict.FAIL, "failed", "failed"),
        (Verdict.PASS, "passed", "passed"),
        (Verdict.WARN, "warning", "warnings"),
        (Verdict.UNKNOWN, "unknown", "unknown"),
    )
    counts = [(len(report.of(verdict)), one, many) for verdict, one, many in words]
    return ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in counts if count)


def heading(checkup: Checkup) -> str:
    report = checkup.report
    if report is None:
        return f"{checkup.called} ({checkup.pod.id}): {checkup.trouble}"
    took = duration(report.seconds) if report.seconds >= 10 else f"{report.seconds:.1f}s"
    return f"{checkup.called} ({checkup.pod.id}): {report.verdict}, {tally(report)} ({report.level}, {took})"


def line(checkup: Checkup, now: datetime) -> str:
    """One look of many, on one line."""
    report = checkup.report
    checks = (*report.of(Verdict.FAIL), *report.of(Verdict.WARN)) if report else ()
    said = [check.sentence for check in checks]
    return "; ".join([f"{now.astimezone():%H:%M:%S} {heading(checkup)}", *said])


def is_bad(checkup: Checkup) -> bool:
    return checkup.report is not None and checkup.report.verdict is Verdict.FAIL


def document(checkup: Checkup, now: datetime) -> dict[str, Any]:
    head = {"alias": checkup.called, "id": checkup.pod.id, "at": now.isoformat(timespec="seconds")}
    if checkup.report is None:
        return {**head, "verdict": Verdict.UNKNOWN.value, "trouble": checkup.trouble, "checks": []}
    return {**head, **report_document(checkup.report)}


def report_document(report: Report) -> dict[str, Any]:
    return {
        "level": report.level,
        "verdict": report.verdict.value,
        "seconds": round(report.seconds, 1),
        "gpu_uuids": list(report.gpu_uuids),
        "checks": [facts(check) for check in _sorted(report)],
    }


def _sorted(report: Report) -> list[Check]:
    return sorted(report.checks, key=lambda check: _ORDER.index(check.verdict))


def _last_line(text: str) -> str:
    lines = text.splitlines()
    return lines[-1] if lines else "-"
