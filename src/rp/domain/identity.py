"""The user's SSH key for pods."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Identity:
    """`path` is None where only the agent has the private key."""

    public_key: str
    path: Path | None
