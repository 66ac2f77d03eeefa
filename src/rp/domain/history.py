"""What the journal tells of one deployment: every attempt, every step, every look at its pods."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rp.domain.attempt import Attempt
    from rp.domain.verdict import Report

# What a step is about.
PHASE = "phase"
API = "api"
NOTE = "note"
LOG = "log"


@dataclass(frozen=True)
class Step:
    """Something that happened. `attempt` is the name of the pod it is about, empty for the deployment's own.

    `kind` is one of the words above; a LOG step's `text` has the lines of a pod's log, its source first.
    """

    at: float
    attempt: str
    kind: str
    text: str


@dataclass(frozen=True)
class Look:
    """One health check of one pod."""

    at: float
    pod_id: str
    report: Report


@dataclass(frozen=True)
class History:
    """Times are seconds since the epoch; `ended_at` is None and `outcome` `running` until the deploy ends."""

    deployment_id: str
    template: str
    alias: str
    outcome: str
    started_at: float
    ended_at: float | None
    attempts: tuple[Attempt, ...] = ()
    steps: tuple[Step, ...] = ()
    looks: tuple[Look, ...] = field(default=(), repr=False)
