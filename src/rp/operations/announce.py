"""Telling people who have gone away what came of it."""

from collections.abc import Callable, Generator, Sequence
from typing import Protocol, TypeVar

from rp.domain.units import duration, usd
from rp.errors import RpError
from rp.operations.events import Event, Warned
from rp.operations.results import Deployed, Replicas

T = TypeVar("T")


class Notifier(Protocol):
    def send(self, targets: Sequence[str], title: str, body: str) -> list[str]:
        """A sentence for each target that failed."""


def announced(
    steps: Generator[Event, None, T],
    what: str,
    message: Callable[[T], tuple[str, str]],
    targets: Sequence[str],
    notifier: Notifier,
) -> Generator[Event, None, T]:
    """The same events and result; then a `message`, title and text. Whoever interrupts it knows already."""
    try:
        result = yield from steps
    except RpError as failure:
        failure.details = (*failure.details, *notifier.send(targets, f"rp: {what} failed", failure.message))
        raise
    for problem in notifier.send(targets, *message(result)):
        yield Warned(problem)
    return result


def of_one(deployed: Deployed) -> tuple[str, str]:
    pod = deployed.pod
    where = f"{pod.gpu_count}x {pod.gpu_id}, {pod.place}, {usd(pod.cost_per_hour)}/h"
    return f"rp: {deployed.alias} is ready", f"ssh {deployed.alias}\n{where}, after {duration(deployed.seconds)}"


def of_several(replicas: Replicas) -> tuple[str, str]:
    lines = [f"{one.alias}: {'ready' if one.deployed else 'failed'}" for one in replicas.all]
    return f"rp: {len(replicas.ready)} of {len(replicas.all)} pods are ready", "\n".join(lines)
