"""Text for HTML: what pods and APIs say may hold anything."""

from html import escape

from rp.output.text import printable


def escaped(text: object) -> str:
    """Safe between tags and in a quoted attribute."""
    return escape(printable(str(text)), quote=True)


def element(tag: str, text: object, **attributes: str) -> str:
    """`<tag …>text</tag>`, all of it escaped; `class_` is the attribute `class`."""
    named = "".join(f' {name.rstrip("_")}="{escaped(value)}"' for name, value in attributes.items() if value)
    return f"<{tag}{named}>{escaped(text)}</{tag}>"
