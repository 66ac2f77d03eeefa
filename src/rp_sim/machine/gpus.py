"""The GPUs of one pod as the programs in it see them, healthy or not."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from rp_sim.inventory import gpu_hardware
from rp_sim.scenario.jank import FIXTURES

if TYPE_CHECKING:
    from rp_sim.pod import Pod
    from rp_sim.scenario.jank import Jank

Facts = dict[str, Any]
DRIVERS = {"13": "580.95.05", "12": "570.195.03", "11": "520.61.05"}
WITH_ECC = re.compile(r"\b(A100|A30|A40|H100|H200|B200|B300|L4|L40|L40S)\b|^Tesla ")
WITH_MIG = re.compile(r"\b(A100|A30|H100|H200|B200|B300)\b")
WITH_FABRIC = re.compile(r"H100 80GB HBM3|NVIDIA H200$|\b(B200|B300)\b")
SLOWDOWNS = {"hw_slowdown": 0x8, "sw_thermal_slowdown": 0x20, "hw_thermal_slowdown": 0x40,
             "hw_power_brake_slowdown": 0x80}  # fmt: skip
# Text and exit status of nvidia-smi, by status.
STATUS_TEXTS = {
    2: "Invalid combination of input arguments.",
    4: "Failed to initialize NVML: Insufficient Permissions",
    6: "No devices were found",
    8: "GPU is missing external power cables",
    9: "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. "
    "Make sure that the latest NVIDIA driver is installed and running.",
    10: "Failed to initialize NVML: GPU interrupt issue",
    12: "NVIDIA-SMI couldn't find libnvidia-ml.so library in your system. "
    "Please make sure that the NVIDIA Display Driver is properly installed and present in your system.",
    14: "WARNING: infoROM is corrupted at gpu 0000:01:00.0",
    15: "Unable to determine the device handle for GPU0: 0000:01:00.0: GPU is lost.  "
    "Reboot the system to recover this GPU",
    18: "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 575.57",
    255: "Failed to initialize NVML: Unknown Error",
}


def gpu_facts(pod: Pod) -> Facts:
    """Driver and GPUs of the pod's machine; `xml` is a ready answer to `nvidia-smi -q -x`, or empty."""
    cuda = pod.host.cuda or "12.8"
    driver = DRIVERS.get(cuda.split(".")[0], DRIVERS["12"])
    if old := pod.jank("old_driver"):
        driver, cuda = old.driver, "11.4"
    count = pod.gpus_present
    if fewer := pod.jank("fewer_gpus"):
        count = min(count - 1, fewer.count) if fewer.count else count - 1
    facts: Facts = {"driver": driver, "cuda": cuda, "xml": "", "smi": _status(pod.jank("smi_status"))}
    facts["gpus"] = [_gpu(pod, index) for index in range(max(0, count))]
    if shown := pod.jank("smi"):
        _show(facts, pod, shown.fixture)
    facts["cuda_faults"] = [_fault(jank) for jank in pod.janks if jank.kind == "cuda"]
    for jank in pod.janks:
        for index, gpu in enumerate(facts["gpus"]):
            if jank.fault == "busy" and _concerns(jank, index):
                gpu["busy_mib"] = jank.mib or gpu["memory"] * 2 // 5
    return facts


def host_uuid(pod: Pod, index: int) -> str:
    return f"GPU-{uuid.uuid5(uuid.NAMESPACE_OID, f'{pod.host.id}/{index}')}"


def _gpu(pod: Pod, index: int) -> Facts:
    kind = pod.gpu.id.partition(" MIG ")[0]
    wrong, ecc = pod.jank("wrong_gpu"), pod.jank("ecc_errors")
    links_down, idle, errors = pod.jank("nvlink_down"), pod.jank("pcie_idle"), pod.jank("pcie_errors")
    name = wrong.shows if wrong else pod.gpu.id
    known = gpu_hardware().get(pod.gpu.id) or gpu_hardware().get(kind) or {}
    gpu = {
        **_model(name, known, pod.gpu.memory),
        "uuid": host_uuid(pod, index),
        "bus": f"00000000:{index + 1:02X}:00.0",
    }
    gpu["ecc_errors"] = (ecc.count or 12) if ecc else 0
    gpu["has_ecc"] = gpu["has_ecc"] or bool(ecc)
    if links_down and _concerns(links_down, index):
        gpu["links_down"] = min(links_down.count or gpu["nvlinks"], gpu["nvlinks"])
    if idle and _concerns(idle, index):
        gpu["stays_idle"] = True
    if errors and _concerns(errors, index):
        gpu["aer_fatal"] = errors.count or 1
    return gpu


def _model(name: str, known: Facts, nominal_gb: int) -> Facts:
    memory_gbs = known.get("memGbs", 600)
    return {
        "name": name,
        "memory": known.get("memoryMib", nominal_gb * 1024),
        "power": known.get("powerW", 300),
        "pcie_gen": known.get("pcieGen", 4),
        "pcie_width": known.get("pcieWidth", 16),
        "link_width": known.get("pcieWidth", 16),
        "sm_mhz": known.get("smMhz", 2100),
        "mem_mhz": known.get("memMhz", 2619),
        "compute_cap": known.get("computeCap", "8.6"),
        "sms": known.get("sms", 84),
        "mem_gbs": memory_gbs,
        "bf16_tflops": known.get("bf16Tflops", 60.0),
        "nvlinks": known.get("nvlinks", 0),
        "nvlink_gbs": known.get("nvlinkGbs", 0),
        "links_down": 0,
        "has_ecc": bool(WITH_ECC.search(name)),
        "has_mig": bool(WITH_MIG.search(name)),
        "has_fabric": bool(WITH_FABRIC.search(name)),
        "always_awake": bool(WITH_MIG.search(name)),  # these idle in P0, at full link speed
        "stays_idle": False,
        "aer_fatal": 0,
        "busy_mib": 0,
        "reasons": 0,
        "slow_mhz": 0,
    }


def _concerns(jank: Jank, index: int) -> bool:
    return not jank.only or index in jank.only


def _status(jank: Jank | None) -> Facts | None:
    if jank is None:
        return None
    text = jank.message or STATUS_TEXTS.get(jank.code, "" if jank.delay_s or jank.hang else "Unknown Error")
    return {
        "code": jank.code,
        "text": text,
        "hang": jank.hang,
        "ignores_term": jank.ignores_term,
        "first": jank.first,
        "delay_s": jank.delay_s,
    }


def _fault(jank: Jank) -> Facts:
    return {
        "fault": jank.fault,
        "code": jank.code,
        "only": list(jank.only),
        "first": jank.first or (1 if jank.fault == "init_once" else 0),
        "mhz": jank.mhz,
        "gbs": jank.gbs,
        "count": jank.count,
        "mib": jank.mib,
        "stage": jank.name,
    }


# -- fixtures -------------------------------------------------------------------------------------------------


def _show(facts: Facts, pod: Pod, fixture: str) -> None:
    """nvidia-smi answers with the fixture. The GPUs are still this host's, so their UUIDs are too."""
    text = (FIXTURES / f"{fixture.removesuffix('.xml')}.xml").read_text(encoding="utf-8")
    head, *blocks = re.split(r"(?=\t<gpu id=)", text)
    blocks = [
        re.sub(r"<uuid>[^<]*</uuid>", f"<uuid>{host_uuid(pod, index)}</uuid>", block)
        for index, block in enumerate(blocks)
    ]
    facts["xml"] = head + "".join(blocks)
    facts["driver"] = _text(head, "driver_version", facts["driver"])
    facts["cuda"] = _text(head, "cuda_version", facts["cuda"])
    facts["gpus"] = [_shown_gpu(pod, index, block) for index, block in enumerate(blocks)]


def _shown_gpu(pod: Pod, index: int, block: str) -> Facts:
    name = _text(block, "product_name", pod.gpu.id)
    gpu = {**_model(name, gpu_hardware().get(name, {}), pod.gpu.memory), "uuid": host_uuid(pod, index)}
    gpu["ecc_errors"] = 0
    gpu["bus"] = re.findall(r'gpu id="([^"]+)"', block)[0]
    memory = block[block.find("<fb_memory_usage>") :]
    gpu["memory"] = _number(memory, "total", gpu["memory"])
    gpu["busy_mib"] = _number(memory, "used", 0)
    gpu["power"] = _number(block, "current_power_limit", gpu["power"])
    gpu["link_width"] = _number(block, "current_link_width", gpu["link_width"])
    gpu["sm_mhz"] = _number(block[block.find("<max_clocks>") :], "sm_clock", gpu["sm_mhz"])
    active = re.findall(r"<clocks_(?:event|throttle)_reason_(\w+)>Active<", block)
    gpu["reasons"] = sum(SLOWDOWNS.get(reason, 0) for reason in active)
    if gpu["reasons"]:
        gpu["slow_mhz"] = _number(block[block.find("<clocks>") :], "sm_clock", gpu["sm_mhz"])
    return gpu


def _text(block: str, tag: str, default: str) -> str:
    found = re.search(rf"<{tag}>([^<]*)</{tag}>", block)
    return found[1] if found else default


def _number(block: str, tag: str, default: int) -> int:
    found = re.match(r"\d+", _text(block, tag, ""))
    return int(found[0]) if found else default
