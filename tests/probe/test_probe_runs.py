"""The script, run for real in each shell: what it prints, and that it leaves nothing behind."""

import os
import re
from pathlib import Path

import pytest

from probe.pod import TWO_GPUS, Pod
from rp.health.asked import Asked
from rp.health.script import probe_script

PASSIVE = ("sys", "asked", "dev", "smi", "kmsg", "space")
LISTENING = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
"""


def test_passive(any_shell: Pod) -> None:
    any_shell.add_smi()
    found = any_shell.run()
    assert set(found) == {"probe", *PASSIVE, "end"}
    assert all(section.status == "0" for section in found.values())
    assert found["smi"].lines[0] == "<nvidia_smi_log>"
    assert found["probe"].pairs["level"] == "passive"
    assert found["probe"].pairs["v"] == "1"
    assert Path(found["probe"].pairs["sh"].split()[0]).name == Path(os.path.realpath(any_shell.shell[0])).name
    facts = found["sys"].pairs
    assert {"now", "uid", "nproc", "nofile"} <= set(facts)
    assert facts["uid"] == str(os.getuid())
    assert any_shell.smi_calls() == ["-q -x"]


def test_basic_without_tools(any_shell: Pod) -> None:
    found = any_shell.run("basic", parts=("sys", "cuda", "disk", "net_hub", "dl_1", "dl_2", "smi2"))
    assert found["cuda"].status == "127"
    assert found["cuda"].lines == ["no python3 of 3.7 or later"]
    assert found["net_hub"].lines[0] == "via=none"
    assert "smi2" not in found
    assert "dl_2" in found
    assert re.fullmatch(r"\d+ bytes .*copied, [0-9.e-]+ s.*", found["disk"].lines[0].removeprefix("root_write: "))
    assert "root_cmp=same" in found["disk"].lines


def test_basic_with_curl(any_shell: Pod) -> None:
    """A quick first source spares the second one; nobody is asked for a package index that is not set."""
    log = any_shell.root / "curl.log"
    any_shell.add("curl", f'echo "$*" >>{log}\necho "via=curl code=206 total=0.5 bytes=99 bps=50000000"')
    any_shell.add_smi()
    found = any_shell.run("basic", parts=("net_hub", "net_code", "net_index", "dl_own", "dl_1", "dl_2"))
    assert set(found) == {"probe", "net_hub", "net_code", "dl_1", "end"}
    assert found["net_hub"].lines == ["via=curl code=206 total=0.5 bytes=99 bps=50000000"]
    assert sorted(re.findall(r"https://([a-z.]+)/", log.read_text())) == [
        *("github.com", "huggingface.co", "speed.cloudflare.com")
    ]


@pytest.mark.parametrize(("status", "bps"), [(0, 1_000_000), (28, 1_000_000), (7, 0)])
def test_a_slow_first_source_is_not_believed_alone(pod: Pod, status: int, bps: int) -> None:
    pod.add("curl", f'echo "via=curl code=200 total=3.0 bytes=1 bps={bps}"\nexit {status}')
    found = pod.run("basic", parts=("dl_1", "dl_2"))
    assert found["dl_1"].status == found["dl_2"].status == str(status)


def test_the_index_is_asked_without_its_password(pod: Pod) -> None:
    pod.env["PIP_INDEX_URL"] = "https://user:hunter2@packages.example.org:8443/simple?token=hunter3"
    log = pod.root / "curl.log"
    pod.add("curl", f'echo "$*" >>{log}\necho "via=curl code=200"')
    found = pod.run("basic", parts=("net_index",))
    assert found["net_index"].status == "0"
    assert "https://packages.example.org:8443/" in log.read_text()
    assert "hunter" not in log.read_text()


def test_env_values_stay_where_they_are(any_shell: Pod) -> None:
    any_shell.env |= {"HF_TOKEN": "hunter2\nRUNPOD_POD_ID=hunter3", "NCCL_DEBUG": "INFO", "CUDA_VERSION": "12.8.1"}
    (any_shell.root / "proc" / "1" / "environ").write_bytes(
        b"WANDB_API_KEY=hunter4\nCUDA_VISIBLE_DEVICES=hunter5\0RUNPOD_DC_ID=EU-RO-1\0CUDA_VERSION=11.8.0\0GONE=1\0"
    )
    (any_shell.root / "etc" / "rp_environment").write_text('export WRITTEN="hunter6"\nexport RUNPOD_GPU_COUNT="2"\n')
    asked = Asked(env=("HF_TOKEN", "WANDB_API_KEY", "WRITTEN", "MISSING", "$(echo x)"))
    found = any_shell.run("passive", asked, parts=("sys", "asked"))
    assert "hunter" not in str(found)
    facts = found["sys"].pairs
    assert facts["NCCL_DEBUG"] == "INFO"
    assert facts["RUNPOD_DC_ID"] == "EU-RO-1"
    assert facts["RUNPOD_GPU_COUNT"] == "2"
    # What a login has counts more than what the container had: programs started over SSH see it.
    assert facts["CUDA_VERSION"] == "12.8.1"
    assert found["asked"].lines == [
        *("env_present=HF_TOKEN", "env_present=WANDB_API_KEY", "env_present=WRITTEN", "env_absent=MISSING")
    ]


def test_an_environment_that_cannot_be_read_is_not_an_empty_one(pod: Pod) -> None:
    assert pod.run("passive", Asked(env=("MISSING",)), parts=("asked",))["asked"].lines == ["env_unknown=MISSING"]


def test_ports(any_shell: Pod) -> None:
    asked = Asked(ports=(22, 8080, 8888))
    assert any_shell.run("passive", asked, parts=("asked",))["asked"].lines[0] == "listen=22 unknown"
    (any_shell.root / "proc" / "net").mkdir()
    (any_shell.root / "proc" / "net" / "tcp").write_text(LISTENING)
    found = any_shell.run("passive", asked, parts=("asked",))
    assert found["asked"].lines == ["listen=22 yes", "listen=8080 no", "listen=8888 no"]


def test_the_volume(any_shell: Pod) -> None:
    volume = any_shell.root / "my volume"
    asked = Asked(volume_path=str(volume))
    found = any_shell.run("basic", asked, parts=("asked",))
    assert found["asked"].lines == [f"mount={volume} absent", "mount_write=skipped"]
    volume.mkdir()
    found = any_shell.run("basic", asked, parts=("asked",))
    assert found["asked"].lines == [f"mount={volume} not-a-mount", "mount_write=skipped"]
    escaped = str(volume).replace(" ", "\\040")
    (any_shell.root / "proc" / "mounts").write_text(f"a / overlay rw 0 0\nfuse {escaped} fuse rw,nosuid 0 0\n")
    found = any_shell.run("basic", asked, parts=("asked", "disk", "space"))
    assert found["asked"].lines == [f"mount={volume} mounted", "mount_options=rw,nosuid", "mount_write=ok"]
    assert "mount_cmp=same" in found["disk"].lines
    blocks, inodes, mounts = "\n".join(found["space"].lines).split("\n\n")
    assert blocks.startswith("Filesystem")
    assert inodes.startswith("Filesystem")
    assert len(blocks.splitlines()) == len(inodes.splitlines()) >= 3
    assert f"fuse {escaped} fuse rw,nosuid 0 0" in mounts
    assert list(volume.iterdir()) == []


def test_a_volume_that_takes_nothing(pod: Pod) -> None:
    asked = Asked(volume_path="/proc")
    (pod.root / "proc" / "mounts").write_text("proc /proc proc ro 0 0\n")
    found = pod.run("basic", asked, parts=("asked", "disk"))
    assert found["asked"].pairs["mount_write"].startswith("FAILED ")
    assert any(line.startswith("mount_write: FAILED ") for line in found["disk"].lines)


def test_links_are_asked_for_where_there_are_some(pod: Pod) -> None:
    pod.add_smi(TWO_GPUS)
    found = pod.run()
    assert found["nvlink"].lines == ["nvlink -s", "topo -m"]


def test_an_nvidia_smi_that_fails_is_asked_for_a_list(pod: Pod) -> None:
    pod.add("nvidia-smi", 'echo "Driver/library version mismatch ($*)"\nexit 18')
    found = pod.run("passive", parts=("smi", "nvlink"))
    assert found["smi"].status == "18"
    assert found["smi"].lines[1:] == ["smi_rc=18", "Driver/library version mismatch (-L)"]
    assert "nvlink" not in found


def test_no_clock_but_date_and_no_short_sleep(pod: Pod) -> None:
    """As in a busybox without these options."""
    pod.drop("date", "sleep", "setsid")
    pod.add("date", 'case $* in *%N*) echo "1700000000N" ;; *) exec /bin/date "$@" ;; esac')
    pod.add("sleep", 'case $1 in *.*) echo "invalid number" >&2; exit 1 ;; esac\nexec /bin/sleep "$1"')
    assert set(pod.run("passive", parts=("sys", "space"))) == {"probe", "sys", "space", "end"}


def test_long_answers_are_cut(pod: Pod) -> None:
    pod.add("nvidia-smi", "head -c 9000 /dev/zero | tr '\\0' x; echo\nwhile :; do echo 0123456789abcdef; done")
    found = pod.run("passive", parts=("smi",), limit=20)
    assert len(found["smi"].lines[0]) == 4000
    assert sum(len(line) + 1 for line in found["smi"].lines) <= 256 << 10
    assert found["smi"].status != "0"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_as_a_plain_user(pod: Pod) -> None:
    for place in (pod.root, *pod.root.parents):
        if place.stat().st_uid == 0 and place != Path("/") and place.is_relative_to("/tmp/pytest-of-root"):
            place.chmod(0o755)
    for place in (pod.tmp, pod.home):
        os.chown(place, 65534, 65534)
    script = probe_script("basic", Asked(), parts=("sys", "asked", "dev", "smi", "kmsg", "space", "disk"))
    become = ("/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    if not Path(become[0]).exists():
        pytest.skip("no setpriv here")
    process = pod.start(script, before=become)
    output = process.communicate(timeout=60)[0].decode()
    assert " uid=65534\n" in output
    assert " root_cmp=same\n" in output
    assert "@@ end 0 " in output
    pod.assert_clean()
