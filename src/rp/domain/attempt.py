"""An attempt: one candidate tried, and what a failed create means for the next step."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rp import errors
from rp.domain.units import usd

# The texts of capacity answers, collected from RunPod's clients; a 400 has no machine-readable code.
_CAPACITY = re.compile(
    r"no longer any instances|no instances currently|please refresh and try again|does not have the resources"
    r"|try a different machine|no (machines|capacity|hosts|gpus|instances) available|insufficient capacity"
    r"|could not find any pods|not enough free gpus|out of stock|sold out",
    re.IGNORECASE,
)


class State(StrEnum):
    """Where an attempt stands in the journal. The first four are open: a pod may exist."""

    CREATING = "creating"
    UNCLEAR = "unclear"
    CREATED = "created"
    TERMINATING = "terminating"
    KEPT = "kept"
    TERMINATED = "terminated"
    REFUSED = "refused"
    ABSENT = "absent"


# The reason of an attempt whose pod came in behind another of the same race.
LOST = "lost the race"
# Refusals for one reason that a report tells one by one; of more than that it tells the first few.
_MOST_ALIKE = 6
_TOLD_OF_THEM = 3
OPEN = (State.CREATING, State.UNCLEAR, State.CREATED, State.TERMINATING)


@dataclass(frozen=True)
class Attempt:
    """Times are seconds since the epoch; `price_per_hour` is in USD. `name` is the pod's, and unique.

    `noted_at` is when the create was answered, or known to have no answer.
    """

    name: str
    deployment_id: str
    cloud: str
    region: str
    gpu: str
    count: int
    price_per_hour: float
    state: State
    started_at: float
    noted_at: float
    ended_at: float | None = None
    pod_id: str | None = None
    reason: str = ""

    @property
    def seconds(self) -> float:
        return (self.ended_at or self.started_at) - self.started_at

    @property
    def cost(self) -> float:
        """What the pod cost until it was ended, in USD; billed by the second from its creation."""
        return self.price_per_hour * self.seconds / 3600 if self.pod_id else 0.0

    @property
    def is_open(self) -> bool:
        """Whether a pod of it may exist that is not the user's."""
        return self.state in OPEN

    @property
    def is_in_flight(self) -> bool:
        return self.state in (State.CREATING, State.CREATED)

    @property
    def what(self) -> str:
        count = f"{self.count}x " if self.count > 1 else ""
        return f"{count}{self.gpu}, {self.region}, {self.cloud.lower()}"

    def line(self) -> str:
        """One line of a report."""
        cost = f" ({usd(self.cost)})" if self.pod_id and self.state is not State.KEPT else ""
        return f"{self.what}: {self.reason or self.state}{cost}"


def report(attempts: Sequence[Attempt]) -> list[str]:
    """A line for each; of many refusals for one reason the first few, and how many more there were."""
    refusals = Counter(one.reason for one in attempts if one.state is State.REFUSED)
    told: Counter[str] = Counter()
    lines = []
    for one in attempts:
        count = refusals[one.reason] if one.state is State.REFUSED else 0
        if count > _MOST_ALIKE:
            told[one.reason] += 1
            if told[one.reason] > _TOLD_OF_THEM:
                continue
        lines.append(one.line())
        if told[one.reason] == _TOLD_OF_THEM and count > _MOST_ALIKE:
            lines.append(f"{count - _TOLD_OF_THEM} more: {one.reason} (`rp why` lists them)")
    return lines


def facts(attempt: Attempt) -> dict[str, object]:
    """What `--json` tells of an attempt."""
    return {
        "pod_name": attempt.name,
        "pod_id": attempt.pod_id,
        "gpu": attempt.gpu,
        "count": attempt.count,
        "region": attempt.region,
        "cloud": attempt.cloud,
        "price_per_hour": attempt.price_per_hour,
        "outcome": attempt.state.value,
        "reason": attempt.reason,
        "seconds": round(attempt.seconds, 1),
        "cost": round(attempt.cost, 6),
    }


def refusal(failure: errors.ApiError) -> str:
    """Why a create was refused, in words for a person."""
    return "no capacity" if is_capacity(failure) else failure.detail or failure.message


class Next(StrEnum):
    """What to do after a create that failed."""

    STOP = "stop"
    NEXT_CANDIDATE = "next candidate"
    WAIT = "wait, then the same candidate"
    LOOK = "look for the pod, then the same candidate"


def after(failure: errors.ApiError) -> Next:
    """RunPod's own table for `createPod`, by the class of the error."""
    match failure:
        case errors.BadRequest() | errors.Forbidden():
            return Next.NEXT_CANDIDATE
        case errors.RateLimited():
            return Next.WAIT
        case errors.Unclear():
            return Next.LOOK
        case _:
            return Next.STOP


def is_capacity(failure: errors.ApiError) -> bool:
    """Whether a refusal is about stock, not about the request."""
    return isinstance(failure, errors.BadRequest) and bool(_CAPACITY.search(failure.detail))
