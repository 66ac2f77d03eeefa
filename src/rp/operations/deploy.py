"""`rp deploy`: candidates in order until one pod is ready; whatever happens, no pod is left that nobody knows of."""

from collections import deque
from collections.abc import Generator

from rp import errors
from rp.domain.attempt import State, facts, is_capacity
from rp.domain.candidate import Candidate
from rp.errors import ApiError, NoCapacity, NoGoodPod, PodLeft, RpError
from rp.operations import ending
from rp.operations.events import Ended, Event, Note, Trying, Waiting, Warned
from rp.operations.ports import Deployment, Ports
from rp.operations.provision import Dismissed, Kept, NotCreated, provision
from rp.operations.results import Deployed, Plan
from rp.operations.setup import set_up

# A candidate that gave this many bad pods is asked again only after all others.
_BAD_PODS_PER_CANDIDATE = 2
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
        kept = yield from _until_ready(plan, deployment, ports)
        deployment.finish("ready", ports.clock.now())
        yield from _stragglers(deployment, ports)
        attempts = deployment.attempts()
    except BaseException as error:
        # Only a courtesy: after `kill -9` or a power loss the journal leads the next rp command here.
        _settle_after(error, deployment, ports)
        raise
    finally:
        deployment.close()
    deployed = Deployed(kept.pod, plan.alias, kept.replaced, ports.clock.monotonic() - began, attempts)
    yield from set_up(deployed, plan.spec.template.post_deploy, plan.identity, ports)
    return deployed


def _until_ready(plan: Plan, deployment: Deployment, ports: Ports) -> Generator[Event, None, Kept]:
    health = plan.spec.template.health
    queue = deque(plan.candidates.ordered)
    failures: list[ApiError] = []
    bad_pods: list[Candidate] = []
    while queue:
        candidate = queue[0]
        yield Trying(candidate, plan.candidates.ordered.index(candidate) + 1, len(plan.candidates.ordered))
        outcome = yield from provision(candidate, plan, deployment, ports)
        match outcome:
            case Kept():
                return outcome
            case NotCreated(failure):
                failures.append(failure)
                queue.popleft()
                _check_reachable(failures)
            case Dismissed(reason):
                bad_pods.append(candidate)
                if len(bad_pods) > health.max_retries:
                    raise _no_good_pod(len(bad_pods), reason, deployment)
                if bad_pods.count(candidate) % _BAD_PODS_PER_CANDIDATE == 0:
                    queue.rotate(-1)
                yield Waiting(health.retry_backoff_seconds, "after a bad pod")
                ports.clock.sleep(health.retry_backoff_seconds)
    if bad_pods:
        raise _no_good_pod(len(bad_pods), "no candidate is left", deployment)
    raise _nothing_placed(failures, deployment)


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
        # A pod that would not go has been tried long enough for now.
        if not isinstance(error, PodLeft):
            lines.extend(_line(event) for event in ending.settle(deployment, ports))
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
