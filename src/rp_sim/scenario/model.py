"""The scenario as frozen data. The field names are the TOML keys; docs/simulator.md explains them.

Durations are seconds of simulated time, but those of faults and commands: a client waits these out for real.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from rp_sim.problems import CAPACITY
from rp_sim.scenario.jank import CloudPattern, Command, Jank, at_least

__all__ = ["CloudPattern", "Command", "Jank", "Scenario"]

Availability = Literal["NONE", "LOW", "MEDIUM", "HIGH"]


@dataclass(frozen=True)
class ClockSpeed:
    speed: float = at_least(0.001, 1.0)


@dataclass(frozen=True)
class Boot:
    provisioning_s: float = at_least(0, 1.0)
    starting_s: float = at_least(0, 1.0)
    sshd_s: float = at_least(0, 0.5)
    restart_s: float = at_least(0, 1.0)
    stop_s: float = at_least(0, 0.0)
    stale_port_s: float = at_least(0, 0.5)
    jitter: float = at_least(0, 0.0)


@dataclass(frozen=True)
class Catalog:
    stale: bool = False


@dataclass(frozen=True)
class Stock:
    """One pool, or many through patterns; of several that match, the last one holds."""

    gpu: str = "*"
    data_center: str = "*"
    cloud: CloudPattern = "*"
    count: int | Literal["none"] = at_least(0, 24)
    gpus_per_host: int = at_least(0, 0)
    cuda: tuple[str, ...] = ()
    availability: Availability | Literal[""] = ""
    from_s: float = at_least(0, 0.0)
    until_s: float = at_least(0, 0.0)  # 0: for ever


@dataclass(frozen=True)
class Hosts:
    cuda_versions: tuple[str, ...] = ("13.0", "12.8")
    resume: Literal["ok", "full", "zero_gpu"] = "ok"
    taken_after_stop_s: float = at_least(0, 0.0)
    cgroup: Literal[1, 2] = 2
    community_without_place: float = field(default=0.0, metadata={"min": 0, "max": 1})


@dataclass(frozen=True)
class Refuse:
    """Creates that are turned down whatever the stock says; `times = 0` means always."""

    gpu: str = "*"
    data_center: str = "*"
    cloud: CloudPattern = "*"
    times: int = at_least(0, 0)
    status: int = at_least(400, 400)
    detail: str = CAPACITY
    from_s: float = at_least(0, 0.0)
    until_s: float = at_least(0, 0.0)  # 0: for ever


@dataclass(frozen=True)
class Landing:
    """Where creates land that name no data center, as far as there is stock; `times = 0` means always."""

    data_center: str
    gpu: str = "*"
    cloud: CloudPattern = "*"
    times: int = at_least(0, 0)


FaultKind = Literal[
    "status", "reset", "hang", "slow", "malformed", "answer_lost", "error_after_commit",
    "late_visibility", "missing_from_list",
]  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """What goes wrong with some calls of one operation."""

    operation: str
    kind: FaultKind
    nth: tuple[int, ...] = ()
    every: int = at_least(0, 0)
    when: Literal["before", "after"] = "before"
    status: int = at_least(200, 500)
    detail: str = "internal server error"
    body: str = ""
    content_type: str = ""
    retry_after: int = at_least(0, 0)
    seconds: float = at_least(0, 0.0)  # 0: the default of the kind
    pod: str = "*"


@dataclass(frozen=True)
class Quota:
    minute: int = at_least(1, 600)
    hour: int = at_least(1, 20_000)
    day: int = at_least(1, 200_000)
    exempt: bool = False


@dataclass(frozen=True)
class Volume:
    name: str
    data_center: str
    size: int = at_least(10, 100)
    type: Literal["STANDARD", "HIGH_PERFORMANCE"] = "STANDARD"
    id: str = ""


@dataclass(frozen=True)
class ExistingPod:
    """A pod that is there before the first call comes in."""

    name: str
    image: str = "runpod/pytorch:2.8.0-py3.11-cuda12.8.1-cudnn-devel-ubuntu22.04"
    gpu: str = "NVIDIA GeForce RTX 4090"
    count: int = at_least(1, 1)
    cloud: Literal["SECURE", "COMMUNITY"] = "SECURE"
    data_center: str = ""
    disk: int = at_least(1, 20)
    ports: tuple[str, ...] = ("22/tcp",)
    env: dict[str, str] = field(default_factory=dict)
    volume: int = at_least(0, 0)
    start_ssh: bool = True
    status: Literal["RUNNING", "EXITED"] = "RUNNING"
    id: str = ""
    cluster: str = ""


@dataclass(frozen=True)
class Template:
    """A template of the account at RunPod."""

    name: str
    image: str
    args: str = ""
    disk: int = at_least(1, 50)
    ports: tuple[str, ...] = ("8888/http", "22/tcp")
    env: dict[str, str] = field(default_factory=dict)
    volume: int = at_least(0, 0)
    mount_path: str = "/workspace"
    id: str = ""
    serverless: bool = False
    registry: str = ""
    allowed_cuda: tuple[str, ...] = ()
    public: bool = False
    category: Literal["CPU", "NVIDIA", "AMD"] = "NVIDIA"
    start_ssh: bool = True
    start_jupyter: bool = True


@dataclass(frozen=True)
class Account:
    balance: float = 1000.0
    ssh_keys: tuple[str, ...] = ()
    volume: tuple[Volume, ...] = ()
    pod: tuple[ExistingPod, ...] = ()
    template: tuple[Template, ...] = ()


@dataclass(frozen=True)
class Image:
    sshd: bool = True
    fingerprints: bool = False
    pull_error: str = ""
    pull_s: float = at_least(0, 0.0)
    size_gb: float = at_least(0, 0.0)
    torch: bool = False


@dataclass(frozen=True)
class ApiAnswers:
    """Of each answer of the API; in real seconds, as a client waits for them."""

    latency_s: float = at_least(0, 0.0)
    jitter: float = at_least(0, 0.0)


@dataclass(frozen=True)
class Pods:
    env_in_ssh: bool = False
    args_timeout_s: float = at_least(0, 60.0)


@dataclass(frozen=True)
class Later:
    """What RunPod added after the contract of August 2026; all of it is off by default."""

    page_size: int = at_least(0, 0)
    gpu_details: bool = False
    body_limit: int = at_least(0, 0)


@dataclass(frozen=True)
class Invented:
    """Nobody has published what RunPod does here: each value is a guess, and a switch."""

    get_after_delete: Literal["404", "terminated"] = "404"
    terminated_visible_s: float = at_least(0, 10.0)
    created_quirk: bool = False
    idle_runtime: Literal["null", "empty"] = "null"
    no_balance_detail: str = "insufficient balance"
    conflict_detail: str = "action {action!r} is not valid for a pod in status {status}"
    cluster_detail: str = "pod belongs to a cluster"
    locked_stop_status: int = at_least(400, 409)
    locked_detail: str = "pod is locked"
    locked_terminate: bool = True
    pod_key: Literal["own_pod", "forbidden"] = "own_pod"
    global_network_gpu_detail: str = "global networking requires an NVIDIA GPU"
    global_network_place_detail: str = "global networking is not supported in the requested data centers"


@dataclass(frozen=True)
class Scenario:
    seed: int | None = None
    clock: ClockSpeed = ClockSpeed()
    boot: Boot = Boot()
    catalog: Catalog = Catalog()
    hosts: Hosts = Hosts()
    stock: tuple[Stock, ...] = ()
    refuse: tuple[Refuse, ...] = ()
    landing: tuple[Landing, ...] = ()
    api: ApiAnswers = ApiAnswers()
    fault: tuple[Fault, ...] = ()
    jank: tuple[Jank, ...] = ()
    quota: Quota = Quota()
    account: Account = Account()
    images: dict[str, Image] = field(default_factory=dict)
    pods: Pods = Pods()
    later: Later = Later()
    invented: Invented = Invented()
