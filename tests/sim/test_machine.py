"""What surrounds the GPUs: processors, memory, disks, network, kernel, environment; healthy, then broken."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import shutil
import socketserver
import threading
import time
from pathlib import Path

import pytest

from rp_sim.machine.rename import Renamed
from sim.box import box, is_root, jank, number

HOST = {"persistent": {"size": 50, "path": "/workspace"}}
FORM = "%{http_code} %{time_namelookup} %{time_total} %{size_download} %{speed_download}"
LARGE = "https://speed.example/__down?bytes=100000000"
SKEW = "echo $(($(date -u +%s) - $(python3 -c 'import time; print(int(time.time()))')))"
FETCH = """
import sys, time, urllib.request
began = time.monotonic()
body = urllib.request.urlopen(sys.argv[1], timeout=5).read()
print(len(body), round(time.monotonic() - began, 2))
"""


def test_a_container_has_the_quota_and_the_memory_that_were_promised(tmp_path: Path) -> None:
    machine = box(tmp_path, mounts=HOST)
    pod = machine.pod
    quota, period = machine.out("cat /sys/fs/cgroup/cpu.max").split()
    assert int(quota) / int(period) == pod.gpu.vcpu_per_gpu
    limit = int(machine.out("cat /sys/fs/cgroup/memory.max"))
    assert limit == pod.gpu.ram_per_gpu << 30
    assert int(machine.out("nproc")) == machine.out("cat /proc/cpuinfo").count("processor\t:")
    assert number(machine.out("cat /proc/meminfo"), r"MemTotal: *(\d+) kB") * 1024 > limit
    assert number(machine.out("df -Pk /dev/shm | tail -n 1"), r"shm +(\d+)") * 1024 == limit / 2
    assert number(machine.out("cat /proc/pressure/cpu"), r"some avg10=(\S+)") < 5


def test_cgroups_may_be_of_the_first_version(tmp_path: Path) -> None:
    machine = box(tmp_path, "[hosts]\ncgroup = 1")
    assert machine.run("cat /sys/fs/cgroup/cpu.max").returncode != 0
    quota, period = machine.out("cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us").split()
    assert int(quota) // int(period) == machine.pod.gpu.vcpu_per_gpu
    assert int(machine.out("cat /sys/fs/cgroup/memory/memory.limit_in_bytes")) == machine.pod.gpu.ram_per_gpu << 30


@pytest.mark.parametrize(
    ("rule", "command", "pattern", "low", "high"),
    [
        (jank("cpu_quota"), "cat /sys/fs/cgroup/cpu.max", r"^(\d+)", 100_000, 100_000),
        (jank("cpu_quota", "vcpus = 2.5"), "cat /sys/fs/cgroup/cpu.max", r"^(\d+)", 250_000, 250_000),
        (jank("cpu_busy"), "cat /proc/pressure/cpu", r"avg10=(\S+)", 50, 100),
        (jank("cpu_busy"), "cat /proc/loadavg", r"^(\S+)", 75, 400),
        (jank("ram_limit"), "cat /sys/fs/cgroup/memory.max", r"(\d+)", 2 << 30, 2 << 30),
        (jank("small_shm"), "df -Pk /dev/shm | tail -n 1", r"shm +(\d+)", 65536, 65536),
        (jank("disk_small", "gb = 5"), "df -Pk / | tail -n 1", r"overlay +(\d+)", 5 << 20, 5 << 20),
        (jank("disk_small"), "df -Pk / | tail -n 1", r"overlay +(\d+)", 10 << 20, 10 << 20),
        (jank("inodes_full"), "df -Pi / | tail -n 1", r"(\d+)%", 100, 100),
        (jank("disk_full"), "df -Pk / | tail -n 1", r"(\d+)%", 100, 100),
        (jank("pcie_errors"), "cat /sys/bus/pci/devices/*/aer_dev_fatal", r"TOTAL_ERR_FATAL (\d+)", 1, 1),
        (jank("clock_skew"), SKEW, r"(-?\d+)", 3590, 3601),
        (jank("clock_skew", "seconds = -90"), SKEW, r"(-?\d+)", -91, -80),
    ],
)  # fmt: skip
def test_a_machine_that_falls_short(  # noqa: PLR0913, RUF100  a table has columns
    tmp_path: Path, rule: str, command: str, pattern: str, low: float, high: float
) -> None:
    assert low <= number(box(tmp_path / "bad", rule).out(command), pattern) <= high
    assert not low <= number(box(tmp_path / "good").out(command), pattern) <= high


# -- disks ----------------------------------------------------------------------------------------------------


def test_df_tells_of_the_container_and_its_volume(tmp_path: Path) -> None:
    machine = box(tmp_path, mounts=HOST)
    rows = [line.split() for line in machine.out("df -Pk / /workspace /root /dev/shm").splitlines()]
    assert [row[0] for row in rows] == ["Filesystem", "overlay", "/dev/nvme1n1p1", "overlay", "shm"]
    assert [int(row[1]) for row in rows[1:3]] == [20 << 20, 50 << 20]
    assert machine.run("df -Pk /nowhere").returncode == 1
    assert "20G" in machine.out("df -h")
    mounts = machine.out("cat /proc/mounts")
    assert mounts.startswith("overlay / overlay rw,")
    assert f" {machine.folder.volume} ext4 rw," in mounts
    assert machine.out("grep -c ' /workspace ' /proc/mounts") == "1\n"


def test_dd_and_cmp_work_at_the_speed_of_the_scenario(tmp_path: Path) -> None:
    machine = box(tmp_path, mounts=HOST)
    script = "dd if=/dev/urandom of={0} bs=1M count=64 && dd if={0} of=copy bs=1M conv=fdatasync && cmp -s {0} copy"
    done = machine.run(script.format("block"))
    assert done.returncode == 0, done
    assert done.stderr.count("67108864 bytes (67 MB, 64 MiB) copied, 0.041944 s, 1.6 GB/s\n") == 2
    assert (machine.folder.home / "copy").stat().st_size == 64 << 20
    assert machine.run("cat block | dd of=piped ibs=65536 obs=1048576 && cat block | cmp -s - piped").returncode == 0
    assert machine.run("dd if=/dev/urandom of=other bs=1M count=64; cmp -s block other").returncode == 1
    small = machine.run("dd if=/dev/zero of=small bs=4k count=2; wc -c < small")
    assert small.stdout.strip() == "8192"


@pytest.mark.parametrize(
    ("lines", "place", "shown"),
    [
        (["disk_slow"], "/root", "67108864 bytes (67 MB, 64 MiB) copied, 22.369622 s, 3.0 MB/s"),
        (["disk_slow", "mbps = 80"], "/root", ", 80.0 MB/s"),
        (["disk_slow", 'form = "busybox"'], "/root", "67108864 bytes (64.0MB) copied, 22.369622 seconds, 2.8MB/s"),
        (["slow_volume", "mbps = 4.5"], "/workspace", ", 4.5 MB/s"),
        (["slow_volume"], "/root", ", 1.6 GB/s"),
        (["disk_full"], "/root", "No space left on device"),
        (["no_tmp"], "/root", "Read-only file system"),
        (["volume_read_only"], "/workspace", "Read-only file system"),
    ],
)
def test_a_disk_that_is_slow_or_takes_nothing(tmp_path: Path, lines: list[str], place: str, shown: str) -> None:
    machine = box(tmp_path, jank(*lines), mounts=HOST)
    assert shown in machine.run(f"dd if=/dev/zero of={place}/file bs=1M count=64").stderr


def test_a_disk_that_forgets(tmp_path: Path) -> None:
    machine = box(tmp_path, jank("corrupt_disk"))
    (machine.folder.home / "block").write_bytes(bytes(8 << 20))
    assert machine.run("dd if=block of=copy bs=1M").returncode == 0
    assert machine.run("cmp -s block copy").returncode == 1


def test_a_volume_that_is_not_there(tmp_path: Path) -> None:
    machine = box(tmp_path / "a", jank("volume_missing"), mounts=HOST)
    assert machine.run("grep ' /workspace ' /proc/mounts").returncode == 1
    assert machine.out("df -Pk /workspace | tail -n 1").startswith("overlay")
    assert box(tmp_path / "b", jank("volume_missing", "absent = true"), mounts=HOST).run("ls /workspace").returncode


def test_a_volume_that_takes_nothing(tmp_path: Path) -> None:
    machine = box(tmp_path, jank("volume_read_only"), mounts=HOST)
    assert machine.out("grep -c ' /workspace ext4 ro,' /proc/mounts") == "1\n"
    assert machine.run("echo x > /workspace/file").returncode != 0
    machine.folder.remove(machine.pod)
    assert not machine.folder.volume.exists()


def test_no_folder_can_be_made(tmp_path: Path) -> None:
    machine = box(tmp_path, jank("no_tmp"))
    for command in ("mktemp -d /dev/shm/x.XXXX", "mkdir /root/d", "touch /tmp/x"):
        done = machine.run(command)
        assert (done.returncode, "Read-only file system" in done.stderr) == (1, True)


# -- network --------------------------------------------------------------------------------------------------


def test_curl_answers_at_once_for_any_host(tmp_path: Path) -> None:
    machine = box(tmp_path)
    assert machine.out(f"curl -sS -o /dev/null --max-time 3 -w '{FORM}' '{LARGE}'").split() == [
        "200", "0.008000", "0.383000", "100000000", "312500000",
    ]  # fmt: skip
    ranged = machine.out("curl -gsSL -r 0-999 -o /dev/null -w '%{http_code} %{size_download}' https://x.example/f.bin")
    assert ranged == "206 1000"
    assert machine.out("curl -fsS https://x.example/install.sh") == "simulated\n"
    assert machine.out("wget -qO- https://x.example/") == "simulated\n"
    assert machine.out("wget -q -O - https://x.example/f.bin | head -c 3000000 | wc -c").strip() == "3000000"
    assert machine.out("getent hosts x.example").split() == ["198.51.100.7", "x.example"]


def test_python_finds_the_same_network(tmp_path: Path) -> None:
    machine = box(tmp_path, jank("slow_network", 'site = "slow.example"', "mbps = 80"))
    (machine.folder.home / "fetch.py").write_text(FETCH, encoding="utf-8")
    began = time.monotonic()
    size, seconds = machine.out("python3 fetch.py 'https://slow.example/?bytes=20000000'").split()
    assert time.monotonic() - began < 1.5
    assert (size, 2 <= float(seconds) < 3) == ("20000000", True)
    assert float(machine.out("python3 fetch.py 'https://fast.example/?bytes=20000000'").split()[1]) < 1


@pytest.mark.parametrize(
    ("rules", "command", "status", "text"),
    [
        (jank("slow_network", "mbps = 8"), f"curl -s -m 3 -o /dev/null -w '{FORM}' '{LARGE}'", 28, "1000000"),
        (jank("slow_network"), f"curl -s -o /dev/null -w '%{{speed_download}}' '{LARGE}'", 0, "125000"),
        (jank("slow_network", 'site = "*.org"'), f"curl -s -o /dev/null -w '{FORM}' '{LARGE}'", 0, "312500000"),
        (jank("slow_dns"), "curl -s -o /dev/null -w '%{time_namelookup}' https://x.example/", 0, "2.500000"),
        (jank("host_blocked", 'site = "*.co"'), "curl -s -o /dev/null -w '%{http_code}' https://hub.co/", 7, "000"),
        (jank("host_blocked", 'site = "*.co"'), "curl -s https://x.example/", 0, "simulated"),
        (jank("host_blocked"), "wget -qO- https://x.example/", 4, ""),
        (jank("host_blocked"), "echo 'import urllib.request as u; u.urlopen(\"https://x.y/\")' | python3 -", 1, ""),
        (jank("dns_broken"), "curl -s https://x.example/", 6, ""),
        (jank("dns_broken"), "wget -qO- https://x.example/", 4, ""),
        (jank("dns_broken"), "getent hosts x.example", 2, ""),
    ],
)
def test_a_network_that_is_slow_or_closed(tmp_path: Path, rules: str, command: str, status: int, text: str) -> None:
    done = box(tmp_path, rules).run(command)
    assert (done.returncode, text in done.stdout) == (status, True), done


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl on this machine")
def test_loopback_is_real(tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "file").write_text("real", encoding="utf-8")
    handler = functools.partial(Quiet, directory=str(tmp_path / "served"))
    with socketserver.TCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/file"
        machine = box(tmp_path, jank("slow_network"))
        (machine.folder.home / "fetch.py").write_text(FETCH, encoding="utf-8")
        assert machine.out(f"curl -s {url}") == "real"
        assert machine.out(f"python3 fetch.py {url}").startswith("4 ")
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


# -- the rest -------------------------------------------------------------------------------------------------


def test_the_kernel_log_is_closed_unless_the_scenario_opens_it(tmp_path: Path) -> None:
    done = box(tmp_path / "a").run("dmesg")
    assert (done.returncode, done.stderr) == (1, "dmesg: read kernel buffer failed: Operation not permitted\n")
    log = box(tmp_path / "b", jank("xid", "code = 79", "seconds = 600")).out("dmesg")
    assert "NVRM: Xid (PCI:0000:01:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus." in log
    uptime = float((tmp_path / "b" / "pods").glob("*/proc/uptime").__next__().read_text().split()[0])
    assert abs(uptime - number(log, r"\[ *(\S+)\] NVRM: Xid") - 600) < 1
    assert "Xid" not in box(tmp_path / "c", jank("xid")).out("dmesg")
    lost = box(tmp_path / "d", jank("gpu_lost_line")).out("dmesg")
    assert ("fallen off the bus" in lost, "Xid" in lost) == (True, False)
    own = box(tmp_path / "e", jank("xid", 'lines = ["mce: [Hardware Error]: CPU 1"]')).out("dmesg | tail -n 1")
    assert own.endswith("] mce: [Hardware Error]: CPU 1\n")


def test_programs_that_are_not_there(tmp_path: Path) -> None:
    machine = box(tmp_path, jank("no_tools", 'names = ["curl", "nvidia-smi", "python3"]'))
    for name in ("curl", "nvidia-smi", "python3"):
        assert machine.run(f"command -v {name}").returncode != 0
    assert machine.out("df -Pk / | tail -n 1 | cut -c 1-7") == "overlay\n"
    assert machine.out("wget -qO- https://x.example/") == "simulated\n"


def test_device_nodes(tmp_path: Path) -> None:
    machine = box(tmp_path / "a", gpu={"id": "NVIDIA L4", "count": 2})
    assert machine.out("ls /dev/nvidia[0-9]* | wc -l").strip() == "2"
    assert machine.out("cat /proc/driver/nvidia/gpus/*/information").count("NVIDIA L4") == 2
    assert machine.out('ls "$RP_ROOT"/sys/bus/pci/devices').split() == ["0000:01:00.0", "0000:02:00.0"]
    assert box(tmp_path / "b", jank("no_device_nodes")).run("ls /dev/nvidia*").returncode != 0


def test_torch_is_what_the_image_has_of_it(tmp_path: Path) -> None:
    ask = 'python3 -c "import torch; print(torch.cuda.is_available(), torch.cuda.device_count())"'
    assert "No module named 'torch'" in box(tmp_path / "a").run(ask).stderr
    image = '[images."*"]\ntorch = true'
    assert box(tmp_path / "b", image).out(ask) == "True 1\n"
    assert box(tmp_path / "c", image, jank("torch", 'fault = "no_gpu"')).out(ask) == "False 0\n"
    probe = "echo 'import torch  # digests_equal' | python3 -"
    assert '"status": "ok"' in box(tmp_path / "d", image).out(probe)
    assert "no kernel image" in box(tmp_path / "e", image, jank("torch", 'fault = "no_kernel"')).run(probe).stdout


def test_torch_finds_the_machine_that_cuda_finds(tmp_path: Path) -> None:
    image = '[images."*"]\ntorch = true'
    two = {"id": "NVIDIA H100 80GB HBM3", "count": 2}
    rules = (
        jank("torch", 'fault = "slow"', "only = [1]"),
        jank("cuda", 'fault = "slow_copy"', "only = [0]"),
        jank("nvlink_down", "count = 9"),
    )
    probe = "echo 'import torch  # digests_equal' | python3 -"
    whole = json.loads(box(tmp_path / "a", image, gpu=two).out(probe))
    found = json.loads(box(tmp_path / "b", image, *rules, gpu=two).out(probe))
    assert [gpu["h2d_gbs"] for gpu in found["gpus"]] == [1.2, whole["gpus"][1]["h2d_gbs"]]
    assert found["gpus"][1]["bf16_tflops"] < found["gpus"][0]["bf16_tflops"] / 2
    assert found["p2p_gbs"]["0>1"] == pytest.approx(whole["p2p_gbs"]["0>1"] / 2, abs=0.1)


def test_an_amd_pod_has_rocm(tmp_path: Path) -> None:
    machine = box(tmp_path, gpu={"id": "AMD Instinct MI300X OAM", "count": 1})
    assert "AMD Instinct MI300X OAM" in machine.out("rocm-smi --showproductname --json")
    assert machine.run("command -v nvidia-smi").stdout.count(str(machine.folder.root)) == 0


def test_what_is_translated_and_what_is_not(tmp_path: Path) -> None:
    folder = box(tmp_path, mounts=HOST).folder
    root = str(folder.root)
    for text, wanted in {
        "cat /proc/mounts": f"cat {root}/proc/mounts",
        "cd /root": f"cd {root}/root",
        'cp "/root/a" b': f'cp "{root}/root/a" b',
        "ls /dev/nvidia0 /dev/nvidia*": f"ls {root}/dev/nvidia0 {root}/dev/nvidia*",
        "for d in ${T:-/dev/shm /tmp}": f"for d in ${{T:-{root}/dev/shm /tmp}}",
        "cd /workspace/x": f"cd {folder.volume}/x",
    }.items():
        assert folder.localize(text) == wanted
        assert folder.localize(wanted) == wanted
    for same in ("$RP_ROOT/proc/mounts", '"$RP_ROOT"/dev/nvidia*', "${HOME}/root", "/proc/uptime", "/proc/net/tcp",
                 "https://x/root", "/opt/root", "/rootless", "/dev/null"):  # fmt: skip
        assert folder.localize(same) == same


def test_output_gets_its_names_back_also_in_pieces() -> None:
    channel = Written()
    renamed = Renamed(channel, {"/tmp/sim/pods/a": "", "/tmp/sim/volumes/a": "/workspace"})
    text = b"x /tmp/sim/pods/a/dev/nvidia0 /tmp/sim/volumes/a/f /tmp/sim/other\xff/tmp/sim"
    for byte in range(len(text)):
        renamed.write(text[byte : byte + 1])
    renamed.flush()
    assert channel.text == b"x /dev/nvidia0 /workspace/f /tmp/sim/other\xff/tmp/sim"
    renamed.write(hashlib.sha256(text).digest() * 1000)
    assert len(channel.text) - 61 >= 31_900


class Written:
    def __init__(self) -> None:
        self.text = b""

    def write(self, data: bytes, datatype: int | None = None) -> None:
        self.text += data

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def test_the_volume_of_a_user_who_is_not_root_is_closed_for_real(tmp_path: Path) -> None:
    folder = box(tmp_path, jank("volume_read_only"), mounts=HOST).folder
    assert folder.volume.stat().st_mode & 0o777 == 0o555
    if is_root():
        assert folder.localize("/workspace") != str(folder.volume)
