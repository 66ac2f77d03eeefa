"""Tables: aligned and cut to the width for a person, tab-separated and whole for a pipe."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, TextIO

from rp.output.text import printable

_GAP = 2
# What a column that may be cut short is not cut below.
_SHRUNK = 16


class Column(NamedTuple):
    """`drop`: the higher, the earlier it goes where the terminal is narrow; 0 never. `shrink`: may be cut short."""

    title: str
    right: bool = False
    drop: int = 0
    shrink: bool = False


Rows = Sequence[Sequence[str]]


def plain(rows: Rows, stream: TextIO) -> None:
    """One line a row, tabs between the cells, nothing cut: for `cut`, `awk` and `sort`."""
    for row in rows:
        stream.write("\t".join(printable(cell).replace("\t", " ").replace("\n", " ") for cell in row) + "\n")


def fitting(columns: Sequence[Column], rows: Rows, width: int) -> dict[int, int]:
    """Column index → its width, for the columns that fit into `width` characters."""
    full = {index: max([len(column.title), *(len(row[index]) for row in rows)]) for index, column in enumerate(columns)}
    least = {index: min(full[index], _SHRUNK) if columns[index].shrink else full[index] for index in full}
    shown = list(full)
    while (taken := sum(least[index] + _GAP for index in shown) - _GAP) > width:
        droppable = [index for index in shown if columns[index].drop]
        if not droppable:
            break
        shown.remove(max(droppable, key=lambda index: columns[index].drop))
    spare = max(0, width - taken)
    widths = {}
    for index in shown:
        widths[index] = least[index] + min(spare, full[index] - least[index])
        spare -= widths[index] - least[index]
    return widths


def pretty(columns: Sequence[Column], rows: Rows, stream: TextIO, width: int, *, colour: bool) -> bool:
    """Return whether columns were left out."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    widths = fitting(columns, rows, width)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for index, wide in widths.items():
        column = columns[index]
        justify: Literal["left", "right"] = "right" if column.right else "left"
        table.add_column(column.title, justify=justify, no_wrap=True, overflow="ellipsis", width=wide)
    for row in rows:
        table.add_row(*(Text(printable(row[index]).replace("\n", " ")) for index in widths))
    console = Console(file=stream, width=width, no_color=not colour, markup=False, highlight=False)
    console.print(table)
    return len(widths) < len(columns)
