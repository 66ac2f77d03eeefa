"""The network: names, HTTPS to the places that research needs, and speed. No source condemns a pod alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rp.domain.verdict import BASIC, Verdict
from rp.health.judges.reading import number
from rp.health.judges.seen import Seen
from rp.health.judges.sheet import Sheet
from rp.health.stream import Section

_TARGETS = {"net_hub": "Hugging Face", "net_code": "GitHub", "net_index": "the package index"}
_SOURCES = ("dl_1", "dl_2", "dl_own")
_OTHERS = ("dl_1", "dl_2")
_FACT = re.compile(r"\b([a-z]{2,5})=(\S{1,80})", re.ASCII)
_NO_NAME = "6"
# wget's statuses for "the server answered", even with an error page.
_WGET_ANSWERED = ("0", "8")
_ENOUGH_BYTES = 1 << 20
_ENOUGH_SECONDS = 1.5
_MEGABIT = 125_000


@dataclass(frozen=True)
class Fetch:
    """`answered`: None where there was nothing to fetch with. `speed` in bytes a second, None where not measured."""

    answered: bool | None
    has_name: bool = True
    lookup: float | None = None
    speed: float | None = None


def judge(seen: Seen, sheet: Sheet) -> None:
    if not seen.is_level(BASIC):
        return
    _targets(seen, sheet)
    speeds = {name: speed for name in _SOURCES if (speed := fetch(seen.get(name)).speed) is not None}
    _download(seen, sheet, speeds)
    if seen.asked.min_mbps > 0:
        _own(seen, sheet, speeds)


def fetch(section: Section | None) -> Fetch:
    """What a section of the fetching kind tells."""
    if section is None:
        return Fetch(None)
    if section.timed_out:
        return Fetch(answered=False)
    line = next((line for line in section.lines if line.startswith("via=")), "")
    facts = dict(_FACT.findall(line))
    if not facts or facts.get("via") == "none":
        return Fetch(None)
    code, size, seconds = (number(facts.get(key)) or 0.0 for key in ("code", "bytes", "total"))
    if facts["via"] == "wget":
        answered, is_file = facts.get("rc") in _WGET_ANSWERED or size > 0, size > 0
    else:
        answered, is_file = code >= 100, 200 <= code < 300
    speed = number(facts.get("bps"))
    counts = is_file and (size >= _ENOUGH_BYTES or seconds >= _ENOUGH_SECONDS)
    lookup = number(facts.get("dns")) if answered else None
    return Fetch(answered, section.status != _NO_NAME, lookup, speed if counts else None)


def _targets(seen: Seen, sheet: Sheet) -> None:
    found = {place: fetch(seen.get(name)) for name, place in _TARGETS.items()}
    asked = {place: one for place, one in found.items() if one.answered is not None}
    if not asked:
        sheet.unknown("net.https", "The network was not tested: the pod has no curl, python3 or wget.")
        return
    dead = [place for place, one in asked.items() if not one.answered]
    detail = f"{len(asked) - len(dead)} of {len(asked)} answer"
    if len(dead) == len(asked) and len(asked) > 1:
        no_names = not any(asked[place].has_name for place in dead)
        why = "names cannot be looked up (no DNS)" if no_names else "no connection to the internet"
        sheet.fail("net.https", f"None of {_list(dead)} answers: {why}.", measured=detail, expected="all answer")
    elif dead:
        said = f"{_list(dead)[0].upper()}{_list(dead)[1:]} does not answer over HTTPS."
        sheet.warn("net.https", said, measured=detail, expected="all answer")
    else:
        places = _list(list(asked))
        sheet.passed("net.https", f"{places[0].upper()}{places[1:]} can be reached over HTTPS.", measured=detail)
    lookups = [one.lookup for one in asked.values() if one.lookup is not None]
    if lookups:
        # The quickest: a single slow name is the fault of whoever serves it.
        bad = f"Looking up a name takes {min(lookups):.1f} s or more."
        good = "Names are looked up quickly."
        sheet.rate("net.dns", min(lookups), good=good, bad=bad, measured=f"{min(lookups):.2f} s")


def _list(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _download(seen: Seen, sheet: Sheet, speeds: dict[str, float]) -> None:
    if not speeds:
        if any(seen.get(name) for name in _SOURCES) or seen.stream.sections:
            sheet.unknown("net.down", "The download speed could not be measured: no source gave anything.")
        return
    best = max(speeds.values()) / 1e6
    bad = f"Downloads come at {best:.1f} MB/s at best: a model of 15 GB takes {_duration(15_000 / max(best, 1e-6))}."
    most = Verdict.FAIL if len(speeds) > 1 else Verdict.WARN
    sheet.rate("net.down", best, good="Downloads are fast.", bad=bad, most=most, measured=f"{best:.1f} MB/s")


def _duration(seconds: float) -> str:
    hours = seconds / 3600
    if hours >= 48:
        return "days"
    return f"{hours:.0f} hours" if hours >= 2 else f"{max(1, seconds / 60):.0f} minutes"


def _own(seen: Seen, sheet: Sheet, speeds: dict[str, float]) -> None:
    least = seen.asked.min_mbps
    others = [speeds[name] / _MEGABIT for name in _OTHERS if name in speeds]
    own = speeds["dl_own"] / _MEGABIT if "dl_own" in speeds else None
    expected = f"at least {least:g} Mbit/s"
    if own is None and seen.asked.speed_test_url:
        if others and max(others) >= least:
            said = "The template's speed test address gave nothing to measure, though the network is fast."
            sheet.warn("asked.speed", said, expected=expected)
        else:
            sheet.unknown("asked.speed", "The template's speed test gave nothing to measure.")
        return
    if own is None:
        own, others = max(others, default=0.0), sorted(others)[:-1]
        if not speeds:
            sheet.unknown("asked.speed", "The download speed could not be measured.")
            return
    measured = f"{own:.0f} Mbit/s"
    if own >= least:
        sheet.passed(
            "asked.speed", "The download is as fast as the template asks.", measured=measured, expected=expected
        )
    elif others and max(others) < least:
        said = f"Downloads come at {own:.0f} Mbit/s, from another source too; the template asks for {least:g}."
        sheet.fail("asked.speed", said, measured=measured, expected=expected)
    else:
        said = f"The template's speed test gave {own:.0f} of {least:g} Mbit/s; no second source confirms it."
        sheet.warn("asked.speed", said, measured=measured, expected=expected)
