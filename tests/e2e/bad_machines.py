"""A bad machine for each check: what a scenario makes of it, and what is asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rp_sim.scenario.jank import FIXTURES

RTX_4090 = "NVIDIA GeForce RTX 4090"
H100, L40S = "NVIDIA H100 80GB HBM3", "NVIDIA L40S"
VOLUME = {"container": {"volumeInGb": 40}}
SPEED = {"health": {"speedTest": {"enabled": True, "url": "https://speed.example.org/100MB.bin", "minMbps": 1000}}}
# Enough for everything but the gigabyte that `standard` writes to the disk: it would be real.
ROOM = '[[jank]]\nkind = "small_shm"\nmib = 2000\n'
# nvidia-smi -q -x: one document the first time, with some more errors from then on.
SMI = """\
[ "$1" = -q ] || exit 0
asked=$RP_ROOT/tmp/asked
[ -e "$asked" ] && change='s/<replay_counter>[0-9]*</<replay_counter>40</'
touch "$asked"
sed "${{change:-}}" <<'END'
{document}END
"""
# The pod's own table of disks with other numbers: place, source, kind, size and use in KiB.
DF = """\
[ "$1" = -Pk ] || exit 0
echo 'Filesystem     1024-blocks      Used Available Capacity Mounted on'
exec awk -F '|' '{ size = $4; used = $5 }
  $1 == "/" { used = size - 1900000 }
  $3 == "ext4" { size /= 4 }
  { print $2, size, used, size - used, "9%", $1 }' "$RP_ROOT/df"
"""
# The probe's own shell, which sleeps between its looks, dies at the n-th time.
KILL = """\
echo . >>"$RP_ROOT/tmp/naps.$PPID"
[ $(wc -l <"$RP_ROOT/tmp/naps.$PPID") -lt {nap} ] || kill -9 $PPID
exec /bin/sleep "$@"
"""
DIAGNOSIS = "echo '| Memory                    | Fail - GPU: 0                                  |'\nexit 226\n"


@dataclass(frozen=True)
class Scene:
    """`janks` are tables of a scenario, without the pods that they are for; `ids` are what checks find there."""

    ids: tuple[str, ...]
    janks: tuple[str, ...]
    gpu: str = RTX_4090
    gpus: int = 1
    level: str = "basic"
    asked: Mapping[str, Any] = field(default_factory=dict)
    off: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return "+".join(self.ids)

    def scenario(self, which: str = "") -> str:
        return "".join(f"[[jank]]\n{jank}{which}\n" for jank in self.janks) + ROOM

    def template(self) -> dict[str, Any]:
        """What it changes about a template; `health` and `container` are to be merged."""
        health = {"level": self.level, "checks": dict.fromkeys(self.off, "off"), **self.asked.get("health", {})}
        return {"gpuPreference": [self.gpu], "gpuCount": self.gpus, **self.asked, "health": health}


def toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + "}"
    return json.dumps(value)


def scene(ids: str, kind: str, **given: Any) -> Scene:
    """`given`: fields of Scene, and settings of the jank."""
    ours = {name: given.pop(name) for name in ("gpu", "gpus", "level", "asked", "off") if name in given}
    lines = [f'kind = "{kind}"', *(f"{key} = {toml(value)}" for key, value in given.items()), ""]
    return Scene(tuple(ids.split()), ("\n".join(lines),), **ours)


def together(*scenes: Scene, **changes: Any) -> Scene:
    """One machine with all of these faults, asked for as the first of them was."""
    ids = tuple(check for one in scenes for check in one.ids)
    return replace(scenes[0], ids=ids, janks=tuple(jank for one in scenes for jank in one.janks), **changes)


def smi(ids: str, fixture: str, *, gpu: str = H100, **more: Any) -> Scene:
    """nvidia-smi answers with a document of the simulator's."""
    return scene(ids, "smi", fixture=fixture, gpu=gpu, **more)


def edited(ids: str, changes: Mapping[str, str], **more: Any) -> Scene:
    """nvidia-smi answers with the document of a healthy H100 in which some fields are changed."""
    text = (FIXTURES / "pass-persistence-off.xml").read_text(encoding="utf-8")
    for path, value in changes.items():
        inside, _, tag = path.rpartition("/")
        start = text.index(f"<{inside}>") if inside else 0
        rest, found = re.subn(rf"<{tag}>[^<]*</{tag}>", f"<{tag}>{value}</{tag}>", text[start:], count=1)
        assert found, path
        text = text[:start] + rest
    return scene(ids, "shim", name="nvidia-smi", script=SMI.format(document=text), gpu=H100, **more)


def cuda(ids: str, fault: str, **more: Any) -> Scene:
    return scene(ids, "cuda", fault=fault, **more)


def torch(ids: str, fault: str, **more: Any) -> Scene:
    return scene(ids, "torch", fault=fault, level="standard", **more)


FAILING = [
    scene("gpu.no_evidence", "no_tools", names=["nvidia-smi", "python3", "python"]),
    scene("gpu.nvidia_smi", "smi_status", code=9),
    scene("gpu.count", "fewer_gpus", gpus=2),
    scene("gpu.model", "wrong_gpu"),
    smi("gpu.vram", "fail-vram-short", gpu=RTX_4090),
    smi("gpu.mig", "fail-mig-on-unasked"),
    smi("gpu.compute_mode", "fail-compute-prohibited"),
    smi("gpu.unreadable", "fail-gpu-is-lost-cells"),
    scene("gpu.ecc_uncorrected", "ecc_errors", gpu=L40S),
    smi("gpu.sram_threshold", "fail-sram-threshold", off=("gpu.ecc_uncorrected",)),
    smi("gpu.repair_pending", "fail-channel-repair-pending"),
    smi("gpu.remap_pending", "fail-row-remap-pending"),
    smi("gpu.remap_failure", "fail-row-remap-failure"),
    edited("gpu.remapped_rows", {"remapped_rows/remapped_row_unc": "600"}),
    smi("gpu.recovery_action", "fail-recovery-action-reset"),
    smi("gpu.fabric", "fail-fabric-in-progress"),
    scene("nvlink", "nvlink_down", only=[1], gpu=H100, gpus=2),
    scene("xid", "xid", code=79),
    smi("gpu.throttle_hw", "fail-thermal-510mhz"),
    edited("gpu.power_limit", {"gpu_power_readings/current_power_limit": "300.00 W"}),
    smi("gpu.pcie_width", "fail-pcie-x1-riser", gpu=RTX_4090),
    cuda("gpu.mem_used", "busy"),
    cuda("cuda.load", "no_library"),
    cuda("cuda.init", "init"),
    cuda("cuda.count", "fewer_devices", gpus=2),
    cuda("cuda.gpu", "context", only=[1], gpus=2),
    cuda("cuda.bad_memory", "bad_memory"),
    cuda("cuda.wrong_result", "wrong_result"),
    cuda("cuda.clock", "clock"),
    cuda("cuda.h2d", "slow_copy"),
    cuda("cuda.d2h", "slow_copy", off=("cuda.h2d",)),
    cuda("cuda.mem_bw", "slow_memory"),
    smi("cuda.throttle", "fail-thermal-510mhz", off=("gpu.throttle_hw", "cuda.clock")),
    scene("cuda.pcie_gen", "pcie_idle", off=("cuda.h2d", "cuda.d2h")),
    torch("torch.run", "no_gpu"),
    torch("torch.bf16", "slow"),
    torch("torch.sdc", "corrupt"),
    torch("torch.digest", "corrupt", gpus=2, off=("torch.sdc",)),
    torch("torch.mem_bw", "slow", off=("torch.bf16",)),
    cuda("torch.h2d", "slow_copy", level="standard", off=("cuda.h2d", "cuda.d2h")),
    cuda("torch.d2h", "slow_copy", level="standard", off=("cuda.h2d", "cuda.d2h", "torch.h2d")),
    torch("torch.nccl", "nccl", gpus=2),
    scene("asked.speed", "slow_network", mbps=200, asked=SPEED),
    scene("volume.mounted", "volume_missing", asked=VOLUME),
    scene("volume.writable", "volume_read_only", asked=VOLUME),
    scene("driver.cuda_floor", "old_driver", asked={"minCudaVersion": "12.8"}),
    smi(
        "driver.image_cuda",
        "fail-driver-major-older-than-image",
        gpu=RTX_4090,
        asked={"container": {"env": {"CUDA_VERSION": "13.0.0"}}},
    ),
    scene("fs.tmp", "no_tmp"),
    scene("cpu.quota", "cpu_quota", vcpus=0.5),
    scene("ram.limit", "ram_limit"),
    scene("shm", "small_shm", gpus=2),
    scene("clock", "clock_skew"),
    scene("disk.full", "disk_full"),
    scene("disk.write", "disk_slow"),
    scene("disk.cmp", "corrupt_disk"),
    scene("volume.write", "slow_volume", asked=VOLUME),
    scene("net.https", "dns_broken"),
    scene("net.down", "slow_network"),
]
IMAGE_BROKEN = [
    scene("asked.env", "env_missing", names=["WANTED"], asked={"container": {"env": {"WANTED": "1"}}}),
    cuda("cuda.init", "init", code=803),
    cuda("cuda.init", "init", code=804),
    cuda("cuda.init", "init", code=34),
    scene("cuda.init", "poisoned_env"),
    scene("cuda.init", "poisoned_env", env={"CUDA_VISIBLE_DEVICES": ""}),
    torch("torch.run", "no_kernel"),
]
WARNING = [
    together(
        scene("dev", "no_device_nodes", asked={"container": {"ports": [22, "8000/http"]}}),
        scene("dev.aer", "pcie_errors"),
        scene("asked.port limits", "few_files"),
        scene("cpu.promised", "cpu_quota", vcpus=3),
        scene("cpu.pressure", "cpu_busy"),
        scene("ram.promised ram.vram", "ram_limit", gb=20),
        scene("disk.size", "disk_small"),
        scene("disk.inodes", "inodes_full"),
        scene("disk.read", "disk_slow", mbps=60),
        scene("net.dns", "slow_dns"),
        scene("kmsg", "xid", lines=["EXT4-fs error (device sda1): bad block"]),
        scene("env", "poisoned_env", env={"CUDA_LAUNCH_BLOCKING": "1"}),
        cuda("cuda.kernels", "no_jit"),
    ),
    edited(
        "gpu.ecc_aggregate gpu.ecc_corrected gpu.ecc_corrected_sram gpu.throttle_thermal gpu.throttle_history"
        " gpu.pcie_replay gpu.util gpu.temperature",
        {
            "aggregate/dram_uncorrectable": "3",
            "volatile/dram_correctable": "30000000",
            "volatile/sram_correctable": "20000",
            "clocks_event_reasons/clocks_event_reason_sw_thermal_slowdown": "Active",
            "clocks_event_reasons_counters/clocks_event_reasons_counters_hw_therm_slowdown": "90000000 us",
            "fb_memory_usage/used": "500 MiB",
            "utilization/gpu_util": "50 %",
            "temperature/gpu_temp": "90 C",
        },
    ),
    together(
        torch("torch.spread", "slow", only=[1], gpu=H100, gpus=2, off=("torch.bf16", "torch.mem_bw")),
        scene("torch.p2p", "nvlink_down", count=9),
        cuda("cuda.straggler", "straggler"),
        cuda("cuda.alloc", "no_memory"),
    ),
    together(torch("torch.decay", "decay"), scene("disk.files", "shim", name="sync", script="exec sleep 21")),
    scene("volume.size disk.free", "shim", name="df", script=DF, asked={"container": {"volumeInGb": 40}}),
    scene("probe.answer", "shim", name="sleep", script=KILL.format(nap=5)),
]
UNKNOWN = scene("cuda.init net.https net.down", "no_tools", names=["python3", "python", "curl", "wget"])
# By themselves these take a minute, or nearly one: the probe waits for an answer as long as it may.
HANGING = [
    scene("gpu.nvidia_smi", "smi_status", hang=True),
    cuda("cuda.gpu", "hang"),
]
DEEP = scene("dcgm.diag", "shim", name="dcgmi", script=DIAGNOSIS, level="deep")
