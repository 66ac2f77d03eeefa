"""Answers for the hardware of one pod: `python nvidia_smi.py hardware.json [arguments of nvidia-smi]`."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

Facts = dict[str, Any]
LINE = "+" + "-" * 89 + "+"
GPU_XML = Path(__file__).with_name("nvidia_smi_gpu.xml")
NO_DEVICES = 6
INFOROM = 14
DAY_S = 86_400
ARCHITECTURES = {"7.0": "Volta", "7.5": "Turing", "8.0": "Ampere", "8.6": "Ampere", "8.9": "Ada Lovelace",
                 "9.0": "Hopper"}  # fmt: skip
NO_REMAPPING = "\t\t<remapped_rows>N/A</remapped_rows>\n"
REMAPPED = """\
\t\t<remapped_rows>
\t\t\t<remapped_row_corr>0</remapped_row_corr>
\t\t\t<remapped_row_unc>0</remapped_row_unc>
\t\t\t<remapped_row_pending>No</remapped_row_pending>
\t\t\t<remapped_row_failure>No</remapped_row_failure>
\t\t\t<row_remapper_histogram>
\t\t\t\t<row_remapper_histogram_max>2560 bank(s)</row_remapper_histogram_max>
\t\t\t\t<row_remapper_histogram_high>0 bank(s)</row_remapper_histogram_high>
\t\t\t\t<row_remapper_histogram_partial>0 bank(s)</row_remapper_histogram_partial>
\t\t\t\t<row_remapper_histogram_low>0 bank(s)</row_remapper_histogram_low>
\t\t\t\t<row_remapper_histogram_none>0 bank(s)</row_remapper_histogram_none>
\t\t\t</row_remapper_histogram>
\t\t</remapped_rows>
"""


def main(argv: list[str]) -> int:
    place = Path(argv[0])
    facts = json.loads(place.read_text(encoding="utf-8"))
    facts["load"] = load(place.with_name("load"))
    broken = facts.get("smi")
    if broken and counted(place.with_name("smi_calls"), broken["first"]):
        status = misbehave(broken)
        if status not in (0, INFOROM):
            return status
        return answer(facts, argv[1:]) or status
    return answer(facts, argv[1:])


def answer(facts: Facts, words: list[str]) -> int:
    options = dict(option.lstrip("-").partition("=")[::2] for option in words)
    if not facts["gpus"]:
        print("No devices were found")
        return NO_DEVICES
    if "L" in options or "list-gpus" in options:
        for index, gpu in enumerate(facts["gpus"]):
            print(f"GPU {index}: {gpu['name']} (UUID: {gpu['uuid']})")
    elif "query-gpu" in options:
        return query(facts, options["query-gpu"].split(","), options.get("format", "csv"))
    elif "q" in options and "x" in options:
        print(facts["xml"], end="") if facts["xml"] else xml(facts)
    elif words[:1] == ["topo"]:
        topology(facts)
    elif words[:1] == ["nvlink"]:
        links(facts)
    else:
        summary(facts)
    return 0


def counted(file: Path, first: int) -> bool:
    """Whether this call is one of the first ones; 0 stands for all."""
    if not first:
        return True
    with file.open("a", encoding="utf-8") as calls:
        calls.write(".")
        return calls.tell() <= first


def misbehave(broken: Facts) -> int:
    """The status it ends with. A driver that is stuck in the kernel hears no signal."""
    if broken["ignores_term"]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    time.sleep(DAY_S if broken["hang"] else broken["delay_s"])
    if broken["text"] and broken["code"]:
        print(broken["text"], file=sys.stderr if broken["code"] == INFOROM else sys.stdout)
    return int(broken["code"])


def load(file: Path) -> Facts:
    """What the pod's own programs do on the GPUs: the pretended driver leaves a note while it works."""
    idle = {"busy": False, "used": 0}
    try:
        until, pid, mib = file.read_text(encoding="utf-8").split()
        busy = time.time() < float(until)
    except (OSError, ValueError):
        return idle
    try:
        os.kill(int(pid), 0)
    except OSError:
        return {**idle, "busy": busy}
    return {"busy": busy, "used": int(mib)}


def live(facts: Facts, gpu: Facts) -> Facts:
    """What changes with the load. Cards that idle in P8 also let their PCIe link drop to gen 1."""
    busy = facts["load"]["busy"]
    awake = (busy or gpu["always_awake"]) and not gpu["stays_idle"]
    clock = gpu["slow_mhz"] or (int(gpu["sm_mhz"] * 0.9) if busy else 345)
    reasons = gpu["reasons"] or (0 if busy else 1)
    return {
        "busy": busy,
        "clock": min(clock, gpu["sm_mhz"]),
        "link_gen": gpu["pcie_gen"] if awake else 1,
        "state": "P0" if awake else "P8",
        "util": 100 if facts["load"]["used"] else 0,
        "draw": int(gpu["power"] * (0.8 if busy else 0.1)),
        "temperature": 58 if busy else 34,
        "reasons": f"0x{reasons:016x}",
        "idle": "Not Active" if busy else "Active",
        "used": min(gpu["busy_mib"] + facts["load"]["used"], gpu["memory"]),
    }


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
    now = live(facts, gpu)
    plain = {**_identity(facts, index, gpu), **_errors(gpu), **_state(gpu, now)}
    memory, used = gpu["memory"], max(1, now["used"])
    power, clock = f"{gpu['power']}.00", now["clock"]
    measured = {
        "memory.total": (memory, "MiB"), "memory.used": (used, "MiB"), "memory.free": (memory - used, "MiB"),
        "memory.reserved": (0, "MiB"), "utilization.gpu": (now["util"], "%"), "utilization.memory": (0, "%"),
        "power.draw": (f"{now['draw']}.00", "W"), "power.draw.instant": (f"{now['draw']}.00", "W"),
        "power.limit": (power, "W"), "power.default_limit": (power, "W"), "power.max_limit": (power, "W"),
        "fan.speed": (30, "%"), "clocks.sm": (clock, "MHz"), "clocks.gr": (clock, "MHz"),
        "clocks.current.sm": (clock, "MHz"), "clocks.current.graphics": (clock, "MHz"),
        "clocks.mem": (405, "MHz"), "clocks.current.memory": (405, "MHz"),
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
    none = "0" if gpu["has_ecc"] else "[N/A]"
    some = str(gpu["ecc_errors"]) if gpu["has_ecc"] else "[N/A]"
    return {
        "ecc.mode.current": "Enabled" if gpu["has_ecc"] else "[N/A]",
        "ecc.errors.corrected.volatile.total": none,
        "ecc.errors.corrected.aggregate.total": none,
        "ecc.errors.uncorrected.volatile.total": some,
        "ecc.errors.uncorrected.aggregate.total": some,
    }


def _state(gpu: Facts, now: Facts) -> Facts:
    gens = dict.fromkeys(("pcie.link.gen.current", "pcie.link.gen.gpucurrent"), now["link_gen"])
    tops = dict.fromkeys(("pcie.link.gen.max", "pcie.link.gen.gpumax"), gpu["pcie_gen"])
    reasons = dict.fromkeys(("clocks_throttle_reasons.active", "clocks_event_reasons.active"), now["reasons"])
    return {
        **gens, **tops, **reasons, "pstate": now["state"], "temperature.gpu": now["temperature"],
        "persistence_mode": "Enabled", "compute_mode": "Default",
        "mig.mode.current": "Disabled" if gpu["has_mig"] else "[N/A]",
        "pcie.link.width.current": gpu["link_width"], "pcie.link.width.max": gpu["pcie_width"],
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
        memory = f"{max(1, live(facts, gpu)['used'])}MiB / {gpu['memory']}MiB"
        print(f"| {index:>3}  {gpu['name'][:44]:<44} {gpu['bus']} | {memory:>23} |")
    print(LINE)


def links(facts: Facts) -> None:
    """`nvidia-smi nvlink -s`; cards without NVLink have nothing to say."""
    for index, gpu in enumerate(facts["gpus"]):
        if not gpu["nvlinks"]:
            continue
        print(f"GPU {index}: {gpu['name']} (UUID: {gpu['uuid']})")
        up = gpu["nvlinks"] - gpu["links_down"]
        if not up:
            print("\t Unable to retrieve NVLink information as all links are inActive")
        for link in range(gpu["nvlinks"] if up else 0):
            print(f"\t Link {link}: " + (f"{gpu['nvlink_gbs']} GB/s" if link < up else "<inactive>"))


def topology(facts: Facts) -> None:
    gpus = facts["gpus"]
    print("\t" + "".join(f"GPU{index}\t" for index in range(len(gpus))) + "CPU Affinity\tNUMA Affinity\tGPU NUMA ID")
    for row, gpu in enumerate(gpus):
        up = gpu["nvlinks"] - gpu["links_down"]
        cells = (" X " if row == column else f"NV{up}" if up else "SYS" for column in range(len(gpus)))
        print(f"GPU{row}\t" + "".join(f"{cell}\t" for cell in cells) + "0-63\t0\t\tN/A")


def xml(facts: Facts) -> None:
    """`nvidia-smi -q -x`, in the form of the 580 driver."""
    print('<?xml version="1.0" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v13.dtd">\n<nvidia_smi_log>')
    print(f"\t<timestamp>{time.strftime('%a %b %d %H:%M:%S %Y', time.gmtime())}</timestamp>")
    print(f"\t<driver_version>{facts['driver']}</driver_version>")
    print(f"\t<cuda_version>{facts['cuda']}</cuda_version>")
    print(f"\t<attached_gpus>{len(facts['gpus'])}</attached_gpus>")
    template = GPU_XML.read_text(encoding="utf-8")
    for index, gpu in enumerate(facts["gpus"]):
        now = live(facts, gpu)
        print(template.format(**{**gpu, **now, **_fixed(gpu, index), **_memory(gpu, now)}), end="")
    print("</nvidia_smi_log>")


def _fixed(gpu: Facts, index: int) -> Facts:
    """What follows from the kind of card."""
    ecc, mig, fabric = gpu["has_ecc"], gpu["has_mig"], gpu["has_fabric"]
    mode = "Disabled" if mig else "N/A"
    return {
        "index": index,
        "bus_number": gpu["bus"].split(":")[1],
        "brand": "GeForce" if "GeForce" in gpu["name"] else "NVIDIA",
        "architecture": ARCHITECTURES.get(gpu["compute_cap"], "Blackwell"),
        "mig": mode,
        "fan": "N/A" if gpu["always_awake"] else "30 %",
        "ecc": gpu["ecc_errors"] if ecc else "N/A",
        "ecc_zero": 0 if ecc else "N/A",
        "ecc_no": "No" if ecc else "N/A",
        "ecc_mode": "Enabled" if ecc else "N/A",
        "remapped": REMAPPED if ecc else NO_REMAPPING,
        "memory_temp": "40 C" if mig else "N/A",
        "fabric_state": "Completed" if fabric else "N/A",
        "fabric_status": "Success" if fabric else "N/A",
        "fabric_health": "Healthy" if fabric else "N/A",
    }


def _memory(gpu: Facts, now: Facts) -> Facts:
    reserved = min(478, gpu["memory"] // 50)
    return {"reserved": reserved, "free": max(0, gpu["memory"] - reserved - now["used"])}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
