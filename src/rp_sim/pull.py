"""The pull of a large image as docker reports it: layer by layer, first down the wire, then onto the disk."""

from __future__ import annotations

import hashlib

LAYERS = (0.03, 0.12, 0.55, 0.05, 0.25)  # shares of the whole
DOWNLOADING = 0.7  # of the time; the rest is unpacking
BAR = 50
STEPS = 40  # lines per pull, at the most
STEP_S = 5.0
STALLS_AT = 0.4


def step_s(seconds: float) -> float:
    """Seconds between two lines of a pull that takes so long."""
    return max(STEP_S, seconds / STEPS)


def line(image: str, size_gb: float, done: float) -> str:
    """What the pull says when the part `done` (0 to 1) of its time has passed: layer in hand and the one before."""
    loading = done < DOWNLOADING
    inside = done / DOWNLOADING if loading else (done - DOWNLOADING) / (1 - DOWNLOADING)
    before = 0.0
    for index, share in enumerate(LAYERS):
        if inside <= before + share or index == len(LAYERS) - 1:
            break
        before += share
    part = min(1.0, max(0.0, (inside - before) / share))
    total = share * (size_gb or 10.0)
    arrow = "=" * max(0, int(part * BAR) - 1) + ">"
    verb = "Downloading" if loading else "Extracting"
    complete = f"{_digest(image, index - 1)}: {'Download' if loading else 'Pull'} complete\n" if index else ""
    return (
        f"{complete}{_digest(image, index)}: {verb} [{arrow:<{BAR}}]  {_size(part * total)}/{_size(total)}  {part:.0%}"
    )


def _digest(image: str, index: int) -> str:
    return hashlib.sha256(f"{image}/{index}".encode()).hexdigest()[:12]


def _size(gb: float) -> str:
    return f"{gb:.3g}GB" if gb >= 1 else f"{gb * 1000:.4g}MB"
