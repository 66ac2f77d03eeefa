"""Text that is safe to print: names, API answers and pod output may try to steer the terminal."""

import re

# C0 without tab and newline, DEL, C1, and the marks that reorder or hide text.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def printable(text: str) -> str:
    """`text` with every character that could steer a terminal replaced."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)
