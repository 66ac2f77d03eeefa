"""What state the GPUs are in: slowed down, limited, hot, or at work for someone else."""

from __future__ import annotations

from rp.domain.verdict import Verdict
from rp.health.judges.reading import num
from rp.health.judges.seen import Seen
from rp.health.judges.sheet import Sheet
from rp.health.judges.smi_xml import SmiGpu

_REASONS = ("clocks_event_reasons", "clocks_throttle_reasons")
_HARD = {
    "hw_thermal_slowdown": "heat",
    "hw_power_brake_slowdown": "the machine's power supply",
    "hw_slowdown": "heat or the machine's power supply",
}
_SOFT = "sw_thermal_slowdown"
_COUNTED = ("hw_therm", "hw_power_brake")
# GPUs that hosts commonly connect by 8 lanes (DCGM accepts them so).
_EIGHT_LANES = ("L40S", "A10G", "A10", "T4")
# Memory that the probe's own CUDA context takes while it looks.
_OWN_CONTEXT_MIB = 600
# No program can compute with less.
_LEAST_CONTEXT_MIB = 100
_BUSY_SHARE = 0.05
_TOO_NEAR = 2


def judge(seen: Seen, sheet: Sheet) -> None:
    for document in (seen.smi, seen.smi3):
        for one in document.gpus if document else ():
            _throttle(seen, sheet, one)
            _history(sheet, one)
            _power(sheet, one)
            _lanes(sheet, one)
            _temperature(seen, sheet, one)
            if seen.asked.fresh and not seen.has_mig_asked and not one.has_mig:
                _memory_used(seen, sheet, one)
                _utilisation(seen, sheet, one)


def _throttle(seen: Seen, sheet: Sheet, one: SmiGpu) -> None:
    told = [(name, text) for path in _REASONS for name, text in one.below(path)]
    on = [name.split("reason_")[-1] for name, text in told if text == "Active"]
    hard = [why for name, why in _HARD.items() if name in on]
    if hard:
        is_fine = clock_is_fine(seen, sheet, one)
        verdict = Verdict.WARN if is_fine else Verdict.FAIL
        rest = ", though its clock was good under load" if is_fine else ""
        said = f"GPU {one.index} is slowed down by {hard[0]}{rest}."
        sheet.add("gpu.throttle_hw", verdict, said, measured=", ".join(on), expected="not slowed down", gpu=one.index)
    elif told:
        sheet.passed("gpu.throttle_hw", "No GPU is slowed down by heat or by the power supply.")
    if _SOFT in on and not hard:
        said = f"GPU {one.index} is slowed down by its driver because it is hot."
        sheet.warn("gpu.throttle_thermal", said, measured=_SOFT, expected="not slowed down", gpu=one.index)
    elif told and not hard:
        sheet.passed("gpu.throttle_thermal", "No GPU is slowed down by its driver.")


def clock_is_fine(seen: Seen, sheet: Sheet, one: SmiGpu) -> bool:
    """Whether the GPU was measured under load and reached its clock."""
    for index, gpu in seen.cuda_gpus.items():
        if seen.smi_index(gpu, index) == one.index:
            clock, most = num(gpu, "sm_mhz_effective"), one.number("max_clocks/sm_clock")
            return bool(clock and most) and sheet.verdict("cuda.clock", (clock or 0) / (most or 1)) is Verdict.PASS
    return False


def _history(sheet: Sheet, one: SmiGpu) -> None:
    told = list(one.below("clocks_event_reasons_counters"))
    if not told:
        return
    micros = [_micros(text) for name, text in told if any(word in name for word in _COUNTED)]
    seconds = sum(micros) / 1e6
    bad = (
        f"GPU {one.index} was slowed down by heat or the power supply for {seconds:.0f} s since its driver was loaded."
    )
    good = "The GPUs were hardly ever slowed down."
    sheet.rate("gpu.throttle_history", seconds, good=good, bad=bad, gpu=one.index)


def _micros(text: str) -> float:
    digits = text.split()[0] if text.split() else ""
    return float(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else 0.0


def _power(sheet: Sheet, one: SmiGpu) -> None:
    limit = one.number(
        "gpu_power_readings/current_power_limit", "gpu_power_readings/power_limit", "power_readings/power_limit"
    )
    usual = one.number("gpu_power_readings/default_power_limit", "power_readings/default_power_limit")
    if limit is None or not usual or usual < 0:
        return
    bad = f"GPU {one.index} may use {limit:.0f} of its {usual:.0f} W: it will be slower than others."
    sheet.rate(
        "gpu.power_limit",
        limit / usual,
        good="The GPUs may use their power.",
        bad=bad,
        measured=f"{limit:.0f} of {usual:.0f} W",
        gpu=one.index,
    )


def _lanes(sheet: Sheet, one: SmiGpu) -> None:
    widths = "pci/pci_gpu_link_info/link_widths"
    lanes, most = one.number(f"{widths}/current_link_width"), one.number(f"{widths}/max_link_width")
    if not lanes or not most:
        return
    good, measured = "The GPUs use all their PCIe lanes.", f"x{lanes:.0f} of x{most:.0f}"
    is_usual = lanes >= 8 and one.name.removeprefix("NVIDIA ").removeprefix("Tesla ") in _EIGHT_LANES
    said = f"GPU {one.index} is connected by {lanes:.0f} of its {most:.0f} PCIe lanes: copies to it are slow."
    verdict = sheet.verdict("gpu.pcie_width", lanes)
    if verdict is Verdict.PASS and lanes < most and not is_usual:
        sheet.warn("gpu.pcie_width", said, measured=measured, expected=f"x{most:.0f}", gpu=one.index)
    else:
        sheet.rate("gpu.pcie_width", lanes, good=good, bad=said, measured=measured, gpu=one.index)


def _temperature(seen: Seen, sheet: Sheet, one: SmiGpu) -> None:
    degrees, left = one.number("temperature/gpu_temp"), one.number("temperature/gpu_temp_tlimit")
    if degrees is None or sheet.has("gpu.throttle_hw", Verdict.FAIL):
        return
    if left is not None and left <= _TOO_NEAR:
        said = f"GPU {one.index} has {degrees:.0f} °C, {max(left, 0):.0f} below the limit at which it slows down."
        sheet.warn("gpu.temperature", said, measured=f"{degrees:.0f} °C", gpu=one.index)
    elif seen.asked.fresh:
        bad = f"GPU {one.index} has {degrees:.0f} °C before any work was given to it."
        sheet.rate("gpu.temperature", degrees, good="The GPUs are not hot.", bad=bad, gpu=one.index)
    else:
        sheet.passed("gpu.temperature", "The GPUs are below their limits.", measured=f"{degrees:.0f} °C")


def _memory_used(seen: Seen, sheet: Sheet, one: SmiGpu) -> None:
    used, total = one.number("fb_memory_usage/used"), one.number("fb_memory_usage/total")
    if used is None or not total:
        return
    # nvidia-smi may have looked while the probe itself held the memory; CUDA told what was free before that.
    for index, gpu in seen.cuda_gpus.items():
        free, whole = num(gpu, "mem_free_mib"), num(gpu, "mem_total_mib")
        if seen.smi_index(gpu, index) == one.index and free is not None and whole is not None and not gpu.get("busy"):
            used = min(used, max(0.0, whole - free - _OWN_CONTEXT_MIB))
    rate_memory_used(sheet, one.index, used, total)


def rate_memory_used(sheet: Sheet, index: int, used: float, total: float) -> None:
    own = sheet.limits("gpu.mem_used").own_fail
    most = Verdict.FAIL if own or used > _BUSY_SHARE * total else Verdict.WARN
    bad = f"GPU {index} has {used:.0f} MiB of its memory in use by someone else."
    sheet.rate("gpu.mem_used", used, good="Nobody else uses the GPUs' memory.", bad=bad, most=most, gpu=index)


def _utilisation(seen: Seen, sheet: Sheet, one: SmiGpu) -> None:
    """Only before the probe's own load, and only where memory is in use: an idle GPU may claim to be busy."""
    used = one.number("fb_memory_usage/used")
    if (used or 0) < _LEAST_CONTEXT_MIB or (seen.cuda and seen.cuda.get("smi_overlap") is not False):
        return
    load = one.number("utilization/gpu_util")
    if load is not None:
        bad = f"GPU {one.index} works at {load:.0f} % for someone else."
        sheet.rate("gpu.util", load, good="Nobody else uses the GPUs.", bad=bad, gpu=one.index)
