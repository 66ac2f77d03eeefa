"""What a health probe's torch program would find on this pod, told in its stead: there is no torch in a pod."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import json
import os
import sys
import types

from rp_sim.shims.cuda_gpu import PCIE_GBS, Facts, Gpu

VERSION, CUDA = "2.8.0+cu128", "12.8"
ARCHITECTURES = ("sm_80", "sm_86", "sm_90", "sm_100", "sm_120")


class Torch(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """`import torch` finds a module that knows its version and the GPUs, and can do nothing."""

    def __init__(self, gpus: list[Facts]) -> None:
        self._gpus = gpus

    def find_spec(self, name: str, *_more: object) -> importlib.machinery.ModuleSpec | None:
        return importlib.machinery.ModuleSpec(name, self) if name == "torch" else None

    def exec_module(self, module: types.ModuleType) -> None:
        gpus = self._gpus
        cuda = types.SimpleNamespace(
            is_available=lambda: bool(gpus),
            device_count=lambda: len(gpus),
            get_device_name=lambda index=0: gpus[index]["name"],
            get_arch_list=lambda: list(ARCHITECTURES),
        )
        vars(module).update(__version__=VERSION, version=types.SimpleNamespace(cuda=CUDA, hip=None), cuda=cuda)


def install(facts: Facts, source: str) -> None:
    """The health probe's answer is printed, and that is all; other programs find as much of torch as there is."""
    fault = facts["torch"]["fault"]
    if "digests_equal" in source:
        report = answer(facts)
        print(json.dumps(report), flush=True)
        os._exit(0 if report["status"] == "ok" else 3 if report["status"] == "unknown" else 1)
    if fault != "missing":
        sys.meta_path.insert(0, Torch([] if fault == "no_gpu" else facts["gpus"]))


def answer(facts: Facts) -> Facts:
    fault = facts["torch"]["fault"]
    report: Facts = {
        "probe": "torch", "v": 1, "n": 8192, "seconds": 2.0, "torch": VERSION, "torch_cuda": CUDA, "hip": None,
        "import_s": 4.1, "arch_list": list(ARCHITECTURES),
    }  # fmt: skip
    if fault == "missing":
        return {**report, "status": "unknown", "error": "ModuleNotFoundError: No module named 'torch'"}
    if fault == "no_gpu":
        return {**report, "status": "fail", "stage": "init", "error": "No CUDA GPUs are available"}
    only, gpus = facts["torch"]["only"] or range(len(facts["gpus"])), []
    for index, gpu in enumerate(facts["gpus"]):
        gpus.append(_gpu(Gpu(index, gpu, facts["cuda_faults"]), fault if index in only else ""))
    report |= {"gpus": gpus, "digests_equal": len({gpu.get("digest") for gpu in gpus}) <= 1}
    if len(gpus) > 1 and fault != "no_kernel":
        report |= _links(facts["gpus"], fault)
    bad = fault in ("no_kernel", "corrupt", "nccl")
    return {**report, "status": "fail" if bad else "ok", "t_s": 21.5}


def _gpu(gpu: Gpu, fault: str) -> Facts:
    index, facts = gpu.index, gpu.facts
    if fault == "no_kernel":
        text = "RuntimeError: CUDA error: no kernel image is available for execution on the device"
        return {"i": index, "ok": False, "error": text}
    share = 0.4 if fault == "slow" else 1.0
    rate = facts["bf16_tflops"] * share
    pcie = round(gpu.copy_rate / 1e9, 1)
    odd = fault == "corrupt" and index == 0
    return {
        "i": index, "bf16_tflops": round(rate, 1), "bf16_min": round(rate * 0.97, 1), "bf16_max": round(rate * 1.02, 1),
        "runs": 60, "sdc": 3 if odd else 0, "decay": 0.71 if fault == "decay" else 0.99,
        "mem_gbs": round(facts["mem_gbs"] * 0.88 * share, 1), "h2d_gbs": pcie, "d2h_gbs": pcie,
        "digest": 123456789 + odd, "ok": True,
    }  # fmt: skip


def _links(gpus: list[Facts], fault: str) -> Facts:
    linked = min(gpu["nvlinks"] - gpu["links_down"] for gpu in gpus) * gpus[0]["nvlink_gbs"]
    peer = round(linked * 0.7 or PCIE_GBS.get(gpus[0]["pcie_gen"], 24.6) / 2, 1)
    pairs = {f"{index}>{(index + 1) % len(gpus)}": peer for index in range(len(gpus))}
    bus = round(linked * 0.95 or 12.0, 1)
    if fault == "nccl":
        return {"p2p_gbs": pairs, "comm_error": "RuntimeError: NCCL Error 2: unhandled system error"}
    return {"p2p_gbs": pairs, "nccl": {"correct": True, "algbw_gbs": bus / 2, "busbw_gbs": bus, "bytes": 1 << 30}}
