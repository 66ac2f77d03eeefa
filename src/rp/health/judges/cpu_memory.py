"""Processors and memory that the pod may use. What `nproc` and `/proc/meminfo` show is the machine, not the pod."""

from __future__ import annotations

import re

from rp.health.judges.reading import number
from rp.health.judges.seen import Seen
from rp.health.judges.sheet import Sheet

_NO_LIMIT = 2**62
_GB = 1e9
_MIB = 1 << 20
_MOST_LOAD = 1.5


def judge(seen: Seen, sheet: Sheet) -> None:
    section = seen.get("sys")
    if section is None or not seen.sys:
        sheet.unknown("cpu.quota", "The probe could not tell how many processors the pod may use.")
        sheet.unknown("ram.limit", "The probe could not tell how much memory the pod may use.")
        return
    _processors(seen, sheet)
    if seen.asked.fresh:
        _pressure(seen, sheet)
    _memory(seen, sheet, section.text)


def _processors(seen: Seen, sheet: Sheet) -> None:
    cores, is_limited = _cores(seen.sys)
    if cores is None:
        sheet.unknown("cpu.quota", "The pod does not tell how many processors it may use.")
        return
    promised = number(seen.sys.get("RUNPOD_CPU_COUNT"))
    if promised and is_limited:
        bad = f"The pod may use {cores:.1f} processors, {promised:.0f} were promised."
        measured = f"{cores:.1f} of {promised:.0f}"
        good = "The pod has the processors that were promised."
        sheet.rate("cpu.promised", cores / promised, good=good, bad=bad, measured=measured)
    gpus = seen.gpu_count or (len(seen.smi.gpus) if seen.smi else 0)
    if gpus:
        of = f"{cores:.1f} for {gpus} GPU{'s' if gpus > 1 else ''}"
        bad = f"The pod's processors are {of}: loading data will hold {'them' if gpus > 1 else 'it'} up."
        good = "There are enough processors for the GPUs."
        sheet.rate("cpu.quota", cores / gpus, good=good, bad=bad, measured=of)
    else:
        sheet.passed("cpu.quota", "The pod has processors of its own.", measured=f"{cores:.1f} cores")


def _cores(said: dict[str, str]) -> tuple[float | None, bool]:
    """(processors, whether that is a limit of the pod's own)."""
    second = said.get("cg2_cpu_max", "").split()
    quota, period = (number(second[0]), number(second[1])) if len(second) >= 2 else (None, None)
    if quota is None:
        quota, period = number(said.get("cg1_quota")), number(said.get("cg1_period"))
    whole = _cpus(said.get("cg2_cpuset")) or _cpus(said.get("cpu_online")) or number(said.get("nproc"))
    if quota is not None and period and quota > 0 and period > 0:
        return quota / period, True
    knows = "cg2_cpu_max" in said or "cg1_quota" in said or "cg2_cpuset" in said
    return (whole, False) if knows else (None, False)


def _cpus(text: str | None) -> float | None:
    """How many processors `0-63,128-191` are."""
    ranges = re.findall(r"(\d{1,6})(?:-(\d{1,6}))?", text or "", re.ASCII)
    if not ranges or not re.search(r"[-,]", text or ""):
        return number(text) if text and re.fullmatch(r"\s*[1-9]\d{0,5}\s*", text, re.ASCII) else None
    return float(sum(max(0, int(last or first) - int(first)) + 1 for first, last in ranges))


def _pressure(seen: Seen, sheet: Sheet) -> None:
    match = re.search(r"some avg10=(\d{1,3}(?:\.\d{1,6})?)", seen.sys.get("psi_cpu", ""), re.ASCII)
    load, cpus = number(seen.sys.get("loadavg")), _cpus(seen.sys.get("cpu_online"))
    if match is None and (load is None or not cpus):
        return
    if match:
        waiting = float(match[1])
        bad = f"Tasks of this machine wait for a processor {waiting:.0f} % of the time: it is overbooked."
        sheet.rate("cpu.pressure", waiting, good="The machine's processors are not overbooked.", bad=bad)
    if load is not None and cpus and load > _MOST_LOAD * cpus:
        bad = f"{load:.0f} tasks want the {cpus:.0f} processors of this machine: it is overbooked."
        sheet.warn("cpu.pressure", bad, measured=f"load {load:.0f}", expected=f"up to {_MOST_LOAD * cpus:.0f}")
    elif match is None:
        sheet.passed("cpu.pressure", "The machine's processors are not overbooked.", measured=f"load {load or 0:.1f}")


def _memory(seen: Seen, sheet: Sheet, text: str) -> None:
    limit = _limit(seen.sys, text)
    if limit is None:
        sheet.unknown("ram.limit", "The pod does not tell how much memory it may use.")
        return
    shown = f"{limit / _GB:.0f} GB"
    bad = f"The pod may use {limit / _GB:.1f} GB of memory, too little for any work."
    sheet.rate("ram.limit", limit / _GB, good="The pod has memory.", bad=bad, measured=shown)
    promised = number(seen.sys.get("RUNPOD_MEM_GB"))
    if promised:
        bad = f"The pod may use {shown} of memory, {promised:.0f} were promised."
        good = "The pod has the memory that was promised."
        sheet.rate("ram.promised", limit / _GB / promised, good=good, bad=bad, measured=shown)
    gpus = seen.smi.gpus if seen.smi and not seen.has_mig_asked else ()
    video = sum(gpu.number("fb_memory_usage/total") or 0 for gpu in gpus) * _MIB
    if video > 0:
        bad = f"The pod may use {shown} of memory, its GPUs have {video / _GB:.0f} GB: large models may not load."
        good = "The pod has as much memory as its GPUs."
        sheet.rate("ram.vram", limit / video, good=good, bad=bad, measured=shown)


def _limit(said: dict[str, str], text: str) -> float | None:
    """Bytes that the pod may use: its own limit, else all that the machine has."""
    match = re.search(r"^MemTotal:(\d{1,15})kB", text, re.ASCII | re.MULTILINE)
    total = float(match[1]) * 1024 if match else None
    own = number(said.get("cg2_mem_max"))
    own = number(said.get("cg1_mem_max")) if own is None else own
    if own is None or own <= 0 or own >= _NO_LIMIT:
        return total
    return min(own, total) if total else own
