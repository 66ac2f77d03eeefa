"""One attempt: create a pod on a candidate, wait until it is proved to work, keep or terminate it."""

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass

from rp import errors
from rp.domain import history
from rp.domain.attempt import Next, State, after, refusal
from rp.domain.candidate import Candidate
from rp.domain.pod import Pod
from rp.domain.redact import Private, redacted, secrets_of
from rp.domain.request import pod_request
from rp.domain.units import usd
from rp.domain.verdict import Report
from rp.operations import boot, ending, proof, readiness, timeline
from rp.operations.ending import Fate
from rp.operations.events import Bad, Created, Event, Healthy, Note, Phase, Refused, Waiting, Warned
from rp.operations.gate import Gate, Lost
from rp.operations.looks import BadPod, Looks, OutsideRegion
from rp.operations.machines import KnownBad, Machines, note_sight
from rp.operations.ports import Deployment, Ports, Session
from rp.operations.results import Plan

# Seconds between looks for a pod whose create had no answer, and between creates on one candidate after that.
_LOOKS = (0.0, 2.0, 4.0, 8.0)
_UNCLEAR_BACKOFF = (2.0, 5.0)
# How far above the user's cap a pod's own price may be: its disks may be in it, which the catalog does not count.
_OF_CAP = 1.1


@dataclass(frozen=True)
class NotCreated:
    """The candidate was refused, or RunPod gave no clear answer `_UNCLEAR_BACKOFF` times."""

    failure: errors.ApiError


@dataclass(frozen=True)
class Kept:
    """The pod is the alias's now; `replaced` is the pod that the alias meant before."""

    pod: Pod
    replaced: str | None
    report: Report


@dataclass(frozen=True)
class Dismissed:
    """A pod came, was bad and is gone. `reason` is what may be shown and kept of it."""

    bad: BadPod
    reason: str


@dataclass(frozen=True)
class Elsewhere:
    """A pod came outside the wanted region, and is gone again."""

    place: str


@dataclass(frozen=True)
class Recognised:
    """A pod came, on a machine that failed before: it is held for now."""

    known: KnownBad


@dataclass(frozen=True)
class Lane:
    """Who makes attempts, alone or beside others.

    `wins` says whether it may keep its pod; `gave_pod` hears of candidates that gave one.
    """

    deployment: Deployment
    machines: Machines
    gate: Gate
    ports: Ports
    wins: Callable[[], bool] = lambda: True
    gave_pod: Callable[[Candidate], None] = lambda candidate: None  # noqa: ARG005


Outcome = Kept | NotCreated | Dismissed | Elsewhere | Recognised


def provision(candidate: Candidate, plan: Plan, lane: Lane) -> Generator[Event, None, Outcome]:
    """Raises ApiError for what no other candidate would change, PodLeft for a bad pod that will not go away, Lost."""
    deployment, machines, ports = lane.deployment, lane.machines, lane.ports
    created = yield from _created(candidate, plan, lane)
    if isinstance(created, NotCreated):
        return created
    name, pod = created
    lane.gave_pod(candidate)
    yield Created(candidate, pod)
    looks = Looks(pod, candidate.landing, deployment, machines, ports)
    try:
        if too_dear := _too_dear(pod, plan):
            yield from _end(name, pod, too_dear.detail, deployment, ports)
            return NotCreated(too_dear)
        looks.check_place(pod)
        yield from machines.check(pod)
        running, session = yield from _reachable(pod, plan, looks, ports)
        with closing(session):
            report = yield from proof.prove(running, candidate, session, plan, machines, ports)
    except KnownBad as known:
        yield from machines.hold(pod, known)
        return Recognised(known)
    except OutsideRegion as outside:
        reason = f"landed in {outside.place}, outside {candidate.region}"
        yield Note(f"pod {pod.id} {reason}")
        yield from _end(name, pod, reason, deployment, ports)
        return Elsewhere(outside.place)
    except BadPod as bad:
        # A pod that another lane has ended is not bad: this is where a lane that is not wanted any more hears of it.
        ports.clock.sleep(0)
        return (yield from _dismissed(name, looks.latest, bad, plan, lane))
    if not lane.wins():
        raise Lost
    kept = _keep(name, running, report, plan, deployment, ports)
    if candidate.landing and running.data_center is None:
        yield Warned(f"RunPod does not tell where pod {pod.id} is; {candidate.region} was wanted")
    note_sight(running, report.gpu_uuids, ports)
    yield Healthy(running, plan.alias)
    return kept


def _too_dear(pod: Pod, plan: Plan) -> errors.BadRequest | None:
    """A pod whose price is not the catalog's, and above what the user pays at most."""
    cap = plan.spec.template.max_price_per_hour
    if cap is None or pod.cost_per_hour <= cap * _OF_CAP:
        return None
    detail = f"its pod costs {usd(pod.cost_per_hour)}/h, above maxPricePerHour {usd(cap)}"
    return errors.BadRequest(detail, detail=detail)


def _created(candidate: Candidate, plan: Plan, lane: Lane) -> Generator[Event, None, "tuple[str, Pod] | NotCreated"]:
    deployment, ports = lane.deployment, lane.ports
    backoff = iter(_UNCLEAR_BACKOFF)
    while True:
        name = yield from lane.gate.admit(candidate, deployment, ports)
        try:
            pod = ports.cloud.create(pod_request(name, plan.spec, candidate))
        except errors.ApiError as failure:
            if isinstance(failure, errors.RateLimited):
                yield from lane.machines.release_before(failure.retry_after)
            found = yield from _after_failure(name, candidate, failure, deployment, ports)
            if found is None:
                lane.gate.abandon(name)
                pause = next(backoff, None) if after(failure) is Next.LOOK else 0.0
                if pause is None or after(failure) is Next.NEXT_CANDIDATE:
                    return NotCreated(failure)
                ports.clock.sleep(pause)
                continue
            pod = found
        deployment.record(name, State.CREATED, ports.clock.now(), pod_id=pod.id)
        place = f" in {pod.data_center}" if pod.data_center else ""
        text = f"created pod {pod.id}{place} ({usd(pod.cost_per_hour)}/h)"
        timeline.tell(deployment, history.API, text, ports.clock)
        return name, pod


def _after_failure(
    name: str, candidate: Candidate, failure: errors.ApiError, deployment: Deployment, ports: Ports
) -> Generator[Event, None, Pod | None]:
    """The pod where it exists after all; raises what no other candidate would change."""
    now = ports.clock.now()
    timeline.tell(deployment, history.API, f"create: {failure.message}", ports.clock)
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


def _reachable(pod: Pod, plan: Plan, looks: Looks, ports: Ports) -> Generator[Event, None, tuple[Pod, Session]]:
    health, watch = plan.spec.template.health, boot.Watch(pod, ports)
    running = yield from boot.booted(pod, health, looks, watch, ports)
    return (yield from readiness.connected(running, health, plan.identity, looks, watch, ports))


def _keep(name: str, pod: Pod, report: Report, plan: Plan, deployment: Deployment, ports: Ports) -> Kept:
    """The alias first: whatever happens after it, the pod is in the user's list."""
    if pod.ssh is None:
        raise AssertionError("a pod without an address cannot have passed")
    replaced = ports.aliases.put(plan.alias, pod.id, replace=plan.force)
    ports.remote.publish(plan.alias, pod.id, pod.ssh, plan.identity)
    deployment.record(name, State.KEPT, ports.clock.now(), pod_id=pod.id)
    return Kept(pod, replaced, report)


def _dismissed(name: str, pod: Pod, bad: BadPod, plan: Plan, lane: Lane) -> Generator[Event, None, Dismissed]:
    # What a pod printed is in it, and it is kept.
    reason = redacted(str(bad), Private(secrets_of(plan.spec.env)))
    lane.machines.failed(pod, bad.gpus, reason, remember=bad.remember)
    yield Bad(pod.id, reason)
    timeline.keep_logs(pod, lane.deployment, lane.ports)
    yield from _end(name, pod, reason, lane.deployment, lane.ports)
    return Dismissed(bad, reason)


def _end(name: str, pod: Pod, reason: str, deployment: Deployment, ports: Ports) -> Generator[Event, None, None]:
    attempt = next(one for one in deployment.attempts() if one.name == name)
    # What RunPod does not know yet stays in the journal; what it knows and does not end has to be told.
    if (yield from ending.end_attempt(attempt, pod.id, reason, deployment, ports)) is Fate.LEFT:
        raise ending.pod_left(name, pod.id, reason)
