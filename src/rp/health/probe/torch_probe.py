"""What torch measures on every GPU of the pod, on all at once. Prints one JSON object.

Matrix products of random numbers (zeros would flatter: they take less power) that have to come out the same each time
and on each GPU, copies, and what the GPUs say to each other. Exit status 3: there is no torch that could tell.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any, NoReturn

from rp.health.probe.lock import only_one

BEGAN = time.monotonic()
OPTIONS = dict(zip(sys.argv[1::2], sys.argv[2::2]))
BUDGET = float(OPTIONS.get("--budget-s", "60"))
# Seconds of matrix products.
SECONDS = float(OPTIONS.get("--seconds", "2"))
SIDE = int(OPTIONS.get("--n", "8192"))
MIB = 1 << 20
RESULT: dict[str, Any] = {"probe": "torch", "v": 1, "n": SIDE, "seconds": SECONDS}
torch: Any = None


def left() -> float:
    return BUDGET - (time.monotonic() - BEGAN)


def end(code: int, **facts: Any) -> NoReturn:
    RESULT.update(facts, t_s=round(time.monotonic() - BEGAN, 1))
    print(json.dumps(RESULT, separators=(",", ":")), flush=True)
    os._exit(code)


def short(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]


def gigabytes_a_second(size: int, times: int, began: float) -> float:
    return round(size * times / max(time.monotonic() - began, 1e-6) / 1e9, 1)


def digest(matrix: Any) -> int:
    """A sum over all bits: the same for the same results alone."""
    return int(matrix.view(torch.int16).to(torch.int64).sum().item())


def load_torch() -> int:
    """The number of GPUs."""
    global torch
    try:
        import torch as found
    except Exception as error:  # noqa: BLE001 - a broken installation raises what it likes
        end(3, status="unknown", error=short(error))
    torch = found
    hip = getattr(torch.version, "hip", None)
    RESULT.update(torch=torch.__version__, torch_cuda=torch.version.cuda, hip=hip)
    RESULT.update(import_s=round(time.monotonic() - BEGAN, 1))
    if not (torch.version.cuda or hip):
        end(3, status="unknown", error="torch has no GPU support")
    try:
        torch.cuda.init()
        count = int(torch.cuda.device_count())
    except Exception as error:  # noqa: BLE001
        end(1, status="fail", stage="init", error=short(error))
    if not count:
        end(1, status="fail", stage="count", error="0 devices")
    RESULT["arch_list"] = torch.cuda.get_arch_list()
    return count


class Gpu:
    """One GPU, driven by one thread."""

    def __init__(self, index: int, operands: list[Any], gate: threading.Barrier) -> None:
        self.name = f"cuda:{index}"
        self.operands = operands
        self.gate = gate
        self.facts: dict[str, Any] = {"i": index}

    def run(self) -> None:
        try:
            free, total = torch.cuda.mem_get_info(self.name)
            if total - free > max(2048 * MIB, total // 20):
                self.facts.update(busy=True, ok=True)
                self.gate.abort()
                return
            self.multiply()
            self.copy()
            self.facts["ok"] = True
        except Exception as error:  # noqa: BLE001 - told to whoever reads the report
            self.facts.update(ok=False, error=short(error))
            self.gate.abort()

    def multiply(self) -> None:
        one, other = (operand.to(self.name) for operand in self.operands)
        out = torch.empty_like(one)
        for _ in range(3):
            torch.mm(one, other, out=out)
        torch.cuda.synchronize(self.name)
        self.facts["digest"] = first = digest(out)
        try:
            self.gate.wait(30)
        except threading.BrokenBarrierError:
            self.facts["alone"] = True
        rates: list[float] = []
        wrong = 0
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            began = time.monotonic()
            for _ in range(16):
                torch.mm(one, other, out=out)
            torch.cuda.synchronize(self.name)
            rates.append(2.0 * SIDE**3 * 16 / (time.monotonic() - began) / 1e12)
            wrong += digest(out) != first
        self.tell_rates(rates, wrong)

    def tell_rates(self, rates: list[float], wrong: int) -> None:
        """In TFLOP/s; `decay` is how fast the end was against the beginning."""
        ordered = sorted(rates)
        quarter = max(1, len(rates) // 4)
        self.facts.update(
            bf16_tflops=round(ordered[len(ordered) // 2], 1),
            bf16_min=round(ordered[0], 1),
            bf16_max=round(ordered[-1], 1),
            runs=len(rates),
            sdc=wrong,
            decay=round(sum(rates[-quarter:]) / sum(rates[:quarter]), 3),
        )

    def copy(self) -> None:
        size = min(2048 * MIB, torch.cuda.mem_get_info(self.name)[0] // 4)
        origin = torch.zeros(size, dtype=torch.uint8, device=self.name)
        there = torch.empty_like(origin)
        there.copy_(origin)
        torch.cuda.synchronize(self.name)
        began = time.monotonic()
        for _ in range(8):
            there.copy_(origin)
        torch.cuda.synchronize(self.name)
        # read and written
        self.facts["mem_gbs"] = gigabytes_a_second(2 * size, 8, began)


def copy_to_host(gpus: list[Gpu]) -> None:
    """One GPU after the other: they share the host's memory."""
    host = torch.empty(256 * MIB, dtype=torch.uint8).pin_memory()
    for gpu in gpus:
        there = torch.empty_like(host, device=gpu.name)
        for key, to, origin in (("h2d_gbs", there, host), ("d2h_gbs", host, there)):
            to.copy_(origin, non_blocking=True)
            torch.cuda.synchronize(gpu.name)
            began = time.monotonic()
            for _ in range(4):
                to.copy_(origin, non_blocking=True)
            torch.cuda.synchronize(gpu.name)
            gpu.facts[key] = gigabytes_a_second(host.numel(), 4, began)


def talk(gpus: list[Gpu]) -> None:
    """Each GPU to the next, then all of them: in one process, so that no port and no launcher is needed."""
    blocks = [torch.ones(256 * MIB, dtype=torch.float32, device=gpu.name) for gpu in gpus]
    size = blocks[0].numel() * 4
    speeds = {}
    for index, block in enumerate(blocks):
        target = (index + 1) % len(gpus)
        there = torch.empty_like(blocks[target])
        there.copy_(block)
        everyone(gpus)
        began = time.monotonic()
        for _ in range(4):
            there.copy_(block)
        everyone(gpus)
        speeds[f"{index}>{target}"] = gigabytes_a_second(size, 4, began)
        del there
    RESULT["p2p_gbs"] = speeds
    import torch.cuda.nccl as nccl

    nccl.all_reduce(blocks)
    everyone(gpus)
    correct = all(bool((block == len(gpus)).all().item()) for block in blocks)
    began = time.monotonic()
    for _ in range(10):
        nccl.all_reduce(blocks)
    everyone(gpus)
    speed = gigabytes_a_second(size, 10, began)
    share = 2 * (len(gpus) - 1) / len(gpus)
    RESULT["nccl"] = {"correct": correct, "algbw_gbs": speed, "busbw_gbs": round(speed * share, 1), "bytes": size}


def everyone(gpus: list[Gpu]) -> None:
    for gpu in gpus:
        torch.cuda.synchronize(gpu.name)


def in_time(work: Any, *arguments: Any) -> str:
    """Runs `work` beside this thread; what went wrong, empty where nothing did."""
    said = ["no answer in time"]

    def run() -> None:
        try:
            work(*arguments)
            said[0] = ""
        except Exception as error:  # noqa: BLE001 - told to whoever reads the report
            said[0] = short(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(max(0.1, left() - 1))
    return said[0]


def main() -> NoReturn:
    lock = only_one()
    if lock is None:
        end(0, status="unknown", stage="lock", error="another check is using this pod's GPUs")
    count = load_torch()
    random = torch.Generator().manual_seed(7)
    kind = torch.bfloat16 if torch.cuda.get_device_capability(0)[0] >= 8 else torch.float16
    operands = [torch.randn(SIDE, SIDE, generator=random).to(kind) for _ in range(2)]
    gate = threading.Barrier(count)
    every = [Gpu(index, operands, gate) for index in range(count)]
    RESULT.update(dtype=str(kind), gpus=[gpu.facts for gpu in every])
    threads = [threading.Thread(target=gpu.run, daemon=True) for gpu in every]
    for thread in threads:
        thread.start()
    for gpu, thread in zip(every, threads):
        thread.join(max(0.1, left() - 3))
        if thread.is_alive():
            gpu.facts.update(ok=False, error="hang in matmul")
    if any(gpu.facts.get("busy") for gpu in every):
        end(0, status="unknown", error="somebody works on the GPUs")
    if not all(gpu.facts.get("ok") for gpu in every):
        end(1, status="fail")
    models = [torch.cuda.get_device_name(gpu.name) for gpu in every]
    RESULT["digests_equal"] = len({gpu.facts["digest"] for gpu in every}) == 1 if len(set(models)) == 1 else None
    problem = in_time(copy_to_host, every)
    if not problem and len(every) > 1:
        problem = in_time(talk, every)
    if problem:
        RESULT["comm_error"] = problem
    wrong = any(gpu.facts["sdc"] for gpu in every) or not RESULT.get("nccl", {}).get("correct", True)
    fine = not problem and not wrong and RESULT["digests_equal"] is not False
    end(0 if fine else 1, status="ok" if fine else "fail")


if __name__ == "__main__":
    main()
