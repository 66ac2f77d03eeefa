"""One pretended GPU: its speed, its memory and its faults."""

from __future__ import annotations

import time
from typing import Any

from rp_sim.shims.cuda_memory import MIB, Memory

Facts = dict[str, Any]
DAY_S = 86_400
PCIE_GBS = {1: 3.2, 2: 6.4, 3: 12.3, 4: 24.6, 5: 50.0, 6: 55.0}  # pinned, 16 lanes
ONE_GPU = ("bad_memory", "wrong_result", "straggler", "hang", "ecc")  # without `only` it is the first
CONTEXT_MIB = 450
ATTRIBUTES = {1: 1024, 2: 1024, 10: 32, 31: 1, 39: 1536, 40: 1, 41: 1}


class Gpu:
    """One card with its faults, its memory and the moment at which its queue is empty."""

    def __init__(self, index: int, facts: Facts, faults: list[Facts]) -> None:
        self.index, self.facts = index, facts
        self.faults = {fault["fault"]: fault for fault in faults if _concerns(fault, index)}
        total = facts["memory"] * MIB
        busy = facts["busy_mib"]
        self.total = total
        self.memory = Memory(index, max(0, total - (busy + CONTEXT_MIB) * MIB))
        self.ready = 0.0
        self.spoilt = False

    @property
    def mhz(self) -> float:
        top = self.facts["sm_mhz"]
        if fault := self.faults.get("clock"):
            return float(fault["mhz"] or 510)
        if fault := self.faults.get("straggler"):
            return float(fault["mhz"] or top * 0.5)
        return float(min(self.facts["slow_mhz"] or top * 0.88, top))

    @property
    def memory_rate(self) -> float:
        """Bytes per second that kernels read or write."""
        fault = self.faults.get("slow_memory")
        gbs = (fault["gbs"] or self.facts["mem_gbs"] * 0.3) if fault else self.facts["mem_gbs"] * 0.87
        return float(gbs) * 1e9

    @property
    def copy_rate(self) -> float:
        fault = self.faults.get("slow_copy")
        generation = 1 if self.facts["stays_idle"] else self.facts["pcie_gen"]
        wide = PCIE_GBS.get(generation, 24.6) * self.facts["link_width"] / 16
        return float((fault["gbs"] or 1.2) if fault else wide) * 1e9

    def attribute(self, which: int) -> int:
        major, _, minor = self.facts["compute_cap"].partition(".")
        bus = int(self.facts["bus"].split(":")[1], 16)
        own = {
            13: self.facts["sm_mhz"] * 1000, 16: self.facts["sms"], 32: int(self.facts["has_ecc"]), 33: bus, 34: 0,
            36: self.facts["mem_mhz"] * 1000, 50: 0, 75: int(major), 76: int(minor or 0),
        }  # fmt: skip
        return int(own.get(which, ATTRIBUTES.get(which, 0)))

    def hangs(self, stage: str) -> None:
        fault = self.faults.get("hang")
        if fault and (fault["stage"] or "kernel") == stage:
            time.sleep(DAY_S)


def _concerns(fault: Facts, index: int) -> bool:
    return index in (fault["only"] or ([0] if fault["fault"] in ONE_GPU else [index]))
