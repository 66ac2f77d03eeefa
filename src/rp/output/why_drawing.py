"""The timeline of a deployment as one SVG: a lane for each attempt, a block for each thing that its pod was doing."""

from __future__ import annotations

from collections.abc import Iterator

from rp.domain.story import KINDS, Part, Segment, Story
from rp.domain.units import duration
from rp.output import why_words as words
from rp.output.html import escaped

# In the drawing's own units; the page scales it to its width.
_WIDTH = 1000.0
_LEFT, _RIGHT = 8.0, 12.0
_LANE, _BLOCK = 56.0, 24.0
_AXIS = 28.0
# What one letter takes in a block, and the least that is drawn of a block.
_LETTER, _THINNEST = 7.2, 2.0
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_MOST_TICKS = 8


def drawing(story: Story) -> str:
    """Empty where no attempt was made."""
    parts = [part for part in story.parts if part.segments]
    if not parts:
        return ""
    begin = min(story.history.started_at, *(part.segments[0].begin for part in parts))
    end = max(part.segments[-1].end for part in parts)
    span = max(end - begin, 0.1)
    height = _AXIS + _LANE * len(parts) + 4
    told = f"Timeline: {words.headline(story)}; {words.tally(story)}"
    inner = [*_axis(span, height), *_lanes(parts, begin, span)]
    return (
        f'<svg viewBox="0 0 {_WIDTH:g} {height:g}" role="img" aria-label="{escaped(told)}"'
        f' xmlns="http://www.w3.org/2000/svg">{"".join(inner)}</svg>'
    )


def legend(story: Story) -> str:
    """The kinds that the drawing has, with their colours."""
    drawn = {segment.kind for part in story.parts for segment in part.segments}
    items = [f'<li><i class="k-{kind}"></i>{escaped(name)}</li>' for kind, name in KINDS.items() if kind in drawn]
    return f'<ul class="legend">{"".join(items)}</ul>' if items else ""


def _axis(span: float, height: float) -> Iterator[str]:
    step = next((one for one in _STEPS if span / one <= _MOST_TICKS), int(span / _MOST_TICKS) + 1)
    for number in range(int(span / step) + 1):
        x = _x(number * step, span)
        anchor = "start" if number == 0 else "middle"
        text = duration(number * step) if number else "0"
        yield f'<line class="tick" x1="{x:.1f}" y1="18" x2="{x:.1f}" y2="{height - 4:g}"/>'
        # The last one would stand out of the picture.
        if x < _WIDTH - 30:
            yield f'<text class="time" x="{x:.1f}" y="13" text-anchor="{anchor}">{text}</text>'


def _lanes(parts: list[Part], begin: float, span: float) -> Iterator[str]:
    for row, part in enumerate(parts):
        top = _AXIS + row * _LANE
        name = f"{part.number}  {words.title(part)}"
        yield f'<text class="lane" x="{_LEFT:g}" y="{top + 13:g}">{escaped(name)}</text>'
        for segment in part.segments:
            yield _block(segment, top + 20, begin, span)
        last = part.segments[-1]
        mark = "bad" if part.is_bad else "open" if part.is_open else words.outcome(part).split()[0]
        x = _x(last.end - begin, span)
        yield f'<line class="end end-{mark}" x1="{x:.1f}" y1="{top + 16:g}" x2="{x:.1f}" y2="{top + 48:g}"/>'


def _block(segment: Segment, top: float, begin: float, span: float) -> str:
    x = _x(segment.begin - begin, span)
    width = max(_THINNEST, _x(segment.end - begin, span) - x)
    took = words.took(segment.end - segment.begin)
    tip = f"<title>{escaped(f'{segment.words}: {took}')}</title>"
    drawn = f'<rect class="k-{segment.kind}" x="{x:.1f}" y="{top:g}" width="{width:.1f}" height="{_BLOCK:g}" rx="2"/>'
    label = next(
        (
            text
            for text in (f"{KINDS[segment.kind]} {took}", KINDS[segment.kind], took)
            if len(text) * _LETTER + 6 < width
        ),
        "",
    )
    if label:
        drawn += (
            f'<text class="in" x="{x + width / 2:.1f}" y="{top + 16:g}" text-anchor="middle">{escaped(label)}</text>'
        )
    return f"<g>{tip}{drawn}</g>"


def _x(seconds: float, span: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * seconds / span
