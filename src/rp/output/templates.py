"""Templates, for people."""

from collections.abc import Mapping
from typing import Any

from rp.output.table import Column

TEMPLATES = (
    Column("NAME"),
    Column("GPUS", shrink=True),
    Column("CLOUD", drop=2),
    Column("REGION", drop=1),
    Column("IMAGE", shrink=True, drop=3),
)


def row(name: str, raw: Any) -> tuple[str, ...]:
    """From what the file has, valid or not: `rp template show` and each deploy tell what is wrong with it."""
    template: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
    container = template.get("container")
    image = container.get("imageName") if isinstance(container, Mapping) else None
    count = template.get("gpuCount", 1)
    return (
        name,
        (f"{count}x " if count != 1 else "") + _listed(template.get("gpuPreference"), "?"),
        _listed(template.get("cloudPreference"), "secure").lower(),
        _listed(template.get("regionPreference"), "anywhere"),
        str(image or "?"),
    )


def _listed(value: Any, otherwise: str) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, list) and value else otherwise
