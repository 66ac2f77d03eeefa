"""What the probe prints on pods that do not exist: healthy ones of any kind, to be broken by the tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from rp.domain.verdict import DEEP, Check, Report, Verdict
from rp.health.asked import Asked
from rp.health.judge import judge
from rp.health.stream import parse

AT = 1_790_000_000.0
SECONDS = 6.0
Sections = dict[str, tuple[str, int, str] | None]
H100 = "NVIDIA H100 80GB HBM3"


@dataclass
class Card:
    """One GPU as nvidia-smi and CUDA see it; `smi` replaces or adds fields by their path."""

    name: str = H100
    index: int = 0
    vram: int = 81559
    clock: int = 1980
    watts: int = 700
    has_ecc: bool = True
    has_fabric: bool = True
    temperature: int = 34
    lanes: int = 16
    used: int = 0
    smi: dict[str, str] = field(default_factory=dict)
    cuda: dict[str, Any] = field(default_factory=dict)
    torch: dict[str, Any] = field(default_factory=dict)

    @property
    def uuid(self) -> str:
        return f"GPU-{self.index:08x}-0000-4000-8000-000000000000"

    @property
    def bus(self) -> str:
        return f"00000000:{self.index + 1:02X}:00.0"


@dataclass
class Pod:
    """`sections`: name → (status, ms, text), for what the builder's own text is not enough."""

    cards: list[Card] = field(default_factory=lambda: [Card()])
    driver: int = 580
    cuda: str = "13.0"
    level: str = "basic"
    asked: Asked = field(default_factory=lambda: Asked(gpu_id=H100, gpu_count=1, memory_gb=80, disk_gb=50))
    facts: dict[str, str] = field(default_factory=dict)
    cuda_facts: dict[str, Any] = field(default_factory=dict)
    torch_facts: dict[str, Any] = field(default_factory=dict)
    sections: Sections = field(default_factory=dict)
    is_complete: bool = True

    def text(self) -> str:
        told: Sections = {
            "probe": ("0", 3, f"v=1\nlevel={self.level}\nlimit=8\nsh=/bin/dash"),
            "sys": ("0", 20, self.sys()),
            "dev": ("0", 12, self.dev()),
            "smi": ("0", 400, smi(self)),
            "kmsg": ("0", 4, "dmesg: read kernel buffer failed: Operation not permitted"),
            "space": ("0", 9, SPACE),
        }
        if self.level != "passive":
            told |= {
                "cuda": ("0", 2500, cuda(self)),
                "disk": ("0", 700, DISK),
                "net_hub": ("0", 200, FETCHED),
                "net_code": ("0", 200, FETCHED),
                "dl_1": ("0", 1500, DOWNLOADED),
                "smi2": ("0", 300, smi(self)),
            }
        if self.level in ("standard", "deep"):
            told["torch"] = ("0", 9000, torch(self))
        if self.level == "deep":
            told["smi3"] = ("0", 300, smi(self))
        if len(self.cards) > 1:
            told["nvlink"] = ("0", 300, nvlink(self.cards, 18 if self.cards[0].has_fabric else 0))
        told |= self.sections
        printed = "".join(section(name, *one) for name, one in told.items() if one)
        return printed + ("@@ end 0 6000\n" if self.is_complete else "")

    def sys(self) -> str:
        facts = {
            "now": str(int(AT)),
            "uid": "0",
            "nproc": "256",
            "cpu_online": "0-255",
            "cg2_cpu_max": f"{len(self.cards) * 1600000} 100000",
            "cg2_mem_max": str(max(32, 2 * len(self.cards) * self.cards[0].vram // 1000 if self.cards else 32) * 10**9),
            "loadavg": "3.1 2.9 2.8 4/1234 99",
            "psi_cpu": "some avg10=1.20 avg60=1.00 avg300=0.90 total=123456 full avg10=0.00 total=0",
            "uptime": "864000.12 99999999.99",
            "nofile": "1048576",
        } | self.facts
        lines = [f"{key}={value}" for key, value in facts.items()]
        return "\n".join([*lines, "MemTotal:4226000000kB", "MemAvailable:1900000000kB", "have=python3"])

    def dev(self) -> str:
        nodes = [f"crw-rw-rw- 1 root root 195, {card.index} Nov 1 10:00 /dev/nvidia{card.index}" for card in self.cards]
        nodes.append("crw-rw-rw- 1 root root 195, 255 Nov 1 10:00 /dev/nvidiactl")
        pci = [
            f"pci=0000:{card.index + 1:02x}:00.0 width=16 aer_fatal=0 aer_nonfatal=0 aer_cor=3" for card in self.cards
        ]
        return "\n".join([*nodes, *pci])


SPACE = """Filesystem     1024-blocks      Used Available Capacity Mounted on
overlay           52428800   1048576  51380224       2% /
shm               62914560         0  62914560       0% /dev/shm
overlay           52428800   1048576  51380224       2% /tmp
mfs#eu:9421    2147483648 1000000000 1147483648      47% /workspace

Filesystem          Inodes IUsed    IFree IUse% Mounted on
overlay           26214400 52428 26161972    1% /
shm                8388608     1  8388607    1% /dev/shm

overlay / overlay rw,relatime 0 0
shm /dev/shm tmpfs rw,nosuid,nodev 0 0"""
DISK = """root_write: 67108864 bytes (67 MB, 64 MiB) copied, 0.0871 s, 770 MB/s
root_read: 67108864 bytes (67 MB, 64 MiB) copied, 0.0298 s, 2.3 GB/s
root_cmp=same"""
FETCHED = "via=curl code=200 ip=1.2.3.4 dns=0.012 tcp=0.030 tls=0.080 total=0.121 bytes=500 bps=4132"
DOWNLOADED = "via=curl code=206 ip=1.2.3.4 dns=0.010 tcp=0.020 tls=0.050 total=1.100 bytes=100000000 bps=90909090"


def section(name: str, status: str, ms: int, text: str) -> str:
    return f"@@ {name} {status} {ms}\n" + "".join(f" {line}\n" for line in text.split("\n"))


def look(pod: Pod, at: float = AT, seconds: float = SECONDS) -> Report:
    return judge(parse(pod.text()), pod.level, pod.asked, at=at, seconds=seconds)


def bad(report: Report) -> list[Check]:
    return [check for check in report.checks if check.verdict in (Verdict.WARN, Verdict.FAIL)]


def ids(checks: Iterable[Check]) -> list[str]:
    return sorted({check.id for check in checks})


# ---- nvidia-smi ----


def smi_fields(card: Card, driver: int) -> dict[str, str]:
    """path → text, as this driver would say it; what a card does not have is N/A."""
    fields = identity(card) | clocks(driver) | errors(card, driver)
    power, limit = ("power_readings", "power_limit") if driver < 535 else ("gpu_power_readings", "current_power_limit")
    fields |= {
        "temperature/gpu_temp": f"{card.temperature} C",
        f"{power}/power_draw": "40.00 W",
        f"{power}/{limit}": f"{card.watts}.00 W",
        f"{power}/default_power_limit": f"{card.watts}.00 W",
        "max_clocks/sm_clock": f"{card.clock} MHz",
    }
    if driver >= 535:
        has = card.has_fabric
        fields |= {"fabric/state": "Completed" if has else "N/A", "fabric/status": "Success" if has else "N/A"}
        fields["temperature/gpu_temp_tlimit"] = "51 C"
    return fields | card.smi


def identity(card: Card) -> dict[str, str]:
    link = "pci/pci_gpu_link_info"
    return {
        "product_name": card.name,
        "persistence_mode": "Enabled",
        "mig_mode/current_mig": "Disabled" if card.has_ecc else "N/A",
        "uuid": card.uuid,
        f"{link}/pcie_gen/max_link_gen": "5",
        f"{link}/pcie_gen/current_link_gen": "1",
        f"{link}/link_widths/max_link_width": f"{card.lanes}x",
        f"{link}/link_widths/current_link_width": f"{card.lanes}x",
        "pci/replay_counter": "0",
        "fan_speed": "N/A",
        "performance_state": "P8",
        "fb_memory_usage/total": f"{card.vram} MiB",
        "fb_memory_usage/used": f"{card.used} MiB",
        "compute_mode": "Default",
        "utilization/gpu_util": "0 %",
        "ecc_mode/current_ecc": "Enabled" if card.has_ecc else "N/A",
    }


def clocks(driver: int) -> dict[str, str]:
    reasons = "clocks_throttle_reason" if driver < 535 else "clocks_event_reason"
    off = ("sw_power_cap", "hw_slowdown", "hw_thermal_slowdown", "hw_power_brake_slowdown", "sw_thermal_slowdown")
    fields = {f"{reasons}s/{reasons}_gpu_idle": "Active"}
    fields |= {f"{reasons}s/{reasons}_{one}": "Not Active" for one in off}
    if driver >= 565:
        counters = "clocks_event_reasons_counters"
        for kind in ("sw_power_cap", "hw_therm_slowdown", "hw_power_brake"):
            fields[f"{counters}/{counters}_{kind}"] = "0 us"
        fields["gpu_recovery_action"] = "None"
    return fields


def errors(card: Card, driver: int) -> dict[str, str]:
    count, flag = ("0", "No") if card.has_ecc else ("N/A", "N/A")
    sram = ["sram_uncorrectable"] if driver < 550 else ["sram_uncorrectable_parity", "sram_uncorrectable_secded"]
    fields = {"retired_pages/pending_retirement": "N/A"}
    for when in ("volatile", "aggregate"):
        for kind in ("sram_correctable", *sram, "dram_correctable", "dram_uncorrectable"):
            fields[f"ecc_errors/{when}/{kind}"] = count
    if driver >= 550:
        fields["ecc_errors/aggregate/sram_threshold_exceeded"] = flag
    if driver >= 580:
        for kind in ("channel_repair_pending", "tpc_repair_pending", "unrepairable_memory"):
            fields[f"ecc_errors/{kind}"] = flag
    if not card.has_ecc:
        return fields | {"remapped_rows": "N/A"}
    for kind, text in (("corr", "0"), ("unc", "0"), ("pending", "No"), ("failure", "No")):
        fields[f"remapped_rows/remapped_row_{kind}"] = text
    return fields


def smi(pod: Pod) -> str:
    gpus = "".join(f'<gpu id="{card.bus}">{_tree(smi_fields(card, pod.driver))}</gpu>\n' for card in pod.cards)
    return (
        '<?xml version="1.0" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">\n<nvidia_smi_log>\n'
        f"<driver_version>{pod.driver}.95.05</driver_version>\n<cuda_version>{pod.cuda}</cuda_version>\n"
        f"<attached_gpus>{len(pod.cards)}</attached_gpus>\n{gpus}</nvidia_smi_log>"
    )


def _tree(fields: dict[str, str]) -> str:
    below: dict[str, dict[str, str]] = {}
    printed = ""
    for path, text in fields.items():
        head, _, rest = path.partition("/")
        if rest:
            below.setdefault(head, {})[rest] = text
        else:
            printed += f"<{head}>{escape(text)}</{head}>\n"
    return printed + "".join(f"<{head}>\n{_tree(inner)}</{head}>\n" for head, inner in below.items())


# ---- CUDA and torch ----


def cuda(pod: Pod) -> str:
    gpus = [
        {
            "i": card.index,
            "name": card.name,
            "uuid": card.uuid,
            "sms": 132,
            "clock_khz": card.clock * 1000,
            "ctx_s": 0.3,
            "mem_free_mib": card.vram - 900,
            "mem_total_mib": card.vram - 400,
            "alloc_mib": 72000,
            "alloc_frac_of_free": 0.9,
            "burn_s": 0.8,
            "burn_iters": 200000,
            "compute_bad_blocks": 0,
            "compute_bad_lanes": 0,
            "fma_hash": "1badf00d",
            "sm_mhz_effective": round(card.clock * 0.9),
            "mem_bad_words16": 0,
            "mem_tested_mib": 72000,
            "h2d_gbs": 52.1,
            "d2h_gbs": 51.3,
            "ok": True,
        }
        | card.cuda
        for card in pod.cards
    ]
    head = {
        "probe": "cuda",
        "v": 1,
        "status": "ok",
        "driver_cuda": pod.cuda,
        "count": len(gpus),
        "cuda_visible_devices": None,
        "ld_library_path_compat": False,
        "smi_overlap": False,
        "under_load": "\n".join(f"{card.index}, 5, 16, 1900, 0x0000000000000004, 400, 50, 100" for card in pod.cards),
    } | pod.cuda_facts
    rows = ",\n".join(json.dumps(gpu) for gpu in gpus)
    return json.dumps(head)[:-1] + (f', "gpus": [\n{rows}\n]}}' if "gpus" not in head else "}")


def torch(pod: Pod) -> str:
    good = {
        "bf16_tflops": 780.0,
        "sdc": 0,
        "decay": 0.99,
        "mem_gbs": 2900.0,
        "h2d_gbs": 50.0,
        "d2h_gbs": 50.0,
        "digest": 7,
        "ok": True,
    }
    gpus = [{"i": card.index} | good | card.torch for card in pod.cards]
    facts = {"probe": "torch", "status": "ok", "torch": "2.8.0+cu128", "gpus": gpus, "digests_equal": True}
    return json.dumps(facts | pod.torch_facts)


def nvlink(cards: list[Card], links: int, **fewer: int) -> str:
    lines = []
    for card in cards:
        lines.append(f"GPU {card.index}: {card.name} (UUID: {card.uuid})")
        up = fewer.get(f"gpu{card.index}", links)
        lines += [f"\t Link {link}: 26.562 GB/s" for link in range(up)]
        lines += [f"\t Link {link}: <inactive>" for link in range(up, links)]
    return "\n".join(lines)


def eight() -> Pod:
    asked = Asked(gpu_id=H100, gpu_count=8, memory_gb=80, disk_gb=50)
    return Pod(cards=[Card(index=index) for index in range(8)], asked=asked)


def changed(make: Callable[[Pod], None], level: str = DEEP) -> Pod:
    pod = Pod(level=level)
    make(pod)
    return pod
