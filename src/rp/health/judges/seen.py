"""What a stream tells, read once and shared by all judges."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rp.domain.verdict import BASIC, LEVELS
from rp.health import reference
from rp.health.asked import Asked
from rp.health.judges import smi_xml
from rp.health.judges.reading import json_object, objects, whole, whole_number
from rp.health.stream import Section, Stream

_MIG = re.compile(r" MIG \d+g\.\d+gb$", re.ASCII)


@dataclass(frozen=True)
class Seen:
    """`at` is the local time at the middle of the probe's run, which took `seconds`."""

    stream: Stream
    level: str
    asked: Asked
    at: float
    seconds: float

    def get(self, name: str) -> Section | None:
        return self.stream.get(name)

    def is_level(self, level: str) -> bool:
        return self.level in LEVELS and LEVELS.index(self.level) >= LEVELS.index(level)

    @functools.cached_property
    def smi(self) -> smi_xml.Smi | None:
        return self._smi("smi")

    @functools.cached_property
    def smi2(self) -> smi_xml.Smi | None:
        """The counters once more, after the load."""
        return self._smi("smi2")

    @functools.cached_property
    def smi3(self) -> smi_xml.Smi | None:
        """Everything once more, a minute after the load."""
        return self._smi("smi3")

    def _smi(self, name: str) -> smi_xml.Smi | None:
        section = self.get(name)
        return smi_xml.read(section.text) if section else None

    @functools.cached_property
    def cuda(self) -> Mapping[str, Any] | None:
        section = self.get("cuda") if self.is_level(BASIC) else None
        return json_object(section.text) if section else None

    @functools.cached_property
    def torch(self) -> Mapping[str, Any] | None:
        section = self.get("torch")
        return json_object(section.text) if section else None

    @functools.cached_property
    def cuda_gpus(self) -> dict[int, Mapping[str, Any]]:
        """CUDA's GPUs by their index; hidden GPUs shift it against nvidia-smi's, which `smi_index` undoes."""
        found: dict[int, Mapping[str, Any]] = {}
        for position, gpu in enumerate(objects(self.cuda or {}, "gpus")):
            index = whole_number(gpu, "i")
            found[position if index is None else index] = gpu
        return found

    def smi_index(self, gpu: Mapping[str, Any], index: int) -> int:
        """The index by which a person knows CUDA's GPU."""
        uuid = gpu.get("uuid")
        if self.smi and isinstance(uuid, str):
            for one in self.smi.gpus:
                if one.uuid == uuid:
                    return one.index
        return index

    @functools.cached_property
    def sys(self) -> dict[str, str]:
        section = self.get("sys")
        return dict(section.pairs()) if section else {}

    @functools.cached_property
    def has_mig_asked(self) -> bool:
        return bool(self.asked.gpu_id and _MIG.search(self.asked.gpu_id))

    @functools.cached_property
    def is_amd(self) -> bool:
        """Whether the GPUs are AMD's, asked for or seen."""
        if self.asked.gpu_id:
            return self.asked.gpu_id.lower().startswith(("amd ", "instinct"))
        section = self.get("smi")
        return bool(section and self.smi is None and re.search(r'"(gpu_data|asic|card\d|Card )', section.text))

    @property
    def gpu_count(self) -> int:
        """GPUs that are paid for; 0 where nobody told."""
        return self.asked.gpu_count or (whole(self.sys.get("RUNPOD_GPU_COUNT")) or 0)

    @property
    def expects_gpus(self) -> bool:
        return bool(self.asked.gpu_id or self.gpu_count)

    @functools.cached_property
    def asked_model(self) -> reference.Gpu | None:
        return reference.gpu(self.asked.gpu_id) if self.asked.gpu_id else None

    def model(self, name: str) -> reference.Gpu | None:
        """The reference of a GPU by the name that it gives itself, else of the one that was asked for."""
        return reference.gpu(name) if name else self.asked_model

    @property
    def uuids(self) -> tuple[str, ...]:
        found = [gpu.uuid for gpu in self.smi.gpus] if self.smi else []
        found = found or [str(gpu.get("uuid") or "") for gpu in self.cuda_gpus.values()]
        safe = (uuid for uuid in found if re.fullmatch(r"(GPU|MIG)-[0-9A-Za-z./-]{1,80}", uuid, re.ASCII))
        return tuple(dict.fromkeys(safe))
