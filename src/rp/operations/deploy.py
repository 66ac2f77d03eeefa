"""`rp deploy`: candidates in order until one pod is ready; whatever happens, no pod is left that nobody knows of."""

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field

from rp import errors
from rp.domain.attempt import State, facts, is_capacity
from rp.domain.candidate import Candidate
from rp.domain.verdict import Owner
from rp.errors import ApiError, ImageBroken, NoCapacity, NoGoodPod, PodLeft, RpError
from rp.operations import ending, timeline
from rp.operations.events import Ended, Event, Note, Trying, Waiting, Warned
from rp.operations.looks import BadPod
from rp.operations.machines import KnownBad, Machines
from rp.operations.ports import Deployment, Ports
from rp.operations.provision import Dismissed, Kept, NotCreated, Recognised, provision
from rp.operations.results import Deployed, Plan
from rp.operations.setup import set_up

# A candidate that gave this many bad pods is asked again only after all others.
_BAD_PODS_PER_CANDIDATE = 2
# A failure that follows the image: the second machine proves it.
_IMAGE_FAILURES = 2
# Seconds between creates where the only place left was taken by ourselves: RunPod's stock lags.
_STOCK_LAGS = (5.0, 10.0, 20.0)
# Creates without a clear answer on that many candidates mean that RunPod itself is down.
_UNCLEAR_CANDIDATES = 2


def deploy(plan: Plan, ports: Ports) -> Generator[Event, None, Deployed]:
    """Raises NoCapacity, NoGoodPod, PodLeft, ApiError; every pod of a failed deploy is gone, or named in the error."""
    template = plan.spec.template
    if note := ports.remote.prepare():
        yield Note(note)
    began = ports.clock.monotonic()
    deployment = ports.journal.begin(
        plan.deployment_id, ports.account, template.name, plan.alias, template.tags, ports.clock.now()
    )
    try:
        steps = _until_ready(plan, deployment, ports)
        kept = yield from timeline.recorded(steps, deployment, ports.clock)
        deployment.finish("ready", ports.clock.now())
        yield from _stragglers(deployment, ports)
        attempts = deployment.attempts()
        left = tuple(one.pod_id for one in attempts if one.state is State.TERMINATING and one.pod_id)
    except BaseException as error:
        # Only a courtesy: after `kill -9` or a power loss the journal leads the next rp command here.
        _settle_after(error, deployment, ports)
        raise
    finally:
        deployment.close()
    seconds = ports.clock.monotonic() - began
    deployed = Deployed(kept.pod, plan.alias, kept.replaced, seconds, attempts, kept.report, left)
    yield from set_up(deployed, plan.spec.template.post_deploy, plan.identity, ports)
    return deployed


@dataclass
class _Tally:
    """What came of the candidates so far."""

    queue: deque[Candidate]
    failures: list[ApiError] = field(default_factory=list)
    bad: list[tuple[Candidate, BadPod]] = field(default_factory=list)
    # Candidates whose machines failed before, with what is held against them.
    known: dict[Candidate, KnownBad] = field(default_factory=dict)
    # Seconds to wait for a place that was given up a moment ago.
    pauses: list[float] = field(default_factory=list)

    def count(self, candidate: Candidate) -> int:
        return sum(one is candidate for one, _ in self.bad)


def _until_ready(plan: Plan, deployment: Deployment, ports: Ports) -> Generator[Event, None, Kept]:
    ordered = plan.candidates.ordered
    tally = _Tally(deque(ordered))
    machines = Machines(deployment, ports)
    while tally.queue:
        candidate = tally.queue[0]
        yield Trying(candidate, ordered.index(candidate) + 1, len(ordered))
        outcome = yield from provision(candidate, plan, deployment, machines, ports)
        match outcome:
            case Kept():
                return outcome
            case NotCreated(failure) if tally.pauses and is_capacity(failure):
                pause = tally.pauses.pop(0)
                yield Waiting(pause, "for RunPod to notice that a machine is free again")
                ports.clock.sleep(pause)
            case NotCreated(failure):
                tally.failures.append(failure)
                tally.queue.popleft()
                _check_reachable(tally.failures)
            case Dismissed():
                yield from machines.release_before(plan.spec.template.health.retry_backoff_seconds)
                yield from _after_bad(candidate, outcome, tally, plan, deployment, ports)
            case Recognised(known):
                # Once more while the bad machine is taken; after that this candidate is a last resort.
                if candidate in tally.known:
                    tally.queue.popleft()
                tally.known[candidate] = known
        if not tally.queue and tally.known and machines.avoiding:
            tally.queue.extend(sorted(tally.known, key=lambda one: _badness(tally.known[one])))
            tally.pauses.extend(_STOCK_LAGS)
            yield from machines.stop_avoiding(tally.known[tally.queue[0]])
    if tally.bad:
        raise _no_good_pod(len(tally.bad), "no candidate is left", deployment)
    raise _nothing_placed(tally.failures, deployment)


def _after_bad(
    candidate: Candidate, dismissed: Dismissed, tally: _Tally, plan: Plan, deployment: Deployment, ports: Ports
) -> Generator[Event, None, None]:
    """Go on with which candidate, or raise: an image that is broken fails on every machine."""
    health, bad = plan.spec.template.health, dismissed.bad
    tally.bad.append((candidate, bad))
    of_image = [one for _, one in tally.bad if one.owner is Owner.IMAGE]
    if bad.final or len(of_image) >= _IMAGE_FAILURES:
        raise _broken_image(plan.spec.template.container.image_name, dismissed, deployment)
    if len(tally.bad) > health.max_retries:
        raise _no_good_pod(len(tally.bad), dismissed.reason, deployment)
    if tally.count(candidate) % _BAD_PODS_PER_CANDIDATE == 0:
        tally.queue.rotate(-1)
    yield Waiting(health.retry_backoff_seconds, "after a bad pod")
    ports.clock.sleep(health.retry_backoff_seconds)


def _badness(known: KnownBad) -> tuple[int, float]:
    """The fewest failures first, and of those the longest ago."""
    return known.count, known.failure.at


def _check_reachable(failures: list[ApiError]) -> None:
    recent = failures[-_UNCLEAR_CANDIDATES:]
    if len(recent) == _UNCLEAR_CANDIDATES and all(isinstance(failure, errors.Unclear) for failure in recent):
        raise recent[-1]


def _nothing_placed(failures: list[ApiError], deployment: Deployment) -> RpError:
    lines = _report(deployment)
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
    return NoCapacity(
        f"no capacity: {count} placement{'s' if count > 1 else ''} tried, all refused",
        details=lines,
        hint="widen --gpu, --region or --cloud, or try again later; `--dry-run` shows the stock",
    )


def _broken_image(image: str, dismissed: Dismissed, deployment: Deployment) -> ImageBroken:
    where = "it would be the same on every machine" if dismissed.bad.final else "in two pods"
    return ImageBroken(
        f"image {image} does not work, {where}: {dismissed.reason}",
        details=_report(deployment),
        hint="mend the template's container.imageName, startScript or registryAuthId; `rp why` has the logs",
    )


def _no_good_pod(count: int, reason: str, deployment: Deployment) -> NoGoodPod:
    return NoGoodPod(
        f"{count} pod{'s' if count > 1 else ''} came and none was worth keeping; the last: {reason}",
        details=_report(deployment),
        hint="--retries allows more bad pods; another --gpu or --region gives other machines",
    )


def _report(deployment: Deployment) -> list[str]:
    return [attempt.line() for attempt in deployment.attempts() if attempt.state is not State.CREATING]


def _stragglers(deployment: Deployment, ports: Ports) -> Generator[Event, None, None]:
    """Pods of creates without an answer that showed up meanwhile are ended: the intent has its pod."""
    if deployment.open_attempts():
        yield from ending.settle(deployment, ports)
    for text in ending.still_open(deployment):
        yield Warned(text)


def _settle_after(error: BaseException, deployment: Deployment, ports: Ports) -> None:
    """End what is in flight, and put what became of it into the error."""
    lines: list[str] = []
    try:
        settling = ending.settle(deployment, ports, tried=isinstance(error, PodLeft))
        lines.extend(_line(event) for event in settling)
        lines.extend(ending.still_open(deployment))
        deployment.finish("interrupted" if isinstance(error, errors.Interrupted) else "failed", ports.clock.now())
    except RpError as trouble:
        lines.append(
            f"could not clean up ({trouble.message}): pods whose name has `{deployment.id}` in it may be running; "
            "the next rp command looks for them, `rp cleanup` does it now"
        )
    if isinstance(error, RpError | errors.Interrupted):
        error.details = (*error.details, *lines)
        error.facts["attempts"] = _facts(deployment)


def _facts(deployment: Deployment) -> list[dict[str, object]]:
    try:
        return [facts(attempt) for attempt in deployment.attempts()]
    except RpError:
        return []


def _line(event: Event) -> str:
    match event:
        case Ended(pod_id, name, _):
            return f"pod {pod_id} ({name}) was terminated"
        case Warned(text) | Note(text):
            return text
        case _:
            return str(event)
