"""What an operation tells while it runs; `output/progress.py` shows it."""

from dataclasses import dataclass

from rp.domain.candidate import Candidate
from rp.domain.pod import Pod
from rp.domain.verdict import Report


@dataclass(frozen=True)
class Trying:
    """A create is about to be sent."""

    candidate: Candidate
    number: int
    total: int


@dataclass(frozen=True)
class Refused:
    candidate: Candidate
    reason: str


@dataclass(frozen=True)
class Created:
    """From here on the pod costs money."""

    candidate: Candidate
    pod: Pod


@dataclass(frozen=True)
class Phase:
    """What the pod is doing now, as `starting` or `waiting for SSH`."""

    text: str


@dataclass(frozen=True)
class Bad:
    """A pod that is not worth keeping: it is being terminated."""

    pod_id: str
    reason: str


@dataclass(frozen=True)
class Held:
    """A pod that takes up a bad machine, so that the next create lands elsewhere; it is ended after that."""

    pod_id: str
    reason: str


@dataclass(frozen=True)
class Checked:
    """The pod was looked at from inside."""

    report: Report


@dataclass(frozen=True)
class Ended:
    """A pod that is confirmed to be gone. `cost` is in USD."""

    pod_id: str
    name: str
    cost: float


@dataclass(frozen=True)
class Waiting:
    seconds: float
    reason: str


@dataclass(frozen=True)
class Looking:
    """Nothing can be had now; the catalog is looked at again in `seconds`, for the `looks`-th time.

    `best` is the candidate with the best stock that it has told of so far, at `best_at` in seconds since the epoch.
    """

    looks: int
    seconds: float
    best: Candidate | None
    best_at: float


@dataclass(frozen=True)
class Note:
    """Something worth knowing that needs no action."""

    text: str


@dataclass(frozen=True)
class Warned:
    text: str


@dataclass(frozen=True)
class SetupLine:
    """A line that a setup script printed."""

    script: str
    line: str


@dataclass(frozen=True)
class Healthy:
    """The pod passed its checks and is the alias's now."""

    pod: Pod
    alias: str


@dataclass(frozen=True)
class Of:
    """What one of several deploys tells."""

    alias: str
    event: "Event"


Event = (
    Trying
    | Refused
    | Created
    | Phase
    | Checked
    | Bad
    | Held
    | Ended
    | Waiting
    | Looking
    | Note
    | Warned
    | SetupLine
    | Healthy
    | Of
)
