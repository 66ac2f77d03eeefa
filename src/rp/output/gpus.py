"""What can be had now: as a table that fits, as lines for a pipe, as a document, and all of it again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TextIO

from rp.domain import places as geography
from rp.domain.catalog import Stock
from rp.domain.clouds import COMMUNITY, SECURE
from rp.domain.units import duration
from rp.output import deploys
from rp.output.deploys import stock_word
from rp.output.table import Column, fitting
from rp.output.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from rich.console import Console
    from rich.table import Table

    from rp.domain.candidate import Candidates
    from rp.domain.catalog import DataCenter
    from rp.domain.offers import CloudOffer, Listing, Offered
    from rp.output.output import Output

CLOUDS = (SECURE, COMMUNITY)
_COLOURS = {"high": "green", "medium": "green", "low": "yellow", "none": "red"}
_GAP = 2

_GPU, _VRAM, _WHERE = Column("GPU", shrink=True), Column("GB", right=True, drop=2), Column("WHERE", shrink=True, drop=1)
_PLACE = (Column("GPU", shrink=True), Column("DATA CENTER"), Column("IN", drop=1))


@dataclass(frozen=True)
class View:
    """`rows` are for `columns`; `lines` are the same for a pipe. The cells `identity` tell one line from the others."""

    columns: tuple[Column, ...]
    rows: Sequence[Sequence[str]]
    lines: Sequence[Sequence[str]]
    identity: tuple[int, ...]
    document: Any
    notes: tuple[str, ...] = ()


def listing(found: Listing, clouds: tuple[str, ...]) -> View:
    """A row per GPU type, cheapest or best first as it was asked for."""
    return View(
        (_GPU, _VRAM, *(Column(cloud) for cloud in clouds), _WHERE),
        [_row(one, clouds) for one in found.rows],
        [_line(one) for one in found.rows],
        (0,),
        [_document(one) for one in found.rows],
        _left_out(found),
    )


def by_place(
    found: Listing, clouds: tuple[str, ...], data_centers: tuple[DataCenter, ...], *, available: bool = False
) -> View:
    """A row per GPU type and data center, `-` for machines without one; with `available` only where there is stock."""
    regions = {place.id: _region(place) for place in data_centers}
    least = Stock.LOW if available else Stock.NONE
    pairs = [(one, place) for one in found.rows for place in _places(one) if one.places.get(place, least) >= least]
    rows = [(one.called, place, regions.get(place, "-"), *_levels(one, place, clouds)) for one, place in pairs]
    lines = [(one.called, place, regions.get(place, "-"), *_levels(one, place, CLOUDS)) for one, place in pairs]
    columns = (*_PLACE, *(Column(cloud) for cloud in clouds))
    return View(columns, rows, lines, (0, 1), [_document(one) for one in found.rows], _left_out(found))


def matrix(template: str, candidates: Candidates) -> View:
    """What a deploy of the template would try, in its order."""
    rows = [deploys.row(number, one) for number, one in enumerate(candidates.ordered, 1)]
    notes = tuple(f"not tried: {dropped.what}: {dropped.reason}" for dropped in candidates.dropped)
    document = {**deploys.plan_document(template, candidates), "template": template}
    del document["alias"]
    return View(deploys.CANDIDATES, rows, rows, (1, 2, 3), document, notes)


def remembered(trouble: str, age: float) -> str:
    """The warning over what was read before the network went."""
    return f"{trouble}: this is what RunPod told {duration(age)} ago; what is in stock is not known"


def _row(one: Offered, clouds: tuple[str, ...]) -> tuple[str, ...]:
    countries = [geography.country(place) or place for place, level in one.places.items() if level > Stock.UNKNOWN]
    return (
        one.called,
        _memory(one),
        *(_price_and_stock(one.clouds.get(cloud)) for cloud in clouds),
        " ".join(dict.fromkeys(countries)) or "-",
    )


def _price_and_stock(offer: CloudOffer | None) -> str:
    return f"{offer.price:5.2f} {stock_word(offer.stock)}" if offer else f"{'-':>5}"


def _line(one: Offered) -> tuple[str, ...]:
    cells = [one.called, _memory(one)]
    for cloud in CLOUDS:
        offer = one.clouds.get(cloud)
        cells += [f"{offer.price:.2f}", stock_word(offer.stock)] if offer else ["-", "-"]
    return (*cells, ",".join(place for place, level in one.places.items() if level > Stock.UNKNOWN) or "-")


def _memory(one: Offered) -> str:
    return str(one.gpu.memory_gb or "-")


def _places(one: Offered) -> Iterator[str]:
    yield from one.places
    # Of these machines nobody says where they are.
    if any(offer.stock > Stock.UNKNOWN and max(offer.places.values(), default=Stock.NONE) <= Stock.UNKNOWN
           for offer in one.clouds.values()):  # fmt: skip
        yield "-"


def _levels(one: Offered, place: str, clouds: tuple[str, ...]) -> Iterator[str]:
    for cloud in clouds:
        offer = one.clouds.get(cloud)
        if offer is None:
            yield "-"
        elif place != "-":
            yield stock_word(offer.places[place]) if place in offer.places else "-"
        else:
            known = max(offer.places.values(), default=Stock.NONE)
            yield "-" if known > Stock.UNKNOWN else stock_word(offer.stock)


def _region(place: DataCenter) -> str:
    continents = {name: code for code, name in geography.CONTINENTS.items()}
    return geography.country(place.id) or continents.get(place.continent, "-")


def _document(one: Offered) -> dict[str, Any]:
    return {
        "id": one.gpu.id,
        "name": one.gpu.name,
        "manufacturer": one.gpu.manufacturer,
        "memory_gb": one.gpu.memory_gb,
        "count": one.count,
        "stock": stock_word(one.stock),
        "clouds": {cloud: _offer_document(offer, one.count) for cloud, offer in one.clouds.items()},
    }


def _offer_document(offer: CloudOffer, count: int) -> dict[str, Any]:
    return {
        "price_per_hour": round(offer.price, 4),
        "price_per_gpu_hour": round(offer.price / count, 4),
        "max_count": offer.max_count,
        "stock": stock_word(offer.stock),
        "data_centers": {place: stock_word(level) for place, level in sorted(offer.places.items())},
    }


def _left_out(found: Listing) -> tuple[str, ...]:
    notes = tuple(f"not shown: {dropped.what}: {dropped.reason}" for dropped in found.left_out)
    return notes if notes or found.rows else ("no GPU type is as you ask; widen the options",)


def show(view: View, output: Output, stdout: TextIO) -> None:
    if output.wants_json:
        output.json(view.document)
    elif not output.on_terminal:
        output.table(view.columns, view.lines)
    elif view.rows:
        console = _console(stdout, output)
        laid, cut = _table(view, console.width)
        console.print(laid)
        if cut:
            output.note("some columns do not fit here; `--json`, a pipe or a wider terminal shows them")
    for note in view.notes:
        output.note(note)


def changes(before: View | None, after: View) -> Iterator[tuple[str, ...]]:
    """The lines that are new or not as they were, and those that are gone."""
    old, new = ({tuple(line[cell] for cell in after.identity): line for line in lines}
                for lines in (before.lines if before else (), after.lines))  # fmt: skip
    first = min(after.identity)
    for key, line in new.items():
        if key not in old or old[key][first:] != line[first:]:
            yield tuple(line)
    for key in old:
        if key not in new:
            yield (*key, "gone")


class Log:
    """A watch for pipes: a line per change, with the time; in JSON mode a document per change."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._last: View | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, view: View, now: datetime) -> None:
        lines = [(f"{now.astimezone():%H:%M:%S}", *line) for line in changes(self._last, view)]
        if not self._output.wants_json:
            self._output.table((), lines)
        elif self._last is None or self._last.document != view.document:
            self._output.json(view.document)
        for note in view.notes if self._last is None else ():
            self._output.note(note)
        self._last = view

    def trouble(self, text: str) -> None:
        self._output.warn(text)


class Board:
    """A watch for terminals: the table stays in its place and is renewed."""

    def __init__(self, output: Output, stdout: TextIO) -> None:
        from rich.live import Live

        self._console = _console(stdout, output, is_live=True)
        self._live = Live(console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
        self._view: View | None = None

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, view: View, now: datetime) -> None:
        self._view = view
        self._renew(f"at {now.astimezone():%H:%M:%S}; Ctrl-C ends it")

    def trouble(self, text: str) -> None:
        self._renew(f"warning: {text}")

    def _renew(self, last: str) -> None:
        from rich.console import Group
        from rich.text import Text

        notes = [Text(printable(text)) for text in (*(self._view.notes if self._view else ()), last)]
        tables = [_table(self._view, self._console.width)[0]] if self._view and self._view.rows else []
        self._live.update(Group(*tables, *notes), refresh=True)


def _console(stdout: TextIO, output: Output, *, is_live: bool = False) -> Console:
    from rich.console import Console

    return Console(
        file=stdout,
        no_color=not output.colour(stdout),
        markup=False,
        highlight=False,
        force_terminal=True if is_live else None,
    )


def _table(view: View, width: int) -> tuple[Table, bool]:
    """The rows as wide as `width` allows, and whether columns were left out."""
    from rich.table import Table
    from rich.text import Text

    widths = fitting(view.columns, view.rows, width)
    laid = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for index, wide in widths.items():
        column = view.columns[index]
        laid.add_column(
            column.title, justify="right" if column.right else "left", no_wrap=True, overflow="ellipsis", width=wide
        )
    for row in view.rows:
        cells = [Text(printable(row[index])) for index in widths]
        for cell in cells:
            word = cell.plain.rpartition(" ")[2]
            if word in _COLOURS:
                cell.stylize(_COLOURS[word], len(cell.plain) - len(word))
        laid.add_row(*cells)
    return laid, len(widths) < len(view.columns)
