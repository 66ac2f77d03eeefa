"""A pod as RunPod tells of it, and what can be said of it without asking anyone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rp.errors import UsageProblem

RUNNING = "RUNNING"
EXITED = "EXITED"
ERROR = "ERROR"
TERMINATED = "TERMINATED"
GONE = "gone"

# A host volume of a stopped pod costs 0.20 USD per GB and month; `cost` says 0.0 (RunPod's pricing page).
_STOPPED_VOLUME_USD_PER_GB_MONTH = 0.20
_HOURS_PER_MONTH = 730

_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_ADDRESS = re.compile(r"[0-9]+(\.[0-9]+)+")


@dataclass(frozen=True)
class Endpoint:
    host: str
    port: int
    user: str = "root"


@dataclass(frozen=True)
class Volume:
    """A host-local volume (`size_gb`) or a network volume (`network_id`), mounted at `path`."""

    path: str
    size_gb: int = 0
    network_id: str | None = None


@dataclass(frozen=True)
class Pod:
    """`cost_per_hour` is in USD, as RunPod tells it. `status` may be a word newer than this program.

    `proxy_host` is what the user name of RunPod's SSH proxy tells of the machine.
    """

    id: str
    name: str
    status: str
    image: str = ""
    args: str = ""
    disk_gb: int = 0
    volume: Volume | None = None
    ports: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cloud: str = ""
    data_center: str | None = None
    cuda_version: str | None = None
    gpu_id: str | None = None
    gpu_count: int = 0
    cost_per_hour: float = 0.0
    locked: bool = False
    registry_id: str | None = None
    global_networking: bool = False
    created_at: datetime | None = None
    started_at: datetime | None = None
    uptime_seconds: int | None = None
    ssh: Endpoint | None = None
    proxy_host: str | None = None

    @property
    def is_gone(self) -> bool:
        return self.status == TERMINATED

    @property
    def price_per_hour(self) -> float:
        """What the pod really costs now, in USD per hour: a stopped host volume included."""
        if self.status == EXITED and self.volume and self.volume.size_gb:
            return self.volume.size_gb * _STOPPED_VOLUME_USD_PER_GB_MONTH / _HOURS_PER_MONTH
        return self.cost_per_hour

    @property
    def place(self) -> str:
        """Where it is, as `EU-RO-1 secure`."""
        return " ".join(part for part in (self.data_center or "", self.cloud.lower()) if part)

    def gpu_text(self, names: Mapping[str, str] | None = None) -> str:
        """`2x H100 SXM`, by the catalog's names where they are given."""
        if not self.gpu_id:
            return "CPU"
        name = (names or {}).get(self.gpu_id, self.gpu_id.removeprefix("NVIDIA ").removeprefix("GeForce "))
        return name if self.gpu_count <= 1 else f"{self.gpu_count}x {name}"


def check_alias(alias: str) -> str:
    """Return `alias`; raise UsageProblem where ssh could read it as a pattern, an option or a directive."""
    if not _ALIAS.fullmatch(alias) or alias == "localhost" or _ADDRESS.fullmatch(alias):
        raise UsageProblem(
            f"`{alias}` cannot be an alias",
            hint="use letters, digits, `.`, `_` and `-`; begin with a letter or a digit; at most 63, and no address",
        )
    return alias


def alias_taken(alias: str, pod_id: str) -> UsageProblem:
    """The error for an alias that means another pod already."""
    return UsageProblem(
        f"alias `{alias}` is taken by pod {pod_id}",
        hint="choose another, or point it to the new pod with --force; the old pod keeps running and billing",
    )


def alias_from_pattern(pattern: str, taken: frozenset[str]) -> str:
    """`sd-{i}` → the lowest free of sd-1, sd-2, …; a pattern without `{i}` is the alias itself."""
    if "{i}" not in pattern:
        return check_alias(pattern)
    number = 1
    while (alias := pattern.replace("{i}", str(number))) in taken:
        number += 1
    return check_alias(alias)
