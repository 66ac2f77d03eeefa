"""One way to break a healthy pod for each thing that a check can say; the tests hold all checks against it."""

from __future__ import annotations

from health.broken_gpus import FAULTS, PRESENCE, STATE
from health.broken_load import CUDA, TORCH
from health.broken_machines import MACHINES, NETWORK

BROKEN = [*PRESENCE, *FAULTS, *STATE, *CUDA, *TORCH, *MACHINES, *NETWORK]
