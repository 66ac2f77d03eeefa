"""The checks of what is around the GPUs: what was asked for, driver, processor, memory, disks, network."""

from __future__ import annotations

from rp.domain.verdict import BASIC, PASSIVE, STANDARD
from rp.health.data.definition import ABOVE, BELOW, Definition

DOCS = "RunPod's documentation"
FITNESS = "RunPod's worker fitness checks"
RP = "rp's own choice"
VAST = "vast.ai verification"


def _rule(what: str, source: str, *, warns: str = "", fails: str = "", level: str = PASSIVE) -> Definition:
    return Definition(level, what, source, warns=warns, fails=fails)


ASKED = {
    "asked.env": _rule("environment variables of the template", "the template", fails="one is not set in the pod"),
    "asked.port": _rule("ports of the template", "the template", warns="nothing listens yet"),
    "asked.speed": _rule(
        "download from health.speedTest.url, in Mbit/s",
        "the template",
        level=BASIC,
        warns="below minMbps",
        fails="below minMbps, and so is another source",
    ),
    "volume.mounted": _rule("the volume at its path", DOCS, fails="nothing is mounted there"),
    "volume.writable": _rule("writing to the volume", DOCS, fails="read-only, or a write fails"),
    "volume.size": Definition(PASSIVE, "size of the volume", RP, unit="of the GiB asked for", worse=BELOW, warn=0.9),
    "driver.cuda_floor": _rule("CUDA that the driver offers", "the template", fails="older than minCudaVersion"),
    "driver.image_cuda": _rule(
        "CUDA that the driver offers against the image's CUDA_VERSION",
        "CUDA compatibility guide",
        warns="older, of the same major version",
        fails="an older major version",
    ),
    "env": _rule(
        "environment variables that break CUDA",
        "NVIDIA DCGM",
        warns="LD_LIBRARY_PATH with compat, CUDA_INJECTION64_PATH, CUDA_VISIBLE_DEVICES that hides GPUs, "
        "CUDA_LAUNCH_BLOCKING, NVIDIA_DRIVER_CAPABILITIES without compute",
    ),
}

MACHINE = {
    "probe.answer": _rule("the probe itself", RP, warns="it broke off, twice"),
    "fs.tmp": _rule("folders that can be written to", "Meta GCM", fails="none of /dev/shm, /tmp, /run, $HOME"),
    "cpu.quota": Definition(PASSIVE, "processors for each GPU", VAST, unit="cores", worse=BELOW, warn=2, fail=1),
    "cpu.promised": Definition(
        PASSIVE, "processors against RUNPOD_CPU_COUNT", RP, unit="of the promise", worse=BELOW, warn=0.9
    ),
    "cpu.pressure": Definition(
        PASSIVE,
        "tasks that wait for a processor (PSI avg10)",
        RP,
        unit="%",
        worse=ABOVE,
        warn=50,
        warns="load above 1.5 for each processor of the machine",
    ),
    "ram.limit": Definition(PASSIVE, "memory that the pod may use", FITNESS, unit="GB", worse=BELOW, fail=4),
    "ram.promised": Definition(
        PASSIVE, "memory against RUNPOD_MEM_GB", RP, unit="of the promise", worse=BELOW, warn=0.9
    ),
    "ram.vram": Definition(
        PASSIVE, "memory against the GPUs' memory", VAST, unit="of the GPUs' memory", worse=BELOW, warn=0.95
    ),
    "shm": Definition(
        PASSIVE,
        "size of /dev/shm",
        DOCS,
        unit="MiB",
        worse=BELOW,
        warn=65,
        fails="the same with several GPUs",
    ),
    "limits": Definition(PASSIVE, "files that may be open", "Meta GCM", unit="files", worse=BELOW, warn=1024),
    "clock": Definition(PASSIVE, "the pod's clock", RP, unit="s off", worse=ABOVE, warn=30, fail=300),
    "kmsg": _rule(
        "the rest of the kernel log", "Meta GCM", warns="out of memory, I/O errors, machine checks in the last 2 hours"
    ),
}

DISK = {
    "disk.size": Definition(
        PASSIVE, "size of the container disk", RP, unit="of the GiB asked for", worse=BELOW, warn=0.9
    ),
    "disk.free": Definition(PASSIVE, "free disk", FITNESS, unit="of the disk", worse=BELOW, warn=0.1),
    "disk.full": Definition(PASSIVE, "free disk", RP, unit="GiB", worse=BELOW, fail=1),
    "disk.inodes": Definition(PASSIVE, "free inodes", FITNESS, unit="of all inodes", worse=BELOW, warn=0.1),
    "disk.write": Definition(
        BASIC, "writing to the container disk", RP, unit="MB/s", worse=BELOW, warn=50, fail=5, fails="an error"
    ),
    "disk.read": Definition(BASIC, "reading from the container disk", RP, unit="MB/s", worse=BELOW, warn=100),
    "disk.cmp": _rule("what was written, read again", "Meta GCM", level=BASIC, fails="it differs"),
    "disk.files": Definition(STANDARD, "200 small files", RP, unit="s", worse=ABOVE, warn=20),
    "volume.write": Definition(
        BASIC, "writing to the volume", RP, unit="MB/s", worse=BELOW, warn=20, fail=5, fails="an error"
    ),
}

NETWORK = {
    "net.https": _rule(
        "Hugging Face, GitHub and the package index over HTTPS",
        "RunPod's comfyui-base#15",
        level=BASIC,
        warns="one does not answer",
        fails="none answers",
    ),
    "net.dns": Definition(BASIC, "time to look up a name", RP, unit="s", worse=ABOVE, warn=1),
    "net.down": Definition(
        BASIC,
        "download, best of two independent sources",
        "vast.ai verification; RunPod's comfyui-base#15",
        unit="MB/s",
        worse=BELOW,
        warn=12.5,
        fail=1,
        fails="of both sources",
    ),
}

CHECKS = {**ASKED, **MACHINE, **DISK, **NETWORK}
