"""What lies below /proc, /sys and /dev in a pod: files with the contents that a container on such a machine has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rp_sim.machine.machine_facts import UPTIME_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rp_sim.machine.machine_facts import MachineFacts
    from rp_sim.pod import Pod

MODEL = "AMD EPYC 7763 64-Core Processor"
NO_LIMIT = 9_223_372_036_854_771_712
PERIOD_US = 100_000
LINKS_GTS = {1: "2.5", 2: "5.0", 3: "8.0", 4: "16.0", 5: "32.0", 6: "64.0"}
SYSTEM_MOUNTS = """\
proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0
tmpfs /dev tmpfs rw,nosuid,size=65536k,mode=755,inode64 0 0
devpts /dev/pts devpts rw,nosuid,noexec,relatime,gid=5,mode=620,ptmxmode=666 0 0
sysfs /sys sysfs ro,nosuid,nodev,noexec,relatime 0 0
{cgroup}
mqueue /dev/mqueue mqueue rw,nosuid,nodev,noexec,relatime 0 0
/dev/nvme0n1p2 /etc/hosts ext4 rw,relatime 0 0
"""
CGROUPS = {
    2: "cgroup /sys/fs/cgroup cgroup2 ro,nosuid,nodev,noexec,relatime 0 0",
    1: "cgroup /sys/fs/cgroup/cpu cgroup ro,nosuid,nodev,noexec,relatime,cpu,cpuacct 0 0\n"
    "cgroup /sys/fs/cgroup/memory cgroup ro,nosuid,nodev,noexec,relatime,memory 0 0",
}
DRIVER_VERSION = """\
NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {driver}  Release Build  (dvs-builder)
GCC version:  gcc version 12.3.0 (Ubuntu 12.3.0-1ubuntu1~22.04)
"""
INFORMATION = """\
Model: \t\t {name}
IRQ:   \t\t {irq}
GPU UUID: \t {uuid}
Video BIOS: \t 96.00.00.00.01
Bus Type: \t PCIe
DMA Size: \t 52 bits
DMA Mask: \t 0xfffffffffffff
Bus Location: \t {bus}
Device Minor: \t {index}
GPU Excluded:\t No
"""
LIBRARIES = ("libcuda.so.1", "libnvidia-ml.so.1", "libnvidia-ptxjitcompiler.so.1")


def write_kernel_files(root: Path, facts: dict[str, Any], machine: MachineFacts, pod: Pod, cgroup: int) -> None:
    made: set[Path] = set()
    for name, text in _files(facts, machine, pod, cgroup):
        path = root / name
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        path.write_text(text, encoding="utf-8")
    for table in ("tcp", "tcp6"):
        path = root / "proc" / "net" / table
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(f"/proc/net/{table}")  # pods share this machine's loopback, and its listeners
    (root / "dev" / "shm").mkdir(parents=True, exist_ok=True)
    for node in _nodes(facts, pod):
        (root / "dev" / node).touch(0o666)


def _nodes(facts: dict[str, Any], pod: Pod) -> list[str]:
    if not facts["nvidia"] or pod.jank("no_device_nodes"):
        return []
    gpus = [f"nvidia{index}" for index in range(len(facts["gpus"]))]
    return [*gpus, "nvidiactl", "nvidia-uvm", "nvidia-uvm-tools"] if gpus else []


def _files(facts: dict[str, Any], machine: MachineFacts, pod: Pod, cgroup: int) -> Iterator[tuple[str, str]]:
    mounts = [disk.mount_line for disk in machine.disks]
    yield (
        "proc/mounts",
        "\n".join([mounts[0], SYSTEM_MOUNTS.format(cgroup=CGROUPS[cgroup]) + "\n".join(mounts[1:]), ""]),
    )
    yield "df", "".join(f"{disk.row}\n" for disk in machine.disks)
    yield from _processors(machine)
    yield from _memory(machine)
    yield from _cgroup_v2(machine) if cgroup == 2 else _cgroup_v1(machine)
    if facts["nvidia"]:
        yield "proc/driver/nvidia/version", DRIVER_VERSION.format(driver=facts["driver"])
        for library in LIBRARIES:
            yield f"usr/lib/x86_64-linux-gnu/{library}", ""
    for index, gpu in enumerate(facts["gpus"]):
        yield from _gpu(index, gpu, nvidia=facts["nvidia"])
    if (poisoned := pod.jank("poisoned_env")) and "compat" in str(poisoned.env or "compat"):
        yield "usr/local/cuda/compat/libcuda.so.1", ""


def _processors(machine: MachineFacts) -> Iterator[tuple[str, str]]:
    rows = (f"processor\t: {n}\nmodel name\t: {MODEL}\ncpu MHz\t\t: 2450.000\n\n" for n in range(machine.threads))
    yield "proc/cpuinfo", "".join(rows)
    yield "sys/devices/system/cpu/online", f"0-{machine.threads - 1}\n"
    load, share = (machine.threads * 2.5, 83.0) if machine.busy else (machine.threads * 0.1, 0.4)
    yield "proc/loadavg", f"{load:.2f} {load:.2f} {load:.2f} {int(load) + 1}/2048 4242\n"
    yield "proc/uptime", f"{UPTIME_S}.42 {UPTIME_S * machine.threads * 0.8:.2f}\n"
    for name in ("cpu", "io", "memory"):
        some = share if name == "cpu" else 0.0
        line = f"avg10={some:.2f} avg60={some:.2f} avg300={some:.2f} total=123456\n"
        yield f"proc/pressure/{name}", f"some {line}full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"


def _memory(machine: MachineFacts) -> Iterator[tuple[str, str]]:
    total = machine.memory_kib
    rows = {"MemTotal": total, "MemFree": total // 2, "MemAvailable": total * 3 // 4, "SwapTotal": 0, "SwapFree": 0}
    yield "proc/meminfo", "".join(f"{name + ':':<16}{kib:>12} kB\n" for name, kib in rows.items())


def _cgroup_v2(machine: MachineFacts) -> Iterator[tuple[str, str]]:
    below = "sys/fs/cgroup"
    throttled = 900 if machine.busy else 0
    yield f"{below}/cpu.max", f"{int(machine.vcpus * PERIOD_US)} {PERIOD_US}\n"
    yield f"{below}/cpu.stat", f"usage_usec 1000000\nnr_periods 1000\nnr_throttled {throttled}\nthrottled_usec 0\n"
    yield f"{below}/cpuset.cpus.effective", f"0-{machine.threads - 1}\n"
    yield f"{below}/memory.max", f"{machine.limit_bytes}\n"
    yield f"{below}/memory.current", f"{machine.limit_bytes // 50}\n"
    yield f"{below}/memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n"
    yield f"{below}/pids.max", "max\n"


def _cgroup_v1(machine: MachineFacts) -> Iterator[tuple[str, str]]:
    below = "sys/fs/cgroup"
    yield f"{below}/cpu/cpu.cfs_quota_us", f"{int(machine.vcpus * PERIOD_US)}\n"
    yield f"{below}/cpu/cpu.cfs_period_us", f"{PERIOD_US}\n"
    yield f"{below}/cpu/cpu.stat", "nr_periods 1000\nnr_throttled 0\nthrottled_time 0\n"
    yield f"{below}/memory/memory.limit_in_bytes", f"{min(machine.limit_bytes, NO_LIMIT)}\n"
    yield f"{below}/memory/memory.usage_in_bytes", f"{machine.limit_bytes // 50}\n"


def _gpu(index: int, gpu: dict[str, Any], *, nvidia: bool) -> Iterator[tuple[str, str]]:
    address = gpu["bus"][4:].lower()
    below = f"sys/bus/pci/devices/{address}"
    generation = gpu["pcie_gen"] if gpu["always_awake"] and not gpu["stays_idle"] else 1
    yield f"{below}/vendor", "0x10de\n" if nvidia else "0x1002\n"
    yield f"{below}/class", "0x030200\n" if nvidia else "0x120000\n"
    yield f"{below}/device", "0x2330\n" if nvidia else "0x74a1\n"
    yield f"{below}/current_link_speed", f"{LINKS_GTS[generation]} GT/s PCIe\n"
    yield f"{below}/max_link_speed", f"{LINKS_GTS[gpu['pcie_gen']]} GT/s PCIe\n"
    yield f"{below}/current_link_width", f"{gpu['link_width']}\n"
    yield f"{below}/max_link_width", f"{gpu['pcie_width']}\n"
    yield f"{below}/numa_node", "0\n"
    yield f"{below}/aer_dev_fatal", f"Undefined 0\nDLP {gpu['aer_fatal']}\nTOTAL_ERR_FATAL {gpu['aer_fatal']}\n"
    yield f"{below}/aer_dev_nonfatal", "Undefined 0\nTOTAL_ERR_NONFATAL 0\n"
    yield f"{below}/aer_dev_correctable", "RxErr 0\nTOTAL_ERR_COR 0\n"
    if nvidia:
        values = {"name": gpu["name"], "irq": 100 + index, "uuid": gpu["uuid"], "bus": address, "index": index}
        yield f"proc/driver/nvidia/gpus/{address}/information", INFORMATION.format(**values)
