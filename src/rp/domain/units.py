"""Money and time as people read them."""


def usd(amount: float) -> str:
    """`$0.44`; below ten cents with the digits that matter: `$0.0137`."""
    if amount == 0:
        return "$0.00"
    return f"${amount:.2f}" if amount >= 0.1 else f"${amount:.4f}"


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
