"""One attempt: create a pod on a candidate, wait until it is proved to work, keep or terminate it."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

from rp import errors
from rp.domain.attempt import Next, State, after, refusal
from rp.domain.candidate import Candidate
from rp.domain.pod import Pod
from rp.domain.request import pod_request
from rp.errors import PodLeft
from rp.operations import ending, readiness
from rp.operations.ending import Fate
from rp.operations.events import Bad, Created, Event, Healthy, Phase, Refused, Waiting
from rp.operations.looks import BadPod, Looks
from rp.operations.ports import Deployment, Ports, Session
from rp.operations.results import Plan

# Seconds between looks for a pod whose create had no answer, and between creates on one candidate after that.
_LOOKS = (0.0, 2.0, 4.0, 8.0)
_UNCLEAR_BACKOFF = (2.0, 5.0)


@dataclass(frozen=True)
class NotCreated:
    """The candidate was refused, or RunPod gave no clear answer `_UNCLEAR_BACKOFF` times."""

    failure: errors.ApiError


@dataclass(frozen=True)
class Kept:
    """The pod is the alias's now; `replaced` is the pod that the alias meant before."""

    pod: Pod
    replaced: str | None


@dataclass(frozen=True)
class Dismissed:
    """A pod came, was bad and is gone."""

    reason: str


def provision(
    candidate: Candidate, plan: Plan, deployment: Deployment, ports: Ports
) -> Generator[Event, None, "Kept | NotCreated | Dismissed"]:
    """Raises ApiError for what no other candidate would change, PodLeft for a bad pod that will not go away."""
    created = yield from _created(candidate, plan, deployment, ports)
    if isinstance(created, NotCreated):
        return created
    name, pod = created
    yield Created(candidate, pod)
    try:
        pod, session = yield from _reachable(pod, plan, deployment, ports)
        with closing(session):
            yield from readiness.smoke(session, plan.spec.template.health)
    except BadPod as bad:
        yield from _dismiss(name, pod, str(bad), deployment, ports)
        return Dismissed(str(bad))
    kept = _keep(name, pod, plan, deployment, ports)
    yield Healthy(pod, plan.alias)
    return kept


def _created(
    candidate: Candidate, plan: Plan, deployment: Deployment, ports: Ports
) -> Generator[Event, None, "tuple[str, Pod] | NotCreated"]:
    backoff = iter(_UNCLEAR_BACKOFF)
    while True:
        name = plan.pod_name(len(deployment.attempts()) + 1)
        deployment.intend(name, candidate, ports.clock.now())
        try:
            pod = ports.cloud.create(pod_request(name, plan.spec, candidate))
        except errors.ApiError as failure:
            found = yield from _after_failure(name, candidate, failure, deployment, ports)
            if found is None:
                pause = next(backoff, None) if after(failure) is Next.LOOK else 0.0
                if pause is None or after(failure) is Next.NEXT_CANDIDATE:
                    return NotCreated(failure)
                ports.clock.sleep(pause)
                continue
            pod = found
        deployment.record(name, State.CREATED, ports.clock.now(), pod_id=pod.id)
        return name, pod


def _after_failure(
    name: str, candidate: Candidate, failure: errors.ApiError, deployment: Deployment, ports: Ports
) -> Generator[Event, None, Pod | None]:
    """The pod where it exists after all; raises what no other candidate would change."""
    now = ports.clock.now()
    match after(failure):
        case Next.LOOK:
            deployment.record(name, State.UNCLEAR, now, reason=failure.message)
            return (yield from _look_for(name, failure, ports))
        case Next.WAIT:
            deployment.record(name, State.REFUSED, now, reason="rate limit")
            seconds = failure.retry_after if isinstance(failure, errors.RateLimited) else 1.0
            yield Waiting(seconds, "RunPod's rate limit")
            ports.clock.sleep(seconds)
        case Next.NEXT_CANDIDATE:
            deployment.record(name, State.REFUSED, now, reason=refusal(failure))
            yield Refused(candidate, refusal(failure))
        case Next.STOP:
            deployment.record(name, State.REFUSED, now, reason=refusal(failure))
            raise failure
    return None


def _look_for(name: str, failure: errors.ApiError, ports: Ports) -> Generator[Event, None, Pod | None]:
    yield Phase(f"no clear answer ({failure.message}): looking for the pod by its name")
    for pause in _LOOKS:
        ports.clock.sleep(pause)
        try:
            found = ending.find_by_name([name], ports.cloud.pods())
        except (errors.Unclear, errors.RateLimited):
            continue
        if name in found:
            return found[name]
    return None


def _reachable(
    pod: Pod, plan: Plan, deployment: Deployment, ports: Ports
) -> Generator[Event, None, tuple[Pod, Session]]:
    health, looks = plan.spec.template.health, Looks(pod, deployment, ports)
    running = yield from readiness.booted(pod, health, looks, ports.clock)
    return (yield from readiness.connected(running, health, plan.identity, looks, ports))


def _keep(name: str, pod: Pod, plan: Plan, deployment: Deployment, ports: Ports) -> Kept:
    """The alias first: whatever happens after it, the pod is in the user's list."""
    if pod.ssh is None:
        raise AssertionError("a pod without an address cannot have passed")
    replaced = ports.aliases.put(plan.alias, pod.id, replace=plan.force)
    ports.remote.publish(plan.alias, pod.id, pod.ssh, plan.identity)
    deployment.record(name, State.KEPT, ports.clock.now(), pod_id=pod.id)
    return Kept(pod, replaced)


def _dismiss(name: str, pod: Pod, reason: str, deployment: Deployment, ports: Ports) -> Generator[Event, None, None]:
    yield Bad(pod.id, reason)
    attempt = next(one for one in deployment.attempts() if one.name == name)
    # What RunPod does not know yet stays in the journal; what it knows and does not end has to be told.
    if (yield from ending.end_attempt(attempt, pod.id, reason, deployment, ports)) is Fate.LEFT:
        left = PodLeft(f"bad pod {pod.id} ({name}) could not be terminated and is still billed", details=[reason])
        left.hint = f"each later rp command tries again, `rp cleanup` now; or end it at {ending.CONSOLE}"
        raise left
