"""The kernels, translated by NVIDIA's own assembler for every architecture that it knows."""

import re
import shutil
import struct
import subprocess
from importlib import resources
from pathlib import Path

import pytest

PTXAS = shutil.which("ptxas")
ARCHITECTURES = ("50", "60", "70", "75", "80", "86", "89", "90", "100", "103", "120")
PTX = resources.files("rp.health").joinpath("probe", "kernels.ptx").read_text()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_translates(architecture: str, tmp_path: Path) -> None:
    if PTXAS is None:
        pytest.skip("no ptxas here")
    (tmp_path / "kernels.ptx").write_text(PTX)
    command = [PTXAS, "-v", f"-arch=sm_{architecture}", "kernels.ptx", "-o", "out.cubin"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    if "is not defined for option 'gpu-name'" in done.stderr:
        pytest.skip(f"this ptxas does not know sm_{architecture}")
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    # 64 would halve how many threads a multiprocessor holds.
    assert all(int(number) < 64 for number in re.findall(r"Used (\d+) registers", done.stderr))
    assert len(re.findall("Compiling entry function", done.stderr)) == 3


def test_what_others_rely_on() -> None:
    assert re.findall(r"\.entry (\w+)\((.*)\)", PTX) == [
        ("rp_fill", ".param .u64 ptr, .param .u64 n16, .param .u32 seed_of"),
        ("rp_check", ".param .u64 ptr, .param .u64 n16, .param .u32 seed_of, .param .u64 err"),
        ("rp_burn", ".param .u64 out, .param .u64 times, .param .u32 iters"),
    ]
    assert PTX.count(".maxntid 256, 1, 1") == 3


def single(value: float) -> float:
    return float(struct.unpack("f", struct.pack("f", value))[0])


def test_the_chains_stay_finite_and_notice_a_wrong_bit() -> None:
    """The step of rp_burn in 32-bit arithmetic; the square of a float is exact in Python's."""
    (shift,) = struct.unpack("f", bytes.fromhex(re.findall(r"mov\.f32 %c, 0f(\w{8});", PTX)[0])[::-1])

    def walk(value: float, steps: int) -> float:
        for _ in range(steps):
            value = single(value * value + shift)
            assert abs(value) < 2
        return value

    noticed = []
    for bit in range(6, 23):
        middle = walk(bit / 32, 500)
        (bits,) = struct.unpack("I", struct.pack("f", middle))
        (wrong,) = struct.unpack("f", struct.pack("I", bits ^ 1 << bit))
        noticed.append(walk(middle, 3000) != walk(wrong, 3000))
    # Near 0, where the map is flat, the last bits of a number do not count.
    assert sum(noticed) >= len(noticed) - 1
