"""A thousand healthy pods of all kinds: not one of them gets a word."""

from __future__ import annotations

import random
from typing import Any

import pytest

from health.pods import Card, Pod, bad, look, nvlink
from rp.domain.verdict import Verdict
from rp.health import reference
from rp.health.asked import Asked
from rp.health.reference import Gpu

KNOWN = [model for model in reference.gpus() if model.name.startswith(("NVIDIA", "Tesla")) and not model.parent]
# Not in the reference: rp must do with what RunPod's catalog says of their memory.
UNLISTED = [
    Gpu("NVIDIA RTX PRO 5000 Blackwell", 48, 48500),
    Gpu("NVIDIA R100", 288, 279000, nvlinks=18),
    Gpu("NVIDIA GeForce RTX 6090", 32, 32607),
]
DRIVERS = {525: "12.0", 550: "12.4", 570: "12.8", 580: "13.0", 595: "13.2"}
LEVELS = ("passive", "basic", "standard", "deep")
PER_RUN = 50


def card(dice: random.Random, model: Gpu, index: int, driver: int, clock: int, watts: int) -> Card:
    vram, used = model.vram_mib, dice.choice([0, 0, 3, 60, 450, 599])
    if model.also and min(model.also) < vram and dice.random() < 0.3:
        vram = min(size for size in model.also if size < vram)
    one = Card(
        name=model.name.removeprefix("NVIDIA ") if driver < 535 and dice.random() < 0.3 else model.name,
        index=index,
        vram=round(vram * dice.uniform(0.985, 1.01)),
        clock=clock,
        watts=watts,
        has_ecc="GeForce" not in model.name,
        has_fabric=model.is_sxm and driver >= 550,
        temperature=dice.randint(22, 79),
        lanes=model.lanes,
        used=used,
    )
    one.smi = told(dice, one, driver)
    one.cuda, one.torch = measured(dice, one, model)
    return one


def told(dice: random.Random, one: Card, driver: int) -> dict[str, str]:
    """What nvidia-smi of healthy cards differs in."""
    power, limit = ("power_readings", "power_limit") if driver < 535 else ("gpu_power_readings", "current_power_limit")
    fields = {
        f"{power}/{limit}": f"{one.watts * dice.uniform(0.86, 1.2):.2f} W",
        f"{power}/power_draw": dice.choice([f"{dice.uniform(5, 120):.2f} W", "[N/A]", "N/A"]),
        "temperature/memory_temp": dice.choice(["N/A", "40 C"]),
        "persistence_mode": dice.choice(["Enabled", "Disabled"]),
        "performance_state": dice.choice(["P0", "P2", "P8"]),
        "pci/pci_gpu_link_info/pcie_gen/current_link_gen": dice.choice("12345"),
        # An idle GPU that claims to be busy is an old quirk; it then has no memory in use.
        "utilization/gpu_util": dice.choice(["0 %", "3 %", "N/A", "100 %"] if one.used < 100 else ["0 %", "4 %"]),
        "display_active": "Requested functionality has been deprecated",
        "fan_speed": dice.choice(["N/A", "30 %", "0 %"]),
    }
    if one.has_ecc:
        fields["ecc_errors/volatile/dram_correctable"] = str(dice.choice([0, 0, 177, 90_000]))
        fields["remapped_rows/remapped_row_corr"] = str(dice.choice([0, 0, 2]))
    if driver >= 565:
        counters = "clocks_event_reasons_counters/clocks_event_reasons_counters"
        fields[f"{counters}_hw_therm_slowdown"] = f"{dice.randrange(59_000_000)} us"
        fields[f"{counters}_sw_power_cap"] = f"{dice.randrange(10**12)} us"
    reasons = "clocks_throttle_reason" if driver < 535 else "clocks_event_reason"
    fields[f"{reasons}s/{reasons}_sw_power_cap"] = dice.choice(["Active", "Not Active"])
    return fields


def measured(dice: random.Random, one: Card, model: Gpu) -> tuple[dict[str, Any], dict[str, Any]]:
    """What CUDA and PyTorch of healthy cards differ in."""
    usable = round(one.vram * dice.uniform(0.97, 1.0))
    cuda: dict[str, Any] = {
        "mem_total_mib": usable,
        "mem_free_mib": usable - dice.randint(300, 900),
        "alloc_frac_of_free": dice.choice([0.9, 0.898, 0.72]),
        "sm_mhz_effective": round(one.clock * dice.uniform(0.72, 1.0)),
        "h2d_gbs": dice.uniform(6.1, 56),
        "d2h_gbs": dice.uniform(6.1, 56),
        "burn_s": dice.uniform(0.8, 1.1),
    }
    torch: dict[str, Any] = {key: dice.uniform(6.1, 55) for key in ("h2d_gbs", "d2h_gbs")}
    torch["decay"] = dice.uniform(0.86, 1.02)
    if model.memory_bandwidth:
        cuda["d2d_gbs"] = torch["mem_gbs"] = model.memory_bandwidth * dice.uniform(0.72, 0.99)
    return cuda, torch


def pod(dice: random.Random, number: int) -> Pod:
    models = [*KNOWN, *UNLISTED]
    model = models[number % len(models)]
    driver = dice.choice(list(DRIVERS))
    count = 1 if dice.random() < 0.5 else dice.randint(2, 8)
    clock, watts = dice.choice([1410, 1755, 1980, 2520, 3120]), dice.choice([72, 300, 450, 700, 1000])
    cards = [card(dice, model, index, driver, clock, watts) for index in range(count)]
    # One box is alike in itself, more than boxes are among each other.
    share = dice.uniform(0.85, 0.95)
    for one in cards:
        one.torch["bf16_tflops"] = (model.bf16_low or 50) * share * dice.uniform(1.0, 1.08)
    cuda = DRIVERS[driver]
    asked = Asked(
        gpu_id=model.name,
        gpu_count=count,
        memory_gb=model.memory_gb,
        disk_gb=dice.choice([0, 20, 50]),
        min_cuda=dice.choice([None, "11.8", cuda]),
        fresh=dice.random() < 0.8,
    )
    reasons = dice.choice(["0x0", "0x4", "0x0000000000000004"])
    load = "\n".join(f"{index}, {dice.choice('345')}, 16, 1700, {reasons}" for index in range(count))
    under_load = {"under_load": dice.choice([load, None, "unknown"])}
    found = Pod(cards, driver, cuda, dice.choice(LEVELS), asked, facts(dice, count, model, cuda), under_load)
    log = dice.choice(["dmesg: klogctl: Operation not permitted", "", "[2.0] NVRM: loading NVIDIA UNIX Kernel Module"])
    found.sections["kmsg"] = ("0", 3, log)
    if count > 1:
        found.sections["nvlink"] = ("0", 9, nvlink(cards, model.nvlinks) if model.is_sxm else "")
    return found


def facts(dice: random.Random, count: int, model: Gpu, cuda: str) -> dict[str, str]:
    memory = max(30.0, count * model.vram_mib * 1.1 * 1.048576 / 1000)
    return {
        "cg2_cpu_max": dice.choice([f"{count * dice.randint(2, 32) * 100_000} 100000", "max 100000"]),
        "cg2_mem_max": dice.choice([str(round(memory * 1e9)), "max"]),
        "RUNPOD_GPU_COUNT": str(count),
        "RUNPOD_MEM_GB": str(round(memory)),
        "loadavg": f"{dice.uniform(0, 380):.2f} 1.0 1.0 3/900 12",
        "CUDA_VERSION": dice.choice(["11.8.0", "12.0.1", cuda]),
        "LD_LIBRARY_PATH": dice.choice(["/usr/local/nvidia/lib:/usr/local/nvidia/lib64", ""]),
        "NVIDIA_DRIVER_CAPABILITIES": dice.choice(["compute,utility", "all"]),
        "nofile": dice.choice(["1024", "1048576", "unlimited"]),
        "uptime": f"{dice.randrange(10**7)}.00 1.0",
    }


@pytest.mark.parametrize("run", range(20))
def test_healthy_pods_get_no_word(run: int) -> None:
    dice = random.Random(run)
    for number in range(run * PER_RUN, (run + 1) * PER_RUN):
        healthy = pod(dice, number)
        report = look(healthy)
        assert bad(report) == [], healthy
        assert report.verdict is Verdict.PASS
        assert len(report.checks) > 15


def test_all_models_are_among_them() -> None:
    assert len(KNOWN) > 35
    assert 10 * (len(KNOWN) + len(UNLISTED)) <= 20 * PER_RUN
