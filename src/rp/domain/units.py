"""Money and time as people read and write them."""

import re


def usd(amount: float) -> str:
    """`$0.44`; below ten cents with the digits that matter: `$0.0137`."""
    if amount == 0:
        return "$0.00"
    return f"${amount:.2f}" if amount >= 0.1 else f"${amount:.4f}"


_PARTS = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)[a-z]*")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_duration(text: str) -> float:
    """`90s`, `30m`, `1h30m`, `2 days` → seconds; raises ValueError for anything else, such as a number alone."""
    said = text.strip().lower()
    parts = _PARTS.findall(said)
    if not parts or _PARTS.sub("", said).strip():
        raise ValueError(f"`{text}` is no duration such as 90s, 30m or 1h30m")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


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
