"""What operations give back: frozen data, for `output/` to show."""

# Types only: what is shown of a pod needs no catalog.
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rp.domain.pod import GONE

if TYPE_CHECKING:
    from rp.domain.attempt import Attempt
    from rp.domain.candidate import Candidates
    from rp.domain.catalog import Catalog
    from rp.domain.identity import Identity
    from rp.domain.pod import Pod
    from rp.domain.spec import Spec
    from rp.domain.template import Template
    from rp.domain.verdict import Report
    from rp.errors import RpError


@dataclass(frozen=True)
class Entry:
    """A pod with its alias; no alias for a pod that only the account knows, no pod for one that is gone.

    `becoming` is the alias that a deploy of this machine is about to give it.
    """

    alias: str | None
    pod_id: str
    pod: Pod | None
    becoming: str | None = None

    @property
    def status(self) -> str:
        return self.pod.status if self.pod else GONE


@dataclass(frozen=True)
class Stopped:
    """`pod` as it is afterwards; `already` where it was stopped before."""

    pod: Pod
    already: bool


@dataclass(frozen=True)
class Plan:
    """What a deploy will do. `force` lets an alias that is taken go to the new pod."""

    deployment_id: str
    spec: Spec
    alias: str
    force: bool
    candidates: Candidates
    catalog: Catalog
    identity: Identity
    warnings: tuple[str, ...] = ()
    # `sd-{i}`, where the alias is one of many.
    pattern: str | None = None
    # Pods that may boot at the same time.
    race: int = 1
    # Seconds to wait for capacity where there is none; None: not at all.
    wait: float | None = None

    def pod_name(self, number: int) -> str:
        """The name of one attempt's pod: no other pod of the account has it. At most 60 characters."""
        return f"rp-{self.spec.template.name[:36]}-{self.deployment_id}-{number}"


@dataclass(frozen=True)
class Deployed:
    """A pod that is ready. `seconds` is the time from the first create; `replaced` the pod the alias had before.

    `left`: ids of other pods of this deploy that would not go yet.
    """

    pod: Pod
    alias: str
    replaced: str | None
    seconds: float
    attempts: tuple[Attempt, ...]
    report: Report
    left: tuple[str, ...] = ()


@dataclass(frozen=True)
class Replica:
    """One of several pods of a template: `deployed`, or the `error` that it ended with, and the `bug` behind that."""

    alias: str
    deployed: Deployed | None
    error: RpError | None
    bug: BaseException | None = None


@dataclass(frozen=True)
class Replicas:
    """`seconds` until the last of them was ready or given up."""

    all: tuple[Replica, ...]
    seconds: float

    @property
    def ready(self) -> tuple[Deployed, ...]:
        return tuple(one.deployed for one in self.all if one.deployed)

    @property
    def exit_status(self) -> int:
        """0 where all are ready; the error's where all failed in one way, else 1."""
        failed = {one.error.exit_status for one in self.all if one.error}
        if not failed:
            return 1 if any(one.left for one in self.ready) else 0
        return int(failed.pop()) if len(failed) == 1 and not self.ready else 1


@dataclass(frozen=True)
class Checkup:
    """A look at a running pod. `called` is the alias, or the id of a pod without one.

    `report` is None where no look was possible; `trouble` says why.
    """

    called: str
    pod: Pod
    report: Report | None = None
    trouble: str = ""


@dataclass(frozen=True)
class Derived:
    """`notes` tell what could not be known, and which values were left out."""

    template: Template
    notes: tuple[str, ...]
