"""A pretended libcuda.so.1: the calls that a health probe makes, on GPUs that are only numbers.

Time on the GPU passes on a clock of its own, which each thread adds to the real one: two gigabytes are copied in no
time, and `time.monotonic` tells how long a real card would have taken.
"""

from __future__ import annotations

import ctypes
import os
import re
import struct
import threading
import time
import uuid
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rp_sim.shims.cuda_gpu import DAY_S, Facts, Gpu
from rp_sim.shims.cuda_kernels import Kernels
from rp_sim.shims.cuda_memory import MIB, number, place, put
from rp_sim.shims.own_time import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

OK, INVALID_VALUE, OUT_OF_MEMORY, NOT_INITIALIZED = 0, 1, 2, 3
NO_DEVICE, INVALID_DEVICE, INVALID_CONTEXT = 100, 101, 201
CODES = {"init": 999, "init_once": 999, "context": 46, "ecc": 214}
CONTEXT_S = 0.25
LAUNCH_S = 5e-6


class Function:
    """A foreign function: it may be told its types, and does not care."""

    def __init__(self, call: Callable[..., int], clock: Clock) -> None:
        self._call, self._clock = call, clock
        self.argtypes: Any = None
        self.restype: Any = None

    def __call__(self, *arguments: object) -> int:
        with self._clock.stopped():
            return self._call(*arguments)


@cache
def calls() -> dict[str, Callable[..., int]]:
    return {
        name.removeprefix("do_").replace("_", ""): getattr(Driver, name) for name in dir(Driver) if name[:3] == "do_"
    }


class Driver(Kernels):
    """What `ctypes.CDLL("libcuda.so.1")` returns. `do_x_y` answers to `cuXY` and `cuXY_v2`."""

    def __init__(self, facts: Facts, folder: Path, clock: Clock) -> None:
        self.facts, self.folder, self.clock = facts, folder, clock
        self.faults: dict[str, Facts] = {fault["fault"]: fault for fault in facts["cuda_faults"]}
        gpus = [Gpu(index, gpu, facts["cuda_faults"]) for index, gpu in enumerate(facts["gpus"])]
        if fewer := self.faults.get("fewer_devices"):
            gpus = gpus[: fewer["count"] or max(0, len(gpus) - 1)]
        self.gpus = _visible(gpus, os.environ.get("CUDA_VISIBLE_DEVICES"))
        self.initialised = False
        self.current = threading.local()
        self.kept: dict[int, Any] = {}  # pinned host memory, events: whatever must not go away
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Function:
        found = calls().get(re.sub(r"_v[23]$|_ptsz$|_ptds$", "", name).removeprefix("cu").lower())
        if found is None:
            raise AttributeError(f"libcuda.so.1: undefined symbol: {name}")
        function = Function(found.__get__(self), self.clock)
        setattr(self, name, function)
        return function

    def __getitem__(self, name: str) -> Function:
        return self.__getattr__(name)

    # -- the driver and its devices -----------------------------------------------------------------------

    def do_init(self, _flags: object) -> int:
        if (hang := self.faults.get("hang")) and hang["stage"] == "init":
            time.sleep(DAY_S)
        for name in ("init", "init_once"):
            fault = self.faults.get(name)
            if fault and self._is_early(fault["first"]):
                return int(fault["code"] or CODES[name])
        self.initialised = True
        return OK if self.gpus else NO_DEVICE

    def _is_early(self, first: int) -> bool:
        """Whether this call is one of the first in the life of the pod's container; 0 stands for all."""
        if not first:
            return True
        with (self.folder / "cuda_calls").open("a", encoding="utf-8") as calls:
            calls.write(".")
            return calls.tell() <= first

    def do_driver_get_version(self, version: object) -> int:
        major, _, minor = self.facts["cuda"].partition(".")
        put(version, ctypes.c_int, int(major) * 1000 + int(minor or 0) * 10)
        return OK

    def do_device_get_count(self, count: object) -> int:
        put(count, ctypes.c_int, len(self.gpus))
        return OK if self.initialised else NOT_INITIALIZED

    def do_device_get(self, device: object, ordinal: object) -> int:
        if not self.initialised:
            return NOT_INITIALIZED
        if not 0 <= number(ordinal) < len(self.gpus):
            return INVALID_DEVICE
        put(device, ctypes.c_int, number(ordinal))
        return OK

    def do_device_get_name(self, name: object, length: object, device: object) -> int:
        text = self._gpu(device).facts["name"].encode()[: number(length) - 1] + b"\0"
        ctypes.memmove(place(name), text, len(text))
        return OK

    def do_device_get_uuid(self, target: object, device: object) -> int:
        raw = uuid.UUID(self._gpu(device).facts["uuid"].removeprefix("GPU-")).bytes
        ctypes.memmove(place(target), raw, len(raw))
        return OK

    def do_device_total_mem(self, size: object, device: object) -> int:
        put(size, ctypes.c_size_t, self._gpu(device).total)
        return OK

    def do_device_get_attribute(self, value: object, which: object, device: object) -> int:
        put(value, ctypes.c_int, self._gpu(device).attribute(number(which)))
        return OK

    def do_device_get_pci_bus_id(self, name: object, length: object, device: object) -> int:
        text = self._gpu(device).facts["bus"][4:].encode()[: number(length) - 1] + b"\0"
        ctypes.memmove(place(name), text, len(text))
        return OK

    def do_device_can_access_peer(self, able: object, one: object, other: object) -> int:
        linked = all(self._gpu(device).facts["nvlinks"] for device in (one, other))
        put(able, ctypes.c_int, int(linked and "no_p2p" not in self.faults))
        return OK

    def _gpu(self, device: object) -> Gpu:
        return self.gpus[number(device)]

    # -- contexts ---------------------------------------------------------------------------------------------

    def do_device_primary_ctx_retain(self, context: object, device: object) -> int:
        if not 0 <= number(device) < len(self.gpus):
            return INVALID_DEVICE
        gpu = self._gpu(device)
        gpu.hangs("context")
        if fault := gpu.faults.get("context"):
            return int(fault["code"] or CODES["context"])
        self.clock.wait_until(self.clock.now() + CONTEXT_S)
        put(context, ctypes.c_void_p, number(device) + 1)
        return OK

    def do_ctx_create(self, context: object, _flags: object, device: object) -> int:
        return self.do_device_primary_ctx_retain(context, device) or self._enter(number(device))

    def do_ctx_set_current(self, context: object) -> int:
        return self._enter(number(context) - 1)

    do_ctx_push_current = do_ctx_set_current

    def do_ctx_get_current(self, context: object) -> int:
        gpu = getattr(self.current, "gpu", None)
        put(context, ctypes.c_void_p, self.gpus.index(gpu) + 1 if gpu else 0)
        return OK

    do_ctx_pop_current = do_ctx_get_current

    def do_ctx_synchronize(self, _stream: object = None) -> int:
        return self._wait(self.here()) if self.here() else INVALID_CONTEXT

    do_stream_synchronize = do_ctx_synchronize

    def _nothing(self, *_arguments: object) -> int:
        return OK

    do_device_primary_ctx_release = do_device_primary_ctx_reset = do_ctx_destroy = do_ctx_enable_peer_access = _nothing
    do_ctx_set_limit = do_ctx_set_cache_config = do_module_unload = do_stream_destroy = do_event_destroy = _nothing
    do_func_set_cache_config = do_func_set_attribute = do_profiler_start = do_profiler_stop = _nothing

    def _enter(self, index: int) -> int:
        self.current.gpu = self.gpus[index] if 0 <= index < len(self.gpus) else None
        return OK

    def here(self) -> Any:
        """The GPU of the calling thread's context, or None."""
        return getattr(self.current, "gpu", None)

    def _wait(self, gpu: Gpu) -> int:
        if gpu.ready:
            gpu.hangs("kernel")
        self.clock.wait_until(gpu.ready)
        return int(gpu.faults["ecc"]["code"] or CODES["ecc"]) if gpu.spoilt else OK

    def queue(self, gpu: Gpu, seconds: float) -> None:
        gpu.ready = max(gpu.ready, self.clock.now()) + LAUNCH_S + seconds

    # -- memory -----------------------------------------------------------------------------------------------

    def do_mem_get_info(self, free: object, total: object) -> int:
        gpu = self.here()
        if gpu is None:
            return INVALID_CONTEXT
        put(free, ctypes.c_size_t, gpu.memory.free)
        put(total, ctypes.c_size_t, gpu.total)
        return OK

    def do_mem_alloc(self, address: object, size: object) -> int:
        gpu = self.here()
        if gpu is None:
            return INVALID_CONTEXT
        scarce = "no_memory" in gpu.faults and number(size) > 64 * MIB
        found = 0 if scarce else gpu.memory.take(number(size))
        if not found:
            return OUT_OF_MEMORY
        put(address, ctypes.c_uint64, found)
        return OK

    def do_mem_free(self, address: object) -> int:
        return OK if self.here().memory.give_back(number(address)) else INVALID_VALUE

    def do_mem_host_alloc(self, address: object, size: object, _flags: object = 0) -> int:
        import mmap  # pages that nobody touches cost nothing

        pages = mmap.mmap(-1, max(1, number(size)))
        start = ctypes.addressof(ctypes.c_char.from_buffer(pages))
        with self._lock:
            self.kept[start] = pages
        put(address, ctypes.c_void_p, start)
        return OK

    do_mem_alloc_host = do_mem_host_alloc
    do_mem_free_host = do_mem_host_unregister = do_mem_host_register = _nothing

    def do_memcpy_htod(self, target: object, source: object, size: object, _stream: object = None) -> int:
        gpu = self.here()
        self.queue(gpu, number(size) / gpu.copy_rate)
        written = gpu.memory.write_from_host(number(target), place(source), number(size))
        return self._wait(gpu) if written else INVALID_VALUE

    def do_memcpy_dtoh(self, target: object, source: object, size: object, _stream: object = None) -> int:
        gpu = self.here()
        self.queue(gpu, number(size) / gpu.copy_rate)
        read = gpu.memory.read_to_host(place(target), number(source), number(size))
        return self._wait(gpu) if read else INVALID_VALUE

    def do_memcpy_dtod(self, target: object, source: object, size: object, _stream: object = None) -> int:
        gpu = self.here()
        self.queue(gpu, 2 * number(size) / gpu.memory_rate)
        return OK if gpu.memory.copy_within(number(target), number(source), number(size)) else INVALID_VALUE

    do_memcpy_htod_async, do_memcpy_dtoh_async, do_memcpy_dtod_async = do_memcpy_htod, do_memcpy_dtoh, do_memcpy_dtod

    def do_memcpy_peer(self, _target: object, _to: object, _source: object, _origin: object, size: object) -> int:
        gpu = self.here()
        links = gpu.facts["nvlinks"] - gpu.facts["links_down"]
        rate = links * gpu.facts["nvlink_gbs"] * 0.7e9 or gpu.copy_rate / 2
        self.queue(gpu, number(size) / rate)
        return OK

    do_memcpy_peer_async = do_memcpy_peer

    def do_memset_d32(self, address: object, value: object, count: object, _stream: object = None) -> int:
        return self._set(address, struct.pack("<I", number(value) & 0xFFFFFFFF), number(count))

    def do_memset_d8(self, address: object, value: object, count: object, _stream: object = None) -> int:
        return self._set(address, bytes([number(value) & 0xFF]), number(count))

    do_memset_d32_async, do_memset_d8_async = do_memset_d32, do_memset_d8

    def _set(self, address: object, value: bytes, count: int) -> int:
        gpu = self.here()
        self.queue(gpu, len(value) * count / gpu.memory_rate)
        return OK if gpu.memory.set(number(address), value, count) else INVALID_VALUE


def _visible(gpus: list[Gpu], chosen: str | None) -> list[Gpu]:
    """As CUDA_VISIBLE_DEVICES has it: the first name that means nothing ends the list."""
    if chosen is None:
        return gpus
    found = []
    for word in chosen.split(","):
        match = [gpu for gpu in gpus if word in (str(gpu.index), gpu.facts["uuid"])]
        if not match:
            break
        found.append(match[0])
    return found
