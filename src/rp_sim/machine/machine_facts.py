"""What the machine around the GPUs is like: processors, memory, disks, network. Plain data for files and programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from rp_sim.pod import Pod

GIB_KIB = 1024 * 1024
FULL = 1.0
FAST_MBPS = 2500.0
LOCAL_DISK_MBPS = 1600.0
NETWORK_VOLUME_MBPS = 350.0
PETABYTES_KIB = 1_407_374_883_553  # 1.3 PiB: a network volume shows all of the cluster
UPTIME_S = 1_728_000


@dataclass(frozen=True)
class Disk:
    """One mounted file system; `place` is where it is on this machine."""

    source: str
    place: str
    kind: str
    options: str
    kib: int
    used: float = 0.02
    inodes: int = 10_485_760
    inodes_used: float = 0.02

    @property
    def mount_line(self) -> str:
        return f"{self.source} {_escaped(self.place)} {self.kind} {self.options} 0 0"

    @property
    def row(self) -> str:
        """As the pretended df reads it."""
        used, inodes = int(self.kib * self.used), int(self.inodes * self.inodes_used)
        return f"{self.place}|{self.source}|{self.kind}|{self.kib}|{used}|{self.inodes}|{inodes}"


@dataclass(frozen=True)
class MachineFacts:
    threads: int  # of the host: what nproc and /proc/cpuinfo show
    memory_kib: int  # of the host
    vcpus: float  # what the container may use
    limit_bytes: int
    busy: bool
    disks: tuple[Disk, ...]


def machine_facts(pod: Pod, root: Path, volume: Path) -> MachineFacts:
    threads = min(256, max(32, pod.host.size * pod.gpu.vcpu_per_gpu))
    memory_gb = max(64, pod.host.size * pod.gpu.ram_per_gpu)
    quota, ram = pod.jank("cpu_quota"), pod.jank("ram_limit")
    limit_gb = (ram.gb or 2) if ram else pod.gpu.ram_per_gpu * pod.count
    return MachineFacts(
        threads=threads,
        memory_kib=memory_gb * GIB_KIB,
        vcpus=(quota.vcpus or 1) if quota else pod.gpu.vcpu_per_gpu * pod.count,
        limit_bytes=int(limit_gb * 2**30),
        busy=pod.jank("cpu_busy") is not None,
        disks=_disks(pod, root, volume, limit_gb),
    )


def _disks(pod: Pod, root: Path, volume: Path, limit_gb: float) -> tuple[Disk, ...]:
    small, full, inodes = pod.jank("disk_small"), pod.jank("disk_full"), pod.jank("inodes_full")
    asked = (small.gb or pod.disk / 2) if small else pod.disk
    mode = "ro" if pod.jank("no_tmp") else "rw"
    overlay = f"{mode},relatime,lowerdir=/var/lib/docker/overlay2/l,upperdir=/var/lib/docker/overlay2/d,xino=off"
    container = Disk(
        "overlay", "/", "overlay", overlay, int(asked * GIB_KIB), FULL if full else 0.02,
        inodes_used=FULL if inodes else 0.02,
    )  # fmt: skip
    shm = pod.jank("small_shm")
    shm_kib = (shm.mib or 64) * 1024 if shm else int(limit_gb * GIB_KIB / 2)
    options = f"rw,nosuid,nodev,noexec,relatime,size={shm_kib}k"
    memory = Disk("shm", str(root / "dev" / "shm"), "tmpfs", options, shm_kib, 0.0, inodes_used=0.0)
    mounted = pod.mounts and not pod.jank("volume_missing")
    return (container, memory, _volume(pod, volume)) if mounted else (container, memory)


def _volume(pod: Pod, volume: Path) -> Disk:
    mode = "ro" if pod.jank("volume_read_only") else "rw"
    if pod.volume_id:
        source = f"mfs#{pod.host.data_center.lower()}.runpod.net:9421"
        options = f"{mode},nosuid,nodev,relatime,user_id=0,group_id=0,default_permissions,allow_other"
        return Disk(source, str(volume), "fuse.mfs", options, PETABYTES_KIB, 0.6, 4_294_967_295, 0.1)
    return Disk("/dev/nvme1n1p1", str(volume), "ext4", f"{mode},relatime", pod.volume_gb * GIB_KIB)


def network_facts(pod: Pod) -> dict[str, Any]:
    """Speeds and refusals by pattern of host name; the last rule that matches holds."""
    rules: list[tuple[str, str, float]] = []
    for jank in pod.janks:
        if jank.kind == "slow_network":
            rules.append(("slow", jank.site, jank.mbps or 1.0))
        elif jank.kind == "host_blocked":
            rules.append(("blocked", jank.site, jank.delay_s))
    slow_dns = pod.jank("slow_dns")
    return {
        "mbps": FAST_MBPS,
        "dns_broken": pod.jank("dns_broken") is not None,
        "dns_ms": int((slow_dns.seconds or 2.5) * 1000) if slow_dns else 8,
        "rules": rules,
    }


def disk_speeds(pod: Pod) -> tuple[float, float]:
    """MB/s of the container's disk and of the volume."""
    slow, slow_volume = pod.jank("disk_slow"), pod.jank("slow_volume")
    volume = NETWORK_VOLUME_MBPS if pod.volume_id else LOCAL_DISK_MBPS
    return (
        (slow.mbps or 3.0) if slow else LOCAL_DISK_MBPS,
        (slow_volume.mbps or 3.0) if slow_volume else volume,
    )


def _escaped(path: str) -> str:
    return path.replace("\\", "\\134").replace(" ", "\\040")
