"""One pod's folder and programs without any server: quick enough for a case of everything that can be broken."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

from rp_sim.clock import Clock
from rp_sim.machine.folder import Folder
from rp_sim.scenario import loads
from rp_sim.world import World
from sim.api import AT_ONCE, pod_body

if TYPE_CHECKING:
    from pathlib import Path

    from rp_sim.pod import Pod

# What a health check does with a GPU, in small. The names of the kernels and their parameters are the point.
CLIENT = r"""
import ctypes as C, json, sys, time
BLOCK, MIB = 256, 1 << 20
def say(**facts): print(json.dumps(facts)); sys.exit()
try: cu = C.CDLL("libcuda.so.1")
except OSError as error: say(load=str(error))
init = [cu.cuInit(0) for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 1)]
if init[-1]: say(init=init)
def get(function, *more, kind=C.c_int):
    found = kind(); rc = getattr(cu, function)(C.byref(found), *more)
    if rc: say(init=init, function=function, rc=rc)
    return found
def must(function, *more):
    rc = getattr(cu, function)(*more)
    if rc: say(init=init, function=function, rc=rc)
def launch(kernel, grid, *parameters):
    array = (C.c_void_p * len(parameters))(*[C.cast(C.pointer(p), C.c_void_p) for p in parameters])
    must("cuLaunchKernel", kernel, grid, 1, 1, BLOCK, 1, 1, 0, None, array, None)
def timed(work):
    began = time.monotonic(); work(); must("cuCtxSynchronize"); return time.monotonic() - began
def lcg(x, n):
    for _ in range(n): x = (x * 1664525 + 1013904223) % 2 ** 32
    return x
gpus = []
for index in range(get("cuDeviceGetCount").value):
    device = get("cuDeviceGet", index)
    context = get("cuDevicePrimaryCtxRetain", device, kind=C.c_void_p); must("cuCtxSetCurrent", context)
    free, total = C.c_size_t(), C.c_size_t(); must("cuMemGetInfo_v2", C.byref(free), C.byref(total))
    name = C.create_string_buffer(100); must("cuDeviceGetName", name, 100, device)
    uuid = C.create_string_buffer(16); must("cuDeviceGetUuid", uuid, device)
    sms = get("cuDeviceGetAttribute", 16, device).value; grid = 4 * sms
    out, times, wrong = (get("cuMemAlloc_v2", C.c_size_t(n), kind=C.c_uint64) for n in (BLOCK * grid * 8, grid * 16, 8))
    big = C.c_uint64(); size = int(free.value * 0.9) // MIB * MIB
    alloc = cu.cuMemAlloc_v2(C.byref(big), C.c_size_t(size))
    module = C.c_void_p(); jit = cu.cuModuleLoadData(C.byref(module), C.c_char_p(b".visible .entry rp_burn ()"))
    facts = dict(name=name.value.decode(), uuid=uuid.raw.hex(), sms=sms, alloc=alloc, jit=jit)
    facts.update(free=free.value // MIB, total=total.value // MIB)
    gpus.append(facts)
    if alloc or jit: continue
    names = b"rp_fill", b"rp_check", b"rp_burn"
    fill, check, burn = (get("cuModuleGetFunction", module, n, kind=C.c_void_p) for n in names)
    facts["burn_s"] = timed(lambda: launch(burn, grid, out, times, C.c_uint32(3000000)))
    launch(burn, grid, out, times, C.c_uint32(1000))
    words = (C.c_uint32 * (2 * BLOCK * grid))(); must("cuMemcpyDtoH_v2", words, out, C.c_size_t(C.sizeof(words)))
    clocks = (C.c_uint64 * (2 * grid))(); must("cuMemcpyDtoH_v2", clocks, times, C.c_size_t(C.sizeof(clocks)))
    lanes = bytes(words)[:BLOCK * 8]
    facts["odd_blocks"] = sum(bytes(words)[b * BLOCK * 8:(b + 1) * BLOCK * 8] != lanes for b in range(grid))
    facts["right"] = all(words[2 * lane] == lcg(lane, 1000) for lane in (0, 1, 255))
    facts["mhz"] = clocks[0] * 1000 / clocks[1]
    n, bad = C.c_uint64(size // 16), C.c_uint32()
    must("cuMemsetD32_v2", wrong, 0, C.c_size_t(2))
    launch(fill, grid, big, n, C.c_uint32(0)); launch(check, grid, big, n, C.c_uint32(0), wrong)
    must("cuMemcpyDtoH_v2", C.byref(bad), wrong, C.c_size_t(4)); facts["bad"] = bad.value
    launch(check, grid, big, n, C.c_uint32(1), wrong)
    must("cuMemcpyDtoH_v2", C.byref(bad), wrong, C.c_size_t(4)); facts["other_seed"] = bad.value > facts["bad"]
    host = C.c_void_p(); must("cuMemHostAlloc", C.byref(host), C.c_size_t(64 * MIB), 0)
    facts["h2d"] = 64 * MIB / timed(lambda: must("cuMemcpyHtoD_v2", big, host, C.c_size_t(64 * MIB))) / 1e9
    half = C.c_size_t(512 * MIB)
    there = C.c_uint64(big.value + half.value)
    facts["d2d"] = 2 * half.value / timed(lambda: must("cuMemcpyDtoD_v2", big, there, half)) / 1e9
    words = b"there and back"; back = C.create_string_buffer(20)
    size = C.c_size_t(len(words))
    must("cuMemcpyHtoD_v2", out, words, size); must("cuMemcpyDtoH_v2", back, out, size)
    facts["kept"] = back.raw.startswith(words)
say(init=init, version=get("cuDriverGetVersion").value, gpus=gpus)
"""


class Box:
    """`run` is what a command over SSH would do."""

    def __init__(self, pod: Pod, folder: Folder) -> None:
        self.pod, self.folder = pod, folder
        self.env = {
            "PATH": folder.path,
            "HOME": str(folder.home),
            "LC_ALL": "C",
            "RP_ROOT": str(folder.root),
        }

    def run(self, command: str, **env: str) -> subprocess.CompletedProcess[str]:
        words = ["/bin/sh", "-c", self.folder.localize(command)]
        return subprocess.run(
            words,
            env={**self.env, **env},
            cwd=self.folder.home,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    def out(self, command: str, **env: str) -> str:
        done = self.run(command, **env)
        assert done.returncode == 0, done
        return done.stdout

    def cuda(self, tries: int = 1, **env: str) -> dict[str, Any]:
        (self.folder.home / "client.py").write_text(CLIENT, encoding="utf-8")
        found: dict[str, Any] = json.loads(self.out(f"python3 client.py {tries}", **env))
        return found


def box(folder: Path, *rules: str, **body: Any) -> Box:
    """A pod on a machine of which the rules, tables of a scenario, tell what is wrong."""
    scenario = loads(AT_ONCE + "\n".join(rules))
    world = World(scenario, Clock(start=1_800_000_000.0, monotonic=lambda: 0.0), Nothing())
    pod = world.create(pod_body(**body))
    made = Folder(folder / "pods", folder / "volumes", pod)
    made.create(pod, cgroup=scenario.hosts.cgroup, torch=world.life.image(pod.image).torch)
    made.write_environment({"RUNPOD_POD_ID": pod.id})
    return Box(pod, made)


def jank(kind: str, *lines: str) -> str:
    return "\n".join(["[[jank]]", f'kind = "{kind}"', *lines])


class Nothing:
    """Containers that nobody starts."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: 0


def number(text: str, pattern: str) -> float:
    found = re.search(pattern, text)
    assert found, (pattern, text)
    return float(found[1])


def is_root() -> bool:
    return os.geteuid() == 0
