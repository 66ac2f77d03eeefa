"""The probe itself, and what every program needs: a folder to write to, a clock that is right, open files."""

from __future__ import annotations

from rp.health.judges.reading import number
from rp.health.judges.seen import Seen
from rp.health.judges.sheet import Sheet


def judge(seen: Seen, sheet: Sheet) -> None:
    fatal = seen.get("fatal")
    if fatal is not None:
        said = "No folder of the pod can be written to, so nothing could be tested."
        sheet.fail("fs.tmp", said, measured=fatal.text.split("\n")[0])
        return
    if seen.get("probe"):
        sheet.passed("fs.tmp", "There is a folder that can be written to.")
    if seen.stream.complete:
        sheet.passed("probe.answer", "The probe ran to its end.")
    elif seen.stream.sections:
        sheet.warn("probe.answer", "The probe broke off before its end: what it had not told yet is not known.")
    else:
        sheet.unknown("probe.answer", "The probe gave no answer.")
    _clock(seen, sheet)
    files = number(seen.sys.get("nofile"))
    if files is not None:
        bad = f"A program may open no more than {files:.0f} files: training with many workers may break."
        sheet.rate("limits", files, good="Programs may open enough files.", bad=bad, measured=f"{files:.0f} files")
    elif seen.sys.get("nofile") == "unlimited":
        sheet.passed("limits", "Programs may open any number of files.", measured="unlimited")


def _clock(seen: Seen, sheet: Sheet) -> None:
    theirs = number(seen.sys.get("now"))
    if theirs is None:
        return
    # The clock was read at some point of the run; which one is not known, so all of the run is right.
    half = max(0.0, seen.seconds) / 2
    off = max(0.0, abs(theirs - seen.at) - half)
    side = "ahead" if theirs > seen.at else "behind"
    bad = f"The pod's clock is {off:.0f} s {side}: certificates and signatures may be refused."
    sheet.rate("clock", off, good="The pod's clock is right.", bad=bad, measured=f"{off:.0f} s off")
