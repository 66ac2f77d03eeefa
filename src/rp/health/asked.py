"""What a pod is held against: what was asked for and paid, and how strictly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Asked:
    """None, 0 and empty mean: nothing was asked, so nothing is held against it.

    `memory_gb` is the nominal VRAM of one GPU as RunPod's catalog has it. `env` are names only. `ports` are those
    that something in the pod should listen on, 22 left out. `overrides` is the template's `health.checks`.
    `fresh`: the pod was just made, so nobody's work can be on it.
    """

    gpu_id: str | None = None
    gpu_count: int = 0
    memory_gb: int = 0
    image: str = ""
    disk_gb: int = 0
    volume_path: str | None = None
    volume_gb: int = 0
    env: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    min_cuda: str | None = None
    speed_test_url: str = ""
    min_mbps: float = 0.0
    overrides: Mapping[str, Any] = field(default_factory=dict)
    fresh: bool = True
