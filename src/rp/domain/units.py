"""Money and time as people read and write them."""

import re


def usd(amount: float) -> str:
    """`$0.44`; below ten cents with the digits that matter: `$0.0137`."""
    if amount == 0:
        return "$0.00"
    return f"${amount:.2f}" if amount >= 0.1 else f"${amount:.4f}"


_SECONDS = {
    word: seconds
    for words, seconds in (
        ("s sec secs second seconds", 1),
        ("m min mins minute minutes", 60),
        ("h hr hrs hour hours", 3600),
        ("d day days", 86_400),
    )
    for word in words.split()
}
_PART = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)\s*([a-z]{1,7})\s*")
# Beyond that it is a slip of the finger.
_MOST_DAYS = 365


def parse_duration(text: str) -> float:
    """`90s`, `30m`, `1h30m`, `2 days` → seconds; raises ValueError for anything else, such as a number alone, and for
    more than a year."""
    said, seconds, start = text.strip().lower(), 0.0, 0
    while start < len(said) or start == 0:
        part = _PART.match(said, start)
        if not part or part[2] not in _SECONDS:
            raise ValueError(f"`{text[:40]}` is no duration such as 90s, 30m or 1h30m")
        seconds += float(part[1]) * _SECONDS[part[2]]
        start = part.end()
    if seconds > _MOST_DAYS * _SECONDS["d"]:
        raise ValueError(f"`{text[:40]}` is longer than {_MOST_DAYS} days")
    return seconds


def duration(seconds: float) -> str:
    """`42s`, `3m05s`, `2h10m`, `3d04h`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02}h"
