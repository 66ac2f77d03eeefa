"""Faults that a GPU and its driver own up to. All are asked again after the load: counters only grow."""

from __future__ import annotations

from collections.abc import Iterator

from rp.domain.verdict import Verdict
from rp.health.judges.seen import Seen
from rp.health.judges.sheet import Sheet
from rp.health.judges.smi_xml import Smi, SmiGpu

_UNCORRECTED = ("sram_uncorrectable", "sram_uncorrectable_parity", "sram_uncorrectable_secded", "dram_uncorrectable")
# Sensors that glitch on good machines (azhpc-diagnostics#77).
_GLITCHING = ("fan", "power")
_REPAIRS = {
    "channel_repair_pending": "a repair of a memory channel is pending",
    "tpc_repair_pending": "a repair of a processor cluster is pending",
    "unrepairable_memory": "memory is broken beyond repair",
}


def judge(seen: Seen, sheet: Sheet) -> None:
    for document in documents(seen):
        for one in document.gpus:
            _unreadable(sheet, one)
            _memory_errors(sheet, one)
            _repairs(sheet, one)
            _remapping(sheet, one)
            _driver_wishes(sheet, one)
            _fabric(sheet, one)
    _lost_later(seen, sheet)
    _replays(seen, sheet)


def documents(seen: Seen) -> Iterator[Smi]:
    """Every answer of nvidia-smi, the first one first."""
    yield from (document for document in (seen.smi, seen.smi2, seen.smi3) if document)


def _unreadable(sheet: Sheet, one: SmiGpu) -> None:
    broken = list(one.broken())
    serious = [(path, text) for path, text in broken if not any(word in path for word in _GLITCHING)]
    for path, text in (serious or broken)[:1]:
        verdict = Verdict.FAIL if serious else Verdict.WARN
        what = path.rsplit("/", 1)[-1].replace("_", " ")
        said = f"GPU {one.index} cannot be read: its {what} says “{text}”."
        sheet.add("gpu.unreadable", verdict, said, measured=f"{len(broken)} readings", expected="none", gpu=one.index)
    if not broken:
        sheet.passed("gpu.unreadable", "All readings of the GPUs can be had.")


def _memory_errors(sheet: Sheet, one: SmiGpu) -> None:
    now, ever = _uncorrected(one, "volatile"), _uncorrected(one, "aggregate")
    if one.is_denied("ecc_errors/volatile/dram_uncorrectable"):
        sheet.unknown("gpu.ecc_uncorrected", f"GPU {one.index} does not let its memory errors be read.", gpu=one.index)
    if now is not None:
        bad = f"GPU {one.index} had {now:.0f} memory errors that could not be corrected since the driver was loaded."
        good = "No GPU has uncorrected memory errors."
        sheet.rate("gpu.ecc_uncorrected", now, good=good, bad=bad, gpu=one.index)
    # What happened since the driver was loaded is told already.
    if ever is not None and not now:
        bad = f"GPU {one.index} had {ever:.0f} uncorrected memory errors in its life, none of them recently."
        sheet.rate("gpu.ecc_aggregate", ever, good="No GPU ever had one.", bad=bad, gpu=one.index)
    for check, kind, where in (
        ("gpu.ecc_corrected", "dram", "memory"),
        ("gpu.ecc_corrected_sram", "sram", "caches"),
    ):
        corrected = one.number(f"ecc_errors/volatile/{kind}_correctable")
        if corrected is not None:
            bad = f"GPU {one.index} corrected {corrected:.0f} errors of its {where}: more than is normal."
            sheet.rate(check, corrected, good="Corrected errors are few or none.", bad=bad, gpu=one.index)


def _uncorrected(one: SmiGpu, when: str) -> float | None:
    """Volta and older count double-bit errors instead."""
    paths = [f"ecc_errors/{when}/{kind}" for kind in _UNCORRECTED] + [f"ecc_errors/{when}/double_bit/total"]
    counts = [count for path in paths if (count := one.number(path)) is not None]
    return sum(counts) if counts else None


def _repairs(sheet: Sheet, one: SmiGpu) -> None:
    exceeded = one.said("ecc_errors/aggregate/sram_threshold_exceeded")
    if exceeded == "Yes":
        said = f"GPU {one.index} has more cache errors than its maker allows: it is due for replacement."
        sheet.fail("gpu.sram_threshold", said, measured=exceeded, expected="No", gpu=one.index)
    elif exceeded:
        sheet.passed("gpu.sram_threshold", "Cache errors are below the maker's limit.")
    for field, what in _REPAIRS.items():
        value = one.said(f"ecc_errors/{field}")
        if value == "Yes":
            said = f"GPU {one.index}: {what}."
            sheet.fail("gpu.repair_pending", said, measured=field, expected="none", gpu=one.index)
        elif value:
            sheet.passed("gpu.repair_pending", "No GPU waits for a repair.")


def _remapping(sheet: Sheet, one: SmiGpu) -> None:
    pending = [
        one.said("remapped_rows/remapped_row_pending"),
        one.said("retired_pages/pending_retirement", "retired_pages/pending_blacklist"),
    ]
    if "Yes" in pending:
        said = f"GPU {one.index} has bad memory that is only replaced at a reset, which a pod cannot do."
        sheet.fail("gpu.remap_pending", said, measured="pending", expected="none pending", gpu=one.index)
    elif any(pending):
        sheet.passed("gpu.remap_pending", "No bad memory waits to be replaced.")
    failed = one.said("remapped_rows/remapped_row_failure")
    if failed == "Yes":
        said = f"GPU {one.index} has bad memory that could not be replaced."
        sheet.fail("gpu.remap_failure", said, measured="failed", expected="No", gpu=one.index)
    elif failed:
        sheet.passed("gpu.remap_failure", "Replacing bad memory never failed.")
    rows = one.number("remapped_rows/remapped_row_unc")
    if rows is not None and pending[0] != "Yes":
        bad = f"GPU {one.index} had {rows:.0f} bad memory rows replaced; they work now."
        sheet.rate("gpu.remapped_rows", rows, good="No memory row had to be replaced.", bad=bad, gpu=one.index)


def _driver_wishes(sheet: Sheet, one: SmiGpu) -> None:
    field = "gpu_recovery_action"
    wish = one.said(field)
    if wish:
        said = f"The driver asks for a recovery of GPU {one.index} ({wish}), which a pod cannot do."
        sheet.fail("gpu.recovery_action", said, measured=wish, expected="None", gpu=one.index)
    elif one.fields.get(field) == "None":
        sheet.passed("gpu.recovery_action", "The driver asks for no recovery.", measured="None")


def _fabric(sheet: Sheet, one: SmiGpu) -> None:
    state, status = one.said("fabric/state"), one.said("fabric/status")
    health = one.said("fabric/health/summary")
    bad = [word for word, good in ((state, "Completed"), (status, "Success")) if word and word != good]
    if bad:
        said = f"The NVLink fabric of GPU {one.index} is not ready ({bad[0]}): CUDA will not start."
        sheet.fail("gpu.fabric", said, measured=bad[0], expected="Completed, Success", gpu=one.index)
    elif health and health != "Healthy":
        said = f"The NVLink fabric of GPU {one.index} is in bad health ({health})."
        sheet.warn("gpu.fabric", said, measured=health, expected="Healthy", gpu=one.index)
    elif state:
        sheet.passed("gpu.fabric", "The NVLink fabric is ready.", measured=state)


def _lost_later(seen: Seen, sheet: Sheet) -> None:
    """GPUs that were there and are not any more: the driver gave up under load, or a minute later."""
    if not seen.smi:
        return
    for name, document in (("smi2", seen.smi2), ("smi3", seen.smi3)):
        section = seen.get(name)
        if document and len(document.gpus) < len(seen.smi.gpus):
            said = f"After the load only {len(document.gpus)} of {len(seen.smi.gpus)} GPUs are still there."
            sheet.fail("gpu.count", said, measured=len(document.gpus), expected=len(seen.smi.gpus))
        elif section and not document and "NVML" in section.text:
            sheet.fail("gpu.nvidia_smi", "nvidia-smi answered before the load and fails after it.", measured=name)


def _replays(seen: Seen, sheet: Sheet) -> None:
    for later in (seen.smi2, seen.smi3):
        if seen.smi and later and len(later.gpus) == len(seen.smi.gpus):
            for before, after in zip(seen.smi.gpus, later.gpus, strict=True):
                _sent_again(sheet, before, after)


def _sent_again(sheet: Sheet, before: SmiGpu, after: SmiGpu) -> None:
    first, second = before.number("pci/replay_counter"), after.number("pci/replay_counter")
    if first is not None and second is not None and second >= first:
        bad = f"GPU {before.index} had to send {second - first:.0f} PCIe packets again: its connection is bad."
        good = "PCIe packets arrive the first time."
        sheet.rate("gpu.pcie_replay", second - first, good=good, bad=bad, gpu=before.index)
