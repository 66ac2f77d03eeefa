"""`rp deploy --replicas`: several pods of one template side by side, each with its own fallback and proof."""

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any, cast

from rp.domain.pod import Pod, alias_from_pattern, check_alias
from rp.errors import Interrupted, RpError, UsageProblem
from rp.operations.deploy import deploy
from rp.operations.events import Event, Of
from rp.operations.lanes import Cancelled, Lanes
from rp.operations.ports import Clock, Cloud, Ports
from rp.operations.results import Deployed, Plan, Replica, Replicas
from rp.operations.sweep import Board

# Deploys that one list of pods a second can serve: with more of them a list is used for longer.
_PER_SECOND = 8.0
_NAP = 0.1


def plans_of(plan: Plan, count: int, pattern: str | None, ports: Ports) -> tuple[Plan, ...]:
    """`count` times the same plan, each with an alias of its own; `pattern` as `sd-{i}`. Raises UsageProblem."""
    pattern = pattern or plan.spec.template.alias_pattern
    if count > 1 and pattern is not None and "{i}" not in pattern:
        raise UsageProblem(
            f"`{pattern}` names one pod, and {count} are wanted", hint=f"--alias '{pattern}-{{i}}' numbers them"
        )
    taken = set(ports.aliases.all()) | ports.journal.live_aliases() | {plan.alias}
    plans = [plan]
    while len(plans) < count:
        deployment_id = ports.journal.fresh_id()
        alias = alias_from_pattern(pattern, frozenset(taken)) if pattern else _default_alias(plan, deployment_id)
        taken.add(alias)
        plans.append(replace(plan, deployment_id=deployment_id, alias=alias))
    return tuple(plans)


def _default_alias(plan: Plan, deployment_id: str) -> str:
    return check_alias(f"rp-{plan.spec.template.name[:50]}-{deployment_id[:4]}")


def deploy_all(plans: tuple[Plan, ...], ports: Ports) -> Generator[Event, None, Replicas]:
    """What came of each; one that fails does not stop the others. An interruption keeps the pods that are ready."""
    board, began = Board(ports.clock), ports.clock.monotonic()
    cloud = cast("Cloud", _OneList(ports.cloud, ports.clock, len(plans) / _PER_SECOND))
    lanes = Lanes[Deployed](replace(ports, cloud=cloud, crowd=len(plans)))
    try:
        for plan in plans:
            lanes.start(plan.alias, _runner(plan, board))
        for alias, event in lanes.events(lambda: False):
            yield Of(alias, event)
    except BaseException as error:
        lanes.cancel()
        for _ in lanes.last_words():
            pass
        if isinstance(error, RpError | Interrupted):
            error.details = (*error.details, *_after_interruption(plans, lanes, ports))
        raise
    seconds = ports.clock.monotonic() - began
    return Replicas(tuple(_replica(plan.alias, lanes.results[plan.alias]) for plan in plans), seconds)


def _runner(plan: Plan, board: Board) -> Callable[[Ports], Generator[Event, None, Deployed]]:
    return lambda ports: deploy(plan, ports, board)


def _replica(alias: str, result: Deployed | BaseException) -> Replica:
    if isinstance(result, Deployed):
        return Replica(alias, result, None)
    if isinstance(result, RpError):
        return Replica(alias, None, result)
    raise result


def _after_interruption(plans: tuple[Plan, ...], lanes: Lanes[Deployed], ports: Ports) -> list[str]:
    """What became of each, for the error that ends the command."""
    known, lines = ports.aliases.all(), []
    for plan in plans:
        result = lanes.results.get(plan.alias)
        if result is None:
            lines.append(f"{plan.alias} is still being cleaned up: the next rp command finishes it")
        elif plan.alias in known and (isinstance(result, Deployed) or not plan.force):
            lines.append(f"{plan.alias} is ready and keeps running; `rp terminate {plan.alias}` ends it")
        elif isinstance(result, RpError | Interrupted | Cancelled):
            lines.extend(f"{plan.alias}: {line}" for line in result.details)
    return lines


class _OneList:
    """RunPod, whose list of pods is asked once for all who look at about the same time."""

    def __init__(self, cloud: Cloud, clock: Clock, lasts: float) -> None:
        self._cloud = cloud
        self._clock = clock
        self._lasts = lasts
        self._found: tuple[Pod, ...] = ()
        self._at = float("-inf")
        self._is_asking = False

    def pods(self) -> tuple[Pod, ...]:
        while self._is_asking:
            self._clock.sleep(_NAP)
        if self._clock.monotonic() - self._at > self._lasts:
            self._is_asking = True
            try:
                began = self._clock.monotonic()
                self._found, self._at = self._cloud.pods(), began
            finally:
                self._is_asking = False
        return self._found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cloud, name)
