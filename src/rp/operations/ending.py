"""Ending pods for certain, and settling what a deployment left open."""

from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from typing import TypeVar

from rp import errors
from rp.domain.attempt import Attempt, State
from rp.domain.pod import Pod
from rp.operations.events import Ended, Event, Warned
from rp.operations.ports import Clock, Cloud, Deployment, Ports

T = TypeVar("T")

# Seconds between tries to end a pod; after the last one the journal keeps it for later commands.
_TRIES = (0.0, 1.0, 2.0, 4.0, 8.0)
# A pod may show up in the list that long after a create without an answer.
SETTLE_SECONDS = 90.0
# The longest quota window but the day's.
_RATE_LIMIT_PATIENCE = 3600.0
_CONSOLE = "https://console.runpod.io/pods"


def end_pod(pod_id: str, cloud: Cloud, clock: Clock) -> bool:
    """Terminate and look until it is confirmed to be gone; False where RunPod did not confirm it."""
    for pause in _TRIES:
        clock.sleep(pause)
        try:
            patiently(lambda: _terminate_once(pod_id, cloud), clock)
            if patiently(lambda: is_gone(pod_id, cloud), clock):
                return True
        except (errors.Unclear, errors.Conflict, errors.RateLimited):
            continue
    return False


def patiently(call: Callable[[], T], clock: Clock) -> T:
    """Wait out rate limits, as long as a pod's end may depend on it; raises RateLimited after an hour."""
    deadline = clock.monotonic() + _RATE_LIMIT_PATIENCE
    while True:
        try:
            return call()
        except errors.RateLimited as limited:
            if clock.monotonic() > deadline:
                raise
            clock.sleep(min(limited.retry_after, 300.0))


def _terminate_once(pod_id: str, cloud: Cloud) -> None:
    with suppress(errors.NoSuchResource):
        cloud.terminate(pod_id)


def is_gone(pod_id: str, cloud: Cloud) -> bool:
    """Whether RunPod says that the pod does not exist (any more)."""
    try:
        return cloud.pod(pod_id).is_gone
    except errors.NoSuchResource:
        return True


def find_by_name(names: Iterable[str], pods: Iterable[Pod]) -> dict[str, Pod]:
    """name → the live pod of that name."""
    wanted = frozenset(names)
    return {pod.name: pod for pod in pods if pod.name in wanted and not pod.is_gone}


def settle(deployment: Deployment, ports: Ports) -> Generator[Event, None, bool]:
    """End every pod that the deployment left open; return whether nothing is open any more.

    A pod that an alias points to is the user's: it is kept. May itself be killed at any point.
    """
    opened = deployment.open_attempts()
    nameless = [attempt.name for attempt in opened if not attempt.pod_id]
    found = find_by_name(nameless, ports.cloud.pods()) if nameless else {}
    done = True
    for attempt in opened:
        pod_id = attempt.pod_id or (found[attempt.name].id if attempt.name in found else None)
        if pod_id:
            done &= yield from _settle_pod(attempt, pod_id, deployment, ports)
        else:
            done &= _settle_absent(attempt, deployment, ports)
    return done


def _settle_pod(attempt: Attempt, pod_id: str, deployment: Deployment, ports: Ports) -> Generator[Event, None, bool]:
    if pod_id in ports.aliases.all().values():
        deployment.record(attempt.name, State.KEPT, ports.clock.now(), pod_id=pod_id)
        return True
    _record_if_possible(deployment, attempt.name, State.TERMINATING, ports, pod_id=pod_id)
    if not end_pod(pod_id, ports.cloud, ports.clock):
        yield Warned(left_running(attempt.name, pod_id))
        return False
    now = ports.clock.now()
    _record_if_possible(deployment, attempt.name, State.TERMINATED, ports, reason=attempt.reason or "interrupted")
    ports.remote.forget(pod_id)
    yield Ended(pod_id, attempt.name, attempt.price_per_hour * (now - attempt.started_at) / 3600)
    return True


def _record_if_possible(
    deployment: Deployment,
    name: str,
    state: State,
    ports: Ports,
    *,
    pod_id: str | None = None,
    reason: str = "",
) -> None:
    """A full disk must not keep a pod alive: what is not recorded now is found again by the pod's name."""
    with suppress(errors.StateUnwritable):
        deployment.record(name, state, ports.clock.now(), pod_id=pod_id, reason=reason)


def _settle_absent(attempt: Attempt, deployment: Deployment, ports: Ports) -> bool:
    """A create without an answer: its pod may still show up, so the attempt stays open for a while."""
    if ports.clock.now() - attempt.started_at < SETTLE_SECONDS:
        return False
    deployment.record(attempt.name, State.ABSENT, ports.clock.now(), reason=attempt.reason or "never appeared")
    return True


def left_running(name: str, pod_id: str) -> str:
    """What to say of a pod that RunPod did not confirm to be gone."""
    return f"pod {pod_id} ({name}) could not be terminated and is still billed: end it at {_CONSOLE}, or `rp cleanup`"
