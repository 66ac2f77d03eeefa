import io
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.output import table
from rp.output.table import Column
from rp.output.text import printable

# https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@given(st.text())
def test_no_control_character_is_left(text: str) -> None:
    shown = printable(text)

    assert [one for one in shown if unicodedata.category(one) == "Cc" and one not in "\t\n"] == []
    assert len(shown) == len(text)


@pytest.mark.parametrize("mark", BIDI, ids=lambda mark: f"U+{ord(mark):04X}")
def test_no_mark_that_reorders_text_is_left(mark: str) -> None:
    assert mark not in printable(f"a{mark}b")


@pytest.mark.parametrize(
    "steering",
    ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "a\rb", "a\x08b", "\x00", "\x7f", "\u2028", "\u200b", "\ufeff"],
)
def test_what_steers_a_terminal_is_replaced(steering: str) -> None:
    assert "\N{REPLACEMENT CHARACTER}" in printable(steering)


@pytest.mark.parametrize("text", ["plain", "tab\tand\nline", "ünïcödé", "日本語", "🚀", "…", ""])
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


@given(st.lists(st.lists(st.text(), min_size=3, max_size=3), max_size=4))
def test_a_pipe_gets_one_line_a_row_and_tabs_between_cells(rows: list[list[str]]) -> None:
    stream = io.StringIO()
    table.plain(rows, stream)

    lines = stream.getvalue().split("\n")
    assert lines.pop() == ""
    assert [line.count("\t") for line in lines] == [2] * len(rows)


COLUMNS = (
    Column("ALIAS"),
    Column("GPU", drop=1, shrink=True),
    Column("PRICE", right=True, drop=3),
    Column("PLACE", drop=2),
)


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (200, [0, 1, 2, 3]),
        (28, [0, 1, 2, 3]),
        (27, [0, 1, 3]),
        (21, [0, 1, 3]),
        (20, [0, 1]),
        (14, [0, 1]),
        (13, [0]),
        (1, [0]),
    ],
)
def test_columns_go_in_their_order_where_the_terminal_is_narrow(width: int, shown: list[int]) -> None:
    # ALIAS 5, GPU 7, PRICE 5, PLACE 5, and gaps of 2.
    assert list(table.fitting(COLUMNS, [["a", "RTX4090", "1", "b"]], width)) == shown


@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=6),
    st.integers(1, 120),
    st.data(),
)
def test_what_is_shown_fits_or_must_not_go(kinds: list[tuple[int, bool]], width: int, data: st.DataObject) -> None:
    columns = [Column("T", drop=drop, shrink=shrink) for drop, shrink in kinds]
    cells = st.text("x", max_size=40)
    rows = data.draw(st.lists(st.lists(cells, min_size=len(columns), max_size=len(columns)), max_size=3))

    shown = table.fitting(columns, rows, width)

    assert list(shown) == sorted(shown)
    assert {index for index, column in enumerate(columns) if not column.drop} <= set(shown)
    longest = {index: max([1, *(len(row[index]) for row in rows)]) for index in range(len(columns))}
    assert all(shown[index] <= longest[index] for index in shown)
    assert all(shown[index] == longest[index] for index in shown if not columns[index].shrink)
    assert all(shown[index] >= min(longest[index], 16) for index in shown)
    taken = sum(shown.values()) + 2 * (len(shown) - 1)
    assert taken <= width or not any(columns[index].drop for index in shown)
    # Nothing is cut while there is room for more of it.
    assert taken >= width or all(shown[index] == longest[index] for index in shown)


def test_a_terminal_gets_aligned_columns_and_nothing_that_steers_it() -> None:
    stream = io.StringIO()
    cut = table.pretty(
        COLUMNS, [["a", "\x1b[31mH100", "$1", "EU"], ["[red]", "L4", "$10", "US"]], stream, 80, colour=False
    )

    assert not cut
    assert "\x1b" not in stream.getvalue()
    assert [re.split(r"\s{2,}", line.strip())[0] for line in stream.getvalue().splitlines()] == ["ALIAS", "a", "[red]"]


def test_a_narrow_terminal_is_told_that_something_is_missing() -> None:
    stream = io.StringIO()

    assert table.pretty(COLUMNS, [["a" * 10, "H100", "$1", "EU"]], stream, 20, colour=False)
    assert max(len(line.rstrip()) for line in stream.getvalue().splitlines()) <= 20
