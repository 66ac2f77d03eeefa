"""`rp deploy --replicas`: several pods of one template side by side, each with its own fallback and proof."""

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any, cast

from rp.domain.pod import Pod
from rp.errors import Interrupted, RpError, UsageProblem
from rp.operations import ending, numbering
from rp.operations.deploy import deploy
from rp.operations.events import Event, Of
from rp.operations.lanes import AT_LAST, SOON, Cancelled, Lanes
from rp.operations.ports import Clock, Cloud, Ports
from rp.operations.results import Deployed, Plan, Replica, Replicas
from rp.operations.run import Run, Shared

# Deploys that one list of pods a second can serve: with more of them a list is used for longer.
_PER_SECOND = 8.0


def plans_of(plan: Plan, count: int, pattern: str | None, ports: Ports) -> tuple[Plan, ...]:
    """`count` times the same plan, each with an alias of its own; `pattern` as `sd-{i}`. Raises UsageProblem."""
    pattern = pattern or plan.spec.template.alias_pattern
    if count > 1 and pattern is not None and "{i}" not in pattern:
        raise UsageProblem(
            f"`{pattern}` names one pod, and {count} are wanted", hint=f"--alias '{pattern}-{{i}}' numbers them"
        )
    taken = numbering.taken(ports) | {plan.alias}
    plans = [plan]
    while len(plans) < count:
        deployment_id = ports.journal.fresh_id()
        alias = numbering.alias_for(plan.spec.template.name, deployment_id, pattern, taken)
        if alias in taken:
            continue
        taken |= {alias}
        plans.append(replace(plan, deployment_id=deployment_id, alias=alias))
    return tuple(plans)


def deploy_all(plans: tuple[Plan, ...], ports: Ports) -> Generator[Event, None, Replicas]:
    """What came of each; one that fails does not stop the others. An interruption keeps the pods that are ready."""
    run, began = Run(ports.clock, len(plans[0].candidates.ordered)), ports.clock.monotonic()
    cloud = cast("Cloud", _OneList(ports.cloud, ports.clock, len(plans) / _PER_SECOND))
    lanes = Lanes[Deployed](replace(ports, cloud=cloud, crowd=len(plans)))
    ports.workers.make_room(len(plans))
    try:
        for plan in plans:
            lanes.start(plan.alias, _runner(plan, run))
        for alias, event in lanes.events(lambda: False):
            yield Of(alias, event)
    except BaseException as error:
        lanes.cancel()
        lines = _end_all(lanes, run, ports)
        if isinstance(error, RpError | Interrupted):
            error.details = (*error.details, *lines)
        raise
    seconds = ports.clock.monotonic() - began
    return Replicas(tuple(_replica(plan.alias, lanes.results[plan.alias]) for plan in plans), seconds)


def _runner(plan: Plan, run: Run) -> Callable[[Ports], Generator[Event, None, Deployed]]:
    return lambda ports: deploy(plan, ports, run)


def _replica(alias: str, result: Deployed | BaseException) -> Replica:
    if isinstance(result, Deployed):
        return Replica(alias, result, None)
    if isinstance(result, RpError):
        return Replica(alias, None, result)
    # A bug, which must not hide the pods of the others.
    return Replica(alias, None, RpError(f"a bug in rp: {type(result).__name__}: {result}"), bug=result)


def _end_all(lanes: Lanes[Deployed], run: Run, ports: Ports) -> list[str]:
    """End what is open: most lanes do so themselves, some are deep in a look at their pod. What became of each."""
    for _ in lanes.last_words(SOON):
        pass
    lines = []
    for alias, deployment in run.begun.items():
        opened = [attempt for attempt in deployment.open_attempts() if attempt.pod_id]
        for attempt in opened:
            ended = ending.end_attempt(attempt, attempt.pod_id or "", "interrupted", deployment, ports)
            lines += [f"{alias}: {line}" for line in ending.told(ended)]
    for _ in lanes.last_words(AT_LAST):
        pass
    for alias, deployment in run.begun.items():
        lines += [f"{alias}: {line}" for line in (*ending.kept(deployment), *ending.left_open(deployment))]
    for alias, result in lanes.results.items():
        if isinstance(result, RpError | Cancelled):
            lines += [f"{alias}: {line}" for line in result.details]
    return list(dict.fromkeys(lines))


class _OneList:
    """RunPod, whose list of pods is asked once for all who look at about the same time."""

    def __init__(self, cloud: Cloud, clock: Clock, lasts: float) -> None:
        self._cloud = cloud
        self._list: Shared[tuple[Pod, ...]] = Shared(clock, lasts)

    def pods(self) -> tuple[Pod, ...]:
        return self._list.get(self._cloud.pods)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cloud, name)
