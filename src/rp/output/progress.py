"""An operation's events: one live line under the lasting ones on a terminal, plain lines elsewhere."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from rp.domain.units import duration, usd
from rp.domain.verdict import Report, Verdict
from rp.operations.events import (
    Bad,
    Checked,
    Created,
    Ended,
    Event,
    Healthy,
    Held,
    Looking,
    Note,
    Of,
    Phase,
    Refused,
    SetupLine,
    Trying,
    Waiting,
    Warned,
)
from rp.output import health
from rp.output.screen import Screen
from rp.output.text import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

# Seconds between lines that only say that the wait goes on.
_LOOKING_EVERY = 600.0


def lasting(event: Event) -> str | None:
    """The line that stays on the screen; None for an event that only changes what is going on."""
    match event:
        case Refused(candidate, reason):
            return f"- {candidate}: {reason}"
        case Created(candidate, pod):
            place = f" in {pod.data_center}" if pod.data_center else ""
            return f"+ {candidate}: pod {pod.id}{place}, {usd(pod.cost_per_hour)}/h"
        case Bad(pod_id, reason):
            return f"! pod {pod_id} is bad: {reason}"
        case Held(pod_id, reason):
            return f"! pod {pod_id} is held until another has a machine: {reason}"
        case Checked(report):
            return checked(report)
        case Ended(pod_id, name, cost):
            return f"- pod {pod_id} ({name}) is terminated, it cost {usd(cost)}"
        case Note(text) | Warned(text):
            return f"! {text}"
        case SetupLine(script, line):
            return f"{script}: {line}"
        case Healthy(pod, alias):
            return f"+ pod {pod.id} is healthy: {alias}"
        case Of(alias, inner):
            return _of(alias, lasting(inner))
        case _:
            return None


def checked(report: Report) -> str | None:
    """The warnings of a look at a pod that is kept: what fails is told with the pod's end."""
    if report.of(Verdict.FAIL) or not report.checks:
        return None
    warnings = [f"! warning: {check.sentence}" for check in report.of(Verdict.WARN)]
    return "\n".join([*warnings, f"+ checked ({report.level}): {health.tally(report)}"])


def passing(event: Event) -> str | None:
    """What is going on from this event on."""
    match event:
        case Trying(candidate, number, total):
            return f"trying {candidate} ({number} of {total}), {usd(candidate.price_per_hour)}/h"
        case Phase(text):
            return text
        case Bad():
            return "terminating it"
        case Waiting(seconds, reason):
            return f"waiting {duration(seconds)} {reason}"
        case Looking(_, seconds, _, _):
            return _no_capacity(event, f"next look in {duration(seconds)}")
        case Of(alias, inner):
            return _of(alias, passing(inner))
        case _:
            return None


def _of(alias: str, text: str | None) -> str | None:
    return "\n".join(f"{alias}: {line}" for line in text.splitlines()) if text else None


def _no_capacity(looking: Looking, next_look: str) -> str:
    looks = looking.looks
    looked = f", looked {looks} time{'s' if looks > 1 else ''}" if looks else ""
    return f"no capacity{looked}; {next_look}; {best_seen(looking)}"


def best_seen(looking: Looking) -> str:
    """The best stock that was told of since the wait began."""
    best = looking.best
    return f"best seen: {best}, {best.stock.name.lower()}" if best else "none seen so far"


class Lines:
    """For pipes and logs: a line an event, with the seconds since the start."""

    def __init__(self, stream: TextIO, now: Callable[[], float]) -> None:
        self._stream = stream
        self._now = now
        self._began = now()
        self._looking = ("", float("-inf"))

    def show(self, event: Event) -> None:
        inner = event.event if isinstance(event, Of) else event
        if isinstance(inner, Looking) and self._is_old_news(inner):
            return
        for line in (lasting(event) or passing(event) or "").splitlines():
            print(f"[{duration(self._now() - self._began):>6}] {printable(line)}", file=self._stream, flush=True)

    def _is_old_news(self, looking: Looking) -> bool:
        """A night of waiting is not a thousand equal lines."""
        said, at = self._looking
        if best_seen(looking) == said and self._now() - at < _LOOKING_EVERY:
            return True
        self._looking = (best_seen(looking), self._now())
        return False


class Live(Screen):
    """For terminals: lasting lines, and one that tells the phase, its length and the cost so far."""

    def __init__(self, stream: TextIO, width: int, now: Callable[[], float], *, colour: bool) -> None:
        self._now = now
        self._began = self._phase_began = now()
        self._phase = "preparing"
        self._looking: Looking | None = None
        # Pod id → its price per hour and when it was made, of all that are billed now.
        self._billed: dict[str, tuple[float, float]] = {}
        super().__init__(stream, width, self._line, colour=colour)

    def show(self, event: Event) -> None:
        if isinstance(event, Created):
            self._billed[event.pod.id] = (event.pod.cost_per_hour, self._now())
        if isinstance(event, Ended):
            self._billed.pop(event.pod_id, None)
        line = lasting(event)
        if line:
            self._console.print(printable(line), style=_style(event), soft_wrap=True)
        if phase := passing(event):
            self._phase, self._phase_began = printable(phase), self._now()
            self._looking = event if isinstance(event, Looking) else None

    def _text(self, now: float) -> str:
        """The phase and its length; of a wait, how long the next look is off. What may be cut off comes last."""
        in_all = f"({duration(now - self._began)} in all)"
        if self._looking:
            left = self._phase_began + self._looking.seconds - now
            next_look = f"next look in {duration(left)}" if left >= 1 else "looking"
            return printable(_no_capacity(self._looking, f"{next_look} {in_all}"))
        is_whole = now - self._began <= now - self._phase_began + 1
        return f"{self._phase} {duration(now - self._phase_began)}{'' if is_whole else f' {in_all}'}"

    def _line(self) -> "RenderableType":
        from rich.spinner import Spinner
        from rich.text import Text

        now = self._now()
        cost = sum(price * (now - made_at) / 3600 for price, made_at in self._billed.values())
        text = self._text(now) + (f", {usd(cost)} so far" if self._billed else "")
        if not hasattr(self, "_spinner"):
            self._spinner = Spinner("dots" if self._console.encoding.startswith("utf") else "line")
        self._spinner.update(text=Text(text, no_wrap=True, overflow="ellipsis"))
        return self._spinner


def _style(event: Event) -> str:
    if isinstance(event, Bad | Warned):
        return "yellow"
    return "green" if isinstance(event, Healthy) else "none"
