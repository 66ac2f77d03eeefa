"""Answers for the hardware of one pod: `python nvidia_smi.py hardware.json [arguments of nvidia-smi]`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

Facts = dict[str, Any]
IDLE = "0x0000000000000001"
LINE = "+" + "-" * 89 + "+"
GPU_XML = Path(__file__).with_name("nvidia_smi_gpu.xml")
NO_DEVICES = 6


def main(argv: list[str]) -> int:
    facts = json.loads(Path(argv[0]).read_text(encoding="utf-8"))
    options = dict(option.lstrip("-").partition("=")[::2] for option in argv[1:])
    if not facts["gpus"]:
        print("No devices were found")
        return NO_DEVICES
    if "L" in options or "list-gpus" in options:
        for index, gpu in enumerate(facts["gpus"]):
            print(f"GPU {index}: {gpu['name']} (UUID: {gpu['uuid']})")
    elif "query-gpu" in options:
        return query(facts, options["query-gpu"].split(","), options.get("format", "csv"))
    elif "q" in options and "x" in options:
        xml(facts)
    elif argv[1:2] in (["topo"], ["nvlink"]):
        return 0
    else:
        summary(facts)
    return 0


def query(facts: Facts, names: list[str], form: str) -> int:
    names = [name.strip() for name in names]
    flags = form.split(",")
    rows = [values(facts, index, gpu) for index, gpu in enumerate(facts["gpus"])]
    for name in names:
        if name not in rows[0]:
            print(f'Field "{name}" is not a valid field to query.', file=sys.stderr)
            return 2
    if "noheader" not in flags:
        print(", ".join(name + (f" [{rows[0][name][1]}]" if rows[0][name][1] else "") for name in names))
    for row in rows:
        print(", ".join(shown(row[name], units="nounits" not in flags) for name in names))
    return 0


def values(facts: Facts, index: int, gpu: Facts) -> dict[str, tuple[str, str]]:
    """Name -> (value, unit)."""
    plain = {**_identity(facts, index, gpu), **_errors(gpu), **_state(gpu)}
    memory = gpu["memory"]
    measured = {
        "memory.total": (memory, "MiB"), "memory.used": (1, "MiB"), "memory.free": (memory - 1, "MiB"),
        "memory.reserved": (0, "MiB"), "utilization.gpu": (0, "%"), "utilization.memory": (0, "%"),
        "power.draw": ("25.00", "W"), "power.limit": (f"{gpu['power']}.00", "W"), "fan.speed": (30, "%"),
        "power.default_limit": (f"{gpu['power']}.00", "W"), "clocks.sm": (345, "MHz"), "clocks.mem": (405, "MHz"),
        "clocks.max.sm": (gpu["sm_mhz"], "MHz"), "clocks.max.mem": (gpu["mem_mhz"], "MHz"),
    }  # fmt: skip
    rows = {name: (str(value), "") for name, value in plain.items()}
    return {**rows, **{name: (str(value), kind) for name, (value, kind) in measured.items()}}


def _identity(facts: Facts, index: int, gpu: Facts) -> Facts:
    names = dict.fromkeys(("name", "gpu_name"), gpu["name"])
    ids = dict.fromkeys(("uuid", "gpu_uuid"), gpu["uuid"])
    buses = dict.fromkeys(("pci.bus_id", "gpu_bus_id"), gpu["bus"])
    return {
        **names, **ids, **buses, "index": index, "count": len(facts["gpus"]), "serial": "0000000000000",
        "driver_version": facts["driver"], "compute_cap": gpu["compute_cap"],
    }  # fmt: skip


def _errors(gpu: Facts) -> Facts:
    none, some = "0", str(gpu["ecc_errors"])
    return {
        "ecc.mode.current": "Enabled",
        "ecc.errors.corrected.volatile.total": none,
        "ecc.errors.corrected.aggregate.total": none,
        "ecc.errors.uncorrected.volatile.total": some,
        "ecc.errors.uncorrected.aggregate.total": some,
    }


def _state(gpu: Facts) -> Facts:
    return {
        "pstate": "P8", "temperature.gpu": 34, "persistence_mode": "Enabled", "compute_mode": "Default",
        "mig.mode.current": "[N/A]", "pcie.link.gen.current": 1, "pcie.link.gen.max": gpu["pcie_gen"],
        "pcie.link.width.current": 16, "pcie.link.width.max": 16,
        "clocks_throttle_reasons.active": IDLE, "clocks_event_reasons.active": IDLE,
    }  # fmt: skip


def shown(value: tuple[str, str], *, units: bool) -> str:
    return " ".join(value) if units and value[1] else value[0]


def summary(facts: Facts) -> None:
    driver, cuda = facts["driver"], facts["cuda"]
    print(time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime()))
    print(LINE)
    print(f"| NVIDIA-SMI {driver:<22} Driver Version: {driver:<15} CUDA Version: {cuda:<8} |")
    print(LINE)
    print("| GPU  Name                                         Bus-Id           |         Memory-Usage    |")
    print(LINE)
    for index, gpu in enumerate(facts["gpus"]):
        memory = f"1MiB / {gpu['memory']}MiB"
        print(f"| {index:>3}  {gpu['name'][:44]:<44} {gpu['bus']} | {memory:>23} |")
    print(LINE)


def xml(facts: Facts) -> None:
    """`nvidia-smi -q -x`, in the form of the 580 driver."""
    print('<?xml version="1.0" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v13.dtd">\n<nvidia_smi_log>')
    print(f"\t<timestamp>{time.strftime('%a %b %d %H:%M:%S %Y', time.gmtime())}</timestamp>")
    print(f"\t<driver_version>{facts['driver']}</driver_version>")
    print(f"\t<cuda_version>{facts['cuda']}</cuda_version>")
    print(f"\t<attached_gpus>{len(facts['gpus'])}</attached_gpus>")
    template = GPU_XML.read_text(encoding="utf-8")
    for index, gpu in enumerate(facts["gpus"]):
        errors, memory = gpu["ecc_errors"], gpu["memory"]
        extra = {
            "index": index,
            "bus_number": gpu["bus"].split(":")[1],
            "brand": "GeForce" if "GeForce" in gpu["name"] else "NVIDIA",
            "reserved": memory // 50,
            "free": memory - memory // 50,
            "ecc": errors or "N/A",
            "ecc_zero": 0 if errors else "N/A",
            "ecc_mode": "Enabled" if errors else "N/A",
        }
        print(template.format(**gpu, **extra), end="")
    print("</nvidia_smi_log>")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
