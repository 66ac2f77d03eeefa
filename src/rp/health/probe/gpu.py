"""One GPU put to use. Runs on the pod, between driver.py and cuda.py."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import threading
import time
from typing import Any

from rp.health.probe.driver import (
    BEGAN,
    BLOCK,
    BLOCKS,
    COPY,
    FILL,
    LOAD,
    LONGEST_BURN,
    MIB,
    PASSES,
    Driver,
    Refused,
    clock,
    judged,
    left,
)


class Together:
    """Where the GPUs wait for each other, so that they are under load at once. One that fails is not waited for."""

    def __init__(self, count: int) -> None:
        self.missing = count
        self.steps: list[int] = []
        self.changed = threading.Condition()

    def arrive(self, steps: int = 0) -> None:
        with self.changed:
            self.missing -= 1
            if steps:
                self.steps.append(steps)
            self.changed.notify_all()

    def wait(self, seconds: float) -> None:
        with self.changed:
            self.changed.wait_for(lambda: self.missing <= 0, max(seconds, 0))

    def agreed(self, own: int) -> int:
        """The work that all do: equal GPUs then take equal times and come to equal results."""
        with self.changed:
            return min([own, *self.steps])


class Report:
    """What the child says to its parent: a line of JSON each."""

    def __init__(self, pipe: int) -> None:
        self.pipe = pipe
        self.lock = threading.Lock()

    def say(self, **facts: Any) -> None:
        line = json.dumps(facts).encode() + b"\n"
        with self.lock:
            while line:
                line = line[os.write(self.pipe, line) :]


class Gpu:
    """One GPU, driven by one thread."""

    def __init__(self, cuda: Driver, index: int, report: Report, together: Together, copying: threading.Lock) -> None:
        self.cuda = cuda
        self.index = index
        self.report = report
        self.together = together
        self.copying = copying
        self.arrived = False
        self.sms = 1
        self.memory = ctypes.c_uint64(0)
        self.size = 0
        self.kernels: dict[str, Any] = {}
        self.held: list[Any] = []
        self.device = ctypes.c_int(0)

    def tell(self, **facts: Any) -> None:
        self.report.say(gpu=self.index, facts=facts)

    def run(self) -> None:
        try:
            self.look()
            if self.take_memory():
                self.load()
            self.tell(ok=True)
        except Refused as error:
            self.tell(ok=False, error=str(error), rc=error.status, fn=error.function)
        except Exception as error:  # noqa: BLE001 - told to whoever reads the report
            self.tell(ok=False, error=f"{type(error).__name__}: {error}")
        finally:
            self.arrive()
            self.free()
            self.tell(t_s=round(time.monotonic() - BEGAN, 2))

    def arrive(self, steps: int = 0) -> None:
        if not self.arrived:
            self.arrived = True
            self.together.arrive(steps)

    def look(self) -> None:
        self.tell(stage="context")
        cuda = self.cuda
        cuda("cuDeviceGet", ctypes.byref(self.device), self.index)
        name = ctypes.create_string_buffer(100)
        cuda("cuDeviceGetName", name, 100, self.device)
        uuid = ctypes.create_string_buffer(16)
        cuda("cuDeviceGetUuid", uuid, self.device)
        digits = uuid.raw.hex()
        cut = "-".join(digits[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
        self.tell(name=name.value.decode("utf-8", "replace"), uuid="GPU-" + cut)
        attributes = {"sms": 16, "clock_khz": 13, "cc_major": 75, "cc_minor": 76, "ecc": 32, "pci_bus": 33}
        found = {key: cuda.number("cuDeviceGetAttribute", number, self.device) for key, number in attributes.items()}
        self.sms = max(found["sms"], 1)
        self.tell(**found)
        began = time.monotonic()
        context = ctypes.c_void_p()
        cuda("cuDevicePrimaryCtxRetain", ctypes.byref(context), self.device)
        cuda("cuCtxSetCurrent", context)
        self.tell(ctx_s=round(time.monotonic() - began, 3))

    def take_memory(self) -> bool:
        """Whether this GPU may be used: not while somebody else works on it."""
        self.tell(stage="alloc")
        free, total = ctypes.c_size_t(0), ctypes.c_size_t(0)
        self.cuda("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        self.tell(mem_free_mib=free.value // MIB, mem_total_mib=total.value // MIB)
        if total.value - free.value > max(2048 * MIB, total.value // 20):
            self.tell(busy=True)
            return False
        self.out = self.allocate(BLOCK * self.blocks * 8)
        self.times = self.allocate(self.blocks * 16)
        self.errors = self.allocate(8)
        status = 0
        for share in (FILL, FILL * 0.8, FILL * 0.5):
            size = int(free.value * share) // (2 * MIB) * (2 * MIB)
            status = self.cuda.library.cuMemAlloc_v2(ctypes.byref(self.memory), ctypes.c_size_t(size)) if size else 2
            if not status:
                self.size = size
                self.held.append(self.memory)
                break
            if status != 2:
                raise Refused("cuMemAlloc_v2", status)
        self.tell(alloc_mib=self.size // MIB, alloc_frac_of_free=round(self.size / max(free.value, 1), 3))
        return True

    @property
    def blocks(self) -> int:
        return self.sms * BLOCKS

    def allocate(self, size: int) -> Any:
        place = ctypes.c_uint64(0)
        self.cuda("cuMemAlloc_v2", ctypes.byref(place), ctypes.c_size_t(size))
        self.held.append(place)
        return place

    def load(self) -> None:
        steps = self.prepare()
        self.tell(stage="barrier")
        self.arrive(steps)
        self.together.wait(left() - 2.5)
        if steps:
            self.burn(self.together.agreed(steps))
        if self.kernels and self.size and left() > 0.8:
            self.pattern()
        if self.size and left() > 0.5:
            self.copy_within()
        if self.size and left() > 0.4:
            self.copy_to_host()

    def prepare(self) -> int:
        """How many steps of the calculation take the time asked for; 0 where there are no kernels."""
        self.tell(stage="kernel")
        module = ctypes.c_void_p()
        try:
            self.cuda("cuModuleLoadData", ctypes.byref(module), ctypes.c_char_p(os.environ.get("RP_PTX", "").encode()))
        except Refused as error:  # without a translator in this container, memory and copies can still be looked at
            self.tell(kernels=f"unknown: {error}", kernels_rc=error.status)
            return 0
        for name in ("rp_fill", "rp_check", "rp_burn"):
            kernel = ctypes.c_void_p()
            self.cuda("cuModuleGetFunction", ctypes.byref(kernel), module, name.encode())
            self.kernels[name] = kernel
        self.compute(64)
        # An idle GPU needs some time until it is at its full clock, so the last try counts, not the first.
        steps, spent, took = 20_000, 0.0, 0.0
        while spent < LOAD / 2:
            took = self.cuda.timed(self.compute, steps)
            spent += took
            wanted = LOAD / 2 if took > LOAD / 40 else LOAD / 20
            if steps == LONGEST_BURN or (took > LOAD / 5 and spent >= LOAD / 2):
                break
            ideal = int(steps * min(max(wanted / took, 0.02), 16.0)) // 8 * 8
            steps = min(max(ideal, 8), LONGEST_BURN)
        return steps

    def compute(self, steps: int) -> None:
        self.cuda.launch(self.kernels["rp_burn"], self.blocks, self.out, self.times, ctypes.c_uint32(steps))

    def burn(self, steps: int) -> None:
        """Twice the same work on all GPUs: the second time counts, when all of them are warm."""
        self.tell(stage="burn")
        self.cuda.timed(self.compute, steps)
        first = self.fetch(self.out, BLOCK * self.blocks * 8)
        took = self.cuda.timed(self.compute, steps)
        second = self.fetch(self.out, BLOCK * self.blocks * 8)
        self.tell(burn_s=round(took, 4), burn_iters=steps, **judged([first, second], steps))
        times = memoryview(self.fetch(self.times, self.blocks * 16)).cast("Q").tolist()
        self.tell(**clock(list(zip(times[::2], times[1::2])), took))
        # 8 chains, a multiplication and an addition each
        self.tell(fp32_tflops=round(self.blocks * BLOCK * steps * 16.0 / took / 1e12, 2))

    def fetch(self, place: Any, size: int) -> bytes:
        held = ctypes.create_string_buffer(size)
        self.cuda("cuMemcpyDtoH_v2", held, place, ctypes.c_size_t(size))
        return held.raw

    def pattern(self) -> None:
        """Every bit of the memory taken is once 0 and once 1, in each pass."""
        self.tell(stage="pattern")
        words = ctypes.c_uint64(self.size // 16)
        self.cuda("cuMemsetD32_v2", self.errors, ctypes.c_uint32(0), ctypes.c_size_t(2))
        began, done = time.monotonic(), 0
        for seed in (0, 0xFFFFFFFF) * PASSES:
            if done >= 2 and left() < 1:
                break
            place = (self.memory, words, ctypes.c_uint32(seed))
            self.cuda.launch(self.kernels["rp_fill"], self.sms * 16, *place)
            self.cuda.launch(self.kernels["rp_check"], self.sms * 16, *place, self.errors)
            self.cuda("cuCtxSynchronize")
            done += 1
        took = max(time.monotonic() - began, 1e-6)
        bad = int.from_bytes(self.fetch(self.errors, 8), "little")
        self.tell(mem_bad_words16=bad, mem_tested_mib=self.size // MIB, mem_passes=done)
        self.tell(mem_pattern_gbs=round(done * 2 * self.size / took / 1e9, 1))

    def copy_within(self) -> None:
        self.tell(stage="d2d")
        half = min(self.size // 2, 2048 * MIB)
        there, size = ctypes.c_uint64(self.memory.value + half), ctypes.c_size_t(half)

        def copy(times: int) -> None:
            for _ in range(times):
                self.cuda("cuMemcpyDtoD_v2", there, self.memory, size)

        self.cuda.timed(copy, 1)
        took = self.cuda.timed(copy, 4)
        # read and written
        self.tell(d2d_gbs=round(4 * 2 * half / took / 1e9, 1))

    def copy_to_host(self) -> None:
        """One GPU after the other: they share the host's memory, and some of them a slot."""
        self.tell(stage="copy")
        with self.copying:
            if left() < 0.3:
                return
            size = min(COPY, self.size)
            host = ctypes.c_void_p()
            if self.cuda.library.cuMemHostAlloc(ctypes.byref(host), ctypes.c_size_t(size), 0):
                return
            try:
                self.tell(h2d_gbs=self.speed("cuMemcpyHtoD_v2", self.memory, host, size))
                self.tell(d2h_gbs=self.speed("cuMemcpyDtoH_v2", host, self.memory, size))
            finally:
                self.forget("cuMemFreeHost", host)

    def speed(self, function: str, to: Any, origin: Any, size: int) -> float:
        """GB/s, the best of three; a slow way is gone once."""
        best = 0.0
        small = min(size, 16 * MIB)
        for part in (small, size, size, size):
            took = self.cuda.timed(self.cuda, function, to, origin, ctypes.c_size_t(part))
            best = max(best, part / took / 1e9)
            if took > 0.1 or left() < 0.2:
                break
        return round(best, 2)

    def free(self) -> None:
        for place in self.held:
            self.forget("cuMemFree_v2", place)
        self.forget("cuDevicePrimaryCtxRelease_v2", self.device)

    def forget(self, function: str, *arguments: Any) -> None:
        """A call whose failure says nothing new."""
        with contextlib.suppress(AttributeError):
            getattr(self.cuda.library, function)(*arguments)
