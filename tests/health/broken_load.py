"""GPUs that fail when CUDA or PyTorch use them."""

from __future__ import annotations

from dataclasses import replace

from health import pods
from health.breaking import FAIL, IMAGE, WARN, Broken, cuda, printed, several, start, torch
from health.pods import Card, Pod
from rp.domain.verdict import DEEP

CUDA = [
    Broken(
        "cuda.load",
        FAIL,
        Pod(cuda_facts={"status": "fail", "stage": "load", "error": "libcuda.so.1: cannot open", "gpus": []}),
    ),
    Broken(
        "cuda.load",
        FAIL,
        Pod(
            cuda_facts={"status": "fail", "stage": "load", "error": "libcuda.so.1: cannot open", "gpus": []},
            facts={"NVIDIA_DRIVER_CAPABILITIES": "utility"},
        ),
        IMAGE,
        ("env",),
    ),
    start(999),
    start(802),
    start(46),
    start(100),
    start(100, IMAGE, cuda_visible_devices="-1"),
    start(100, IMAGE, cuda_visible_devices="7"),
    start(100, IMAGE, cuda_visible_devices="9" * 5000),
    start(100, cuda_visible_devices="0"),
    start(100, cuda_visible_devices="GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"),
    start(803, IMAGE),
    start(804, IMAGE, ld_library_path_compat=True),
    start(34, IMAGE),
    Broken(
        "cuda.init",
        FAIL,
        Pod(
            cuda_facts={
                "status": "fail",
                "stage": "cuInit",
                "error": "hang: no answer within 6 s in cuInit",
                "gpus": [],
            }
        ),
    ),
    printed("cuda.init", FAIL, "cuda", "timeout", ""),
    printed("cuda.init", FAIL, "cuda", "139", "Segmentation fault"),
    Broken("cuda.count", FAIL, replace(pods.eight(), cuda_facts={"count": 7})),
    Broken("cuda.count", FAIL, replace(pods.eight(), cuda_facts={"count": 1, "cuda_visible_devices": "0"}), IMAGE),
    cuda("cuda.gpu", FAIL, ok=False, rc=214, error="cuMemAlloc -> 214 ECC", fn="cuMemAlloc_v2"),
    cuda("cuda.gpu", FAIL, ok=False, rc=46, error="cuDevicePrimaryCtxRetain -> 46"),
    cuda("cuda.gpu", FAIL, ok=False, error="hang: no answer within 6 s in burn", stage="burn"),
    cuda("cuda.gpu", FAIL, ok=False, error="stopped by signal 11 in context", stage="context"),
    cuda("cuda.kernels", WARN, owner=IMAGE, kernels="unknown: cuModuleLoadData -> 221", kernels_rc=221),
    cuda("cuda.alloc", WARN, alloc_frac_of_free=0.45),
    cuda("cuda.bad_memory", FAIL, mem_bad_words16=1),
    cuda("cuda.wrong_result", FAIL, compute_bad_blocks=1),
    cuda("cuda.wrong_result", FAIL, compute_bad_lanes=3),
    Broken(
        "cuda.wrong_result",
        FAIL,
        replace(pods.eight(), cards=[*pods.eight().cards[:7], Card(index=7, cuda={"fma_hash": "0"})]),
    ),
    cuda("cuda.clock", WARN, sm_mhz_effective=1380),
    Broken("cuda.clock", FAIL, Pod(cards=[Card(cuda={"sm_mhz_effective": 510})], cuda_facts={"under_load": None})),
    cuda("cuda.clock", WARN, sm_mhz_effective=510),
    Broken(
        "cuda.clock",
        FAIL,
        Pod(
            cards=[Card(cuda={"sm_mhz_effective": 510})], cuda_facts={"under_load": "0, 5, 16, 510, 0x0000000000000044"}
        ),
        also=("cuda.throttle",),
    ),
    cuda("cuda.h2d", WARN, h2d_gbs=5.9),
    cuda("cuda.h2d", FAIL, h2d_gbs=2.8),
    cuda("cuda.d2h", WARN, d2h_gbs=5.9),
    cuda("cuda.d2h", FAIL, d2h_gbs=0.7),
    cuda("cuda.mem_bw", WARN, d2d_gbs=2300),
    cuda("cuda.mem_bw", FAIL, d2d_gbs=1600),
    Broken(
        "cuda.straggler",
        WARN,
        replace(pods.eight(), cards=[*pods.eight().cards[:7], Card(index=7, cuda={"burn_s": 1.25})]),
    ),
    Broken("cuda.throttle", WARN, Pod(cuda_facts={"under_load": "0, 5, 16, 1700, 0x0000000000000008"})),
    Broken(
        "cuda.throttle",
        FAIL,
        Pod(cards=[Card(cuda={"sm_mhz_effective": 1300})], cuda_facts={"under_load": "0, 5, 16, 1300, 0x80"}),
        also=("cuda.clock",),
    ),
    Broken("cuda.pcie_gen", WARN, Pod(cuda_facts={"under_load": "0, 1, 16, 1900, 0x4"})),
    Broken(
        "cuda.pcie_gen",
        FAIL,
        Pod(cards=[Card(cuda={"h2d_gbs": 3.0})], cuda_facts={"under_load": "0, 1, 16, 1900, 0x4"}),
        also=("cuda.h2d",),
    ),
]
TORCH = [
    torch("torch.run", FAIL, owner=IMAGE, ok=False, error="CUDA error: no kernel image is available for execution"),
    torch("torch.run", FAIL, ok=False, error="The NVIDIA driver on your system is too old (found version 12040)"),
    torch("torch.run", FAIL, ok=False, error="CUDA error: uncorrectable ECC error encountered"),
    Broken("torch.run", FAIL, Pod(level="standard", torch_facts={"status": "fail", "gpus": [], "error": "0 devices"})),
    Broken("torch.run", WARN, Pod(level="standard", sections={"torch": ("timeout", 80000, "")})),
    Broken(
        "torch.run",
        FAIL,
        Pod(level="standard", sections={"torch": ("timeout", 80000, ""), "cuda": ("127", 9, "no python3")}),
    ),
    torch("torch.run", FAIL, ok=False, error="hang in matmul"),
    several("torch.nccl", WARN, lambda pod: pod.torch_facts.update(comm_error="no answer in time")),
    torch("torch.bf16", WARN, bf16_tflops=620.0),
    torch("torch.bf16", FAIL, bf16_tflops=390.0),
    several(
        "torch.spread",
        WARN,
        lambda pod: (pod.cards[1].torch.update(bf16_tflops=805), pod.cards[5].torch.update(bf16_tflops=640)),
    ),
    torch("torch.decay", WARN, decay=0.79),
    torch("torch.sdc", FAIL, sdc=1),
    several("torch.digest", FAIL, lambda pod: pod.torch_facts.update(digests_equal=False)),
    torch("torch.mem_bw", WARN, mem_gbs=2300.0),
    torch("torch.mem_bw", FAIL, mem_gbs=1600.0),
    torch("torch.h2d", WARN, h2d_gbs=5.9),
    torch("torch.h2d", FAIL, h2d_gbs=2.0),
    torch("torch.d2h", WARN, d2h_gbs=5.9),
    torch("torch.d2h", FAIL, d2h_gbs=2.0),
    several("torch.p2p", WARN, lambda pod: pod.torch_facts.update(p2p_gbs={"0>1": 330, "1>2": 200})),
    several("torch.nccl", WARN, lambda pod: pod.torch_facts.update(nccl={"correct": True, "busbw_gbs": 300})),
    several("torch.nccl", FAIL, lambda pod: pod.torch_facts.update(nccl={"correct": False, "busbw_gbs": 450})),
    several("torch.nccl", FAIL, lambda pod: pod.torch_facts.update(comm_error="NCCL Error 2: unhandled system error")),
    Broken(
        "torch.nccl",
        WARN,
        replace(
            several("", WARN, lambda pod: pod.torch_facts.update(comm_error="NCCL Error 2")).pod,
            facts={"NCCL_P2P_DISABLE": "1"},
        ),
        IMAGE,
    ),
    Broken(
        "dcgm.diag", FAIL, Pod(level=DEEP, sections={"dcgm": ("226", 9, "| memory         | Fail - GPU: 0        |")})
    ),
    Broken(
        "dcgm.diag",
        WARN,
        Pod(level=DEEP, sections={"dcgm": ("0", 9, "| Persistence Mode | Fail |\n| memory | Pass - All |")}),
        IMAGE,
    ),
]
