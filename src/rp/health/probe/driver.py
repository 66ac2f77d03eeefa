"""The driver's library and what its answers mean. Runs on the pod, in front of gpu.py and cuda.py."""

from __future__ import annotations

import collections
import ctypes
import sys
import time
from typing import Any, Callable

BEGAN = time.monotonic()
OPTIONS = dict(zip(sys.argv[1::2], sys.argv[2::2]))
# Seconds until this program has reported, whatever hangs.
BUDGET = float(OPTIONS.get("--budget-s", "6"))
# Seconds of calculation that are measured; finding the right amount of work takes as long again at most.
LOAD = float(OPTIONS.get("--load-s", "0.5"))
PASSES = int(OPTIONS.get("--passes", "1"))
COPY = int(OPTIONS.get("--copy-mib", "128")) << 20
FILL = float(OPTIONS.get("--fill", "0.9"))
MIB = 1 << 20
BLOCK = 256
# Blocks for each multiprocessor: 1024 threads are what every architecture can keep there at once.
BLOCKS = 4
LONGEST_BURN = 20_000_000
ERRORS = {
    1: "INVALID_VALUE", 2: "OUT_OF_MEMORY", 3: "NOT_INITIALIZED", 4: "DEINITIALIZED", 34: "STUB_LIBRARY",
    46: "DEVICE_UNAVAILABLE", 100: "NO_DEVICE", 101: "INVALID_DEVICE", 200: "INVALID_IMAGE", 201: "INVALID_CONTEXT",
    205: "MAP_FAILED", 209: "NO_BINARY_FOR_GPU", 214: "ECC_UNCORRECTABLE", 216: "CONTEXT_ALREADY_IN_USE",
    218: "INVALID_PTX", 220: "NVLINK_UNCORRECTABLE", 221: "JIT_COMPILER_NOT_FOUND", 222: "UNSUPPORTED_PTX_VERSION",
    223: "JIT_COMPILATION_DISABLED", 226: "CONTAINED", 304: "OPERATING_SYSTEM", 700: "ILLEGAL_ADDRESS",
    701: "LAUNCH_OUT_OF_RESOURCES", 702: "LAUNCH_TIMEOUT", 710: "ASSERT", 714: "HARDWARE_STACK_ERROR",
    715: "ILLEGAL_INSTRUCTION", 716: "MISALIGNED_ADDRESS", 717: "INVALID_ADDRESS_SPACE", 718: "INVALID_PC",
    719: "LAUNCH_FAILED", 800: "NOT_PERMITTED", 801: "NOT_SUPPORTED", 802: "SYSTEM_NOT_READY",
    803: "SYSTEM_DRIVER_MISMATCH", 804: "COMPAT_NOT_SUPPORTED_ON_DEVICE", 999: "UNKNOWN",
}  # fmt: skip


class Refused(Exception):
    """A call of the driver that did not succeed."""

    def __init__(self, function: str, status: int) -> None:
        super().__init__(f"{function} -> {status} {error_name(status)}")
        self.function = function
        self.status = status


def error_name(status: int) -> str:
    return "CUDA_ERROR_" + ERRORS.get(status, "?")


def left() -> float:
    return BUDGET - (time.monotonic() - BEGAN)


def lcg(value: int, steps: int) -> int:
    """`value` after `steps` of x -> x * 1664525 + 1013904223 (mod 2^32): by squaring, so at once for any number."""
    factor, term = 1, 0
    square, addend = 1664525, 1013904223
    while steps:
        if steps & 1:
            factor, term = factor * square & 0xFFFFFFFF, (term * square + addend) & 0xFFFFFFFF
        square, addend = square * square & 0xFFFFFFFF, (addend * square + addend) & 0xFFFFFFFF
        steps >>= 1
    return (factor * value + term) & 0xFFFFFFFF


def judged(runs: list[bytes], steps: int) -> dict[str, Any]:
    """What the results of rp_burn say. Most blocks are right: those that differ from them are not."""
    length = BLOCK * 8
    rows = [[run[at : at + length] for at in range(0, len(run), length)] for run in runs]
    usual = collections.Counter(block for row in rows for block in row).most_common(1)[0][0]
    bad = [column for column in zip(*rows) if any(block != usual for block in column)]
    right = [lcg(lane, steps) for lane in range(BLOCK)]
    lanes = 0
    for block in {usual}.union(*bad):
        found = memoryview(block).cast("I").tolist()[::2]
        lanes += sum(one != other for one, other in zip(found, right))
    chains = sum(memoryview(usual).cast("I").tolist()[1::2]) & 0xFFFFFFFF
    return {"compute_bad_blocks": len(bad), "compute_bad_lanes": lanes, "fma_hash": f"{chains:08x}"}


def clock(times: list[tuple[int, int]], took: float) -> dict[str, Any]:
    """The multiprocessors' clock in MHz, from (cycles, nanoseconds) of each block; `took` is what the host measured."""
    ratios = sorted(cycles * 1000.0 / ns for cycles, ns in times if ns)
    if not ratios:
        ratios = sorted(cycles / took / 1e6 for cycles, _ in times)
    longest = max(ns for _, ns in times)
    return {"sm_mhz_effective": round(ratios[len(ratios) // 2]), "timer_s": round(longest / 1e9, 4)}


class Driver:
    """libcuda.so.1. Sizes, addresses and counts go in as ctypes objects: plain ints would be cut to 32 bits."""

    def __init__(self) -> None:
        self.library: Any = ctypes.CDLL("libcuda.so.1")

    def __call__(self, function: str, *arguments: Any) -> None:
        status = getattr(self.library, function)(*arguments)
        if status:
            raise Refused(function, status)

    def number(self, function: str, *arguments: Any) -> int:
        found = ctypes.c_int(0)
        self(function, ctypes.byref(found), *arguments)
        return found.value

    def launch(self, kernel: Any, blocks: int, *parameters: Any) -> None:
        places = [ctypes.cast(ctypes.pointer(one), ctypes.c_void_p) for one in parameters]
        array = (ctypes.c_void_p * len(places))(*places)
        self("cuLaunchKernel", kernel, blocks, 1, 1, BLOCK, 1, 1, 0, None, array, None)

    def timed(self, work: Callable[..., None], *arguments: Any) -> float:
        """Seconds that the GPU of this thread took for what `work` gives it."""
        began = time.monotonic()
        work(*arguments)
        self("cuCtxSynchronize")
        return max(time.monotonic() - began, 1e-6)
