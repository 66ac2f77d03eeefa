"""AMD GPUs, of which only the inventory is taken: how many, which, and how much memory."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rp.domain.verdict import Owner
from rp.health.judges.reading import json_values, num, number, objects, text
from rp.health.judges.seen import Seen
from rp.health.judges.sheet import Sheet

_MIB = 1 << 20
_LEAST = 0.92
_CARD = re.compile(r"card\d{1,2}$", re.ASCII)
_NAMES = ("Card Series", "Card series", "Card Model", "Device Name")
_MEMORY = ("VRAM Total Memory (B)", "vram total memory (b)")


@dataclass(frozen=True)
class AmdGpu:
    name: str
    memory_mib: float | None


def judge(seen: Seen, sheet: Sheet) -> None:
    if not seen.is_amd:
        return
    section = seen.get("smi")
    gpus = list(read(section.text)) if section else []
    if gpus:
        sheet.passed("gpu.nvidia_smi", "AMD's tool answers.")
    elif section is None:
        sheet.unknown("gpu.nvidia_smi", "The probe ended before it asked AMD's tools.")
    elif section.timed_out:
        sheet.fail("gpu.nvidia_smi", f"AMD's tools did not answer within {section.ms / 1000:.0f} s.")
    elif section.status == "127":
        sheet.unknown("gpu.nvidia_smi", "This image has neither amd-smi nor rocm-smi.", owner=Owner.IMAGE)
    elif section.status != "0":
        sheet.fail("gpu.nvidia_smi", "AMD's tool fails.", measured=f"status {section.status}", expected="status 0")
    else:
        sheet.unknown("gpu.nvidia_smi", "The answer of AMD's tool could not be read.")
    if gpus:
        _inventory(seen, sheet, gpus)


def _inventory(seen: Seen, sheet: Sheet, gpus: list[AmdGpu]) -> None:
    paid = seen.gpu_count
    if paid and len(gpus) < paid:
        said = f"The pod has {len(gpus)} of {paid} GPUs that are paid for."
        sheet.fail("gpu.count", said, measured=len(gpus), expected=paid)
    elif paid and len(gpus) > paid:
        said = f"The pod has {len(gpus)} GPUs, {paid} are paid for."
        sheet.warn("gpu.count", said, measured=len(gpus), expected=paid)
    elif paid:
        sheet.passed("gpu.count", "All GPUs that are paid for are there.", measured=len(gpus), expected=paid)
    nominal = seen.asked.memory_gb or (seen.asked_model.memory_gb if seen.asked_model else 0)
    for index, one in enumerate(gpus):
        if seen.asked.gpu_id and one.name:
            _model(sheet, index, one.name, seen.asked.gpu_id)
        if one.memory_mib and nominal:
            least = _LEAST * nominal * 1000
            shown, expected = f"{one.memory_mib:.0f} MiB", f"at least {least:.0f} MiB"
            if one.memory_mib < least:
                said = f"GPU {index} has {one.memory_mib:.0f} MiB of memory, too little for {nominal} GB."
                sheet.fail("gpu.vram", said, measured=shown, expected=expected, gpu=index)
            else:
                sheet.passed("gpu.vram", "The GPUs have their memory.", measured=shown, expected=expected)


def _model(sheet: Sheet, index: int, name: str, asked: str) -> None:
    """RunPod's ids say `OAM` where AMD's tools do not, so the words in common decide, and only `MI…` condemns."""
    ours, theirs = _chip(asked), _chip(name)
    if ours and theirs and ours != theirs:
        said = f"GPU {index} is a {name}, asked for was {asked}."
        sheet.fail("gpu.model", said, measured=name, expected=asked, gpu=index)
    elif ours and theirs:
        sheet.passed("gpu.model", f"The GPUs are {asked}.", measured=name, expected=asked)
    else:
        sheet.unknown("gpu.model", f"GPU {index} calls itself {name}.", gpu=index)


def _chip(name: str) -> str:
    match = re.search(r"\bMI ?(\d{2,4}[A-Z]?)\b", name, re.ASCII | re.IGNORECASE)
    return match[1].upper() if match else ""


def read(said: str) -> Iterator[AmdGpu]:
    """The GPUs that `amd-smi static --json` or `rocm-smi --json` tells of, in either of amd-smi's two shapes."""
    for document in json_values(said):
        rows = document if isinstance(document, list) else objects(document, "gpu_data")
        found = [one for row in rows[:64] if isinstance(row, Mapping) and (one := _of_amd_smi(row))]
        if not found and isinstance(document, Mapping):
            found = [
                _of_rocm_smi(row)
                for card, row in list(document.items())[:64]
                if isinstance(card, str) and _CARD.match(card) and isinstance(row, Mapping)
            ]
        if found:
            yield from found
            return


def _of_amd_smi(row: Mapping[str, Any]) -> AmdGpu | None:
    asic, vram = row.get("asic"), row.get("vram")
    if not isinstance(asic, Mapping):
        return None
    size = vram.get("size") if isinstance(vram, Mapping) else None
    value = num(size, "value") if isinstance(size, Mapping) else number(str(size)[:40]) if size else None
    return AmdGpu(text(asic, "market_name")[:100], value)


def _of_rocm_smi(row: Mapping[str, Any]) -> AmdGpu:
    name = next((text(row, key) for key in _NAMES if text(row, key)), "")
    size = next((number(str(row[key])[:40]) for key in _MEMORY if key in row), None)
    return AmdGpu(name[:100], size / _MIB if size else None)
