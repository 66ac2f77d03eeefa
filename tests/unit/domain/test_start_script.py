import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given

from rp.domain import start_script
from unit.samples import texts


@given(texts)
def test_any_script_survives_the_argument_string(script: str) -> None:
    args = start_script.to_args(script)

    assert start_script.from_args(args) == (script or None)


@given(texts)
def test_args_of_others_are_left_alone(args: str) -> None:
    assert start_script.from_args(args) is None


@pytest.mark.parametrize("args", ["", "bash -c 'echo x'", "bash -c a b", "bash -c 'unclosed", "sleep infinity"])
def test_what_to_args_did_not_make_is_no_script(args: str) -> None:
    assert start_script.from_args(args) is None


def test_no_script_needs_no_args() -> None:
    assert start_script.to_args("") == ""


def _run(script: str, home: Path, end: str) -> str:
    """Run the args as a container would, until the output has `end`; everything printed until then."""
    home.mkdir(exist_ok=True)
    process = subprocess.Popen(
        shlex.split(start_script.to_args(script)),
        env={"HOME": str(home), "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    seen = ""
    try:
        deadline = time.monotonic() + 20
        while end not in seen and time.monotonic() < deadline:
            line = process.stdout.readline()
            assert line, f"ended too early: {seen}"
            seen += line
        # A container whose command ends is started again and again.
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.2)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    return seen


def test_the_script_runs_and_the_container_stays(tmp_path: Path) -> None:
    assert _run('#!/bin/bash\necho "it\'s $0 in" \'a "quoted"\' $HOME\necho end', tmp_path, "end\n") == (
        f'it\'s {tmp_path}/.rp-start in a "quoted" {tmp_path}\nend\n'
    )


def test_the_script_may_name_its_interpreter(tmp_path: Path) -> None:
    assert _run("#!/usr/bin/env python3\nprint('python', flush=True)", tmp_path, "\n") == "python\n"


def test_a_script_without_a_first_line_runs_too(tmp_path: Path) -> None:
    assert _run("echo plain\n", tmp_path, "\n") == "plain\n"


def test_a_script_that_fails_is_told_of_and_the_container_stays(tmp_path: Path) -> None:
    seen = _run("#!/bin/bash\necho before\nexit 7\n", tmp_path, "status")

    assert seen == "before\nrp: the start script failed with status 7\n"


def test_the_script_is_nobody_elses_to_read(tmp_path: Path) -> None:
    _run("echo x\n", tmp_path, "x\n")

    assert (tmp_path / ".rp-start").stat().st_mode & 0o777 == 0o700
