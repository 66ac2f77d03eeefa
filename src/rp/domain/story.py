"""A history, arranged as it is told: attempt by attempt, each with what its pod was doing and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rp.domain.attempt import OPEN, Attempt, State
from rp.domain.history import LOG, NOTE, PHASE
from rp.domain.host import Marks
from rp.domain.verdict import Owner, Verdict

if TYPE_CHECKING:
    from rp.domain.history import History, Look, Step

# What a pod is doing, in the order in which it comes.
CREATING = "create"
BOOTING = "boot"
PULLING = "pull"
CONNECTING = "ssh"
CHECKING = "check"
SETUP = "setup"
ENDING = "end"
KINDS: Mapping[str, str] = {
    CREATING: "creating",
    BOOTING: "starting",
    PULLING: "image",
    CONNECTING: "SSH",
    CHECKING: "checks",
    SETUP: "setup",
    ENDING: "ending",
}
# The words of a phase → its kind; the first that fits. What fits none is a pod that starts.
_SIGNS = (
    ("checking", CHECKING),
    ("no clear answer", CREATING),
    ("pulling", PULLING),
    ("unpacking", PULLING),
    ("ssh", CONNECTING),
    ("running ", SETUP),
    ("terminating", ENDING),
)
# Phases that end the last one, and take no time themselves.
_ENDS = ("terminated", "ready")
_BAD = "bad: "
# Why rp ended pods that were not bad.
_NO_FAULT = ("interrupted", "showed up late", "on a machine that failed before")


@dataclass(frozen=True)
class Segment:
    """What a pod was doing, of the kinds above. Times are seconds since the epoch."""

    kind: str
    words: str
    begin: float
    end: float


@dataclass(frozen=True)
class Log:
    """The end of a pod's log; `source` is `system` or `container`."""

    at: float
    source: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """One attempt; or, without an attempt, a pod that was not deployed here and was looked at."""

    number: int
    attempt: Attempt | None
    pod_id: str | None
    marks: Marks
    steps: tuple[Step, ...] = ()
    logs: tuple[Log, ...] = ()
    looks: tuple[Look, ...] = ()
    segments: tuple[Segment, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether a pod may be there, and billed, that is nobody's yet."""
        return self.attempt is not None and self.attempt.state in OPEN

    @property
    def is_bad(self) -> bool:
        """Whether there is something to complain of: a pod that came and was not right."""
        if self.pod_id is None:
            return False
        failed = [check for look in self.looks for check in look.report.of(Verdict.FAIL)]
        if any(check.owner is Owner.MACHINE for check in failed):
            return True
        if self.attempt is None or self.attempt.state not in (State.TERMINATED, State.TERMINATING):
            return False
        # Where the checks blame the image alone, the machine is not to blame.
        return not failed and self.attempt.reason not in _NO_FAULT


@dataclass(frozen=True)
class Story:
    """`steps` are those of no attempt."""

    history: History
    parts: tuple[Part, ...]
    steps: tuple[Step, ...] = ()

    @property
    def wasted(self) -> float:
        """What the pods cost that were not kept, in USD."""
        return sum(one.attempt.cost for one in self.parts if one.attempt and one.attempt.state is not State.KEPT)

    @property
    def bad(self) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.is_bad)


def story(history: History, marks: Mapping[str, Marks]) -> Story:
    """`marks` are those of the machines, by pod id."""
    names = {attempt.name for attempt in history.attempts}
    parts = [_part(number, attempt, history, marks) for number, attempt in enumerate(history.attempts, 1)]
    deployed = {attempt.pod_id for attempt in history.attempts}
    others = dict.fromkeys(look.pod_id for look in history.looks if look.pod_id not in deployed)
    for pod_id in others:
        looks = tuple(look for look in history.looks if look.pod_id == pod_id)
        parts.append(Part(len(parts) + 1, None, pod_id, marks.get(pod_id, Marks()), looks=looks))
    return Story(history, tuple(parts), tuple(step for step in history.steps if step.attempt not in names))


def _part(number: int, attempt: Attempt, history: History, marks: Mapping[str, Marks]) -> Part:
    steps = tuple(step for step in history.steps if step.attempt == attempt.name)
    pod_id = attempt.pod_id
    return Part(
        number,
        attempt,
        pod_id,
        marks.get(pod_id or "", Marks()),
        tuple(step for step in steps if step.kind != LOG),
        tuple(_log(step) for step in steps if step.kind == LOG),
        tuple(look for look in history.looks if look.pod_id == pod_id and pod_id is not None),
        _segments(attempt, steps, history),
    )


def _log(step: Step) -> Log:
    source, *lines = step.text.split("\n")
    return Log(step.at, source, tuple(lines))


def _segments(attempt: Attempt, steps: tuple[Step, ...], history: History) -> tuple[Segment, ...]:
    """Gapless from the create to the end; neighbours of one kind are one."""
    begins = [(attempt.started_at, CREATING, "creating the pod"), *_begins(steps)]
    if attempt.pod_id and len(begins) == 1:
        # A journal of an older rp has no steps.
        begins.append((attempt.noted_at, BOOTING, "starting, and being checked"))
    last = max([begin for begin, _, _ in begins] + [step.at for step in steps])
    end = attempt.ended_at or max(last, history.ended_at or last)
    found: list[Segment] = []
    ends = [*(begin for begin, _, _ in begins[1:]), end]
    for (begin, kind, words), following in zip(begins, ends, strict=True):
        if found and found[-1].kind == kind:
            found[-1] = Segment(kind, found[-1].words, found[-1].begin, max(found[-1].end, following))
        elif kind:
            found.append(Segment(kind, words, begin, max(begin, following)))
    whole = [segment for segment in found if segment.end > segment.begin]
    return tuple(whole or found[:1])


def _begins(steps: tuple[Step, ...]) -> list[tuple[float, str, str]]:
    """(time, kind, words) of each phase; the kind is empty where nothing begins."""
    found = []
    for step in steps:
        if step.kind == PHASE:
            found.append((step.at, kind_of(step.text), step.text))
        elif step.kind == NOTE and step.text.startswith(_BAD):
            found.append((step.at, ENDING, "terminating"))
    return found


def kind_of(phase: str) -> str:
    """Of the kinds above; empty for a phase that only ends another."""
    words = phase.lower()
    if words.startswith(_ENDS):
        return ""
    return next((kind for sign, kind in _SIGNS if sign in words), BOOTING)
