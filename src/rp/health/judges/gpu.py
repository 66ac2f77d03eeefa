"""Whether the GPUs that were paid for are there, and are what they are called."""

from __future__ import annotations

import re

from rp.domain.verdict import BASIC, Owner, Verdict
from rp.health.judges.reading import num, whole
from rp.health.judges.seen import Seen
from rp.health.judges.sheet import Sheet
from rp.health.judges.smi_xml import SmiGpu
from rp.health.reference import Gpu, gpu, plain

_MISSING = "127"
_KILLED = ("124", "137", "143")
_INFOROM = "14"
# nvidia-smi's exit statuses, as its manual and Azure NHC tell them.
_STATUS = {
    "2": "it does not understand the question",
    "4": "permission denied",
    "6": "no GPU was found",
    "8": "a power cable is not connected",
    "9": "the NVIDIA driver is not loaded",
    "10": "the driver has trouble with a GPU's interrupts",
    "12": "the library libnvidia-ml is missing",
    "15": "a GPU fell off the PCIe bus",
    "18": "the driver and its libraries have different versions",
}
# The image may bring these upon itself, with libraries of its own.
_MAYBE_IMAGE = ("12", "18", _MISSING)
_BAD_WORDS = re.compile(
    r"Failed to initialize NVML|couldn't communicate|No devices were found|GPU is lost|Unable to determine the device"
)
_NODE = re.compile(r"/dev/nvidia\d+$", re.ASCII | re.MULTILINE)
# A GPU that rp has no reference of: the least share of its nominal size that is true of any known model.
_LEAST_NOMINAL = 0.92
_LEAST_SLICE = 0.9
_TOO_MUCH = 1.02


def judge(seen: Seen, sheet: Sheet) -> None:
    if not seen.is_amd and (seen.smi or seen.expects_gpus):
        _tool(seen, sheet)
        _count(seen, sheet)
        for one in seen.smi.gpus if seen.smi else ():
            _model(seen, sheet, one)
            _memory(seen, sheet, one)
            _modes(seen, sheet, one)
        _devices(seen, sheet)
    if seen.expects_gpus:
        _evidence(seen, sheet)


def _evidence(seen: Seen, sheet: Sheet) -> None:
    counted = sheet.has("gpu.count", Verdict.PASS, Verdict.WARN, Verdict.FAIL)
    # On a machine of AMD's, that CUDA is not there says nothing.
    computed = (seen.cuda and not seen.is_amd) or (seen.torch and seen.torch.get("gpus"))
    if (seen.smi and seen.smi.gpus) or counted or computed:
        return
    dev = seen.get("dev")
    if not seen.is_level(BASIC) and dev and (_NODE.search(dev.text) or "/dev/kfd" in dev.text):
        sheet.unknown("gpu.no_evidence", "The GPUs have device nodes; more cannot be seen without load.")
        return
    what = "amd-smi, rocm-smi nor PyTorch" if seen.is_amd else "nvidia-smi nor CUDA"
    sheet.fail("gpu.no_evidence", f"Nothing tells of a GPU in this pod: neither {what} answered.")


def _tool(seen: Seen, sheet: Sheet) -> None:
    section = seen.get("smi")
    if section is None:
        sheet.unknown("gpu.nvidia_smi", "The probe ended before it asked nvidia-smi.")
    elif section.timed_out or section.status in _KILLED:
        seconds = section.ms / 1000
        sheet.fail("gpu.nvidia_smi", f"nvidia-smi did not answer within {seconds:.0f} s: the driver hangs.")
    elif section.status == _INFOROM:
        sheet.warn("gpu.nvidia_smi", "nvidia-smi says that a GPU's infoROM is corrupt.", measured="status 14")
    elif section.status != "0" or (seen.smi is None and _BAD_WORDS.search(section.text)):
        _tool_failed(seen, sheet, section.status, _first_words(section.text))
    elif seen.smi is None:
        sheet.unknown("gpu.nvidia_smi", "nvidia-smi answered, but not with a whole document.")
    else:
        sheet.passed("gpu.nvidia_smi", "nvidia-smi answers.", measured=f"driver {seen.smi.driver}")


def _tool_failed(seen: Seen, sheet: Sheet, status: str, words: str) -> None:
    if status == _MISSING:
        sheet.unknown("gpu.nvidia_smi", "This image has no nvidia-smi.", owner=Owner.IMAGE)
        return
    why = _STATUS.get(status) or words or "without a reason"
    computes = bool(seen.cuda and seen.cuda.get("status") == "ok")
    if status in _MAYBE_IMAGE and computes:
        said = f"nvidia-smi fails ({why}), but CUDA works: the image has driver libraries of its own."
        sheet.warn("gpu.nvidia_smi", said, measured=f"status {status}", owner=Owner.IMAGE)
        return
    sheet.fail("gpu.nvidia_smi", f"nvidia-smi fails: {why}.", measured=f"status {status}", expected="status 0")


def _first_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("<", "smi_"))]
    return lines[0][:120].rstrip(".") if lines else ""


def _count(seen: Seen, sheet: Sheet) -> None:
    paid = seen.gpu_count
    if not seen.smi or not paid or seen.has_mig_asked:
        return
    found = len(seen.smi.gpus)
    detail = f"{found} of {paid}"
    if found < paid:
        sheet.fail("gpu.count", f"The pod has {found} of {paid} GPUs that are paid for.", measured=found, expected=paid)
    elif found > paid:
        sheet.warn("gpu.count", f"The pod has {found} GPUs, {paid} are paid for.", measured=found, expected=paid)
    else:
        sheet.passed("gpu.count", "All GPUs that are paid for are there.", measured=detail, expected=paid)


def _model(seen: Seen, sheet: Sheet, one: SmiGpu) -> None:
    asked = seen.asked.gpu_id
    if not asked:
        return
    wanted = seen.asked_model.parent if seen.asked_model and seen.asked_model.parent else asked.split(" MIG ")[0]
    if not one.name:
        sheet.unknown("gpu.model", f"GPU {one.index} does not tell its name.", gpu=one.index)
    elif is_same_model(wanted, one.name):
        sheet.passed("gpu.model", f"The GPUs are {asked}.", measured=one.name, expected=asked)
    else:
        said = f"GPU {one.index} is a {one.name}, asked for was {asked}."
        sheet.fail("gpu.model", said, measured=one.name, expected=asked, gpu=one.index)


def is_same_model(asked: str, seen: str) -> bool:
    """Whether a RunPod GPU id and the name that a GPU gives itself mean one model.

    For a known id they are the same text. A newer id may have a word more or less than the GPU's own name.
    """
    if plain(asked) == plain(seen):
        return True
    if gpu(asked) is not None or gpu(seen) is not None:
        return False
    ours, theirs = set(plain(asked).split()), set(plain(seen).split())
    return ours <= theirs or theirs <= ours


def _memory(seen: Seen, sheet: Sheet, one: SmiGpu) -> None:
    if seen.has_mig_asked:
        _slice_memory(seen, sheet, one.index)
        return
    total = one.number("fb_memory_usage/total")
    if one.has_mig:
        return
    if total is None:
        sheet.unknown("gpu.vram", f"GPU {one.index} does not tell its memory.", gpu=one.index)
        return
    model = seen.model(one.name)
    if model and model.vram_mib:
        _known_memory(sheet, one, total, model)
    elif seen.asked.memory_gb:
        _nominal_memory(seen, sheet, one.index, total)


def _known_memory(sheet: Sheet, one: SmiGpu, total: float, model: Gpu) -> None:
    ratio = total / model.vram_mib
    is_other = any(abs(total - size) <= 0.02 * size for size in model.also)
    # Switching ECC takes or gives memory; more than the model has with no ECC to switch is another card's chip.
    has_ecc = one.said("ecc_mode/current_ecc")
    good, shown = "Each GPU has the memory of its model.", f"{total:.0f} MiB"
    if is_other and (total < model.vram_mib or has_ecc == "Disabled"):
        sheet.passed("gpu.vram", good, measured=shown, expected=f"{model.vram_mib} MiB")
    elif ratio > _TOO_MUCH:
        said = f"GPU {one.index} has {total:.0f} MiB, its model has {model.vram_mib}: a modified card?"
        sheet.warn("gpu.vram", said, measured=shown, expected=f"{model.vram_mib} MiB", gpu=one.index)
    else:
        bad = f"GPU {one.index} has {total:.0f} MiB of memory, its model has {model.vram_mib}."
        sheet.rate("gpu.vram", ratio, good=good, bad=bad, measured=shown, gpu=one.index)


def _nominal_memory(seen: Seen, sheet: Sheet, index: int, total: float) -> None:
    least = _LEAST_NOMINAL * seen.asked.memory_gb * 1024
    detail = f"at least {least:.0f} MiB"
    if total < least:
        said = f"GPU {index} has {total:.0f} MiB of memory, too little for a GPU of {seen.asked.memory_gb} GB."
        sheet.fail("gpu.vram", said, measured=f"{total:.0f} MiB", expected=detail, gpu=index)
    else:
        sheet.passed("gpu.vram", "The GPUs have their memory.", measured=f"{total:.0f} MiB", expected=detail)


def _slice_memory(seen: Seen, sheet: Sheet, index: int) -> None:
    nominal = seen.asked.memory_gb or (seen.asked_model.memory_gb if seen.asked_model else 0)
    totals = [total for one in seen.cuda_gpus.values() if (total := num(one, "mem_total_mib"))]
    if not nominal or not totals:
        sheet.unknown("gpu.vram", "The memory of a MIG slice is only seen through CUDA, which did not tell it.")
        return
    least = _LEAST_SLICE * nominal * 1024
    detail = f"at least {least:.0f} MiB"
    if min(totals) < least:
        said = f"The MIG slice has {min(totals):.0f} MiB of memory, too little for {nominal} GB."
        sheet.fail("gpu.vram", said, measured=f"{min(totals):.0f} MiB", expected=detail, gpu=index)
    else:
        sheet.passed("gpu.vram", "The MIG slice has its memory.", measured=f"{min(totals):.0f} MiB", expected=detail)


def _modes(seen: Seen, sheet: Sheet, one: SmiGpu) -> None:
    if not seen.has_mig_asked:
        if one.has_mig:
            said = f"GPU {one.index} is divided by MIG: you would get a slice, not the whole GPU."
            sheet.fail("gpu.mig", said, measured="Enabled", expected="Disabled", gpu=one.index)
        else:
            sheet.passed("gpu.mig", "No GPU is divided by MIG.")
    mode = one.said("compute_mode")
    if mode == "Prohibited":
        said = f"GPU {one.index} is set to refuse all computing."
        sheet.fail("gpu.compute_mode", said, measured=mode, expected="Default", gpu=one.index)
    elif mode and mode.startswith("Exclusive"):
        said = f"GPU {one.index} is set to serve one process at a time."
        sheet.warn("gpu.compute_mode", said, measured=mode, expected="Default", gpu=one.index)
    elif mode:
        sheet.passed("gpu.compute_mode", "The GPUs serve any process.", measured=mode)


def _devices(seen: Seen, sheet: Sheet) -> None:
    section = seen.get("dev")
    if section is None:
        return
    nodes = len(set(_NODE.findall(section.text)))
    paid = seen.gpu_count
    if section.timed_out:
        sheet.unknown("dev", "Listing the GPUs' device nodes took too long.")
    elif paid and nodes < paid and not seen.has_mig_asked:
        sheet.warn("dev", f"/dev has {nodes} of the {paid} GPU nodes that are paid for.", measured=nodes, expected=paid)
    else:
        sheet.passed("dev", "Each GPU has its device node.", measured=nodes, expected=paid or "")
    counted = [whole(found) or 0 for found in re.findall(r"\baer_fatal=(\d{1,18})", section.text, re.ASCII)]
    if counted:
        bad = f"The kernel counted {max(counted)} fatal PCIe errors of a GPU."
        sheet.rate("dev.aer", max(counted), good="No GPU had a fatal PCIe error.", bad=bad)
