"""The checks of GPUs: their presence, their faults, and what they do under load."""

from __future__ import annotations

from rp.domain.verdict import BASIC, DEEP, PASSIVE, STANDARD
from rp.health.data.definition import ABOVE, BELOW, Definition

AZURE = "Azure NHC"
DCGM = "NVIDIA DCGM"
DRIVER = "NVIDIA driver"
GCM = "Meta GCM"
IMBUE = "Imbue cluster-health"
MODAL = "Modal gpu-health"
RP = "rp's own choice"
STAS = "stas00/ml-engineering"
VAST = "vast.ai verification"


def _fault(what: str, fails: str, source: str, *, level: str = PASSIVE, warns: str = "") -> Definition:
    return Definition(level, what, source, warns=warns, fails=fails)


PRESENCE = {
    "gpu.no_evidence": _fault(
        "whether anything at all tells of the GPUs", "neither nvidia-smi nor CUDA tells anything", RP
    ),
    "gpu.nvidia_smi": _fault(
        "whether nvidia-smi (AMD: amd-smi or rocm-smi) answers",
        "it ends with an error, or is silent twice",
        AZURE,
        warns="status 14: a corrupt infoROM",
    ),
    "gpu.count": _fault("number of GPUs", "fewer than paid for", "GKE cluster-health-scanner", warns="more"),
    "gpu.model": _fault("the GPU's name", "not the type that was asked for", "RunPod's GPU type table"),
    "gpu.vram": Definition(
        PASSIVE,
        "memory of the GPU",
        "rp's GPU reference",
        unit="of what the model has",
        worse=BELOW,
        fail=0.98,
        fails="a model that rp does not know: < 0.92 of its nominal size",
        warns="more than the model has: a modified card",
    ),
    "gpu.mig": _fault("MIG, the division of a GPU", "on, though a whole GPU was asked for", "RunPod's GPU type table"),
    "gpu.compute_mode": _fault("compute mode", "Prohibited", DRIVER, warns="Exclusive"),
    "dev": _fault("device nodes in /dev", "", "gpud", warns="fewer than GPUs paid for"),
    "dev.aer": Definition(
        PASSIVE, "fatal PCIe errors that the kernel counted", "Linux AER", unit="errors", worse=ABOVE, warn=1
    ),
}

FAULTS = {
    "gpu.unreadable": _fault(
        "readings that fail: Unknown Error, GPU is lost", "any", AZURE, warns="only of power or fan"
    ),
    "gpu.ecc_uncorrected": Definition(
        PASSIVE, "uncorrected memory errors since the driver was loaded", GCM, unit="errors", worse=ABOVE, fail=1
    ),
    "gpu.ecc_aggregate": Definition(
        PASSIVE, "uncorrected memory errors in the GPU's life", STAS, unit="errors", worse=ABOVE, warn=1
    ),
    "gpu.ecc_corrected": Definition(
        PASSIVE, "corrected errors of the GPU's memory", AZURE, unit="errors", worse=ABOVE, warn=20_000_000
    ),
    "gpu.ecc_corrected_sram": Definition(
        PASSIVE, "corrected errors of the GPU's caches", AZURE, unit="errors", worse=ABOVE, warn=10_000
    ),
    "gpu.sram_threshold": _fault("the driver's limit for cache errors", "exceeded", DRIVER),
    "gpu.repair_pending": _fault("memory repairs", "one is pending, or impossible", DRIVER),
    "gpu.remap_pending": _fault("replacing bad memory by spare rows or pages", "waits for a reset", GCM),
    "gpu.remap_failure": _fault("replacing bad memory by spare rows", "failed", GCM),
    "gpu.remapped_rows": Definition(
        PASSIVE, "memory rows replaced after uncorrected errors", DCGM, unit="rows", worse=ABOVE, warn=1, fail=512
    ),
    "gpu.recovery_action": _fault("what the driver wants done to the GPU", "anything: reset, reboot, drain", DRIVER),
    "gpu.fabric": _fault(
        "the NVLink fabric of SXM GPUs", "not Completed and Success", "dstack#2348", warns="its health is not Healthy"
    ),
    "nvlink": _fault(
        "NVLink connections, with several GPUs",
        "an SXM GPU has none, or fewer than its neighbours",
        AZURE,
        warns="fewer than the model has; a bridged GPU has fewer than its neighbours",
    ),
    "xid": _fault(
        "the driver's Xid errors in the kernel log",
        "a code that means broken hardware, in the last 2 hours",
        "NVIDIA's Xid catalog",
        warns="older than 2 hours, of another GPU of the machine, or a lesser code",
    ),
}

STATE = {
    "gpu.throttle_hw": _fault(
        "slowed down by heat or by the power supply",
        "yes",
        AZURE,
        warns="yes, but under load the clock is fine",
    ),
    "gpu.throttle_thermal": _fault("slowed down by the driver because of heat", "", AZURE, warns="yes"),
    "gpu.throttle_history": Definition(
        PASSIVE, "time slowed down since the driver was loaded", "gpud", unit="s", worse=ABOVE, warn=60
    ),
    "gpu.power_limit": Definition(
        PASSIVE,
        "power limit against the GPU's default",
        "rp's GPU reference",
        unit="of the default",
        worse=BELOW,
        warn=0.85,
        fail=0.5,
    ),
    "gpu.pcie_width": Definition(
        PASSIVE,
        "PCIe lanes in use",
        DCGM,
        unit="lanes",
        worse=BELOW,
        fail=4,
        warns="fewer than the GPU has (8 are normal for L40S, A10G, T4)",
    ),
    "gpu.pcie_replay": Definition(
        BASIC, "PCIe packets sent again during the probe", DCGM, unit="packets", worse=ABOVE, warn=16
    ),
    "gpu.mem_used": Definition(
        PASSIVE,
        "GPU memory that someone else uses",
        GCM,
        unit="MiB",
        worse=ABOVE,
        warn=600,
        fail=2048,
        fails="and at least 5 % of the memory",
    ),
    "gpu.util": Definition(PASSIVE, "load by someone else", "Lium", unit="%", worse=ABOVE, warn=5),
    "gpu.temperature": Definition(
        PASSIVE, "temperature", MODAL, unit="°C", worse=ABOVE, warn=85, warns="2 °C or less below the GPU's own limit"
    ),
}

CUDA = {
    "cuda.load": _fault("the driver's library libcuda.so.1", "not there", "runpod/containers", level=BASIC),
    "cuda.init": _fault("starting CUDA (cuInit)", "an error, twice", MODAL, level=BASIC),
    "cuda.count": _fault("GPUs that CUDA sees", "fewer than paid for", GCM, level=BASIC),
    "cuda.gpu": _fault("using each GPU: context, memory, a kernel", "an error, or no answer twice", GCM, level=BASIC),
    "cuda.kernels": _fault(
        "compiling a kernel with the driver", "", "CUDA", level=BASIC, warns="the driver's compiler is not in the image"
    ),
    "cuda.alloc": Definition(
        BASIC, "free memory that can be allocated", RP, unit="of the free memory", worse=BELOW, warn=0.5
    ),
    "cuda.bad_memory": _fault("a pattern written to 90 % of the memory", "any wrong bit", IMBUE, level=BASIC),
    "cuda.wrong_result": _fault(
        "a computation with a known result, also compared between GPUs", "any wrong bit", IMBUE, level=BASIC
    ),
    "cuda.clock": Definition(
        BASIC,
        "clock while computing",
        "matt.sh on throttled cloud GPUs",
        unit="of the GPU's highest",
        worse=BELOW,
        warn=0.7,
        fail=0.5,
        warns="lower, but by the power limit alone",
    ),
    "cuda.h2d": Definition(BASIC, "copying to the GPU", VAST, unit="GB/s", worse=BELOW, warn=6, fail=2.85),
    "cuda.d2h": Definition(BASIC, "copying from the GPU", VAST, unit="GB/s", worse=BELOW, warn=6, fail=2.85),
    "cuda.mem_bw": Definition(
        BASIC, "copying inside the GPU", "rp's GPU reference", unit="of the data sheet", worse=BELOW, warn=0.7, fail=0.5
    ),
    "cuda.straggler": Definition(
        BASIC, "slowest against fastest GPU, same work", "CoreWeave", unit="times the time", worse=ABOVE, warn=1.5
    ),
    "cuda.throttle": _fault(
        "slowed down while computing",
        "by heat or the power supply, and the clock is low",
        AZURE,
        level=BASIC,
        warns="by heat or the power supply, but the clock is not low",
    ),
    "cuda.pcie_gen": Definition(
        BASIC,
        "PCIe generation while computing",
        STAS,
        unit="",
        worse=BELOW,
        fail=3,
        warns="too low, but the copies are fast",
    ),
}

LOAD = {
    "torch.run": _fault(
        "PyTorch computing on each GPU",
        "an error; image: no kernels for this GPU",
        "AI-Scientist-v2 on RTX 5090",
        level=STANDARD,
        warns="no answer in time, though CUDA works",
    ),
    "torch.bf16": Definition(
        STANDARD,
        "matrix multiplication (bf16)",
        "rp's GPU reference",
        unit="of the lowest published",
        worse=BELOW,
        warn=0.8,
        fail=0.5,
    ),
    "torch.spread": Definition(
        STANDARD, "slowest against fastest GPU of one pod", RP, unit="of the fastest", worse=BELOW, warn=0.8
    ),
    "torch.decay": Definition(
        STANDARD, "speed at the end of the load against its start", RP, unit="of the start", worse=BELOW, warn=0.8
    ),
    "torch.sdc": _fault("the same product, computed again and again", "any wrong bit", "CoreWeave", level=STANDARD),
    "torch.digest": _fault("the same product on each GPU", "GPUs disagree", IMBUE, level=STANDARD),
    "torch.mem_bw": Definition(
        STANDARD,
        "copying inside the GPU",
        "rp's GPU reference",
        unit="of the data sheet",
        worse=BELOW,
        warn=0.7,
        fail=0.5,
    ),
    "torch.h2d": Definition(STANDARD, "copying to the GPU", VAST, unit="GB/s", worse=BELOW, warn=6, fail=2.85),
    "torch.d2h": Definition(STANDARD, "copying from the GPU", VAST, unit="GB/s", worse=BELOW, warn=6, fail=2.85),
    "torch.p2p": Definition(
        STANDARD, "copying between SXM GPUs", AZURE, unit="of what Azure expects", worse=BELOW, warn=0.7
    ),
    "torch.nccl": Definition(
        STANDARD,
        "NCCL all-reduce over all GPUs",
        AZURE,
        unit="of the published bandwidth",
        worse=BELOW,
        warn=0.7,
        fails="a wrong sum, or an error",
        warns="no answer in time; an error while NCCL_… variables are set",
    ),
    "dcgm.diag": _fault(
        "dcgmi diag, where it is installed", "a hardware test fails", DCGM, level=DEEP, warns="a software test fails"
    ),
}

CHECKS = {**PRESENCE, **FAULTS, **STATE, **CUDA, **LOAD}
