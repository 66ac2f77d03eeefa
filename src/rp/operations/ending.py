"""Ending pods for certain, and settling what a deployment left open."""

from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeVar

from rp import errors
from rp.domain.attempt import Attempt, State
from rp.domain.pod import Pod
from rp.operations.events import Ended, Event, Note, Warned
from rp.operations.ports import Clock, Cloud, Deployment, Ports

T = TypeVar("T")

# Seconds between tries to end a pod; after the last one the journal keeps it for later commands.
_TRIES = (0.0, 1.0, 2.0, 4.0, 8.0)
# A pod may show up that long after its create: until then, that RunPod does not know it proves nothing.
SETTLE_SECONDS = 90.0
# How long a rate limit is waited out: in a deploy, whose pod is billed meanwhile, and before another command's work.
PATIENCE = 3600.0
LITTLE_PATIENCE = 20.0
CONSOLE = "https://console.runpod.io/pods"
NO_JOURNAL = (errors.StateUnwritable, errors.StateUnreadable, errors.Busy)


class Fate(Enum):
    """PENDING: RunPod does not know the pod, and it is too young for that to mean that it is gone."""

    GONE = auto()
    PENDING = auto()
    LEFT = auto()


@dataclass(frozen=True)
class End:
    """`accepted`: RunPod took a terminate, so that a 404 afterwards proves something. `why`: its last word."""

    gone: bool
    accepted: bool
    why: str = ""


def end_pod(pod_id: str, cloud: Cloud, clock: Clock, patience: float = PATIENCE) -> End:
    """Terminate, and look until it is gone."""
    accepted, why = False, "RunPod still knows it"
    for pause in _TRIES:
        clock.sleep(pause)
        try:
            accepted |= patiently(lambda: _terminate_once(pod_id, cloud), clock, patience)
            if patiently(lambda: _is_gone(pod_id, cloud), clock, patience):
                return End(gone=True, accepted=accepted)
        except (errors.Unauthorized, errors.Forbidden) as refused:
            return End(gone=False, accepted=accepted, why=refused.message)
        except errors.ApiError as failure:
            why = failure.message
    return End(gone=False, accepted=accepted, why=why)


def patiently(call: Callable[[], T], clock: Clock, patience: float = PATIENCE) -> T:
    """Wait out rate limits; raises RateLimited after `patience` seconds."""
    deadline = clock.monotonic() + patience
    while True:
        try:
            return call()
        except errors.RateLimited as limited:
            if clock.monotonic() + limited.retry_after > deadline:
                raise
            clock.sleep(limited.retry_after)


def _terminate_once(pod_id: str, cloud: Cloud) -> bool:
    """Whether RunPod took it, rather than not knowing the pod."""
    try:
        cloud.terminate(pod_id)
    except errors.NoSuchResource:
        return False
    return True


def _is_gone(pod_id: str, cloud: Cloud) -> bool:
    try:
        return cloud.pod(pod_id).is_gone
    except errors.NoSuchResource:
        return True


def find_by_name(names: Iterable[str], pods: Iterable[Pod]) -> dict[str, Pod]:
    """name → the live pod of that name."""
    wanted = frozenset(names)
    return {pod.name: pod for pod in pods if pod.name in wanted and not pod.is_gone}


def end_attempt(
    attempt: Attempt, pod_id: str, reason: str, deployment: Deployment, ports: Ports, patience: float = PATIENCE
) -> Generator[Event, None, Fate]:
    """End the attempt's pod, journal first; tells what came of it. PENDING where another lane is at it."""
    if not deployment.take(attempt.name):
        # RunPod would tell the second that it knows no such pod, and that would look like a pod that may show up.
        return Fate.PENDING
    try:
        if _is_ended(attempt.name, deployment):
            return Fate.GONE
        fate = yield from _end_taken(attempt, pod_id, reason, deployment, ports, patience)
        if fate is Fate.GONE:
            yield Ended(pod_id, attempt.name, attempt.price_per_hour * (ports.clock.now() - attempt.started_at) / 3600)
        return fate
    finally:
        deployment.put_back(attempt.name)


def _is_ended(name: str, deployment: Deployment) -> bool:
    """Whether another lane ended it since the caller looked."""
    with suppress(*NO_JOURNAL):
        return any(one.name == name and one.state is State.TERMINATED for one in deployment.attempts())
    return False


def _end_taken(
    attempt: Attempt, pod_id: str, reason: str, deployment: Deployment, ports: Ports, patience: float
) -> Generator[Event, None, Fate]:
    _record_if_possible(deployment, attempt.name, State.TERMINATING, ports, pod_id=pod_id, reason=reason)
    end = end_pod(pod_id, ports.cloud, ports.clock, patience)
    if not end.gone:
        yield Warned(left_running(attempt.name, pod_id, end.why))
        return Fate.LEFT
    if not end.accepted and _is_young(attempt, ports):
        yield Warned(f"RunPod does not know pod {pod_id} ({attempt.name}) yet: later rp commands look for it again")
        return Fate.PENDING
    _record_if_possible(deployment, attempt.name, State.TERMINATED, ports)
    with suppress(*NO_JOURNAL):
        ports.remote.forget(pod_id)
    return Fate.GONE


def settle(
    deployment: Deployment,
    ports: Ports,
    *,
    patience: float = PATIENCE,
    tried: bool = False,
    only: frozenset[str] | None = None,
) -> Generator[Event, None, bool]:
    """End every pod that the deployment left open; return whether nothing is open any more.

    A pod that an alias points to is the user's: it is kept. One attempt in trouble does not keep the others alive.
    Under another key or address only what shows itself there is ended: that it is not there proves nothing.
    `tried`: what would not go has been tried long enough for now. `only` these pods, by name.
    """
    opened = [
        one
        for one in deployment.open_attempts()
        if not (tried and one.state is State.TERMINATING) and (only is None or one.name in only)
    ]
    if not opened:
        return not deployment.open_attempts()
    at_home = deployment.account == ports.account
    listed = yield from _listed(opened, at_home=at_home, ports=ports, patience=patience)
    done = True
    for attempt in opened:
        try:
            settled = yield from _settle_one(attempt, listed, deployment, ports, at_home=at_home, patience=patience)
        except errors.RpError as trouble:
            yield Warned(f"cannot look after {attempt.pod_id or attempt.name} now: {trouble.message}")
            settled = False
        done &= settled
    return done


def _listed(
    opened: Iterable[Attempt], *, at_home: bool, ports: Ports, patience: float
) -> Generator[Event, None, tuple[Pod, ...] | None]:
    """The account's pods, None where they are not needed or not to be had."""
    if at_home and all(attempt.pod_id for attempt in opened):
        return None
    try:
        return patiently(ports.cloud.pods, ports.clock, patience)
    except errors.ApiError as failure:
        yield Warned(f"cannot look for pods without a clear answer now: {failure.message}")
        return None


def _settle_one(
    attempt: Attempt,
    listed: tuple[Pod, ...] | None,
    deployment: Deployment,
    ports: Ports,
    *,
    at_home: bool,
    patience: float,
) -> Generator[Event, None, bool]:
    named = find_by_name([attempt.name], listed or ()).get(attempt.name)
    pod_id = attempt.pod_id or (named.id if named else None)
    if pod_id and pod_id in ports.aliases.all().values():
        deployment.record(attempt.name, State.KEPT, ports.clock.now(), pod_id=pod_id)
        yield Note(f"pod {pod_id} ({attempt.name}) has an alias here, so it is kept")
        return True
    if not at_home and named is None:
        yield Warned(
            f"{attempt.pod_id or attempt.name} was made with another API key or address: look for it with that"
        )
        return False
    if pod_id:
        reason = attempt.reason or "interrupted"
        return (yield from end_attempt(attempt, pod_id, reason, deployment, ports, patience)) is Fate.GONE
    return listed is not None and _settle_absent(attempt, deployment, ports)


def _settle_absent(attempt: Attempt, deployment: Deployment, ports: Ports) -> bool:
    """A create without an answer: its pod may still show up, so it takes two looks with the whole window between."""
    now = ports.clock.now()
    if attempt.state is State.CREATING:
        deployment.record(attempt.name, State.UNCLEAR, now)
        return False
    if _is_young(attempt, ports):
        return False
    deployment.record(attempt.name, State.ABSENT, now, reason=attempt.reason or "never appeared")
    return True


def check_none_left(attempts: Iterable[Attempt], ports: Ports) -> None:
    """Raises PodLeft for the first of them that was to be terminated, is old enough to be known, and would not go."""
    for attempt in attempts:
        if attempt.state is State.TERMINATING and attempt.pod_id and not _is_young(attempt, ports):
            raise pod_left(attempt.name, attempt.pod_id, attempt.reason)


def pod_left(name: str, pod_id: str, reason: str) -> errors.PodLeft:
    return errors.PodLeft(
        f"bad pod {pod_id} ({name}) could not be terminated and is still billed",
        hint=f"each later rp command tries again, `rp cleanup` now; or end it at {CONSOLE}",
        details=[reason],
    )


def _is_young(attempt: Attempt, ports: Ports) -> bool:
    return ports.clock.now() - attempt.noted_at < SETTLE_SECONDS


def _record_if_possible(
    deployment: Deployment, name: str, state: State, ports: Ports, *, pod_id: str | None = None, reason: str = ""
) -> None:
    """A full disk must not keep a pod alive: what is not recorded now is found again by the pod's name."""
    with suppress(*NO_JOURNAL):
        deployment.record(name, state, ports.clock.now(), pod_id=pod_id, reason=reason)


def left_running(name: str, pod_id: str, why: str) -> str:
    """What to say of a pod of the journal that RunPod did not confirm to be gone."""
    return (
        f"pod {pod_id} ({name}) could not be terminated and is still billed ({why}): "
        f"each later rp command tries again, `rp cleanup` now; or end it at {CONSOLE}"
    )


def told(events: Iterable[Event]) -> list[str]:
    """What became of pods, for an error that ends a deploy."""
    lines = []
    for event in events:
        match event:
            case Ended(pod_id, name, _):
                lines.append(f"pod {pod_id} ({name}) was terminated")
            case Warned(text) | Note(text):
                lines.append(text)
    return lines


def kept(deployment: Deployment) -> tuple[str, ...]:
    """What to say of the user's own pods when a deploy ends otherwise."""
    return tuple(
        f"pod {attempt.pod_id} ({attempt.name}) passed, and keeps running: `rp list` has it"
        for attempt in deployment.attempts()
        if attempt.state is State.KEPT
    )


def left_open(deployment: Deployment) -> tuple[str, ...]:
    """What to say of pods that could not be ended yet when a command ends."""
    return tuple(
        f"pod {attempt.pod_id or attempt.name} is not ended yet: `rp cleanup` does it"
        for attempt in deployment.open_attempts()
    )


def still_open(deployment: Deployment) -> tuple[str, ...]:
    """What to say of attempts that are open when a deploy ends."""
    return tuple(
        f"a create had no clear answer, and pod {attempt.name} may still show up: `rp cleanup` looks for it"
        for attempt in deployment.open_attempts()
        if not attempt.pod_id
    )
