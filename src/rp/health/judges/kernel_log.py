"""The kernel's log, where it may be read: the driver's Xid errors, and what else tells of broken hardware."""

from __future__ import annotations

import re

from rp.domain.verdict import Verdict
from rp.health.judges.reading import number
from rp.health.judges.seen import Seen
from rp.health.judges.sheet import Sheet
from rp.health.reference import xid

# Regular expressions and the reading of Xid 144-150 and 154 follow NVIDIA's catalog.
_XID = re.compile(r"NVRM: Xid \((?:PCI:)?([0-9a-fA-F:.]{1,20})\): ([0-9]{1,4}),? *(.*)")
_LOST = re.compile(r"fallen off the bus")
_PCI = re.compile(r"(?:([0-9a-fA-F]{4,8}):)?([0-9a-fA-F]{2}):([0-9a-fA-F]{2})(?:\.[0-9])?", re.ASCII)
_OTHER = re.compile(r"Out of memory|I/O error|EXT4-fs error|Machine check|mce: \[Hardware Error\]")
_DENIED = re.compile(r"not permitted|denied|not found", re.IGNORECASE)
_STAMP = re.compile(r"\s*(?:<\d+>)?\[ *([0-9]{1,10}\.[0-9]{1,9})\]", re.ASCII)
_NVLINK = range(144, 151)
_RECOVERY = 154
_LOST_XID = 79
_FRESH_SECONDS = 2 * 3600
_WEIGHTS = ("info", "warn", "fail")


def judge(seen: Seen, sheet: Sheet) -> None:
    section = seen.get("kmsg")
    if section is None:
        return
    has_gpus = seen.expects_gpus or seen.smi is not None
    lines = [line for line in section.lines if line.strip()]
    relevant = [line for line in lines if _XID.search(line) or _LOST.search(line) or _OTHER.search(line)]
    is_denied = section.timed_out or not lines or any(_DENIED.search(line) for line in lines)
    if is_denied and not relevant:
        for check in ("xid", "kmsg") if has_gpus else ("kmsg",):
            sheet.unknown(check, "The kernel log is empty or may not be read, as in most containers.")
        return
    uptime = number(seen.sys.get("uptime"))
    buses = {bus: gpu.index for gpu in (seen.smi.gpus if seen.smi else ()) if (bus := _bus(gpu.bus_id))}
    sheet.passed("kmsg", "The kernel log tells of no broken hardware.")
    if has_gpus:
        sheet.passed("xid", "The kernel log tells of no GPU error.")
    for line in relevant:
        is_old = _is_old(line, uptime)
        if _XID.search(line) or _LOST.search(line):
            _gpu_error(sheet, line, buses, is_old=is_old)
        elif not is_old:
            sheet.warn("kmsg", f"The kernel log says: {_without_stamp(line)[:160]}", measured="kernel log")


def _gpu_error(sheet: Sheet, line: str, buses: dict[str, int], *, is_old: bool) -> None:
    match = _XID.search(line)
    code, bus, rest = (int(match[2]), _bus(match[1]), match[3]) if match else (_LOST_XID, _bus(line), line)
    weight = _weight(code, rest)
    # The log is the whole machine's, and other GPUs in it are other tenants'.
    is_foreign = bool(buses) and bus is not None and bus not in buses
    if is_old or is_foreign:
        weight = _WEIGHTS[max(0, _WEIGHTS.index(weight) - 1)]
    if weight == "info":
        return
    index = buses.get(bus or "")
    whose = "another GPU of this machine" if is_foreign else "a GPU" if index is None else f"GPU {index}"
    when = ", more than two hours ago" if is_old else ""
    said = f"The kernel log has Xid {code} of {whose}{when}: {xid(code).description}."
    verdict = Verdict.FAIL if weight == "fail" else Verdict.WARN
    sheet.add("xid", verdict, said, measured=f"Xid {code} {rest[:80]}", expected="none", gpu=index)


def _weight(code: int, rest: str) -> str:
    if code in _NVLINK:
        return "fail" if re.search(r"\bFatal\b", rest) else "warn"
    if code == _RECOVERY:
        if "(None)" in rest:
            return "info"
        return "fail" if re.search(r"Reboot|Reset|Drain", rest) else "warn"
    known = xid(code).weight
    return known if known in _WEIGHTS else "warn"


def _is_old(line: str, uptime: float | None) -> bool:
    match = _STAMP.match(line)
    return bool(match and uptime is not None and uptime - float(match[1]) > _FRESH_SECONDS)


def _bus(text: str) -> str | None:
    """A PCI address as domain:bus:device, from any of its spellings."""
    match = _PCI.search(text)
    return f"{int(match[1] or '0', 16):x}:{match[2]}:{match[3]}".lower() if match else None


def _without_stamp(line: str) -> str:
    return _STAMP.sub("", line).strip()
