"""The words of `rp why`, which its text, its page and its archive share."""

from __future__ import annotations

from datetime import UTC, datetime

from rp.domain.attempt import State
from rp.domain.history import API, NOTE, PHASE, History, Step
from rp.domain.host import Marks
from rp.domain.story import PULLING, Part, Story, kind_of
from rp.domain.units import duration, usd
from rp.domain.verdict import Check, Report, Verdict

# Seconds from which tenths are noise.
_LONG = 1000.0
# The worst first.
ORDER = (Verdict.FAIL, Verdict.WARN, Verdict.UNKNOWN, Verdict.PASS)
_OUTCOMES = {
    "ready": "ready after",
    "failed": "failed after",
    "interrupted": "interrupted after",
    "running": "without an end so far: going on, or cut off",
}
_STATES = {
    State.KEPT: "kept",
    State.TERMINATED: "terminated",
    State.REFUSED: "refused",
    State.ABSENT: "no pod came",
}
_MAYBE = "may exist, and be billed: `rp cleanup` looks for it"


def day(at: float) -> str:
    """In UTC: RunPod's support sees the same."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def iso(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def since(at: float, history: History) -> str:
    """`+12.3 s` from the deployment's start."""
    seconds = max(0.0, at - history.started_at)
    return f"+{seconds:.1f} s" if seconds < _LONG else f"+{duration(seconds)}"


def took(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else duration(seconds)


def headline(story: Story) -> str:
    """`my-pod: ready after 41s`."""
    history = story.history
    if not history.deployment_id:
        return f"{history.alias or story.parts[0].pod_id}: not deployed by this rp; what its health checks found"
    outcome = _OUTCOMES.get(history.outcome, history.outcome)
    seconds = f" {duration(history.ended_at - history.started_at)}" if history.ended_at is not None else ""
    return f"{history.alias}: {outcome}{seconds}"


def tally(story: Story) -> str:
    """`3 attempts: 1 refused, 1 terminated, 1 kept; $0.0046 for pods that were not kept`."""
    attempts = [part.attempt for part in story.parts if part.attempt]
    words = [outcome(part) for part in story.parts if part.attempt]
    counts = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
    said = f"{len(attempts)} attempt{'s' if len(attempts) != 1 else ''}" + (f": {counts}" if counts else "")
    return said + (f"; {usd(story.wasted)} for pods that were not kept" if story.wasted else "")


def outcome(part: Part) -> str:
    return _STATES.get(part.attempt.state, "open") if part.attempt else "looked at"


def title(part: Part) -> str:
    """`A100 PCIe, anywhere, secure: terminated`."""
    return f"{part.attempt.what}: {outcome(part)}" if part.attempt else f"pod {part.pod_id}"


def facts_line(part: Part) -> str:
    """`pod abc (rp-sd-mxeshdgr-3), $1.39/h, 12.1 s, $0.0046`."""
    attempt = part.attempt
    if attempt is None:
        return ""
    pod = f"pod {part.pod_id} ({attempt.name})" if part.pod_id else ""
    if part.is_open:
        return ", ".join(filter(None, [pod or f"a pod called {attempt.name}", _MAYBE]))
    cost = f"{usd(attempt.cost)} until it was ready" if attempt.state is State.KEPT else usd(attempt.cost)
    price = f"{usd(attempt.price_per_hour)}/h"
    return ", ".join(filter(None, [pod, price, took(attempt.seconds), cost if part.pod_id else ""]))


def machine(marks: Marks) -> str:
    """What tells the machine from others; empty where nothing is known."""
    known = [
        f"public address {marks.address}" if marks.address else "",
        f"proxy {marks.proxy}" if marks.proxy else "",
        ", ".join(sorted(marks.gpus)),
    ]
    return "; ".join(filter(None, known))


def said(step: Step) -> str:
    """The step's text; who it is from, where that is RunPod."""
    return f"RunPod: {step.text}" if step.kind == API and "RunPod" not in step.text else step.text


def timeline(part: Part) -> list[Step]:
    """The steps that are worth a line: not those that repeat the reason, nor each percent of a pull."""
    reason = part.attempt.reason if part.attempt else ""
    shown: list[Step] = []
    for step in part.steps:
        if step.kind == NOTE and step.text == f"refused: {reason}":
            continue
        if step.kind == NOTE and step.text == f"bad: {reason}":
            step = Step(step.at, step.attempt, NOTE, "bad: ending it")
        if len(shown) > 1 and all(_same_work(step, other) for other in shown[-2:]):
            shown.pop()
        shown.append(step)
    return shown


def _same_work(one: Step, other: Step) -> bool:
    """Whether two steps are of one pull and differ in their progress alone."""
    is_pull = all(step.kind == PHASE and kind_of(step.text) == PULLING for step in (one, other))
    return is_pull and one.text.split()[0] == other.text.split()[0]


def counts(report: Report) -> str:
    """`2 fail, 1 warn, 31 pass, 4 unknown`."""
    found = [(len(report.of(verdict)), verdict.value) for verdict in (*ORDER[:2], Verdict.PASS, Verdict.UNKNOWN)]
    return ", ".join(f"{count} {word}" for count, word in found if count) or "nothing was checked"


def troubles(report: Report) -> list[tuple[str, Check]]:
    """What did not pass, with its name, the worst first; what one cause hides from several checks is told once."""
    found: dict[tuple[str, ...], list[Check]] = {}
    for verdict in ORDER[:3]:
        for check in report.of(verdict):
            is_hidden = verdict is Verdict.UNKNOWN
            found.setdefault((check.sentence,) if is_hidden else (check.sentence, check_name(check)), []).append(check)
    return [(", ".join(dict.fromkeys(map(check_name, checks))), checks[0]) for checks in found.values()]


def check_name(check: Check) -> str:
    return check.id if check.gpu is None else f"{check.id} of GPU {check.gpu}"
