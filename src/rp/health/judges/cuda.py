"""What CUDA does on each GPU: start, use its memory, compute, keep its clock. Nothing else proves that a GPU works."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rp.domain.verdict import BASIC, Owner, Verdict
from rp.health.judges.asked import gpus_there, hides_gpus, lacks_compute
from rp.health.judges.gpu_state import rate_memory_used
from rp.health.judges.reading import num, text, whole_number
from rp.health.judges.seen import Seen
from rp.health.judges.sheet import Sheet

_NO_DEVICE = 100
# CUDA's errors for a libcuda that the image put in the machine's place: a stub, or one for forward compatibility.
_IMAGE_ERRORS = {
    34: "the image's stub of libcuda is loaded",
    803: "the image's libcuda does not fit the machine's driver",
    804: "the image's libcuda for forward compatibility does not work on this GPU",
}
_MACHINE_ERRORS = {
    3: "the driver does not start",
    46: "the GPU is in use, or its mode forbids it",
    100: "no GPU is there for CUDA",
    802: "the NVLink fabric is not ready",
    999: "the driver is in an unknown state",
}
_NO_COMPILER = 221
# Errors of a GPU that has its own user's work on it.
_AT_WORK = (2, 46)
# A program that the driver made hang or crash.
_DIED = re.compile(r"hang|stopped by signal")
_LOADER = re.compile(r"relocating|symbol not found|ELF|GLIBC")
_HARD_REASONS = 0x8 | 0x40 | 0x80
_POWER_CAP = 0x4
# Bits that say nothing: idle, application clocks, sync boost.
_NEUTRAL = 0x1 | 0x2 | 0x10
_BAD_RESULTS = ("compute_bad_blocks", "compute_bad_lanes")


@dataclass(frozen=True)
class UnderLoad:
    """One line of nvidia-smi's answer while the GPUs computed."""

    generation: float | None
    reasons: int | None


_NO_LOAD = UnderLoad(None, None)


def judge(seen: Seen, sheet: Sheet) -> None:
    if not seen.is_level(BASIC) or seen.is_amd or not (seen.expects_gpus or seen.smi):
        return
    section, found = seen.get("cuda"), seen.cuda
    if section is None:
        sheet.unknown("cuda.init", "CUDA was not tested: the probe ended before.")
    elif section.timed_out:
        sheet.fail("cuda.init", f"CUDA did not answer within {section.ms / 1000:.0f} s: the driver hangs.")
    elif found is None:
        _no_program(sheet, section.status, section.text)
    elif seen.cuda_gpus:
        sheet.passed("cuda.load", "The driver's CUDA library is there.")
        sheet.passed("cuda.init", "CUDA starts.", measured=f"CUDA {text(found, 'driver_cuda')}")
        _count(seen, sheet, found)
        _gpus(seen, sheet, _under_load(found))
        _compared(seen, sheet)
    else:
        _not_started(seen, sheet, found)


def _no_program(sheet: Sheet, status: str, said: str) -> None:
    if status == "127" or "no python" in said:
        sheet.unknown("cuda.init", "CUDA was not tested: the image has no python3.", owner=Owner.IMAGE)
    elif status == "139":
        sheet.fail("cuda.init", "Starting CUDA crashes the program that does it.", measured="segmentation fault")
    else:
        sheet.unknown("cuda.init", "CUDA was not tested: the program that does it broke off.")


def _not_started(seen: Seen, sheet: Sheet, found: Mapping[str, Any]) -> None:
    stage, rc = text(found, "stage"), whole_number(found, "rc")
    error = text(found, "error")[:120] or "no reason given"
    has_died = bool(_DIED.match(error))
    if found.get("status") != "fail":
        sheet.unknown("cuda.init", f"CUDA was not tested: {error}.")
    elif stage == "load" and not has_died:
        _not_loaded(seen, sheet, error)
    elif rc is None and not has_died and stage not in ("cuInit", "count"):
        sheet.unknown("cuda.init", f"CUDA was not tested: {error}.")
    else:
        sheet.passed("cuda.load", "The driver's CUDA library is there.")
        owner, why = _blame(seen, found, rc)
        measured = f"{error} ({rc})" if rc else error
        said = f"CUDA does not start: {why or error}."
        sheet.fail("cuda.init", said, measured=measured, expected="cuInit succeeds", owner=owner)


def _blame(seen: Seen, found: Mapping[str, Any], rc: int | None) -> tuple[Owner, str]:
    """Whose fault an error at the start is, and what it means."""
    visible = found.get("cuda_visible_devices")
    if rc in (0, None, _NO_DEVICE) and isinstance(visible, str) and hides_gpus(visible, 1, gpus_there(seen)):
        return Owner.IMAGE, "CUDA_VISIBLE_DEVICES hides all GPUs"
    if rc in _IMAGE_ERRORS:
        smi = seen.get("smi")
        # Where the machine's own tools disagree with each other too, its driver was updated and not restarted.
        if rc == 803 and smi and smi.status == "18" and not found.get("ld_library_path_compat"):
            return Owner.MACHINE, "the driver and its libraries have different versions"
        return Owner.IMAGE, _IMAGE_ERRORS[rc]
    return Owner.MACHINE, _MACHINE_ERRORS.get(rc or 0, "")


def _not_loaded(seen: Seen, sheet: Sheet, error: str) -> None:
    if lacks_compute(seen.sys.get("NVIDIA_DRIVER_CAPABILITIES")):
        said = "libcuda.so.1 is not there: NVIDIA_DRIVER_CAPABILITIES of the image leaves out compute."
        sheet.fail("cuda.load", said, measured=error, expected="it loads", owner=Owner.IMAGE)
    elif _LOADER.search(error):
        said = "The image's Python cannot load the driver's library: it is built on another C library."
        sheet.unknown("cuda.load", said, measured=error, owner=Owner.IMAGE)
    else:
        said = "The driver's library libcuda.so.1 is not there: the machine gave the pod no driver."
        sheet.fail("cuda.load", said, measured=error, expected="it loads")


def _count(seen: Seen, sheet: Sheet, found: Mapping[str, Any]) -> None:
    # CUDA shows a program one MIG slice at most.
    paid = 1 if seen.has_mig_asked else seen.gpu_count or (len(seen.smi.gpus) if seen.smi else 0)
    count = whole_number(found, "count")
    if count is None or not paid:
        return
    if count >= paid:
        sheet.passed("cuda.count", "CUDA sees all GPUs.", measured=count, expected=paid)
        return
    visible = found.get("cuda_visible_devices")
    is_hidden = isinstance(visible, str) and hides_gpus(visible, paid, gpus_there(seen))
    rest = ": CUDA_VISIBLE_DEVICES hides the others" if is_hidden else ""
    owner = Owner.IMAGE if is_hidden else Owner.MACHINE
    said = f"CUDA sees {count} of {paid} GPUs{rest}."
    sheet.fail("cuda.count", said, measured=count, expected=paid, owner=owner)


def _gpus(seen: Seen, sheet: Sheet, under_load: dict[int, UnderLoad]) -> None:
    for position, gpu in seen.cuda_gpus.items():
        index = seen.smi_index(gpu, position)
        if gpu.get("busy") is True:
            _busy(seen, sheet, gpu, index)
            continue
        if gpu.get("ok") is not True:
            _broken(seen, sheet, gpu, index)
            continue
        sheet.passed("cuda.gpu", "CUDA works on each GPU.")
        # Without kernels there was no load.
        was_loaded = not text(gpu, "kernels").startswith("unknown")
        load = under_load.get(index, _NO_LOAD) if was_loaded else _NO_LOAD
        _results(sheet, gpu, index)
        _kernels(sheet, gpu, index)
        _clock(seen, sheet, gpu, index, load)
        _copies(seen, sheet, gpu, index, load)


def _busy(seen: Seen, sheet: Sheet, gpu: Mapping[str, Any], index: int) -> None:
    sheet.unknown("cuda.gpu", f"GPU {index} is at work, so it was not tested.", gpu=index)
    free, total = num(gpu, "mem_free_mib"), num(gpu, "mem_total_mib")
    if seen.asked.fresh and free is not None and total and not seen.has_mig_asked:
        rate_memory_used(sheet, index, max(0.0, total - free), total)


def _broken(seen: Seen, sheet: Sheet, gpu: Mapping[str, Any], index: int) -> None:
    rc, error = whole_number(gpu, "rc"), text(gpu, "error")[:120]
    stage = text(gpu, "stage") or text(gpu, "fn")
    if rc in _AT_WORK and not seen.asked.fresh:
        sheet.unknown("cuda.gpu", f"GPU {index} is at work, so it could not be tested.", gpu=index)
    elif rc is None and not _DIED.match(error):
        sheet.unknown("cuda.gpu", f"GPU {index} was not tested: {error or 'no answer'}.", gpu=index)
    else:
        what = "it hangs or crashes" if rc is None else _MACHINE_ERRORS.get(rc) or "an error"
        said = f"GPU {index} does not work with CUDA: {what}{f' ({stage})' if stage else ''}."
        sheet.fail("cuda.gpu", said, measured=error or f"error {rc}", expected="no error", gpu=index)


def _results(sheet: Sheet, gpu: Mapping[str, Any], index: int) -> None:
    wrong = [num(gpu, key) for key in _BAD_RESULTS]
    if any(wrong):
        said = f"GPU {index} computes wrong results: it is broken."
        sheet.fail("cuda.wrong_result", said, measured=f"{sum(filter(None, wrong)):.0f} wrong", expected="0", gpu=index)
    elif None not in wrong:
        sheet.passed("cuda.wrong_result", "The GPUs compute what they should.", measured="0 wrong")
    bad = num(gpu, "mem_bad_words16")
    if bad:
        said = f"GPU {index} does not keep what is written to its memory: {bad:.0f} places are wrong."
        sheet.fail("cuda.bad_memory", said, measured=f"{bad:.0f} wrong", expected="0", gpu=index)
    elif bad is not None:
        tested = num(gpu, "mem_tested_mib") or 0
        sheet.passed("cuda.bad_memory", "The GPUs' memory keeps what is written to it.", measured=f"{tested:.0f} MiB")


def _kernels(sheet: Sheet, gpu: Mapping[str, Any], index: int) -> None:
    said = text(gpu, "kernels")
    if not said.startswith("unknown"):
        sheet.passed("cuda.kernels", "The driver compiles kernels.")
    elif whole_number(gpu, "kernels_rc") == _NO_COMPILER or "JIT_COMPILER" in said:
        rest = "the driver's compiler is not in the image (NVIDIA_DRIVER_CAPABILITIES must have compute)"
        sheet.warn("cuda.kernels", f"No kernel was run: {rest}.", measured=said[:80], owner=Owner.IMAGE)
    else:
        sheet.unknown("cuda.kernels", f"No kernel was run on GPU {index}: {said[:120]}.", gpu=index)


def _clock(seen: Seen, sheet: Sheet, gpu: Mapping[str, Any], index: int, load: UnderLoad) -> None:
    clock, most = num(gpu, "sm_mhz_effective"), _highest_clock(seen, gpu, index)
    verdict = Verdict.UNKNOWN
    if clock and most:
        # A card that is only held to its power, as an L4 always is, is slow by design.
        is_capped = load.reasons is not None and load.reasons & ~_NEUTRAL == _POWER_CAP
        why = "its power limit holds it back" if is_capped else "it is throttled"
        verdict = sheet.rate(
            "cuda.clock",
            clock / most,
            good="Each GPU keeps its clock under load.",
            bad=f"GPU {index} runs at {clock:.0f} of {most:.0f} MHz under load: {why}.",
            most=Verdict.WARN if is_capped else Verdict.FAIL,
            measured=f"{clock:.0f} of {most:.0f} MHz",
            gpu=index,
        )
    if load.reasons is None:
        return
    if load.reasons & _HARD_REASONS:
        # The flags alone may be of the moment; the clock is what was measured.
        bad = Verdict.FAIL if verdict in (Verdict.WARN, Verdict.FAIL) else Verdict.WARN
        said = f"GPU {index} is slowed down under load by heat or by the machine's power supply."
        sheet.add("cuda.throttle", bad, said, measured=hex(load.reasons), expected="not slowed down", gpu=index)
    else:
        sheet.passed("cuda.throttle", "No GPU is slowed down under load.", measured=hex(load.reasons))


def _highest_clock(seen: Seen, gpu: Mapping[str, Any], index: int) -> float | None:
    for one in seen.smi.gpus if seen.smi else ():
        if one.index == index and (most := one.number("max_clocks/sm_clock")):
            return most
    khz = num(gpu, "clock_khz")
    return khz / 1000 if khz else None


def _copies(seen: Seen, sheet: Sheet, gpu: Mapping[str, Any], index: int, load: UnderLoad) -> None:
    speeds = []
    for check, key, way in (("cuda.h2d", "h2d_gbs", "to"), ("cuda.d2h", "d2h_gbs", "from")):
        speed = num(gpu, key)
        if speed is not None:
            bad = f"Copies {way} GPU {index} run at {speed:.1f} GB/s: its connection to the machine is bad."
            good = f"Copies {way} the GPUs are fast."
            speeds.append(sheet.rate(check, speed, good=good, bad=bad, measured=f"{speed:.1f} GB/s", gpu=index))
    if load.generation:
        bad = f"GPU {index} is connected by PCIe generation {load.generation:.0f} under load."
        is_fast = bool(speeds) and set(speeds) == {Verdict.PASS}
        sheet.rate(
            "cuda.pcie_gen",
            load.generation,
            good="The GPUs are connected by a recent PCIe generation.",
            bad=bad,
            most=Verdict.WARN if is_fast else Verdict.FAIL,
            measured=f"generation {load.generation:.0f}",
            gpu=index,
        )
    share, model = num(gpu, "alloc_frac_of_free"), seen.model(text(gpu, "name"))
    if share is not None:
        bad = f"Only {share:.0%} of the free memory of GPU {index} can be allocated."
        sheet.rate("cuda.alloc", share, good="The GPUs' free memory can be used.", bad=bad, gpu=index)
    inside = num(gpu, "d2d_gbs")
    if inside and model and model.memory_bandwidth and not seen.has_mig_asked:
        bad = f"GPU {index} copies {inside:.0f} GB/s in its memory; the data sheet says {model.memory_bandwidth:.0f}."
        good, measured = "The GPUs' memory is fast.", f"{inside:.0f} of {model.memory_bandwidth:.0f} GB/s"
        sheet.rate("cuda.mem_bw", inside / model.memory_bandwidth, good=good, bad=bad, measured=measured, gpu=index)


def _compared(seen: Seen, sheet: Sheet) -> None:
    """GPUs of one name against each other, which did the same work at the same time."""
    worked = [(i, one) for i, one in seen.cuda_gpus.items() if one.get("ok") is True and one.get("busy") is not True]
    if len(worked) < 2 or len({text(one, "name") for _, one in worked}) > 1:
        return
    work = {num(one, "burn_iters") for _, one in worked}
    hashes = {text(one, "fma_hash") for _, one in worked if one.get("fma_hash")}
    if len(hashes) > 1 and len(work) == 1:
        said = "The GPUs disagree about the result of one and the same computation: one of them is broken."
        sheet.fail("cuda.wrong_result", said, measured=f"{len(hashes)} results", expected="1 result")
    times = {index: spent for index, one in worked if (spent := num(one, "burn_s"))}
    if len(times) > 1 and len(work) == 1:
        slowest = max(times, key=lambda index: times[index])
        ratio = times[slowest] / min(times.values())
        index = seen.smi_index(seen.cuda_gpus[slowest], slowest)
        bad = f"GPU {index} needs {ratio:.1f} times as long as the fastest GPU for the same work."
        sheet.rate("cuda.straggler", ratio, good="All GPUs are equally fast.", bad=bad, gpu=index)


def _under_load(found: Mapping[str, Any]) -> dict[int, UnderLoad]:
    """nvidia-smi's index, PCIe generation, width, clock, throttle reasons, … while the GPUs computed."""
    lines: dict[int, UnderLoad] = {}
    for line in text(found, "under_load").splitlines()[:64]:
        words = [word.strip() for word in line.split(",")]
        if len(words) >= 5 and re.fullmatch(r"\d{1,2}", words[0], re.ASCII):
            generation = float(words[1]) if re.fullmatch(r"[1-9]", words[1], re.ASCII) else None
            reasons = int(words[4], 16) if re.fullmatch(r"0x[0-9a-fA-F]{1,16}", words[4], re.ASCII) else None
            lines[int(words[0])] = UnderLoad(generation, reasons)
    return lines
