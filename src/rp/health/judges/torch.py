"""What PyTorch measures under longer load: speed, wrong bits, and the GPUs working together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rp.domain.verdict import STANDARD, Owner, Verdict
from rp.health.judges.reading import num, objects, text, whole_number
from rp.health.judges.seen import Seen
from rp.health.judges.sheet import Sheet
from rp.health.reference import Gpu

_NO_KERNELS = re.compile(r"no kernel image|not compatible with the current PyTorch|CUDA capability", re.IGNORECASE)
_OLD_DRIVER = re.compile(r"driver on your system is too old|driver version is insufficient", re.IGNORECASE)
_NO_LIBRARY = re.compile(r"has no attribute|No module named|not compiled|not available", re.IGNORECASE)
_NO_TIME = "no answer in time"
_LONG_IMPORT_SECONDS = 30
_NO_MEMORY = re.compile(r"out of memory", re.IGNORECASE)
# GB/s between two GPUs, and bus bandwidth of an all-reduce over so many, as Azure and others publish them.
_P2P = {"NVIDIA H100 80GB HBM3": 335, "NVIDIA A100-SXM4-80GB": 238}
_ALL_REDUCE = {
    ("NVIDIA H100 80GB HBM3", 8): 460,
    ("NVIDIA H200", 8): 431,
    ("NVIDIA A100-SXM4-80GB", 8): 228,
    ("NVIDIA H100 NVL", 2): 208,
}


def judge(seen: Seen, sheet: Sheet) -> None:
    if not seen.is_level(STANDARD) or not (seen.expects_gpus or seen.smi):
        return
    section, found = seen.get("torch"), seen.torch
    if section is None:
        sheet.unknown("torch.run", "PyTorch was not run.")
    elif section.timed_out:
        # It may have been busy loading PyTorch from a slow disk; a GPU that hangs fails with CUDA alone, too.
        add = sheet.warn if sheet.has("cuda.gpu", Verdict.PASS) else sheet.fail
        add("torch.run", f"PyTorch did not come to an end within {section.ms / 1000:.0f} s.", measured="no answer")
    elif found is None:
        sheet.unknown("torch.run", "PyTorch was not run: the program that does it broke off.")
    elif found.get("status") == "unknown":
        why = text(found, "error")[:120] or "no reason given"
        sheet.unknown("torch.run", f"PyTorch was not run: {why}.")
    elif not objects(found, "gpus"):
        _failed(seen, sheet, text(found, "error") or "no GPU", None)
    else:
        _gpus(seen, sheet, found)


def _failed(seen: Seen, sheet: Sheet, error: str, index: int | None) -> None:
    where = "PyTorch" if index is None else f"PyTorch on GPU {index}"
    if _NO_KERNELS.search(error):
        said = f"{where} has no kernels for this GPU: the image needs a newer PyTorch."
        sheet.fail("torch.run", said, measured=error, expected="no error", gpu=index, owner=Owner.IMAGE)
    elif _OLD_DRIVER.search(error):
        said = f"{where} needs a newer driver; set minCudaVersion in the template to avoid such machines."
        sheet.fail("torch.run", said, measured=error, expected="no error", gpu=index)
    elif _NO_MEMORY.search(error) and not seen.asked.fresh:
        sheet.unknown("torch.run", f"{where} found too little free memory: the GPU is at work.", gpu=index)
    elif _NO_LIBRARY.search(error):
        sheet.unknown("torch.run", f"{where} could not be run: {error[:120]}.", gpu=index, owner=Owner.IMAGE)
    else:
        sheet.fail("torch.run", f"{where} fails: {error[:120]}.", measured=error, expected="no error", gpu=index)


def _gpus(seen: Seen, sheet: Sheet, found: Mapping[str, Any]) -> None:
    model = _model(seen)
    rates: dict[int, float] = {}
    for position, gpu in enumerate(objects(found, "gpus")):
        told = whole_number(gpu, "i", most=63)
        index = position if told is None else told
        if gpu.get("busy") is True:
            sheet.unknown("torch.run", f"GPU {index} is at work, so it was not tested.", gpu=index)
        elif text(gpu, "error").startswith("hang") and (num(found, "import_s") or 0) > _LONG_IMPORT_SECONDS:
            sheet.unknown("torch.run", f"Loading PyTorch left no time to test GPU {index}.", gpu=index)
        elif gpu.get("ok") is not True:
            _failed(seen, sheet, text(gpu, "error") or "no answer", index)
        else:
            sheet.passed("torch.run", "PyTorch works on each GPU.", measured=f"torch {text(found, 'torch')[:40]}")
            _one(sheet, gpu, index, model, is_bf16=text(found, "dtype") != "torch.float16")
            if rate := num(gpu, "bf16_tflops"):
                rates[index] = rate
    if len(rates) > 1:
        slowest = min(rates, key=lambda index: rates[index])
        share = rates[slowest] / max(rates.values())
        bad = f"GPU {slowest} computes at {share:.0%} of the fastest GPU's speed: it holds up the others."
        sheet.rate("torch.spread", share, good="All GPUs are equally fast.", bad=bad, gpu=slowest)
    if found.get("digests_equal") is False:
        said = "The GPUs disagree about the product of the same two matrices: one of them is broken."
        sheet.fail("torch.digest", said, measured="different", expected="equal")
    elif found.get("digests_equal") is True and len(rates) > 1:
        sheet.passed("torch.digest", "All GPUs compute the same product.")
    _together(seen, sheet, found, model, len(objects(found, "gpus")))


def _model(seen: Seen) -> Gpu | None:
    if seen.has_mig_asked:
        return None
    return seen.model(seen.smi.gpus[0].name if seen.smi and seen.smi.gpus else "")


def _one(sheet: Sheet, gpu: Mapping[str, Any], index: int, model: Gpu | None, *, is_bf16: bool) -> None:
    wrong = num(gpu, "sdc")
    if wrong:
        said = f"GPU {index} computed the same product differently {wrong:.0f} times: it is broken."
        sheet.fail("torch.sdc", said, measured=f"{wrong:.0f} wrong", expected="0", gpu=index)
    elif wrong is not None:
        sheet.passed("torch.sdc", "The same product comes out the same each time.", measured="0 wrong")
    rate = num(gpu, "bf16_tflops")
    if rate and model and model.bf16_low and is_bf16:
        if model.is_estimate:
            sheet.unknown("torch.bf16", f"{rate:.0f} TFLOP/s; nobody published what a {model.name} should reach.")
        else:
            bad = f"GPU {index} multiplies at {rate:.0f} TFLOP/s; its kind reaches {model.bf16_low:.0f} or more."
            measured, good = f"{rate:.0f} TFLOP/s", "The GPUs multiply as fast as others of their kind."
            sheet.rate("torch.bf16", rate / model.bf16_low, good=good, bad=bad, measured=measured, gpu=index)
    decay = num(gpu, "decay")
    if decay:
        bad = f"GPU {index} fell to {decay:.0%} of its speed under load: it is too hot, or short of power."
        sheet.rate("torch.decay", decay, good="The GPUs keep their speed under load.", bad=bad, gpu=index)
    inside = num(gpu, "mem_gbs")
    if inside and model and model.memory_bandwidth:
        bad = f"GPU {index} copies {inside:.0f} GB/s in its memory; the data sheet says {model.memory_bandwidth:.0f}."
        good, measured = "The GPUs' memory is fast.", f"{inside:.0f} of {model.memory_bandwidth:.0f} GB/s"
        sheet.rate("torch.mem_bw", inside / model.memory_bandwidth, good=good, bad=bad, measured=measured, gpu=index)
    for check, key, way in (("torch.h2d", "h2d_gbs", "to"), ("torch.d2h", "d2h_gbs", "from")):
        speed = num(gpu, key)
        if speed is not None:
            bad = f"Copies {way} GPU {index} run at {speed:.1f} GB/s: its connection to the machine is bad."
            good = f"Copies {way} the GPUs are fast."
            sheet.rate(check, speed, good=good, bad=bad, measured=f"{speed:.1f} GB/s", gpu=index)


def _together(seen: Seen, sheet: Sheet, found: Mapping[str, Any], model: Gpu | None, count: int) -> None:
    error, nccl, pairs = text(found, "comm_error"), found.get("nccl"), found.get("p2p_gbs")
    if error:
        _not_together(seen, sheet, error, count)
    elif isinstance(nccl, Mapping):
        _all_reduce(sheet, nccl, _ALL_REDUCE.get((model.name, count)) if model else None)
    expected = _P2P.get(model.name) if model else None
    if expected and isinstance(pairs, Mapping):
        speeds = [(speed, str(pair)[:9]) for pair in list(pairs)[:64] if (speed := num(pairs, pair)) is not None]
        if speeds:
            speed, pair = min(speeds)
            bad = f"GPUs {pair.replace('>', ' and ')} copy to each other at {speed:.0f} GB/s, not at {expected}."
            good, measured = "The GPUs copy to each other quickly.", f"{speed:.0f} of {expected} GB/s"
            sheet.rate("torch.p2p", speed / expected, good=good, bad=bad, measured=measured)


def _not_together(seen: Seen, sheet: Sheet, error: str, count: int) -> None:
    """What went wrong after each GPU had computed: copies to the host come first, then the GPUs among each other."""
    said = f"The GPUs do not work together: {error[:120]}."
    if _NO_LIBRARY.search(error):
        sheet.unknown("torch.nccl", f"NCCL was not tested: {error[:120]}.", owner=Owner.IMAGE)
    elif count < 2:
        sheet.unknown("torch.h2d", f"Copies to the GPU were not measured: {error[:120]}.")
    elif error.startswith(_NO_TIME):
        sheet.warn("torch.nccl", "The GPUs did not come to an end of working together in time.", measured=error)
    elif any(name.startswith("NCCL_") for name in seen.sys):
        sheet.warn("torch.nccl", f"{said} The image sets NCCL_… variables.", measured=error, owner=Owner.IMAGE)
    else:
        sheet.fail("torch.nccl", said, measured=error, expected="no error")


def _all_reduce(sheet: Sheet, nccl: Mapping[str, Any], expected: int | None) -> None:
    if nccl.get("correct") is False:
        sheet.fail("torch.nccl", "NCCL's sum over all GPUs is wrong.", measured="wrong", expected="right")
        return
    speed = num(nccl, "busbw_gbs")
    if speed is None:
        sheet.unknown("torch.nccl", "NCCL did not tell its speed.")
    elif expected:
        bad = f"NCCL runs at {speed:.0f} GB/s over all GPUs, published are {expected}: training will be slow."
        good, measured = "NCCL is fast.", f"{speed:.0f} of {expected} GB/s"
        sheet.rate("torch.nccl", speed / expected, good=good, bad=bad, measured=measured)
    else:
        sheet.passed("torch.nccl", "NCCL works over all GPUs.", measured=f"{speed:.0f} GB/s")
