"""What may be wrong around the GPUs."""

from __future__ import annotations

from dataclasses import replace

from health import pods
from health.breaking import (
    DEAD,
    FAIL,
    IMAGE,
    SPEED,
    VOLUME,
    WARN,
    Broken,
    asked,
    downloads,
    facts,
    printed,
    space,
)
from health.pods import Pod

MACHINES = [
    Broken("probe.answer", WARN, Pod(is_complete=False)),
    Broken("fs.tmp", FAIL, Pod(sections={"fatal": ("1", 0, "no folder can be written to")})),
    facts("cpu.quota", WARN, cg2_cpu_max="190000 100000"),
    facts("cpu.quota", FAIL, cg2_cpu_max="90000 100000"),
    Broken("cpu.quota", FAIL, Pod(facts={"cg2_cpu_max": "", "cg1_quota": "50000", "cg1_period": "100000"})),
    facts("cpu.promised", WARN, RUNPOD_CPU_COUNT="20"),
    facts("cpu.pressure", WARN, psi_cpu="some avg10=50.00 avg60=9"),
    facts("cpu.pressure", WARN, loadavg="400.0 1 1 1/1 1", psi_cpu=""),
    facts("ram.limit", FAIL, cg2_mem_max="3900000000", also=("ram.vram",)),
    facts("ram.promised", WARN, RUNPOD_MEM_GB="200"),
    facts("ram.vram", WARN, cg2_mem_max="80000000000"),
    facts("limits", WARN, nofile="1000"),
    facts("clock", WARN, now=str(int(pods.AT) + 40)),
    facts("clock", FAIL, now=str(int(pods.AT) - 310)),
    printed("kmsg", WARN, "kmsg", "0", "[863990.1] EXT4-fs error (device sda1): bad block"),
    printed("kmsg", WARN, "kmsg", "0", "[863990.1] Out of memory: Killed process 12 (python)"),
    space("shm", WARN, "shm               62914560         0  62914560", "shm 65536 0 65536"),
    space("shm", FAIL, "shm               62914560         0  62914560", "shm 65536 0 65536", gpus=8),
    space("disk.size", WARN, "52428800   1048576  51380224       2% /\n", "41943040 1048576 40894464 3% /\n"),
    space("disk.free", WARN, "51380224       2% /\n", "4194304 92% /\n"),
    Broken("disk.full", FAIL, space("", WARN, "51380224       2% /\n", "524288 99% /\n").pod, also=("disk.free",)),
    space("disk.inodes", WARN, "26161972    1% /\n", "1000 99% /\n"),
    printed("disk.write", WARN, "disk", "0", "root_write: 8388608 bytes (8.4 MB) copied, 0.2 s, 42 MB/s"),
    printed("disk.write", FAIL, "disk", "0", "root_write: 8388608 bytes (8.0MB) copied, 2.1 seconds, 3.8MB/s"),
    printed("disk.write", FAIL, "disk", "0", "root_write: FAILED Input/output error"),
    printed("disk.read", WARN, "disk", "0", pods.DISK.replace("0.0298", "1.2")),
    printed("disk.cmp", FAIL, "disk", "0", pods.DISK.replace("same", "DIFFERENT")),
    Broken("disk.files", WARN, Pod(level="standard", sections={"disk": ("0", 9, pods.DISK + "\nfiles_ms=21000")})),
    Broken(
        "volume.write",
        WARN,
        Pod(sections={"disk": ("0", 9, pods.DISK + "\nmount_write: 67108864 bytes (67 MB) copied, 4.2 s, 16 MB/s")}),
    ),
    Broken(
        "volume.write", FAIL, Pod(sections={"disk": ("0", 9, pods.DISK + "\nmount_write: FAILED Input/output error")})
    ),
    Broken(
        "volume.write",
        FAIL,
        Pod(sections={"disk": ("0", 9, pods.DISK + "\nmount_write: FAILED Disk quota exceeded")}),
        IMAGE,
    ),
    space("volume.size", WARN, "2147483648", "1000000000", what=VOLUME),
    asked("volume.mounted", FAIL, VOLUME, "mount=/workspace absent\nmount_write=skipped"),
    asked("volume.mounted", FAIL, VOLUME, "mount=/workspace not-a-mount\nmount_write=skipped"),
    asked("volume.writable", FAIL, VOLUME, "mount=/workspace mounted\nmount_options=ro,relatime\nmount_write=FAILED"),
    asked("volume.writable", FAIL, VOLUME, "mount=/workspace mounted\nmount_options=rw\nmount_write=FAILED I/O error"),
    asked(
        "volume.writable",
        FAIL,
        VOLUME,
        "mount=/workspace mounted\nmount_options=rw\nmount_write=FAILED No space left",
        IMAGE,
    ),
    asked("asked.env", FAIL, replace(Pod().asked, env=("A", "B")), "env_present=A\nenv_absent=B", IMAGE),
    asked("asked.port", WARN, replace(Pod().asked, ports=(8888, 8000)), "listen=8888 yes\nlisten=8000 no", IMAGE),
    Broken("driver.cuda_floor", FAIL, Pod(cuda="12.4", asked=replace(Pod().asked, min_cuda="12.8"))),
    Broken("driver.image_cuda", WARN, Pod(cuda="12.4", facts={"CUDA_VERSION": "12.8.1"})),
    Broken("driver.image_cuda", FAIL, Pod(cuda="12.8", facts={"CUDA_VERSION": "13.0.0"}), says="minCudaVersion"),
    facts("env", WARN, owner=IMAGE, LD_LIBRARY_PATH="/usr/local/cuda/compat:/usr/lib"),
    facts("env", WARN, owner=IMAGE, CUDA_INJECTION64_PATH="/opt/tool.so"),
    facts("env", WARN, owner=IMAGE, CUDA_VISIBLE_DEVICES=""),
    facts("env", WARN, owner=IMAGE, CUDA_VISIBLE_DEVICES="1"),
    facts("env", WARN, owner=IMAGE, CUDA_VISIBLE_DEVICES="-1,0"),
    facts("env", WARN, owner=IMAGE, CUDA_LAUNCH_BLOCKING="1"),
    facts("env", WARN, owner=IMAGE, NVIDIA_DRIVER_CAPABILITIES="utility,video"),
]
NETWORK = [
    Broken("net.https", WARN, Pod(sections={"net_hub": ("6", 900, DEAD)})),
    Broken("net.https", WARN, Pod(sections={"net_index": ("timeout", 6000, "")})),
    Broken(
        "net.https",
        FAIL,
        Pod(sections={"net_hub": ("6", 900, DEAD), "net_code": ("6", 900, DEAD), "dl_1": ("6", 9, DEAD)}),
        says="DNS",
    ),
    Broken(
        "net.https",
        FAIL,
        Pod(sections={"net_hub": ("timeout", 6000, ""), "net_code": ("28", 900, DEAD), "dl_1": None}),
        says="internet",
    ),
    Broken(
        "net.dns",
        WARN,
        Pod(
            sections={
                name: ("0", 900, pods.FETCHED.replace("dns=0.012", "dns=1.2")) for name in ("net_hub", "net_code")
            }
        ),
    ),
    downloads("net.down", WARN, Pod().asked, dl_1=12, dl_2=11),
    downloads("net.down", WARN, Pod().asked, dl_1=0.06),
    downloads("net.down", FAIL, Pod().asked, dl_1=0.06, dl_2=0.9),
    downloads("asked.speed", WARN, SPEED, dl_own=20, dl_1=90),
    downloads("asked.speed", WARN, SPEED, dl_own=20, dl_1=51),
    downloads("asked.speed", FAIL, SPEED, dl_own=20, dl_1=30),
]
