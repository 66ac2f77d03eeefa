"""NVLink between several GPUs: first the GPUs of the pod against each other, then against their model."""

from __future__ import annotations

import re

from rp.health.judges.seen import Seen
from rp.health.judges.sheet import Sheet

_GPU = re.compile(r"GPU (\d{1,2}): (.{1,100}?)(?: \(UUID.*)?$", re.ASCII)
_LINK = re.compile(r"\s*Link (\d{1,2}): *(.{1,40})", re.ASCII)
_SPEED = re.compile(r"[0-9.]{1,8} *GB/s", re.ASCII)


def judge(seen: Seen, sheet: Sheet) -> None:
    section = seen.get("nvlink")
    if section is None or seen.has_mig_asked:
        return
    active = _active(section.lines)
    model = seen.model(seen.smi.gpus[0].name if seen.smi and seen.smi.gpus else "")
    if section.timed_out or len(active) < 2:
        if model and model.nvlinks and (section.timed_out or seen.gpu_count > 1):
            sheet.unknown("nvlink", "nvidia-smi did not tell of the NVLink connections.")
        return
    most = max(active.values())
    is_sxm = bool(model and model.is_sxm)
    for index, links in active.items():
        if is_sxm and not links:
            said = f"GPU {index} has no NVLink connection: the GPUs cannot exchange data quickly."
            expected = model.nvlinks if model else most
            sheet.fail("nvlink", said, measured="0 links", expected=f"{expected} links", gpu=index)
        elif links < most:
            said = f"GPU {index} has {links} NVLink connections, its neighbours have {most}."
            add = sheet.fail if is_sxm else sheet.warn
            add("nvlink", said, measured=f"{links} links", expected=f"{most} links", gpu=index)
        elif model and is_sxm and links < model.nvlinks:
            said = f"GPU {index} has {links} of the {model.nvlinks} NVLink connections of its model."
            sheet.warn("nvlink", said, measured=f"{links} links", expected=f"{model.nvlinks} links", gpu=index)
        elif links:
            sheet.passed("nvlink", "The NVLink connections between the GPUs are up.", measured=f"{links} links")


def _active(lines: list[str]) -> dict[int, int]:
    """GPU index → links that are up, of `nvidia-smi nvlink -s`."""
    found: dict[int, int] = {}
    index = None
    for line in lines[:4000]:
        if match := _GPU.match(line[:300]):
            index = int(match[1])
            found.setdefault(index, 0)
        elif index is not None and (match := _LINK.match(line[:300])) and _SPEED.match(match[2]):
            found[index] += 1
    return found
