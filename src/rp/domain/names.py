"""Names that were mistyped."""

from collections.abc import Iterable


def nearest(said: str, names: Iterable[str], *, most: int = 3, cutoff: float = 0.5) -> list[str]:
    """The names most like what was said, the best first."""
    import difflib

    return difflib.get_close_matches(said, list(names), n=most, cutoff=cutoff)


def did_you_mean(names: Iterable[str]) -> str:
    return "did you mean " + ", ".join(f"`{name}`" for name in names) + "?"
