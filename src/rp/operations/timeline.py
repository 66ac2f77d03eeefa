"""What happened in a deploy, step by step, into the journal: `rp why` tells it afterwards."""

from collections.abc import Generator
from contextlib import suppress
from typing import TypeVar

from rp import errors
from rp.domain import history
from rp.domain.pod import Pod
from rp.domain.redact import Private, redacted, secrets_of
from rp.operations.ending import NO_JOURNAL
from rp.operations.events import Bad, Ended, Event, Healthy, Held, Note, Phase, Refused, Waiting, Warned
from rp.operations.ports import Clock, Deployment, Ports

T = TypeVar("T")

# The last lines of a bad pod's logs, and how long they are waited for, in seconds: the pod is billed meanwhile.
_TAIL = 60
_QUIET = 0.5
_AT_MOST = 3.0


def recorded(events: Generator[Event, None, T], deployment: Deployment, clock: Clock) -> Generator[Event, None, T]:
    """The same events; each that says something is kept."""
    try:
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                result: T = end.value
                return result
            try:
                _keep(event, deployment, clock)
                yield event
            except BaseException as error:
                # The operation ends its pods, and tells of them in the error.
                events.throw(error)
                raise
    finally:
        events.close()


def tell(deployment: Deployment, kind: str, text: str, clock: Clock, *, attempt: str | None = None) -> None:
    """A step of the attempt that was begun last, or of `attempt`. A full disk must not keep a pod alive."""
    with suppress(*NO_JOURNAL):
        deployment.tell(deployment.latest if attempt is None else attempt, kind, redacted(text), clock.now())


def keep_logs(pod: Pod, deployment: Deployment, ports: Ports) -> None:
    """The end of a bad pod's logs, while there is a pod to ask."""
    for source in ("system", "container"):
        try:
            lines = list(ports.cloud.log_lines(pod.id, source=source, tail=_TAIL, quiet_after=_QUIET, at_most=_AT_MOST))
        except errors.ApiError:
            continue
        if lines:
            text = redacted("\n".join(lines[-_TAIL:]), Private(secrets_of(pod.env)))
            tell(deployment, history.LOG, f"{source}\n{text}", ports.clock, attempt=pod.name)


def _keep(event: Event, deployment: Deployment, clock: Clock) -> None:
    match event:
        case Phase(text):
            tell(deployment, history.PHASE, text, clock)
        case Note(text) | Warned(text):
            tell(deployment, history.NOTE, text, clock)
        case Waiting(seconds, reason):
            tell(deployment, history.NOTE, f"waiting {seconds:g} s: {reason}", clock)
        case Refused(_, reason):
            tell(deployment, history.NOTE, f"refused: {reason}", clock)
        case Held(_, reason):
            tell(deployment, history.NOTE, f"held: {reason}", clock)
        case Bad(_, reason):
            tell(deployment, history.NOTE, f"bad: {reason}", clock)
        case Ended(pod_id, name, _):
            tell(deployment, history.PHASE, f"terminated {pod_id}", clock, attempt=name)
        case Healthy():
            tell(deployment, history.PHASE, "ready", clock)
        case _:
            pass
