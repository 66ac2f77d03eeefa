"""The kernels of a health probe, run on a pretended GPU, with modules, streams and events around them.

rp_fill(memory u64, words u64, seed u32)            words of 16 bytes, a pattern that the seed decides
rp_check(memory u64, words u64, seed u32, wrong u64)  adds to the u32 at `wrong` how many are something else
rp_burn(results u64, times u64, rounds u32)         per lane a u32 and the bits of a float, per block (cycles, ns)
"""

from __future__ import annotations

import ctypes
import itertools
import os
import struct
import threading
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from rp_sim.shims.cuda_memory import MIB, number, place, put

if TYPE_CHECKING:
    from pathlib import Path

    from rp_sim.shims.cuda_gpu import Facts, Gpu
    from rp_sim.shims.own_time import Clock

OK, INVALID_VALUE, INVALID_PTX, NO_JIT, INVALID_HANDLE, NOT_FOUND = 0, 1, 218, 221, 400, 500
LANES = 256
INSTRUCTIONS = 11  # per lane and round of rp_burn's loop
NOTE_S = 0.05  # what takes less is no load that nvidia-smi would show
KERNELS = ("rp_fill", "rp_check", "rp_burn")


class Kernels:
    """The part of the driver that runs programs."""

    facts: Facts
    folder: Path
    clock: Clock
    faults: dict[str, Facts]
    _handles: ClassVar = itertools.count(0x5500)
    _functions: ClassVar[dict[int, str]] = {}
    _events: ClassVar[dict[int, float]] = {}

    def here(self) -> Gpu:
        raise NotImplementedError

    def queue(self, gpu: Gpu, seconds: float) -> None:
        raise NotImplementedError

    # -- modules ----------------------------------------------------------------------------------------------

    def do_module_load_data(self, module: object, image: object, *_options: object) -> int:
        if fault := self.faults.get("no_jit"):
            return int(fault["code"] or NO_JIT)
        if b".entry" not in ctypes.string_at(place(image)):
            return INVALID_PTX
        put(module, ctypes.c_void_p, next(self._handles))
        return OK

    do_module_load_data_ex = do_module_load_data

    def do_module_get_function(self, function: object, _module: object, name: object) -> int:
        text = ctypes.string_at(place(name)).decode()
        if text not in KERNELS:
            return NOT_FOUND
        handle = next(self._handles)
        self._functions[handle] = text
        put(function, ctypes.c_void_p, handle)
        return OK

    def do_launch_kernel(self, function: object, grid: object, *more: Any) -> int:
        """`more`: grid y and z, block x, y and z, shared bytes, stream, parameters, extra."""
        name, gpu = self._functions.get(number(function)), self.here()
        if name is None or gpu is None:
            return INVALID_HANDLE
        parameters = more[7]
        kernel = {"rp_fill": self._fill, "rp_check": self._check, "rp_burn": self._burn}[name]
        return OK if kernel(gpu, number(grid), _Parameters(parameters)) else INVALID_VALUE

    def _fill(self, gpu: Gpu, _grid: int, given: _Parameters) -> bool:
        address, words, seed = given.u64(0), given.u64(1), given.u32(2)
        self.queue(gpu, words * 16 / gpu.memory_rate)
        return gpu.memory.fill(address, words, seed)

    def _check(self, gpu: Gpu, _grid: int, given: _Parameters) -> bool:
        address, words, seed, wrong = given.u64(0), given.u64(1), given.u32(2), given.u64(3)
        self.queue(gpu, words * 16 / gpu.memory_rate)
        found = gpu.memory.mismatches(address, words, seed)
        if fault := gpu.faults.get("bad_memory"):
            found += fault["count"] or 3
        before = (ctypes.c_uint32 * 1)()
        if not gpu.memory.read_to_host(ctypes.addressof(before), wrong, 4):
            return False
        return gpu.memory.write(wrong, struct.pack("<I", (before[0] + found) & 0xFFFFFFFF))

    def _burn(self, gpu: Gpu, grid: int, given: _Parameters) -> bool:
        results, times, rounds = given.u64(0), given.u64(1), given.u32(2)
        waves = max(1.0, grid * LANES / (gpu.facts["sms"] * 128))
        cycles = int(rounds * waves * INSTRUCTIONS) + 2000
        nanoseconds = max(1, int(cycles * 1000 / gpu.mhz))
        self._note(gpu, nanoseconds / 1e9)
        self.queue(gpu, nanoseconds / 1e9)
        gpu.spoilt = "ecc" in gpu.faults
        block = bytearray(_lanes(rounds) * grid)
        if "wrong_result" in gpu.faults:
            block[len(block) // 2] ^= 0x10
        told = struct.pack("<QQ", cycles, nanoseconds) * grid
        return gpu.memory.write(results, bytes(block)) and gpu.memory.write(times, told)

    def _note(self, gpu: Gpu, seconds: float) -> None:
        """For nvidia-smi: until when there is load, by whom, and how many MiB are in use per GPU."""
        if seconds < NOTE_S:
            return
        draft = self.folder / f"load.{threading.get_native_id()}"
        draft.write_text(f"{time.time() + seconds + 0.5} {os.getpid()} {gpu.memory.used // MIB}", encoding="utf-8")
        draft.replace(self.folder / "load")

    # -- streams and events -----------------------------------------------------------------------------------

    def do_stream_create(self, stream: object, *_flags: object) -> int:
        put(stream, ctypes.c_void_p, next(self._handles))
        return OK

    do_stream_create_with_priority = do_stream_create

    def do_event_create(self, event: object, _flags: object = 0) -> int:
        put(event, ctypes.c_void_p, next(self._handles))
        return OK

    def do_event_record(self, event: object, _stream: object = None) -> int:
        self._events[number(event)] = max(self.here().ready, self.clock.now())
        return OK

    def do_event_synchronize(self, event: object) -> int:
        self.here().hangs("kernel")
        self.clock.wait_until(self._events.get(number(event), 0.0))
        return OK

    def do_event_query(self, _event: object) -> int:
        return OK

    def do_event_elapsed_time(self, milliseconds: object, start: object, end: object) -> int:
        begin, finish = (self._events.get(number(event)) for event in (start, end))
        if begin is None or finish is None:
            return INVALID_HANDLE
        put(milliseconds, ctypes.c_float, (finish - begin) * 1000)
        return OK


class _Parameters:
    """An array of pointers to the values, as cuLaunchKernel takes it."""

    def __init__(self, array: object) -> None:
        self._addresses = ctypes.cast(place(array), ctypes.POINTER(ctypes.c_void_p))

    def u64(self, index: int) -> int:
        return ctypes.c_uint64.from_address(self._addresses[index] or 0).value

    def u32(self, index: int) -> int:
        return ctypes.c_uint32.from_address(self._addresses[index] or 0).value


@lru_cache(maxsize=16)
def _lanes(rounds: int) -> bytes:
    """What one block of rp_burn writes: x = x * 1664525 + 1013904223 from x = lane, in closed form."""
    scale, shift, mask = 1, 0, 0xFFFFFFFF
    factor, term, left = 1664525, 1013904223, rounds
    while left:
        if left & 1:
            scale, shift = scale * factor & mask, (shift * factor + term) & mask
        factor, term = factor * factor & mask, (term * factor + term) & mask
        left >>= 1
    return b"".join(struct.pack("<If", (scale * lane + shift) & mask, lane * 1.5) for lane in range(LANES))
