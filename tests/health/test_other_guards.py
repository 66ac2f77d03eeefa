"""Networks, AMD GPUs, MIG slices and pods without GPUs: what must not be held against them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from health import pods
from health.breaking import DEAD, SLOW, SPEED
from health.pods import Card, Pod, Sections, bad, ids, look
from rp.domain.verdict import Check, Verdict
from rp.health.asked import Asked

WORKING = replace(Pod().asked, fresh=False)


def told(pod: Pod, check: str) -> list[Check]:
    return [one for one in look(pod).checks if one.id == check]


# ---- network ----


def test_no_tool_to_fetch_with() -> None:
    sections: Sections = dict.fromkeys(("net_hub", "net_code", "dl_1", "dl_2"), ("127", 5, "via=none"))
    report = look(Pod(sections=sections))
    assert bad(report) == []
    assert {check.verdict for check in report.checks if check.id.startswith("net.")} == {Verdict.UNKNOWN}


def test_wget_answers() -> None:
    sections: Sections = dict.fromkeys(("net_hub", "net_code"), ("8", 90, "via=wget rc=8 total=0.2 bytes=0 bps=0"))
    sections["dl_1"] = ("28", 3000, "via=wget rc=28 total=3.0 bytes=150000000 bps=50000000")
    assert bad(look(Pod(sections=sections))) == []
    dead: Sections = dict.fromkeys(("net_hub", "net_code"), ("4", 90, "via=wget rc=4 total=0.2 bytes=0 bps=0"))
    assert "net.https" in ids(bad(look(Pod(sections=dead))))


def test_one_slow_source_condemns_nothing() -> None:
    slow = SLOW.format(180_000, 60_000)
    pod = Pod(sections={"dl_1": ("28", 3000, slow)})
    assert [check.verdict for check in bad(look(pod))] == [Verdict.WARN]
    pod.sections["dl_2"] = ("0", 2000, pods.DOWNLOADED)
    assert bad(look(pod)) == []
    # A source that refuses is not slow, and a small file says nothing of speed.
    for text in (slow.replace("code=200", "code=403"), pods.FETCHED, DEAD):
        pod.sections = {"dl_1": ("22", 900, text), "dl_2": ("22", 900, text)}
        assert [check.verdict for check in told(pod, "net.down")] == [Verdict.UNKNOWN]


@pytest.mark.parametrize(
    ("own", "first", "verdict"),
    [(60.0, 90.0, "pass"), (60.0, None, "pass"), (20.0, None, "warn"), (None, 90.0, "warn"), (None, None, "unknown")],
)
def test_the_templates_own_speed_test(own: float | None, first: float | None, verdict: str) -> None:
    pod = Pod(asked=SPEED, sections={"dl_1": None})
    for name, speed in (("dl_own", own), ("dl_1", first)):
        if speed:
            pod.sections[name] = ("28", 3000, SLOW.format(int(speed * 3e6), int(speed * 1e6)))
    (check,) = told(pod, "asked.speed")
    assert check.verdict.value == verdict


# ---- AMD, MIG, CPU pods ----

AMD_SMI = [
    {"gpu": 0, "asic": {"market_name": "AMD Instinct MI300X"}, "vram": {"size": {"value": 196592, "unit": "MB"}}}
]
ROCM_SMI = {
    "card0": {"Card Series": "AMD Instinct MI300X", "VRAM Total Memory (B)": "206142726144"},
    "system": {"Driver version": "6.8"},
}
MI300X = Asked(gpu_id="AMD Instinct MI300X OAM", gpu_count=1, memory_gb=192)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(AMD_SMI),
        json.dumps({"gpu_data": AMD_SMI}, indent=1) + '\n{"gpu_data": []}',
        "warn\n" + json.dumps(ROCM_SMI),
    ],
)
def test_amd(text: str) -> None:
    sections: Sections = {
        "smi": ("0", 900, text),
        "cuda": ("1", 9, json.dumps({"status": "fail", "stage": "load"})),
    }
    report = look(Pod(asked=MI300X, sections=sections))
    assert bad(report) == []
    passed = {check.id for check in report.checks if check.verdict is Verdict.PASS}
    assert {"gpu.count", "gpu.model", "gpu.vram"} <= passed
    assert not any(check.id.startswith("cuda") for check in report.checks)
    two = look(Pod(asked=replace(MI300X, gpu_count=2), sections=sections))
    assert ids(bad(two)) == ["gpu.count"]
    other = sections | {
        "smi": (
            "0",
            900,
            text.replace("MI300X", "MI210").replace("196592", "65536").replace("206142726144", "68719476736"),
        )
    }
    assert ids(bad(look(Pod(asked=MI300X, sections=other)))) == ["gpu.model", "gpu.vram"]


def test_amd_without_a_tool() -> None:
    pod = Pod(asked=MI300X, sections={"smi": ("127", 9, "none")})
    assert "gpu.no_evidence" in ids(bad(look(pod)))
    assert "gpu.nvidia_smi" in ids(bad(look(replace(pod, sections={"smi": ("timeout", 9, "")}))))


def test_a_mig_slice_that_was_asked_for() -> None:
    parent = "NVIDIA RTX PRO 6000 Blackwell Server Edition"
    asked = Asked(gpu_id=f"{parent} MIG 1g.24gb", gpu_count=1, memory_gb=24)
    fields = {"mig_mode/current_mig": "Enabled", "fb_memory_usage/total": "[Insufficient Permissions]"}
    card = Card(
        name=parent, has_fabric=False, smi=fields, cuda={"mem_total_mib": 24000, "mem_free_mib": 23500, "d2d_gbs": 300}
    )
    assert bad(look(Pod(cards=[card], asked=asked))) == []
    small = replace(card, cuda={"mem_total_mib": 12000, "mem_free_mib": 11500})
    assert ids(bad(look(Pod(cards=[small], asked=asked)))) == ["gpu.vram"]


def test_a_pod_without_gpus() -> None:
    sections: Sections = {
        "smi": ("127", 5, "no nvidia-smi"),
        "cuda": ("1", 5, '{"status": "fail", "stage": "load"}'),
        "dev": ("0", 5, ""),
    }
    pod = Pod(cards=[], asked=Asked(disk_gb=20), sections=sections)
    report = look(pod)
    assert bad(report) == []
    assert not [
        check for check in report.checks if check.id.partition(".")[0] in ("gpu", "cuda", "torch", "dev", "xid")
    ]
