"""What happened in a deployment as one HTML file: nothing in it is loaded from elsewhere, and nothing runs."""

from __future__ import annotations

from collections.abc import Iterator

from rp.domain.history import History, Look, Step
from rp.domain.story import Part, Story
from rp.domain.verdict import Check, Verdict
from rp.output import why_drawing as drawings
from rp.output import why_words as words
from rp.output.html import element, escaped
from rp.output.why_style import STYLE

# Even a text that got past the escaping could load or run nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(story: Story) -> str:
    history = story.history
    name = words.headline(story)
    body = [
        element("h1", name),
        *_head(story),
        _figure(story),
        *(_around(story) if story.steps else ()),
        *(piece for part in story.parts for piece in _part(part, history)),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escaped(_POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"{element('title', f'rp why: {name}')}<style>{STYLE}</style></head>\n<body><main>\n"
        + "\n".join(filter(None, body))
        + "\n</main></body></html>\n"
    )


def _head(story: Story) -> Iterator[str]:
    history = story.history
    if not history.deployment_id:
        return
    rows = [
        ("deployment", history.deployment_id),
        ("template", history.template),
        ("started", words.day(history.started_at)),
        ("ended", words.day(history.ended_at) if history.ended_at is not None else "-"),
        ("attempts", words.tally(story)),
    ]
    yield _terms(rows)


def _terms(rows: list[tuple[str, str]]) -> str:
    return "<dl>" + "".join(element("dt", name) + element("dd", value) for name, value in rows if value) + "</dl>"


def _figure(story: Story) -> str:
    drawing = drawings.drawing(story)
    return f'<figure><div class="wide">{drawing}</div>{drawings.legend(story)}</figure>' if drawing else ""


def _around(story: Story) -> Iterator[str]:
    yield element("h2", "Around the attempts")
    yield _steps(list(story.steps), story.history)


def _part(part: Part, history: History) -> Iterator[str]:
    attempt = part.attempt
    yield f'<section class="{"bad" if part.is_bad else "part"}">'
    yield element("h2", f"{part.number}  {words.title(part)}")
    if attempt and attempt.reason:
        yield element("p", attempt.reason, class_="reason")
    if attempt:
        facts = words.facts_line(part)
        rows = [
            ("this attempt", facts),
            ("from", words.day(attempt.started_at)),
            ("to", words.day(attempt.ended_at) if attempt.ended_at is not None else "-"),
            ("machine", words.machine(part.marks)),
        ]
        yield _terms(rows)
    elif marks := words.machine(part.marks):
        yield _terms([("machine", marks)])
    if part.steps:
        yield _steps(words.timeline(part), history)
    for look in part.looks:
        yield from _look(look, history)
    for log in part.logs:
        yield element("h3", f"The end of the {log.source} log")
        yield element("pre", "\n".join(log.lines))
    yield "</section>"


def _steps(steps: list[Step], history: History) -> str:
    rows = [
        f'<tr><td class="at">{escaped(words.since(step.at, history))}</td><td>{escaped(words.said(step))}</td></tr>'
        for step in steps
    ]
    return f'<table class="steps"><tbody>{"".join(rows)}</tbody></table>'


def _look(look: Look, history: History) -> Iterator[str]:
    report = look.report
    when = words.since(look.at, history)
    yield element("h3", f"Health check, {report.level}, {words.took(report.seconds)}, at {when}")
    yield element("p", words.counts(report))
    troubles = words.troubles(report)
    if troubles:
        head = "".join(element("th", name) for name in ("verdict", "check", "what", "measured", "expected"))
        rows = "".join(_check(names, check) for names, check in troubles)
        yield f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    passed = report.of(Verdict.PASS)
    if passed:
        # Open: a page on paper cannot be clicked.
        said = "".join(
            f"<li>{escaped(words.check_name(check))}"
            f"{escaped(f': {check.measured.splitlines()[0]}') if check.measured else ''}</li>"
            for check in passed
        )
        yield f"<details open><summary>{len(passed)} passed</summary><ul class='passed'>{said}</ul></details>"


def _check(names: str, check: Check) -> str:
    cells = (names, check.sentence, check.measured, check.expected)
    verdict = element("td", check.verdict.value, class_=f"v-{check.verdict.value}")
    return f"<tr>{verdict}{''.join(element('td', cell) for cell in cells)}</tr>"
