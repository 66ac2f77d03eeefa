"""One lane of a deploy: candidate after candidate until a pod is kept, or none is left."""

from collections.abc import Generator
from dataclasses import dataclass
from math import isfinite

from rp import errors
from rp.domain import attempt
from rp.domain.attempt import is_capacity
from rp.domain.candidate import Candidate
from rp.domain.units import duration
from rp.domain.verdict import Owner
from rp.errors import ImageBroken, NoCapacity, NoGoodPod, RpError
from rp.operations.elsewhere import elsewhere
from rp.operations.events import Event, Trying, Waiting
from rp.operations.machines import Avoided
from rp.operations.ports import Deployment
from rp.operations.provision import Dismissed, Elsewhere, Kept, Lane, NotCreated, Recognised, provision
from rp.operations.results import Plan
from rp.operations.sweep import Sweep

# A failure that follows the image: the second machine proves it.
_IMAGE_FAILURES = 2
# Seconds between creates where the only place left was taken by ourselves: RunPod's stock lags.
_STOCK_LAGS = (5.0, 10.0, 20.0)
# Seconds between looks whether another lane has left something to do.
_OTHERS = 1.0
# Creates without a clear answer on that many candidates mean that RunPod itself is down.
_UNCLEAR_CANDIDATES = 2


@dataclass(frozen=True)
class Search:
    """What the lanes of one deploy share."""

    plan: Plan
    sweep: Sweep
    avoided: Avoided


def place(search: Search, lane: Lane) -> Generator[Event, None, Kept | None]:
    """The pod that is kept, None where no candidate is left; raises what `provision` raises, and NoGoodPod."""
    sweep = search.sweep
    while True:
        candidate = sweep.take()
        if candidate is None and sweep.is_busy:
            lane.ports.clock.sleep(_OTHERS)
            continue
        if candidate is None:
            if not (yield from _more(search, lane)):
                return None
            continue
        try:
            yield Trying(candidate, sweep.number(candidate), len(sweep.all))
            outcome = yield from provision(candidate, search.plan, lane)
        finally:
            sweep.done(candidate)
        if isinstance(outcome, Kept):
            return outcome
        yield from _after(outcome, candidate, search, lane)
        for one in lane.deployment.open_attempts():
            if not lane.machines.holds(one.pod_id):
                lane.gate.abandon(one.name)


def _after(outcome: object, candidate: Candidate, search: Search, lane: Lane) -> Generator[Event, None, None]:
    """Put the candidate where it belongs now."""
    sweep, ports = search.sweep, lane.ports
    match outcome:
        case NotCreated(failure) if sweep.pauses and is_capacity(failure):
            pause = sweep.pauses.pop(0)
            yield Waiting(pause, "for RunPod to notice that a machine is free again")
            ports.clock.sleep(pause)
            sweep.again(candidate)
        case NotCreated(errors.Unclear() as failure):
            sweep.unclear(failure)
            _check_reachable(sweep.failures)
        case NotCreated(failure):
            sweep.refused(candidate, failure)
        case Dismissed():
            yield from lane.machines.release_before(search.plan.spec.template.health.retry_backoff_seconds)
            yield from _after_bad(candidate, outcome, search, lane)
        case Elsewhere():
            sweep.landed_outside(candidate)
        case Recognised(known):
            sweep.recognised(candidate, known)


def _more(search: Search, lane: Lane) -> Generator[Event, None, bool]:
    """What is tried when no candidate is left: single data centers, then machines that failed before."""
    sweep, avoided = search.sweep, search.avoided
    if sweep.add_singles():
        return True
    if sweep.known and avoided.avoiding:
        known = sweep.last_resort(_STOCK_LAGS)
        yield from lane.machines.stop_avoiding(known)
        return True
    return False


def _after_bad(candidate: Candidate, dismissed: Dismissed, search: Search, lane: Lane) -> Generator[Event, None, None]:
    """Go on with which candidate, or raise: an image that is broken fails on every machine."""
    template, sweep, bad = search.plan.spec.template, search.sweep, dismissed.bad
    sweep.bad_pod(candidate, bad)
    of_image = [one for _, one in sweep.bad if one.owner is Owner.IMAGE]
    if bad.final or len(of_image) >= _IMAGE_FAILURES:
        raise _broken_image(template.container.image_name, dismissed, lane.deployment)
    if len(sweep.bad) > template.health.max_retries:
        raise no_good_pod(len(sweep.bad), dismissed.reason, lane.deployment)
    yield Waiting(template.health.retry_backoff_seconds, "after a bad pod")
    lane.ports.clock.sleep(template.health.retry_backoff_seconds)


def _check_reachable(failures: list[errors.ApiError]) -> None:
    recent = failures[-_UNCLEAR_CANDIDATES:]
    if len(recent) == _UNCLEAR_CANDIDATES and all(isinstance(failure, errors.Unclear) for failure in recent):
        raise recent[-1]


def nothing_kept(search: Search, deployment: Deployment) -> RpError:
    """The error of a search that ended without a pod."""
    sweep = search.sweep
    if sweep.bad:
        return no_good_pod(len(sweep.bad), "no candidate is left", deployment)
    return _nothing_placed(search, deployment)


def _nothing_placed(search: Search, deployment: Deployment) -> RpError:
    failures, lines = search.sweep.failures, report(deployment)
    if not failures:
        return NoCapacity("no pod was kept, and no candidate is left", details=lines, hint="try again later")
    texts = {failure.detail for failure in failures}
    last = failures[-1]
    if isinstance(last, errors.BadRequest) and len(texts) == 1 and not is_capacity(last):
        # RunPod's advice: a broken rule fails identically on every candidate.
        return RpError(
            f"RunPod rejects this request wherever it is tried: {last.detail}",
            details=lines,
            hint="change what the template asks for",
        )
    if all(isinstance(failure, errors.Forbidden) for failure in failures):
        return last
    if all(isinstance(failure, errors.Unclear) for failure in failures):
        return last
    count = len(failures)
    template, wait = search.plan.spec.template, search.plan.wait
    waited = f" in {duration(wait)}" if wait and isfinite(wait) else ""
    patience = "wait longer" if wait is not None else "wait for it with --wait"
    return NoCapacity(
        f"no capacity{waited}: {count} placement{'s' if count > 1 else ''} tried, all refused",
        details=[*lines, *elsewhere(template, search.sweep.catalog, search.sweep.all)],
        hint=f"widen --gpu, --region or --cloud, or {patience}; `--dry-run` shows the stock",
    )


def _broken_image(image: str, dismissed: Dismissed, deployment: Deployment) -> ImageBroken:
    where = "it would be the same on every machine" if dismissed.bad.final else "in two pods"
    return ImageBroken(
        f"image {image} does not work, {where}: {dismissed.reason}",
        details=report(deployment),
        hint="mend the template's container.imageName, startScript or registryAuthId; `rp why` has the logs",
    )


def no_good_pod(count: int, reason: str, deployment: Deployment) -> NoGoodPod:
    return NoGoodPod(
        f"{count} pod{'s' if count > 1 else ''} came and none was worth keeping; the last: {reason}",
        details=report(deployment),
        hint="--retries allows more bad pods; another --gpu or --region gives other machines",
    )


def report(deployment: Deployment) -> list[str]:
    """What became of every attempt that came to an end."""
    return attempt.report([one for one in deployment.attempts() if not one.is_in_flight])
