"""`rp deploy`: candidates in order until one pod is ready; whatever happens, no pod is left that nobody knows of."""

from collections.abc import Generator
from dataclasses import replace

from rp import errors
from rp.domain.attempt import State, facts
from rp.domain.pod import alias_from_pattern
from rp.errors import PodLeft, RpError
from rp.operations import ending, numbering, timeline
from rp.operations.events import Event, Note, Warned
from rp.operations.gate import Gate
from rp.operations.lanes import Cancelled, shield
from rp.operations.machines import Avoided, Machines
from rp.operations.placing import Search, nothing_kept, place
from rp.operations.ports import Deployment, Ports
from rp.operations.provision import Kept, Lane
from rp.operations.race import race
from rp.operations.results import Deployed, Plan
from rp.operations.run import Run
from rp.operations.setup import set_up
from rp.operations.sweep import Sweep
from rp.operations.waiting import Waiting


def deploy(plan: Plan, ports: Ports, run: Run | None = None) -> Generator[Event, None, Deployed]:
    """Raises NoCapacity, NoGoodPod, PodLeft, ApiError; every pod of a failed deploy is gone, or named in the error.

    `run`: what it shares with the other deploys of the same command.
    """
    if note := ports.remote.prepare():
        yield Note(note)
    began = ports.clock.monotonic()
    run = run or Run(ports.clock, len(plan.candidates.ordered))
    planned = plan.alias
    plan, deployment = yield from _begin(plan, ports)
    run.begun[planned] = deployment
    try:
        steps = _until_ready(plan, deployment, run, ports)
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


def _begin(plan: Plan, ports: Ports) -> Generator[Event, None, tuple[Plan, Deployment]]:
    """Into the journal; a numbered alias that another rp took meanwhile becomes the next one that is free."""
    template = plan.spec.template
    while True:
        try:
            return plan, ports.journal.begin(
                plan.deployment_id, ports.account, template.name, plan.alias, template.tags, ports.clock.now()
            )
        except errors.Busy:
            if plan.pattern is None:
                raise
            another = alias_from_pattern(plan.pattern, numbering.taken(ports) | {plan.alias})
            yield Note(f"another rp has just taken {plan.alias}: {another} instead")
            plan = replace(plan, alias=another)


def _until_ready(plan: Plan, deployment: Deployment, run: Run, ports: Ports) -> Generator[Event, None, Kept]:
    """As often as the plan lets it wait for capacity."""
    sweep = Sweep(plan.candidates.ordered, plan.catalog, plan.spec.template, run.board)
    search = Search(plan, sweep, Avoided())
    waiting = Waiting(search, deployment, run, ports)
    while True:
        nothing: RpError
        try:
            kept = yield from (race if plan.race > 1 else _alone)(search, deployment, ports)
            if kept:
                return kept
            nothing, may_pass = nothing_kept(search, deployment), search.sweep.may_pass
        except errors.Unclear as failure:
            # Whoever waits overnight waits for RunPod to come back, too.
            nothing, may_pass = failure, True
        if plan.wait is None or not may_pass:
            raise nothing
        yield from waiting.for_stock(nothing)


def _alone(search: Search, deployment: Deployment, ports: Ports) -> Generator[Event, None, Kept | None]:
    """One pod at a time, but for one that is held."""
    machines = Machines(search.avoided, deployment, ports)
    lane = Lane(deployment, machines, Gate(search.plan, deployment), ports)
    kept = yield from place(search, lane)
    if kept is None:
        yield from machines.release()
    return kept


def _stragglers(deployment: Deployment, ports: Ports) -> Generator[Event, None, None]:
    """Pods of creates without an answer that showed up meanwhile are ended: the intent has its pod."""
    if deployment.open_attempts():
        yield from ending.settle(deployment, ports)
    for text in ending.still_open(deployment):
        yield Warned(text)


def _settle_after(error: BaseException, deployment: Deployment, ports: Ports) -> None:
    """End what is in flight, and put what became of it into the error."""
    lines: list[str] = []
    shield(ports)
    try:
        settling = ending.settle(deployment, ports, tried=isinstance(error, PodLeft))
        lines.extend(ending.told(settling))
        lines.extend(ending.still_open(deployment))
        lines.extend(ending.kept(deployment))
        is_interrupted = isinstance(error, errors.Interrupted | Cancelled)
        deployment.finish("interrupted" if is_interrupted else "failed", ports.clock.now())
    except RpError as trouble:
        lines.append(
            f"could not clean up ({trouble.message}): pods whose name has `{deployment.id}` in it may be running; "
            "the next rp command looks for them, `rp cleanup` does it now"
        )
    if isinstance(error, RpError | errors.Interrupted | Cancelled):
        error.details = (*error.details, *lines)
        error.facts["attempts"] = _facts(deployment)


def _facts(deployment: Deployment) -> list[dict[str, object]]:
    try:
        return [facts(attempt) for attempt in deployment.attempts()]
    except RpError:
        return []
