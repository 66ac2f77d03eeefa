"""Text that is safe to print: names, API answers and pod output may try to steer the terminal."""

import re

# C0 without tab and newline, DEL, C1, and the marks that reorder or hide text.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def printable(text: str) -> str:
    """`text` with every character that could steer a terminal replaced."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)


def one_line(text: str) -> str:
    """Whatever is in it, it stays on its line and reads as what it is."""
    return printable(text).replace("\n", "\N{SYMBOL FOR NEWLINE}").replace("\t", " ")


def folded(line: str, width: int, indent: int) -> list[str]:
    """`line` in pieces of at most `width` columns, with every blank of it.

    All but the first begin with `indent` blanks and a mark: where the line breaks is up to whoever wrote it, and
    must not let a part of it look like a line of its own.
    """
    mark = " " * min(indent, width // 2) + ">> "
    pieces, piece, used = [], "", 0
    for letter in line:
        # Some letters are two columns wide on some terminals: none is wider.
        columns = 1 if letter.isascii() else 2
        if piece and used + columns > width:
            pieces.append(piece)
            piece, used = mark, len(mark)
        piece, used = piece + letter, used + columns
    return [*pieces, piece]
