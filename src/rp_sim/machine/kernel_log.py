"""The kernel's own messages on a host whose log a container may read. The ones that count come from the scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rp_sim.machine.machine_facts import UPTIME_S

if TYPE_CHECKING:
    from rp_sim.pod import Pod
    from rp_sim.scenario.jank import Jank

READABLE = ("xid", "gpu_lost_line")
DEFAULT_AGE_S = 60.0
LOADED = "NVRM: loading NVIDIA UNIX Open Kernel Module for x86_64  {driver}  Release Build  (dvs-builder)"
PROCESS = "pid='<unknown>', name=<unknown>"
TEXTS = {
    13: "Graphics Exception: ESR 0x505730=0xc0e0004 0x505734=0x20 0x505728=0x4c1eb72 0x50572c=0x174",
    31: "MMU Fault: ENGINE GRAPHICS GPCCLIENT_T1_0 faulted @ 0x7f12_34560000. Fault is of type FAULT_PDE",
    48: "An uncorrectable double bit error (DBE) has been detected on GPU at partition 4, subpartition 1.",
    62: "Internal micro-controller halt",
    63: "Row Remapper: New row (0x0000000000017a80) marked for remapping, reset gpu to activate.",
    64: "Row Remapper: Error recording row remap",
    74: "NVLink: fatal error detected on link 4(0x10000, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0)",
    79: "GPU has fallen off the bus.",
    94: "Contained: CE User Channel (0x9). RST: No, D-RST: No",
    95: "Uncontained: LTC TAG (0x2,0x0). RST: Yes, D-RST: No",
    119: "Timeout after 6s of waiting for RPC response from GPU0 GSP! Expected function 76 (GSP_RM_CONTROL).",
    120: "GSP task exception: 7 (0x7f4a)",
    140: "An uncorrectable ECC error detected (possible firmware handling failure) DRAM:1, LTC:0, MMU:0, PCIE:0",
    143: "GPU Initialization Failure",
    145: "RLW_REMAP Nonfatal XC0 i0 Link 08 (0x00000004 0x00000000 0x00000000 0x00000000 0x00000000 0x00000000)",
    149: "NETIR_LINK_EVT Fatal XC0 i0 Link 04 (0x004505c6 0x00000000 0x00000000 0x00000000 0x00000000 0x00000000)",
    154: "GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)",
}


def kernel_log(pod: Pod, facts: dict[str, Any]) -> str | None:
    """None where nobody but the host may read it."""
    janks = [jank for jank in pod.janks if jank.kind in READABLE]
    if not janks:
        return None
    lines = [
        (12.0, "Linux version 5.15.0-126-generic (buildd@lcy02-amd64-001)"),
        (20.0, LOADED.format(driver=facts["driver"])),
    ]
    for jank in janks:
        at = UPTIME_S - (jank.seconds or DEFAULT_AGE_S)
        lines += [(at, text) for text in _lines(jank, facts["gpus"])]
    return "".join(f"[{at:12.6f}] {text}\n" for at, text in sorted(lines))


def _lines(jank: Jank, gpus: list[dict[str, Any]]) -> list[str]:
    if jank.lines:
        return list(jank.lines)
    buses = [gpu["bus"][4:14].lower() for index, gpu in enumerate(gpus) if index in (jank.only or (0,))]
    if jank.kind == "gpu_lost_line":
        return [f"NVRM: GPU {bus}.0: GPU has fallen off the bus." for bus in buses]
    if not jank.code:
        return []
    text = TEXTS.get(jank.code, "unknown event")
    return [f"NVRM: Xid (PCI:{bus}): {jank.code}, {PROCESS}, {text}" for bus in buses for _ in range(jank.count or 1)]
