"""NVIDIA's own diagnosis, `dcgmi diag`, where the image has it."""

from __future__ import annotations

import re

from rp.domain.verdict import DEEP, Owner
from rp.health.judges.seen import Seen
from rp.health.judges.sheet import Sheet

_ROW = re.compile(r"\|\s*([A-Za-z][^|]{0,60}?)\s*\|\s*([A-Za-z]{4,5})\b([^|]{0,80})\|?")
# Tests of the software around the GPU, many of which a container fails on a good machine.
_SOFTWARE = re.compile(
    r"deny|librar|permission|persistence|environment|page retirement|graphics|inforom|software|version", re.IGNORECASE
)


def judge(seen: Seen, sheet: Sheet) -> None:
    section = seen.get("dcgm")
    if not seen.is_level(DEEP) or section is None or section.status == "127":
        return
    rows = [match.groups() for line in section.lines[:2000] if (match := _ROW.search(line[:400]))]
    results = [
        (name, result.lower(), rest) for name, result, rest in rows if result.lower() in ("pass", "fail", "warn")
    ]
    if section.timed_out or not results:
        sheet.unknown("dcgm.diag", "dcgmi diag gave no results.")
        return
    for name, result, rest in results:
        detail = f"{name}: {result}{rest}"
        if result == "fail" and not _SOFTWARE.search(name):
            said = f"NVIDIA's diagnosis says that {name.strip()} fails{rest.rstrip()}."
            sheet.fail("dcgm.diag", said, measured=detail, expected="pass")
        elif result != "pass":
            said = f"NVIDIA's diagnosis is not content with {name.strip()}{rest.rstrip()}."
            sheet.warn("dcgm.diag", said, measured=detail, expected="pass", owner=Owner.IMAGE)
    sheet.passed("dcgm.diag", "NVIDIA's diagnosis found nothing.", measured=f"{len(results)} tests")
