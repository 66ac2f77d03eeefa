"""The pretended driver and nvidia-smi: what a healthy GPU tells, and each way to be broken."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from rp_sim.inventory import gpu_hardware, gpu_types
from rp_sim.scenario.jank import FIXTURES, fixtures
from sim.box import box, jank

H100, RTX = "NVIDIA H100 80GB HBM3", "NVIDIA GeForce RTX 4090"
LIMIT_S = 2.0  # generous: about 0.1 s on an idle machine


def gpus(name: str, count: int = 1) -> dict[str, Any]:
    return {"id": name, "count": count}


def test_a_healthy_gpu_computes_and_is_as_fast_as_its_data_sheet(tmp_path: Path) -> None:
    machine = box(tmp_path, gpu=gpus(H100, 2))
    began = time.monotonic()
    found = machine.cuda()
    assert time.monotonic() - began < LIMIT_S
    assert found["version"] in (13000, 12080)
    assert [gpu["name"] for gpu in found["gpus"]] == [H100, H100]
    for gpu in found["gpus"]:
        assert gpu["right"]
        assert gpu["kept"]
        assert gpu["other_seed"]
        assert (gpu["odd_blocks"], gpu["bad"], gpu["alloc"], gpu["jit"]) == (0, 0, 0, 0)
        assert gpu["total"] == 81559
        assert 80000 < gpu["free"] < 81559
        assert 0.8 < gpu["mhz"] / 1980 < 1
        assert 40 < gpu["h2d"] < 60
        assert 0.7 < gpu["d2d"] / 3350 < 1


def test_the_driver_and_nvidia_smi_agree_on_who_is_who(tmp_path: Path) -> None:
    machine = box(tmp_path, gpu=gpus(RTX, 2))
    told = machine.out("nvidia-smi --query-gpu=uuid --format=csv,noheader").replace("GPU-", "").replace("-", "")
    assert [gpu["uuid"] for gpu in machine.cuda()["gpus"]] == told.split()


def test_the_time_that_a_gpu_takes_does_not_pass_for_real(tmp_path: Path) -> None:
    machine = box(tmp_path, jank("cuda", 'fault = "clock"', "mhz = 1"))
    began = time.monotonic()
    assert machine.cuda()["gpus"][0]["burn_s"] > 50
    assert time.monotonic() - began < LIMIT_S


@pytest.mark.parametrize(
    ("lines", "key", "value"),
    [
        (['fault = "context"'], "rc", 46),
        (['fault = "context"', "code = 2"], "rc", 2),
        (['fault = "ecc"'], "rc", 214),
        (['fault = "init"'], "init", [999]),
        (['fault = "init"', "code = 804"], "init", [804]),
        (['fault = "no_library"'], "load", "libcuda.so.1: cannot open shared object file: No such file or directory"),
    ],
)
def test_a_driver_that_refuses(tmp_path: Path, lines: list[str], key: str, value: object) -> None:
    assert box(tmp_path, jank("cuda", *lines)).cuda()[key] == value


def test_a_driver_may_refuse_once_only(tmp_path: Path) -> None:
    assert box(tmp_path / "a", jank("cuda", 'fault = "init_once"')).cuda(2)["init"] == [999, 0]
    machine = box(tmp_path / "b", jank("cuda", 'fault = "init"', "first = 3", "code = 3"))
    assert machine.cuda(2)["init"] == [3, 3]
    assert machine.cuda(2)["init"] == [3, 0]


@pytest.mark.parametrize(
    ("lines", "field", "low", "high"),
    [
        (['fault = "bad_memory"', "count = 7"], "bad", 7, 7),
        (['fault = "wrong_result"'], "odd_blocks", 1, 1),
        (['fault = "clock"'], "mhz", 500, 520),
        (['fault = "clock"', "mhz = 900"], "mhz", 890, 910),
        (['fault = "straggler"'], "mhz", 1500, 1600),
        (['fault = "slow_copy"', "gbs = 0.7"], "h2d", 0.6, 0.8),
        (['fault = "slow_memory"'], "d2d", 200, 350),
        (['fault = "no_memory"'], "alloc", 2, 2),
        (['fault = "busy"', "mib = 10000"], "free", 14000, 14200),
    ],
)
def test_a_gpu_that_does_its_work_badly(tmp_path: Path, lines: list[str], field: str, low: float, high: float) -> None:
    machine = box(tmp_path, jank("cuda", *lines, "only = [1]"), gpu=gpus(RTX, 2))
    fine, broken = machine.cuda()["gpus"]
    assert low <= broken[field] <= high
    assert not low <= fine[field] <= high


def test_without_a_translator_there_are_no_kernels(tmp_path: Path) -> None:
    assert [gpu["jit"] for gpu in box(tmp_path, jank("cuda", 'fault = "no_jit"')).cuda()["gpus"]] == [221]


def test_fewer_devices_than_nvidia_smi_shows(tmp_path: Path) -> None:
    machine = box(tmp_path, jank("cuda", 'fault = "fewer_devices"', "count = 1"), gpu=gpus(RTX, 3))
    assert len(machine.cuda()["gpus"]) == 1
    assert len(machine.out("nvidia-smi -L").splitlines()) == 3
    assert machine.cuda(CUDA_VISIBLE_DEVICES="7")["init"] == [100]


def test_a_driver_that_hangs(tmp_path: Path) -> None:
    machine = box(tmp_path, jank("cuda", 'fault = "hang"'))
    (machine.folder.home / "go.py").write_text('import ctypes\nctypes.CDLL("libcuda.so.1").cuInit(0)\nprint("up")\n')
    assert machine.out("timeout 5 python3 go.py") == "up\n"
    machine = box(tmp_path / "b", jank("cuda", 'fault = "hang"', 'name = "init"'))
    (machine.folder.home / "go.py").write_text('import ctypes\nctypes.CDLL("libcuda.so.1").cuInit(0)\n')
    assert machine.run("timeout 1 python3 go.py").returncode == 124


def test_other_programs_get_the_machines_own_python(tmp_path: Path) -> None:
    machine = box(tmp_path)
    assert machine.out("python3 -c 'import sys; print(sys.argv)' a b") == "['-c', 'a', 'b']\n"
    assert machine.out("echo 'import sys; print(sys.argv, sys.flags.isolated)' | python3 -I - a") == "['-', 'a'] 1\n"
    assert machine.out("echo 'print(1)' | python3") == "1\n"
    assert machine.run("python3 -c 'raise SystemExit(5)'").returncode == 5
    refused = machine.run("python3 -c 'import ctypes; ctypes.CDLL(\"libcuda.so.1\").cuNonsense()'")
    assert "undefined symbol: cuNonsense" in refused.stderr
    assert "rp_sim/shims/python3.py" not in refused.stderr


# -- nvidia-smi -----------------------------------------------------------------------------------------------


def document(text: str) -> ET.Element:
    return ET.fromstring(text.partition("?>")[2].partition(">")[2])  # noqa: S314  our own


@pytest.mark.parametrize(
    "gpu", ["NVIDIA GeForce RTX 4090", "NVIDIA H100 80GB HBM3", "NVIDIA L40S", "NVIDIA A100-SXM4-80GB"]
)
def test_the_document_has_the_fields_of_a_580_driver(tmp_path: Path, gpu: str) -> None:
    found = document(box(tmp_path, gpu=gpus(gpu)).out("nvidia-smi -q -x"))
    kind = "healthy-5090" if "GeForce" in gpu else "healthy-h100x8"
    wanted = document((FIXTURES / f"{kind}.xml").read_text(encoding="utf-8"))
    paths = {_path(wanted, node) for node in wanted.find("gpu").iter()}  # type: ignore[union-attr]
    assert paths <= {_path(found, node) for node in found.find("gpu").iter()}  # type: ignore[union-attr]
    assert found.findtext("gpu/gpu_recovery_action") == "None"
    has_ecc = "GeForce" not in gpu
    assert (found.findtext("gpu/ecc_mode/current_ecc") == "Enabled") == has_ecc
    assert (found.findtext("gpu/ecc_errors/volatile/dram_uncorrectable") == "0") == has_ecc
    assert (found.findtext("gpu/fabric/state") == "Completed") == (gpu == H100)


def _path(root: ET.Element, node: ET.Element) -> str:
    parents = {child: parent for parent in root.iter() for child in parent}
    names = [node.tag]
    while node in parents and node.tag != "gpu":
        node = parents[node]
        names.append(node.tag)
    return "/".join(reversed(names))


def test_nvidia_smi_shows_the_load_while_there_is_some(tmp_path: Path) -> None:
    machine = box(tmp_path)
    names = "pcie.link.gen.current,clocks.current.sm,temperature.gpu"
    query = f"nvidia-smi --query-gpu={names} --format=csv,noheader,nounits"
    assert machine.out(query) == "1, 345, 34\n"
    assert machine.cuda()["gpus"][0]["right"]
    assert machine.out(query) == "4, 2808, 58\n"
    assert document(machine.out("nvidia-smi -q -x")).findtext("gpu/utilization/gpu_util") == "0 %"


def test_a_link_that_never_wakes_up(tmp_path: Path) -> None:
    machine = box(tmp_path, jank("pcie_idle"))
    assert machine.cuda()["gpus"][0]["h2d"] < 4
    assert machine.out("nvidia-smi --query-gpu=pcie.link.gen.current --format=csv,noheader").strip() == "1"


def test_nvlink(tmp_path: Path) -> None:
    healthy = box(tmp_path / "a", gpu=gpus(H100, 2)).out("nvidia-smi nvlink -s; nvidia-smi topo -m")
    assert healthy.count("26.562 GB/s") == 36
    assert healthy.count("NV18") == 2
    assert box(tmp_path / "b", gpu=gpus(RTX, 2)).out("nvidia-smi nvlink -s") == ""
    some = box(tmp_path / "c", jank("nvlink_down", "count = 2", "only = [1]"), gpu=gpus(H100, 2))
    assert some.out("nvidia-smi nvlink -s").count("<inactive>") == 2
    none = box(tmp_path / "d", jank("nvlink_down"), gpu=gpus(H100, 2))
    assert none.out("nvidia-smi nvlink -s").count("all links are inActive") == 2


@pytest.mark.parametrize("name", fixtures())
def test_a_fixture_is_the_answer_with_the_hosts_own_uuids(tmp_path: Path, name: str) -> None:
    machine = box(tmp_path, jank("smi", f'fixture = "{name}"'), gpu=gpus(H100))
    answer = machine.out("nvidia-smi -q -x")
    plain = (FIXTURES / f"{name}.xml").read_text(encoding="utf-8")
    assert [line for line in answer.splitlines() if "uuid>" not in line] == [
        line for line in plain.splitlines() if "uuid>" not in line
    ]
    uuids = [gpu.findtext("uuid") for gpu in document(answer).iter("gpu")]
    listed = machine.out("nvidia-smi -L").splitlines()
    assert [line.partition("UUID: ")[2].rstrip(")") for line in listed] == uuids
    assert len(set(uuids)) == len(uuids)
    assert machine.out("nvidia-smi --query-gpu=clocks.sm,uuid --format=csv").count("GPU-") == len(uuids)


def test_a_fixture_is_felt_by_the_driver_too(tmp_path: Path) -> None:
    hot = box(tmp_path / "a", jank("smi", 'fixture = "fail-thermal-510mhz"'), gpu=gpus(H100))
    assert 500 < hot.cuda()["gpus"][0]["mhz"] < 520
    riser = box(tmp_path / "b", jank("smi", 'fixture = "fail-pcie-x1-riser"'))
    assert riser.cuda()["gpus"][0]["h2d"] < 2


@pytest.mark.parametrize(
    ("lines", "status", "text"),
    [
        (["code = 9"], 9, "couldn't communicate with the NVIDIA driver"),
        (["code = 15"], 15, "GPU is lost"),
        (["code = 18"], 18, "Driver/library version mismatch"),
        (["code = 255"], 255, "Failed to initialize NVML: Unknown Error"),
        (["code = 6"], 6, "No devices were found"),
        (["code = 14"], 14, "</nvidia_smi_log>"),
        (["code = 3", 'message = "odd"'], 3, "odd"),
        (["delay_s = 0.1"], 0, "</nvidia_smi_log>"),
    ],
)
def test_nvidia_smi_that_fails(tmp_path: Path, lines: list[str], status: int, text: str) -> None:
    done = box(tmp_path, jank("smi_status", *lines)).run("nvidia-smi -q -x")
    assert (done.returncode, text in done.stdout) == (status, True)


def test_nvidia_smi_that_hangs(tmp_path: Path) -> None:
    machine = box(tmp_path / "a", jank("smi_status", "hang = true"))
    assert machine.run("timeout 0.5 nvidia-smi -L").returncode == 124
    deaf = box(tmp_path / "b", jank("smi_status", "hang = true", "ignores_term = true"))
    assert deaf.run("timeout -k 0.5 0.5 nvidia-smi -L").returncode in (137, -9)
    once = box(tmp_path / "c", jank("smi_status", "code = 255", "first = 1"))
    assert [once.run("nvidia-smi -L").returncode for _ in range(3)] == [255, 0, 0]


def test_every_type_that_is_rented_out_has_figures() -> None:
    hardware = gpu_hardware()
    rented = [gpu for gpu in gpu_types() if gpu.rentable("SECURE") and " MIG " not in gpu.id]
    assert [gpu.id for gpu in rented if not hardware.get(gpu.id, {}).get("memGbs")] == []
