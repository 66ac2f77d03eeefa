"""What happened in a deployment: as text for a terminal, and as a document for programs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from rp.domain import attempt as attempts
from rp.domain import verdict as verdicts
from rp.domain.history import History, Look, Step
from rp.domain.story import Log, Part, Story
from rp.domain.verdict import Check, Verdict
from rp.output import why_words as words
from rp.output.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

# Lines of each log that the text shows; the other forms have all that were kept.
_TAIL = 15
_NARROWEST = 30
_STYLES = {"bold": "1", "fail": "1;31", "warn": "33", "unknown": "2", "dim": "2"}


@dataclass(frozen=True)
class Line:
    """`hang`: how far the lines are indented that it goes on with where it is too long."""

    text: str = ""
    style: str = ""
    hang: int = 0


def show(story: Story, stream: TextIO, env: Mapping[str, str], *, colour: bool) -> None:
    """Wrapped to a terminal's width; whole lines for a pipe."""
    width = _width(stream, env) if stream.isatty() else None
    for line in lines(story):
        for piece in _wrapped(line, width):
            style = _STYLES.get(line.style) if colour else None
            print(f"\x1b[{style}m{piece}\x1b[0m" if style and piece else piece, file=stream)
    stream.flush()


def _width(stream: TextIO, env: Mapping[str, str]) -> int:
    try:
        return max(_NARROWEST, int(env.get("COLUMNS") or os.get_terminal_size(stream.fileno()).columns))
    except (OSError, ValueError):
        return 80


def _wrapped(line: Line, width: int | None) -> list[str]:
    text = printable(line.text).replace("\n", " ").replace("\t", " ")
    if width is None or len(text) <= width:
        return [text]
    import textwrap

    indent = " " * (len(text) - len(text.lstrip()))
    return textwrap.wrap(
        text.strip(),
        width,
        initial_indent=indent,
        subsequent_indent=" " * line.hang,
        break_on_hyphens=False,
    )


def lines(story: Story) -> Iterator[Line]:
    """The whole text."""
    history = story.history
    yield Line(words.headline(story), "bold", 2)
    if history.deployment_id:
        yield Line(
            f"template {history.template}, deployment {history.deployment_id}, {words.day(history.started_at)}", hang=2
        )
        yield Line(words.tally(story), hang=2)
    for step in story.steps:
        yield _step(step, history)
    for part in story.parts:
        yield Line()
        yield from _part(part, history)


def _part(part: Part, history: History) -> Iterator[Line]:
    yield Line(f"{part.number}  {words.title(part)}", "bold", 3)
    if part.attempt and part.attempt.reason:
        yield Line(f"   {part.attempt.reason}", "fail" if part.pod_id else "", 3)
    if facts := words.facts_line(part):
        yield Line(f"   {facts}", hang=3)
    if marks := words.machine(part.marks):
        yield Line(f"   machine: {marks}", hang=12)
    happened: list[Step | Look] = [*part.looks, *words.timeline(part)]
    for one in sorted(happened, key=lambda one: one.at):
        yield from _look(one, history) if isinstance(one, Look) else [_step(one, history)]
    for log in part.logs:
        yield from _log(log)


def _step(step: Step, history: History) -> Line:
    return Line(f"{words.since(step.at, history):>12}  {words.said(step)}", hang=14)


def _look(look: Look, history: History) -> Iterator[Line]:
    report = look.report
    took = f"{report.level}, {words.took(report.seconds)}"
    yield Line(f"{words.since(look.at, history):>12}  health ({took}): {words.counts(report)}", hang=14)
    for names, check in words.troubles(report):
        yield Line(f"     {check.verdict.upper():9}{names}: {check.sentence}", check.verdict, 14)
        if measured := _measured(check):
            yield Line(f"{'':14}{measured}", hang=14)


def _measured(check: Check) -> str:
    """Nothing for what could not be seen, nor for what the sentence says already."""
    if check.verdict is Verdict.UNKNOWN or not check.measured or check.measured in check.sentence:
        return ""
    expected = f", expected {check.expected}" if check.expected else ""
    return f"measured {' / '.join(check.measured.splitlines())}{expected}"


def _log(log: Log) -> Iterator[Line]:
    tail = log.lines[-_TAIL:]
    of = f"the last {len(tail)} of {len(log.lines)} lines" if len(tail) < len(log.lines) else f"{len(tail)} lines"
    yield Line(f"   {log.source} log, {of}:")
    for line in tail:
        yield Line(f"   | {line}", hang=5)


def document(story: Story, *, with_raw: bool = True) -> dict[str, Any]:
    """Everything. `with_raw`: also what the probes printed."""
    history = story.history
    ended = history.ended_at
    return {
        "deployment": history.deployment_id or None,
        "template": history.template,
        "alias": history.alias,
        "outcome": history.outcome,
        "started_at": words.iso(history.started_at),
        "ended_at": words.iso(ended),
        "seconds": None if ended is None else round(ended - history.started_at, 3),
        "wasted": round(story.wasted, 6),
        "steps": _steps(story.steps, history),
        "attempts": [_part_document(part, history, with_raw=with_raw) for part in story.parts],
    }


def _part_document(part: Part, history: History, *, with_raw: bool) -> dict[str, Any]:
    attempt = part.attempt
    known: Mapping[str, object] = attempts.facts(attempt) if attempt else {"pod_id": part.pod_id, "outcome": None}
    return {
        "number": part.number,
        **known,
        "bad": part.is_bad,
        "started_at": words.iso(attempt.started_at) if attempt else None,
        "ended_at": words.iso(attempt.ended_at) if attempt else None,
        "machine": {"address": part.marks.address, "proxy": part.marks.proxy, "gpus": sorted(part.marks.gpus)},
        "phases": [
            {
                "kind": segment.kind,
                "what": segment.words,
                "offset": _offset(segment.begin, history),
                "seconds": round(segment.end - segment.begin, 3),
            }
            for segment in part.segments
        ],
        "steps": _steps(part.steps, history),
        "looks": [look_document(look, history, with_raw=with_raw) for look in part.looks],
        "logs": [{"at": words.iso(log.at), "source": log.source, "lines": list(log.lines)} for log in part.logs],
    }


def _steps(steps: Sequence[Step], history: History) -> list[dict[str, Any]]:
    return [
        {"at": words.iso(step.at), "offset": _offset(step.at, history), "kind": step.kind, "text": step.text}
        for step in steps
    ]


def look_document(look: Look, history: History, *, with_raw: bool) -> dict[str, Any]:
    report = look.report
    found = {
        "at": words.iso(look.at),
        "offset": _offset(look.at, history),
        "level": report.level,
        "verdict": report.verdict.value,
        "seconds": round(report.seconds, 3),
        "gpu_uuids": list(report.gpu_uuids),
        "checks": [verdicts.facts(check) for check in report.checks],
    }
    return found | ({"probe_output": report.raw} if with_raw else {})


def _offset(at: float, history: History) -> float:
    return round(at - history.started_at, 3)
