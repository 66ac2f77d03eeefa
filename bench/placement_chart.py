"""Medians with whiskers on a logarithmic scale, as an SVG that is readable on light and on dark pages."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

# Okabe and Ito's colours, told apart by most people who do not see red or green, on white and on black.
COLOURS = ("#d55e00", "#e69f00", "#0072b2", "#56b4e9", "#009e73", "#cc79a7")
SHAPES = ("square", "diamond", "circle", "circle", "circle", "circle")
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.small { font-size: 11px; fill: #59636e; }
.grid { stroke: #d1d9e0; stroke-width: 1; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; } .small { fill: #9198a1; } .grid { stroke: #3d444d; }
}
"""
WIDTH, LEFT, RIGHT, PANEL, GAP, TOP = 860, 60, 20, 230, 60, 70

Spread = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """One way, and its (median, 95th percentile) for each group."""

    name: str
    spreads: Sequence[Spread]


class Scale:
    """From values to heights within a panel, by powers of ten."""

    def __init__(self, series: Sequence[Series], top: float) -> None:
        values = [value for one in series for spread in one.spreads for value in spread if value > 0]
        self._low = math.floor(math.log10(min(values, default=1)))
        self._high = max(math.ceil(math.log10(max(values, default=10))), self._low + 1)
        self._top = top

    def __call__(self, value: float) -> float:
        share = (math.log10(max(value, 10**self._low)) - self._low) / (self._high - self._low)
        return self._top + PANEL * (1 - share)

    @property
    def powers(self) -> list[float]:
        return [10.0**power for power in range(self._low, self._high + 1)]


def chart(panels: Mapping[str, Sequence[Series]], groups: Sequence[str]) -> str:
    """A panel below the other for each title; `groups` from left to right."""
    height = TOP + len(panels) * (PANEL + GAP)
    parts = [*_legend([one.name for one in next(iter(panels.values()))])]
    for number, (title, series) in enumerate(panels.items()):
        parts += _panel(title, series, groups, TOP + 20 + number * (PANEL + GAP))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">\n'
        f"<title>{escape('; '.join(panels))}</title>\n<style>{STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _legend(names: Sequence[str]) -> Iterator[str]:
    for number, name in enumerate(names):
        x, y = LEFT + number % 3 * 260, 20 + number // 3 * 24
        yield _marker(number, x, y - 4)
        yield f'<text x="{x + 12}" y="{y}">{escape(name)}</text>'


def _panel(title: str, series: Sequence[Series], groups: Sequence[str], top: float) -> Iterator[str]:
    scale = Scale(series, top)
    yield f'<text x="{LEFT}" y="{top - 10}">{escape(title)}</text>'
    for power in scale.powers:
        y = scale(power)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="small" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{power:,.0f}</text>'
    step = (WIDTH - LEFT - RIGHT) / len(groups)
    for place, group in enumerate(groups):
        middle = LEFT + step * (place + 0.5)
        yield f'<text class="small" x="{middle:.1f}" y="{top + PANEL + 16}" text-anchor="middle">{escape(group)}</text>'
        for number, one in enumerate(series):
            x = middle + (number - (len(series) - 1) / 2) * step * 0.7 / len(series)
            yield from _whisker(number, x, one.spreads[place], scale)


def _whisker(number: int, x: float, spread: Spread, scale: Scale) -> Iterator[str]:
    """Nothing where nothing is known."""
    if any(math.isnan(value) for value in spread):
        return
    low, high = scale(spread[0]), scale(spread[1])
    colour = COLOURS[number % len(COLOURS)]
    way = f"M{x:.1f} {low:.1f}V{high:.1f}M{x - 4:.1f} {high:.1f}h8"
    yield f'<path d="{way}" stroke="{colour}" stroke-width="2" fill="none"/>'
    yield _marker(number, x, low)
    above = min(high - 5, low - 9)
    yield f'<text class="small" x="{x:.1f}" y="{above:.1f}" text-anchor="middle">{_short(spread[1])}</text>'


def _short(value: float) -> str:
    return f"{value:.0f}" if value < 1000 else f"{value / 1000:.1f}k"


def _marker(number: int, x: float, y: float) -> str:
    colour, shape = COLOURS[number % len(COLOURS)], SHAPES[number % len(SHAPES)]
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>'
    turn = f' transform="rotate(45 {x:.1f} {y:.1f})"' if shape == "diamond" else ""
    return f'<rect x="{x - 4.5:.1f}" y="{y - 4.5:.1f}" width="9" height="9" fill="{colour}"{turn}/>'
