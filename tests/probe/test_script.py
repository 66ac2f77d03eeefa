"""What is sent: complete, quoted, and no more than a level needs."""

import ast
import itertools
import shutil
import subprocess
import sys

import pytest

from probe.pod import SHELLS
from rp.domain.verdict import BASIC, DEEP, PASSIVE, STANDARD
from rp.health.asked import Asked
from rp.health.script import parts_of, probe_script, program, time_limit

PROGRAMS = (("lock.py", "driver.py", "gpu.py", "cuda.py"), ("lock.py", "torch_probe.py"))
LEVELS = (PASSIVE, BASIC, STANDARD, DEEP)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("level", LEVELS)
def test_every_shell_can_read_it(shell: str, level: str) -> None:
    words = SHELLS[shell]
    if shutil.which(words[0]) is None:
        pytest.skip(f"no {shell} here")
    done = subprocess.run([*words, "-n"], input=probe_script(level, Asked()), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_each_level_holds_the_parts_of_those_before_it() -> None:
    for lower, upper in itertools.pairwise(LEVELS):
        assert parts_of(upper)[: len(parts_of(lower))] == parts_of(lower)
        assert time_limit(upper) >= time_limit(lower)
    assert not {"cuda", "torch", "disk", "dl_1"} & set(parts_of(PASSIVE))


def test_programs_that_a_level_does_not_run_are_not_sent() -> None:
    passive, basic, standard = (probe_script(level, Asked()) for level in (PASSIVE, BASIC, STANDARD))
    assert b"libcuda" not in passive.replace(b"libcuda.so*", b"")
    assert b"rp_burn" in basic
    assert b"import torch" not in basic
    assert b"import torch" in standard
    assert b"rp_burn" not in probe_script(STANDARD, Asked(), parts=("smi",))


@pytest.mark.parametrize("level", LEVELS)
def test_a_script_that_did_not_arrive_whole_does_nothing(level: str) -> None:
    script = probe_script(level, Asked())
    for share in (0.3, 0.9, 0.999):
        done = subprocess.run(["sh", "-s"], input=script[: int(len(script) * share)], capture_output=True, check=False)
        assert done.stdout == b""


def test_what_a_template_says_is_quoted() -> None:
    nasty = "/work space/'; echo owned; '$(echo owned)`echo owned`"
    asked = Asked(volume_path=nasty, speed_test_url="https://x/'$(echo owned)", env=("A",), ports=(8888,))
    script = probe_script(PASSIVE, asked, parts=("asked",))
    done = subprocess.run(["sh", "-s"], input=script, capture_output=True, text=False, check=True)
    assert f"mount={nasty} absent".encode() in done.stdout
    assert b"\n owned" not in done.stdout


def test_an_unknown_level_is_an_error() -> None:
    with pytest.raises(ValueError, match="no script"):
        probe_script("off", Asked())


@pytest.mark.parametrize("files", [("fetch.py",), *PROGRAMS], ids=lambda files: files[-1])
def test_the_programs_are_whole_and_run_on_old_pythons(files: tuple[str, ...]) -> None:
    source = program(*files)
    tree = ast.parse(source, feature_version=(3, 7))
    modules = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    modules |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in modules if name.startswith("rp")}
    assert {name.split(".")[0] for name in modules} <= {*sys.stdlib_module_names, "torch"}
    compile(source, "program", "exec")


def test_no_argument_is_too_long_for_the_kernel() -> None:
    """Each program travels as one argument or variable, of which Linux takes 128 KiB."""
    assert len(probe_script(DEEP, Asked())) < 128 << 10
