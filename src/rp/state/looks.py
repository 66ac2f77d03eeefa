"""What health checks found, kept in the journal."""

import json
import zlib

from rp.domain.history import Look
from rp.domain.verdict import Report, facts, from_facts
from rp.state.journal import Journal

# Looks older than this are dropped when a new one comes; they are for questions about what just happened.
_KEPT_SECONDS = 90 * 86_400.0
_LONGEST_RAW = 1_000_000


class Looks:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def add(self, pod_id: str, report: Report, now: float) -> None:
        raw = zlib.compress(report.raw[:_LONGEST_RAW].encode("utf-8", "replace"))
        checks = json.dumps([facts(check) for check in report.checks])
        self._journal.write("DELETE FROM looks WHERE at < ?", (now - _KEPT_SECONDS,))
        self._journal.write(
            "INSERT INTO looks (pod_id, at, level, verdict, seconds, checks, gpus, raw)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                pod_id,
                now,
                report.level,
                report.verdict.value,
                report.seconds,
                checks,
                json.dumps(report.gpu_uuids),
                raw,
            ),
        )

    def of(self, pod_id: str) -> tuple[Look, ...]:
        """Oldest first; none where there is no journal."""
        if not self._journal.exists():
            return ()
        rows = self._journal.read(
            "SELECT at, pod_id, level, checks, seconds, gpus, raw FROM looks WHERE pod_id = ? ORDER BY at, rowid",
            (pod_id,),
        )
        return tuple(_look(row) for row in rows)


def _look(row: tuple[object, ...]) -> Look:
    at, pod_id, level, checks, seconds, gpus, raw = row
    report = Report(
        level=str(level),
        checks=tuple(from_facts(raw_check) for raw_check in json.loads(str(checks))),
        seconds=float(str(seconds)),
        gpu_uuids=tuple(json.loads(str(gpus))),
        raw=zlib.decompress(raw).decode() if isinstance(raw, bytes) else "",
    )
    return Look(float(str(at)), str(pod_id), report)
