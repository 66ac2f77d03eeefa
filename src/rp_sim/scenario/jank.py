"""What may be wrong with a machine. docs/simulator.md has a table of the kinds and their settings."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

FIXTURES = Path(__file__).parent.parent / "fixtures" / "smi"

CloudPattern = Literal["SECURE", "COMMUNITY", "*"]
JankKind = Literal[
    "ssh_never_up", "connection_refused", "no_banner", "key_refused", "wrong_host_key", "no_public_ip", "slow_ssh",
    "ssh_drops",
    "stuck_provisioning", "stuck_starting", "pull_stalls", "error", "exited", "crash_loop",
    "fewer_gpus", "wrong_gpu", "ecc_errors", "old_driver",
    "smi", "smi_status", "cuda", "torch", "xid", "gpu_lost_line", "nvlink_down", "pcie_idle", "pcie_errors",
    "no_device_nodes",
    "cpu_quota", "cpu_busy", "ram_limit", "small_shm", "few_files", "clock_skew", "no_tmp", "no_tools",
    "env_missing", "poisoned_env",
    "disk_full", "disk_slow", "disk_small", "inodes_full", "corrupt_disk",
    "volume_missing", "volume_read_only", "slow_volume",
    "slow_network", "slow_dns", "dns_broken", "host_blocked",
    "smoke_failure", "commands", "shim",
]  # fmt: skip
CudaFault = Literal[
    "init", "init_once", "context", "fewer_devices", "no_memory", "bad_memory", "wrong_result", "clock", "slow_copy",
    "slow_memory", "straggler", "hang", "no_jit", "no_library", "busy", "ecc", "no_p2p",
]  # fmt: skip
TorchFault = Literal["missing", "no_gpu", "no_kernel", "slow", "corrupt", "decay", "nccl"]


def at_least(minimum: float, default: Any) -> Any:
    """A field with a default and a lower bound; typed as dataclasses.field is."""
    return field(default=default, metadata={"min": minimum})


@dataclass(frozen=True)
class Command:
    """The result of every command on a janky host that the regular expression finds."""

    match: str
    stdout: str = ""
    stderr: str = ""
    exit: int = 0
    delay_s: float = at_least(0, 0.0)
    hang: bool = False


@dataclass(frozen=True)
class Jank:
    """One thing that is wrong with the pods that match all of the patterns. 0 and "" mean: as the kind has it."""

    kind: JankKind
    gpu: str = "*"
    data_center: str = "*"
    cloud: CloudPattern = "*"
    host: str = "*"
    pod: str = "*"
    image: str = "*"
    nth_pod: tuple[int, ...] = ()
    times: int = at_least(0, 0)
    count: int = at_least(0, 0)
    shows: str = "NVIDIA GeForce GT 710"
    driver: str = "470.57.02"
    mbps: float = at_least(0, 0.0)
    message: str = ""
    name: str = ""
    script: str = ""
    command: tuple[Command, ...] = ()
    fixture: str = ""
    fault: CudaFault | TorchFault | Literal[""] = ""
    code: int = at_least(0, 0)
    only: tuple[int, ...] = ()  # indexes of GPUs
    first: int = at_least(0, 0)  # only the first calls go wrong
    hang: bool = False
    ignores_term: bool = False
    delay_s: float = at_least(0, 0.0)
    seconds: float = 0.0
    lines: tuple[str, ...] = ()
    mhz: int = at_least(0, 0)
    gbs: float = at_least(0, 0.0)
    gb: float = at_least(0, 0.0)
    mib: int = at_least(0, 0)
    vcpus: float = at_least(0, 0.0)
    site: str = "*"
    form: Literal["gnu", "busybox"] = "gnu"
    names: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    absent: bool = False


def fixtures() -> list[str]:
    return sorted(path.stem for path in FIXTURES.glob("*.xml"))


# What a kind has to be given, and what that is.
REQUIRED = {
    "shim": ("name", "which program the script stands for"),
    "commands": ("command", "at least one [[jank.command]]"),
    "smi": ("fixture", "which answer of nvidia-smi"),
    "cuda": ("fault", "what the driver does wrong"),
    "torch": ("fault", "what torch finds"),
    "no_tools": ("names", "which programs are not there"),
    "env_missing": ("names", "which variables are not there"),
}
DEFAULTS = {item.name: item.default for item in fields(Jank)}


def missing(jank: Jank) -> tuple[str, str] | None:
    """(field, what it should say) of what the kind needs and was not told."""
    name, what = REQUIRED.get(jank.kind, ("", ""))
    return (name, what) if name and getattr(jank, name) == DEFAULTS[name] else None
