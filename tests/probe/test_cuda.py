"""cuda.py as the script runs it, on a pretended libcuda.so.1 with faults."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from probe.pod import Pod
from rp.health.asked import Asked
from rp.health.probe.driver import clock, judged, lcg
from rp.health.script import program

GCC = shutil.which("gcc")
pytestmark = pytest.mark.skipif(GCC is None, reason="no gcc here")
FILES = ("lock.py", "driver.py", "gpu.py", "cuda.py")
MEASURED = {
    *("burn_s", "burn_iters", "compute_bad_blocks", "compute_bad_lanes", "fma_hash", "sm_mhz_effective", "d2d_gbs"),
    *("mem_bad_words16", "mem_tested_mib", "mem_pattern_gbs", "h2d_gbs", "d2h_gbs", "fp32_tflops", "alloc_mib"),
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("libcuda")
    source = Path(__file__).with_name("mock_libcuda.c")
    assert GCC
    subprocess.run([GCC, "-shared", "-fPIC", "-O2", "-o", folder / "libcuda.so.1", source], check=True)
    return folder


class Cuda:
    def __init__(self, library: Path, home: Path) -> None:
        self.env = {
            "LD_LIBRARY_PATH": str(library),
            "HOME": str(home),
            "PATH": "/nowhere",
            "RP_PTX": resources.files("rp.health").joinpath("probe", "kernels.ptx").read_text(),
        }

    def command(self, budget: float) -> list[str]:
        options = {"--budget-s": budget, "--load-s": 0.02, "--copy-mib": 8}
        return [sys.executable, "-I", "-S", "-", *(str(word) for pair in options.items() for word in pair)]

    def run(self, *, budget: float = 30, **faults: object) -> dict[str, Any]:
        env = self.env | {f"MOCK_{name}": str(value) for name, value in faults.items()}
        done = subprocess.run(
            self.command(budget), input=program(*FILES).encode(), env=env, capture_output=True, timeout=60, check=False
        )
        assert done.stderr == b""
        assert done.stdout.count(b"\n") == 1
        found: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == (0 if found["status"] == "ok" else 1)
        return found


@pytest.fixture
def cuda(library: Path, tmp_path: Path) -> Cuda:
    return Cuda(library, tmp_path)


def test_healthy(cuda: Cuda, tmp_path: Path) -> None:
    found = cuda.run(LOG=tmp_path / "log")
    assert (found["status"], found["count"], found["driver_cuda"], found["p2p"]) == ("ok", 2, "12.8", ["-1", "1-"])
    assert [gpu["uuid"] for gpu in found["gpus"]] == [
        f"GPU-{one * 4}-{one * 2}-{one * 2}-{one * 2}-{one * 6}" for one in ("01", "02")
    ]
    for gpu in found["gpus"]:
        assert set(gpu) >= MEASURED
        assert gpu["ok"]
        assert (gpu["compute_bad_blocks"], gpu["compute_bad_lanes"], gpu["mem_bad_words16"]) == (0, 0, 0)
        assert gpu["sm_mhz_effective"] == 1980
        assert gpu["alloc_mib"] == gpu["mem_tested_mib"] == 36
        assert "stage" not in gpu
    assert found["gpus"][0]["burn_iters"] == found["gpus"][1]["burn_iters"]
    log = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
    places = {what: {place for said, _, place in log if said == what} for what in ("alloc", "free", "release")}
    assert places["alloc"] == places["free"]
    assert len(places["release"]) == 2


def test_a_driver_that_does_not_start(cuda: Cuda) -> None:
    found = cuda.run(INIT=999)
    assert (found["status"], found["stage"], found["rc"], found["cuinit_tries"]) == ("fail", "cuInit", 999, 3)
    assert found["error"] == "CUDA_ERROR_UNKNOWN"
    assert found["gpus"] == []


@pytest.mark.parametrize("status", [100, 803, 804])
def test_what_waiting_does_not_heal_is_not_tried_again(cuda: Cuda, status: int) -> None:
    found = cuda.run(INIT=status)
    assert (found["rc"], found["cuinit_tries"]) == (status, 1)


def test_a_driver_that_starts_at_the_second_try(cuda: Cuda, tmp_path: Path) -> None:
    (tmp_path / "refuse").touch()
    found = cuda.run(INIT_FILE=tmp_path / "refuse")
    assert (found["status"], found["cuinit_tries"]) == ("ok", 2)
    assert "rc" not in found


def test_no_library(cuda: Cuda, tmp_path: Path) -> None:
    cuda.env["LD_LIBRARY_PATH"] = f"{tmp_path}:/usr/local/cuda/compat"
    found = cuda.run()
    assert (found["status"], found["stage"], found["ld_library_path_compat"]) == ("fail", "load", True)
    assert "libcuda.so.1" in found["error"]


def test_no_device(cuda: Cuda) -> None:
    found = cuda.run(N=0)
    assert (found["status"], found["stage"], found["error"]) == ("fail", "count", "0 devices")


def test_no_context(cuda: Cuda) -> None:
    found = cuda.run(CTX=46)
    for gpu in found["gpus"]:
        assert (gpu["ok"], gpu["rc"], gpu["fn"], gpu["stage"]) == (False, 46, "cuDevicePrimaryCtxRetain", "context")


def test_no_translator_for_the_kernels(cuda: Cuda) -> None:
    found = cuda.run(JIT=221)
    assert found["status"] == "ok"
    for gpu in found["gpus"]:
        assert gpu["kernels"].startswith("unknown: ")
        assert gpu["kernels_rc"] == 221
        assert {"h2d_gbs", "d2h_gbs", "d2d_gbs"} <= set(gpu)
        assert "mem_bad_words16" not in gpu


def test_bad_memory(cuda: Cuda) -> None:
    assert [gpu["mem_bad_words16"] for gpu in cuda.run(BADMEM=1)["gpus"]] == [0, 1]


@pytest.mark.parametrize(("fault", "blocks", "lanes"), [("BADBLOCK", 1, 0), ("BADLANE", 0, 1), ("FLAKY", 1, 1)])
def test_wrong_results(cuda: Cuda, fault: str, blocks: int, lanes: int) -> None:
    bad, good = cuda.run(**{fault: 0})["gpus"]
    assert (good["compute_bad_blocks"], good["compute_bad_lanes"]) == (0, 0)
    assert (bad["compute_bad_blocks"], bad["compute_bad_lanes"]) == (blocks, lanes)


def test_a_low_clock(cuda: Cuda) -> None:
    assert [gpu["sm_mhz_effective"] for gpu in cuda.run(MHZ=510)["gpus"]] == [510, 510]


def test_slow_copies_do_not_use_up_the_time(cuda: Cuda) -> None:
    found = cuda.run(COPY_MS=150)
    assert all(gpu["h2d_gbs"] < 0.1 and gpu["ok"] for gpu in found["gpus"])


def test_a_gpu_that_somebody_uses_is_left_alone(cuda: Cuda, tmp_path: Path) -> None:
    found = cuda.run(MIB=8000, USED=2100, LOG=tmp_path / "log")
    assert found["status"] == "ok"
    for gpu in found["gpus"]:
        assert gpu["busy"] is True
        assert not MEASURED & set(gpu)
    assert "alloc" not in (tmp_path / "log").read_text()


def test_no_memory_to_be_had(cuda: Cuda) -> None:
    for gpu in cuda.run(ALLOC=2)["gpus"]:
        assert (gpu["alloc_mib"], gpu["alloc_frac_of_free"], gpu["ok"]) == (0, 0.0, True)
    for gpu in cuda.run(ALLOC=214)["gpus"]:
        assert (gpu["ok"], gpu["rc"]) == (False, 214)


def test_a_gpu_that_hangs_is_named_and_the_others_report(cuda: Cuda) -> None:
    began = time.monotonic()
    found = cuda.run(HANG=1, budget=2.5)
    good, bad = found["gpus"]
    assert good["ok"]
    assert set(good) >= MEASURED
    assert bad["error"] == "hang: no answer within 2.5 s in kernel"
    assert found["status"] == "fail"
    assert time.monotonic() - began < 30


def test_a_driver_that_hangs_at_once(cuda: Cuda) -> None:
    found = cuda.run(HANG_INIT=1, budget=1)
    assert (found["status"], found["stage"], found["error"]) == (
        "fail",
        "cuInit",
        "hang: no answer within 1 s in cuInit",
    )


def test_a_driver_that_crashes(cuda: Cuda) -> None:
    found = cuda.run(CRASH=0)
    assert found["status"] == "fail"
    assert found["gpus"][0]["error"] == "stopped by signal 6 in kernel"


def test_one_at_a_time(cuda: Cuda, tmp_path: Path) -> None:
    """Two checks of one pod would find each other's load."""
    (tmp_path / "program").write_text(program(*FILES))
    with (tmp_path / "program").open() as source:
        env = cuda.env | {"MOCK_HANG_INIT": "1"}
        first = subprocess.Popen(cuda.command(30), stdin=source, stdout=subprocess.PIPE, env=env)
    children = Path(f"/proc/{first.pid}/task/{first.pid}/children")
    try:
        end = time.monotonic() + 20
        while not children.read_text() and time.monotonic() < end:
            time.sleep(0.02)
        done = subprocess.run(
            cuda.command(5), input=program(*FILES).encode(), env=cuda.env, capture_output=True, timeout=60, check=False
        )
        found = json.loads(done.stdout)
        assert (done.returncode, found["status"], found["stage"]) == (3, "unknown", "lock")
    finally:
        for child in map(int, children.read_text().split()):
            os.kill(child, 9)
        first.communicate(timeout=20)
    assert cuda.run()["status"] == "ok"


def test_in_the_script(library: Path, pod: Pod) -> None:
    """With the library where only the container's environment says, and a sample under load."""
    pod.add_smi()
    pod.add_python()
    (pod.root / "proc" / "1" / "environ").write_bytes(f"LD_LIBRARY_PATH={library}\0".encode())
    found = pod.run("basic", Asked(), parts=("smi", "cuda", "smi2"), limit=40)
    assert found["cuda"].status == "0"
    told = json.loads("\n".join(found["cuda"].lines))
    assert told["status"] == "ok"
    assert told["smi_overlap"] is False
    assert told["under_load"].startswith("--query-gpu=index,")
    assert "smi2" in found
    assert [call for call in pod.smi_calls() if call.startswith("-q")] == ["-q -x", "-q -x"]


def test_the_script_reports_a_hanging_gpu_too(library: Path, pod: Pod) -> None:
    pod.add_python()
    pod.env |= {"LD_LIBRARY_PATH": str(library), "MOCK_HANG": "1", "MOCK_MIB": "32"}
    found = pod.run("basic", Asked(), parts=("cuda",), limit=4)
    assert found["cuda"].status == "1"
    assert "hang: " in found["cuda"].lines[0]


@pytest.mark.parametrize("steps", [0, 1, 2, 7, 1000, 65537])
def test_the_closed_form_is_the_loop(steps: int) -> None:
    for value in (0, 1, 255, 0xFFFFFFFF):
        walked = value
        for _ in range(steps):
            walked = (walked * 1664525 + 1013904223) % 2**32
        assert lcg(value, steps) == walked


def test_most_blocks_are_right() -> None:
    """Also where it is the first block that is wrong."""
    right = b"".join(lcg(lane, 9).to_bytes(4, "little") + b"abcd" for lane in range(256))
    wrong = b"\xff" + right[1:]
    assert judged([right * 4, right * 4], 9)["compute_bad_blocks"] == 0
    found = judged([wrong + right * 3, right * 4], 9)
    assert (found["compute_bad_blocks"], found["compute_bad_lanes"]) == (1, 1)


def test_a_timer_that_stands_still() -> None:
    """Then the host's clock has to do."""
    assert clock([(198_000_000, 0), (198_000_000, 0)], 0.1) == {"sm_mhz_effective": 1980, "timer_s": 0.0}
    assert clock([(198_000_000, 100_000_000)] * 3, 5.0) == {"sm_mhz_effective": 1980, "timer_s": 0.1}
