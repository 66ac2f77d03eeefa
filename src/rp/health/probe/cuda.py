"""Uses every GPU of the pod for a second, with Python's standard library and the driver's own libcuda.so.1 alone.

driver.py and gpu.py stand before this file on the pod; the kernels (kernels.ptx) come in the environment, as RP_PTX.
Prints one JSON object in one line. On every GPU at once: a context, most of the free memory written
and compared, a calculation whose result is known, the clock at which it ran, copies to and from the host.
The GPUs are driven by a child process: this one outlives it when a driver hangs or crashes, and still reports.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any, NoReturn

from rp.health.probe.driver import BEGAN, BUDGET, OPTIONS, Driver, Refused, error_name, left
from rp.health.probe.gpu import Gpu, Report, Together
from rp.health.probe.lock import only_one

# Waiting does not heal these: no device, driver and library differ, library too new for the card.
FINAL = (0, 100, 803, 804)
TRIES = 3
QUERY = (
    "index,pcie.link.gen.current,pcie.link.width.current,clocks.current.sm,clocks_throttle_reasons.active,power.draw,"
    "temperature.gpu,utilization.gpu"
)


# ---- the child: it alone touches the driver ----


def drive(report: Report) -> None:
    """Everything there is to say about the pod's GPUs."""
    report.say(top={"stage": "load"})
    try:
        cuda = Driver()
    except OSError as error:
        report.say(top={"status": "fail", "error": str(error)})
        return
    report.say(top={"libcuda": loaded_from(), "stage": "cuInit"})
    status = cuda.library.cuInit(0)
    if status:
        report.say(top={"status": "fail", "rc": status, "error": error_name(status)})
        return
    report.say(top={"stage": "count"})
    try:
        version = cuda.number("cuDriverGetVersion")
        count = cuda.number("cuDeviceGetCount")
    except Refused as error:
        report.say(top={"status": "fail", "rc": error.status, "error": error_name(error.status)})
        return
    report.say(top={"driver_cuda": f"{version // 1000}.{version % 1000 // 10}", "count": count})
    if not count:
        report.say(top={"status": "fail", "error": "0 devices"})
        return
    report.say(top={"stage": "gpus"})
    use(cuda, count, report)
    if count > 1:
        report.say(top={"p2p": [peers(cuda, one, count) for one in range(count)]})
    report.say(top={"stage": "end"})


def run_child(report: Report) -> NoReturn:
    try:
        drive(report)
    except Exception as error:  # noqa: BLE001 - told to whoever reads the report
        report.say(top={"status": "fail", "error": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(0)


def use(cuda: Driver, count: int, report: Report) -> None:
    together, copying = Together(count), threading.Lock()
    gpus = [Gpu(cuda, index, report, together, copying) for index in range(count)]
    threads = [threading.Thread(target=gpu.run, daemon=True) for gpu in gpus]
    for thread in threads:
        thread.start()
    together.wait(left() - 2.5)
    report.say(go=True)
    for thread in threads:
        thread.join()


def peers(cuda: Driver, one: int, count: int) -> str:
    """Which GPUs this one reaches without the host: "-" is itself."""
    row = ""
    for other in range(count):
        found = ctypes.c_int(0)
        failed = cuda.library.cuDeviceCanAccessPeer(ctypes.byref(found), one, other) if one != other else 0
        row += "-" if one == other else str(int(not failed and found.value == 1))
    return row


def loaded_from() -> str | None:
    """Which of possibly several libcuda.so was taken."""
    try:
        with open("/proc/self/maps") as maps:
            return next((line.split()[-1] for line in maps if "libcuda.so" in line), None)
    except OSError:
        return None


# ---- the parent: it asks nothing of the driver, so nothing can hang it ----


class Watch:
    """What is known so far, from the child and from nvidia-smi."""

    def __init__(self, lock: socket.socket) -> None:
        self.lock = lock
        self.top: dict[str, Any] = {}
        self.gpus: dict[int, dict[str, Any]] = {}
        self.sample: subprocess.Popen[bytes] | None = None
        self.sampled = b""
        self.child = 0

    def attempt(self) -> None:
        """One child from its start to its end, or to the end of the time."""
        self.top, self.gpus = {"stage": "start"}, {}
        ours, theirs = os.pipe()
        self.child = os.fork()
        if not self.child:
            os.close(ours)
            # A child that hangs in the driver must not keep the next check out.
            self.lock.close()
            run_child(Report(theirs))
        os.close(theirs)
        self.listen(ours)
        os.close(ours)

    def listen(self, pipe: int) -> None:
        rest = b""
        while left() > 0:
            watched = [pipe] + ([self.sample.stdout.fileno()] if self.sample and self.sample.stdout else [])
            ready, _, _ = select.select(watched, [], [], max(left(), 0))
            if pipe not in ready:
                self.hear_sample()
                continue
            data = os.read(pipe, 1 << 16)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self.hear(json.loads(line))
            # The driver may take its time to clean up after the child.
            if self.top.get("stage") == "end":
                return

    def hear(self, said: dict[str, Any]) -> None:
        self.top.update(said.get("top", {}))
        if "gpu" in said:
            self.gpus.setdefault(said["gpu"], {"i": said["gpu"]}).update(said["facts"])
        if said.get("go"):
            self.start_sample()

    def start_sample(self) -> None:
        """The link and the clocks under load: an idle GPU shows neither."""
        command = ["nvidia-smi", f"--query-gpu={QUERY}", "--format=csv,noheader,nounits"]
        try:
            self.sample = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
        except OSError as error:
            self.top["under_load"] = f"unknown: {error}"

    def hear_sample(self) -> None:
        if not self.sample or not self.sample.stdout:
            return
        data = os.read(self.sample.stdout.fileno(), 1 << 16)
        self.sampled += data
        if not data:
            self.top["under_load"] = self.sampled.decode("utf-8", "replace")[:4000]
            self.sample = None

    def end(self) -> None:
        """Nothing of this program is left, and nothing that hangs is waited for."""
        until = time.monotonic() + min(1.0, max(left(), 0))
        while self.sample and self.sample.stdout and time.monotonic() < until:
            if select.select([self.sample.stdout], [], [], max(until - time.monotonic(), 0))[0]:
                self.hear_sample()
        if self.sample:
            self.top["under_load"] = "unknown: no answer"
            self.sample.kill()
        until = time.monotonic() + max(0.5, min(2.0, left()))
        while time.monotonic() < until:
            done, status = os.waitpid(self.child, os.WNOHANG)
            if done:
                self.top.update(crash(status))
                return
            if left() < 0.1:
                os.kill(self.child, signal.SIGKILL)
            time.sleep(0.02)


def crash(status: int) -> dict[str, Any]:
    if not os.WIFSIGNALED(status) or os.WTERMSIG(status) == signal.SIGKILL:
        return {}
    return {"crash": f"stopped by signal {os.WTERMSIG(status)}"}


def conclude(watch: Watch) -> dict[str, Any]:
    """What was found out, with what is missing named."""
    result, stage = watch.top, watch.top.get("stage")
    lost = result.pop("crash", f"hang: no answer within {BUDGET:g} s")
    for gpu in watch.gpus.values():
        if "ok" not in gpu:
            gpu.update(ok=False, error=f"{lost} in {gpu.get('stage')}")
        if gpu["ok"]:
            gpu.pop("stage", None)
    if stage == "end":
        del result["stage"]
    if "status" not in result:
        fine = bool(watch.gpus) and all(gpu["ok"] for gpu in watch.gpus.values())
        result["status"] = "ok" if fine else "fail"
        if not fine and not watch.gpus:
            result["error"] = f"{lost} in {stage}"
    return result


def show(result: dict[str, Any], gpus: list[dict[str, Any]]) -> None:
    """One line, and a short one: the runner cuts long ones."""
    print(json.dumps({**result, "gpus": gpus}, separators=(",", ":")), flush=True)


def main() -> int:
    # The order in which nvidia-smi counts.
    os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    paths = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    base: dict[str, Any] = {
        "probe": "cuda",
        "v": 1,
        "python": sys.version.split()[0],
        "cuda_visible_devices": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "ld_library_path_compat": any("compat" in path for path in paths),
        "smi_overlap": OPTIONS.get("--overlap") == "1",
    }
    lock = only_one()
    if lock is None:
        error = "another check is using this pod's GPUs"
        show({**base, "status": "unknown", "stage": "lock", "error": error}, [])
        return 3
    watch = Watch(lock)
    tries = 0
    while tries < TRIES:
        tries += 1
        watch.attempt()
        if watch.top.get("stage") != "cuInit" or watch.top.get("rc", 0) in FINAL or left() < 1.5:
            break
        # A driver that has just refused may do so once: seen on healthy machines, too.
        time.sleep(0.5)
    watch.end()
    result = {**base, "cuinit_tries": tries, **conclude(watch), "t_s": round(time.monotonic() - BEGAN, 2)}
    show(result, [gpu for _, gpu in sorted(watch.gpus.items())])
    return 0 if result["status"] == "ok" else 1


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)
