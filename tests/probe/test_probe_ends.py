"""It ends in time and leaves nothing behind, whatever hangs and however it is ended."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from probe.pod import ONE_GPU, Pod, sections
from rp.health.asked import Asked
from rp.health.script import probe_script

DEAF = "trap '' TERM HUP INT PIPE\nwhile :; do sleep 600; done"
HANGS = {
    "a program that ignores signals": DEAF,
    "a session of its own, parent waiting": f'setsid sh -c "{DEAF}" & wait',
    "children of children": f"sh -c 'sh -c \"{DEAF}\" & wait' & wait",
}


def until(what: object, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:  # type: ignore[operator]
        time.sleep(0.02)
    assert what()  # type: ignore[operator]


@pytest.mark.parametrize("hang", HANGS.values(), ids=HANGS.keys())
def test_what_hangs_is_not_waited_for(pod: Pod, hang: str) -> None:
    pod.add("nvidia-smi", f"echo beginning\n{hang}")
    began = time.monotonic()
    found = pod.run("passive", parts=("sys", "smi", "nvlink", "space"), limit=2)
    assert found["smi"].status == "timeout"
    assert found["smi"].lines == ["beginning"]
    assert found["sys"].status == found["space"].status == "0"
    assert "nvlink" not in found
    assert time.monotonic() - began < 20


def test_without_setsid_too(any_shell: Pod) -> None:
    any_shell.drop("setsid")
    any_shell.add("nvidia-smi", DEAF)
    assert any_shell.run("passive", parts=("smi",), limit=2)["smi"].status == "timeout"


def test_the_gpus_are_left_alone_until_they_were_looked_at(pod: Pod) -> None:
    """A hanging nvidia-smi holds the CUDA part up for a while, not for ever."""
    pod.add("nvidia-smi", DEAF)
    found = pod.run("basic", parts=("smi", "cuda", "smi2"), limit=3)
    assert [name for name in found if name != "alive"] == ["probe", "cuda", "smi", "end"]
    assert found["cuda"].status == "127"


def begun(pod: Pod) -> subprocess.Popen[bytes]:
    pod.link("touch")
    pod.add("nvidia-smi", f"touch {pod.root}/began\n{DEAF}")
    process = pod.start(probe_script("deep", Asked(), parts=("smi", "sys")))
    until((pod.root / "began").exists)
    return process


def assert_ends_by(pod: Pod, ending: signal.Signals) -> None:
    process = begun(pod)
    process.send_signal(ending)
    assert process.wait(20) == 128 + ending
    process.communicate()
    pod.assert_clean()


def test_ended_by_a_signal(any_shell: Pod) -> None:
    assert_ends_by(any_shell, signal.SIGTERM)


@pytest.mark.parametrize("ending", [signal.SIGHUP, signal.SIGINT])
def test_ended_by_another_signal(pod: Pod, ending: signal.Signals) -> None:
    assert_ends_by(pod, ending)


def test_ended_because_nobody_listens_any_more(any_shell: Pod) -> None:
    """So a lost connection looks from inside: sshd closes its end of both pipes."""
    process = begun(any_shell)
    assert process.stdin
    assert process.stdout
    process.stdin.close()
    process.stdout.close()
    process.wait(20)
    any_shell.assert_clean()


def test_signals_that_are_ignored_from_the_start(pod: Pod) -> None:
    """A shell cannot trap those: what a write says must do."""
    pod.add("nvidia-smi", DEAF)
    process = pod.start(probe_script("deep", Asked(), parts=("smi",)), before=("/usr/bin/env", "--ignore-signal=PIPE"))
    assert process.stdout
    assert process.stdin
    process.stdout.read(20)
    process.stdout.close()
    process.wait(20)
    process.stdin.close()
    pod.assert_clean()


def test_no_room_anywhere(any_shell: Pod) -> None:
    any_shell.env["RP_TMP"] = "/proc /sys /nowhere"
    process = any_shell.start(probe_script("passive", Asked()))
    output = process.communicate(timeout=30)[0].decode()
    found = sections(output)
    assert list(found) == ["fatal"]
    assert found["fatal"].status == "1"
    assert "no folder can be written to" in found["fatal"].lines[0]
    assert process.returncode == 1
    any_shell.assert_clean()


def test_a_full_disk_is_passed_over(any_shell: Pod, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    inner = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(full)]
    if subprocess.run(["unshare", "-rm", *inner], capture_output=True, check=False).returncode:
        pytest.skip("no mounts here")
    any_shell.env["RP_TMP"] = f"{full} {any_shell.tmp}"
    enter = (
        "/usr/bin/unshare",
        "-rm",
        "/bin/sh",
        "-c",
        '/bin/mount -t tmpfs -o size=64k none "$0" && exec "$@"',
        str(full),
    )
    found = any_shell.run("passive", parts=("sys", "space"), before=enter)
    assert found["sys"].status == "0"
    assert found["probe"].pairs["tmp"].startswith(str(any_shell.tmp))


def test_a_greeting_does_not_run_into_the_stream(any_shell: Pod) -> None:
    greeting = ("/bin/sh", "-c", 'printf "Welcome to your pod!"; exec "$@"', "greeting")
    process = any_shell.start(probe_script("passive", Asked(), parts=("sys",)), before=greeting)
    lines = process.communicate(timeout=30)[0].decode().splitlines()
    assert lines[0] == "Welcome to your pod!"
    assert lines[1].startswith("@@ probe 0 ")


def test_what_is_done_is_passed_on_at_once(pod: Pod) -> None:
    """A connection that breaks leaves what was known until then."""
    pod.add("nvidia-smi", DEAF)
    process = pod.start(probe_script("passive", Asked(), parts=("sys", "smi"), limit=60))
    assert process.stdout
    seen = b""
    while b"@@ sys 0 " not in seen:
        seen += process.stdout.readline()
    process.terminate()
    process.communicate(timeout=20)
    pod.assert_clean()


def test_a_later_look_at_the_counters(pod: Pod) -> None:
    pod.add_smi(ONE_GPU)
    pod.add("python3", 'case $* in *-c*) exit 0 ;; esac\ncat >/dev/null\necho "{}"')
    found = pod.run("basic", parts=("smi", "cuda", "smi2"))
    assert list(found) == ["probe", "smi", "cuda", "smi2", "end"]
    assert pod.smi_calls() == ["-q -x", "-q -x"]


def test_other_processes_live_on(pod: Pod) -> None:
    """Nothing is ended but what the probe has started."""
    other = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        pod.add("nvidia-smi", DEAF)
        pod.run("passive", parts=("smi",), limit=2)
        assert other.poll() is None
        os.kill(other.pid, 0)
    finally:
        other.kill()
        other.wait()
