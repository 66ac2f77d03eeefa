"""What must not be held against a machine, and what is only unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from health import pods
from health.breaking import VOLUME
from health.pods import Card, Pod, Sections, bad, ids, look
from rp.domain.verdict import Check, Owner, Verdict
from rp.health.asked import Asked
from rp.health.judge import judge
from rp.health.stream import Stream, parse

WORKING = replace(Pod().asked, fresh=False)


def told(pod: Pod, check: str) -> list[Check]:
    return [one for one in look(pod).checks if one.id == check]


# ---- nvidia-smi ----


@pytest.mark.parametrize(
    ("name", "vram", "fields"),
    [
        ("NVIDIA RTX A6000", 46068, {}),
        ("NVIDIA RTX A5000", 23028, {}),
        ("NVIDIA A40", 49140, {"ecc_mode/current_ecc": "Disabled"}),
        ("NVIDIA L40S", 46068, {"pci/pci_gpu_link_info/link_widths/current_link_width": "8x"}),
        (
            "NVIDIA L40S",
            46068,
            {"gpu_power_readings/current_power_limit": "325.00 W", "gpu_power_readings/default_power_limit": "350 W"},
        ),
        (
            "NVIDIA A100-SXM4-80GB",
            81920,
            {"gpu_power_readings/current_power_limit": "500 W", "gpu_power_readings/default_power_limit": "400 W"},
        ),
        (
            "NVIDIA GeForce RTX 4090",
            24564,
            {"gpu_power_readings/power_draw": "[N/A]", "fan_speed": "Requested functionality has been deprecated"},
        ),
        ("NVIDIA GeForce RTX 4090", 24217, {"utilization/gpu_util": "100 %"}),
        ("NVIDIA H200", 143771, {"ecc_errors/volatile/dram_correctable": "177"}),
    ],
)
def test_what_is_normal(name: str, vram: int, fields: dict[str, str]) -> None:
    card = Card(name=name, vram=vram, has_fabric=False, smi=fields)
    report = look(Pod(level="passive", cards=[card], asked=Asked(gpu_id=name, gpu_count=1)))
    assert bad(report) == []


def test_old_drivers_leave_the_maker_out() -> None:
    card = Card(name="GeForce RTX 3090", vram=24576, has_fabric=False, has_ecc=False)
    asked = Asked(gpu_id="NVIDIA GeForce RTX 3090", gpu_count=1)
    assert bad(look(Pod(level="passive", driver=525, cards=[card], asked=asked))) == []


@pytest.mark.parametrize(
    ("asked", "seen", "verdict"),
    [
        ("NVIDIA GeForce RTX 4090", "NVIDIA GeForce RTX 4090 D", Verdict.FAIL),
        ("NVIDIA H200", "NVIDIA H200 NVL", Verdict.FAIL),
        ("NVIDIA RTX 9000 Rubin", "NVIDIA RTX 9000 Rubin Generation", Verdict.PASS),
        ("NVIDIA RTX 9000 Rubin", "NVIDIA GeForce RTX 4090", Verdict.FAIL),
        ("NVIDIA RTX 9000 Rubin", "NVIDIA RTX 8000 Rubin", Verdict.FAIL),
    ],
)
def test_models(asked: str, seen: str, verdict: Verdict) -> None:
    card = Card(name=seen, vram=49140, has_fabric=False)
    (check,) = told(Pod(level="passive", cards=[card], asked=Asked(gpu_id=asked, gpu_count=1)), "gpu.model")
    assert check.verdict is verdict


def test_a_model_that_nobody_listed_is_held_to_its_nominal_memory() -> None:
    new = Asked(gpu_id="NVIDIA RTX 9000 Rubin", gpu_count=1, memory_gb=48)
    for vram, verdict in ((45300, Verdict.PASS), (45000, Verdict.FAIL)):
        card = Card(name="NVIDIA RTX 9000 Rubin", vram=vram, has_fabric=False)
        (check,) = told(Pod(cards=[card], asked=new), "gpu.vram")
        assert check.verdict is verdict
    assert "torch.bf16" not in ids(look(Pod(level="standard", cards=[card], asked=new)).checks)


def test_estimates_decide_nothing() -> None:
    asked = Asked(gpu_id="NVIDIA L40", gpu_count=1)
    card = Card(name="NVIDIA L40", vram=46068, has_fabric=False, torch={"bf16_tflops": 5.0, "mem_gbs": 800})
    (check,) = told(Pod(level="standard", cards=[card], asked=asked), "torch.bf16")
    assert check.verdict is Verdict.UNKNOWN


def test_pytorch_that_took_its_time_to_load() -> None:
    slow = Pod(
        level="standard", cards=[Card(torch={"ok": False, "error": "hang in matmul"})], torch_facts={"import_s": 70}
    )
    assert [check.verdict for check in told(slow, "torch.run")] == [Verdict.UNKNOWN]
    assert bad(look(slow)) == []
    late = Pod(level="standard", torch_facts={"comm_error": "no answer in time"})
    assert bad(look(late)) == []


def test_half_precision_is_not_held_against_bf16() -> None:
    assert told(Pod(level="standard", torch_facts={"dtype": "torch.float16"}), "torch.bf16") == []


def test_memory_that_the_probe_itself_holds() -> None:
    """nvidia-smi was slow and looked while the CUDA part ran."""
    card = Card(used=74000, smi={"utilization/gpu_util": "100 %"})
    assert bad(look(Pod(cards=[card], cuda_facts={"smi_overlap": True}))) == []
    taken = replace(card, cuda={"busy": True})
    report = look(Pod(cards=[taken], cuda_facts={"smi_overlap": True}))
    assert ids(bad(report)) == ["gpu.mem_used"]


# ---- a pod at work ----


def test_a_pod_at_work_is_not_blamed_for_its_work() -> None:
    card = Card(
        used=70000,
        temperature=86,
        smi={"utilization/gpu_util": "100 %", "clocks_event_reasons/clocks_event_reason_sw_power_cap": "Active"},
        cuda={"busy": True, "mem_free_mib": 9000},
    )
    space = pods.SPACE.replace("51380224       2% /\n", "1500000 97% /\n").replace("26161972    1% /\n", "10 99% /\n")
    sections: Sections = {"space": ("0", 9, space), "disk": ("0", 9, pods.DISK.replace("0.0871", "3.1"))}
    busy = {"loadavg": "900 1 1 1/1 1", "psi_cpu": "some avg10=99.00"}
    pod = Pod(cards=[card], asked=WORKING, facts=busy, sections=sections)
    assert ids(bad(look(pod))) == ["disk.write"]
    assert look(pod).verdict is Verdict.WARN
    assert bad(look(replace(pod, level="passive"))) == []
    full = replace(pod, level="passive", sections={"space": ("0", 9, space.replace("1500000 97%", "150000 99%"))})
    assert [(check.id, check.verdict) for check in bad(look(full))] == [("disk.full", Verdict.WARN)]
    assert Verdict.FAIL in {check.verdict for check in bad(look(replace(pod, asked=Pod().asked)))}
    oom = Card(cuda={"ok": False, "rc": 2, "error": "cuMemAlloc -> 2"})
    (check,) = told(Pod(cards=[oom], asked=WORKING), "cuda.gpu")
    assert check.verdict is Verdict.UNKNOWN


# ---- what is not known ----


def test_absence_of_evidence() -> None:
    for text in (
        "",
        "dmesg: read kernel buffer failed: Operation not permitted",
        "sh: dmesg: not found",
        "Permission denied",
    ):
        pod = Pod(sections={"kmsg": ("0", 3, text)})
        assert [check.verdict for check in told(pod, "xid")] == [Verdict.UNKNOWN]
    readable = Pod(sections={"kmsg": ("0", 3, "[1.0] NVRM: loading NVIDIA UNIX x86_64 Kernel Module")})
    assert [check.verdict for check in told(readable, "xid")] == [Verdict.PASS]


def test_no_python() -> None:
    pod = Pod(sections={"cuda": ("127", 3, "no python3 of 3.7 or later")})
    assert bad(look(pod)) == []
    (check,) = told(pod, "cuda.init")
    assert (check.verdict, check.owner) == (Verdict.UNKNOWN, Owner.IMAGE)
    both = replace(pod, sections={**pod.sections, "smi": ("127", 3, "no nvidia-smi")})
    assert ids(bad(look(both))) == ["gpu.no_evidence"]
    assert look(both).verdict is Verdict.FAIL


def test_no_smi_but_cuda_works() -> None:
    pod = Pod(sections={"smi": ("127", 3, "no nvidia-smi")})
    report = look(pod)
    assert bad(report) == []
    assert report.verdict is Verdict.PASS
    assert report.gpu_uuids == (Card().uuid,)


@pytest.mark.parametrize("name", ["smi", "cuda", "disk", "sys", "dl_1", "net_hub", "space", "kmsg", "dev", "smi2"])
def test_a_part_that_is_missing_is_not_held_against_the_machine(name: str) -> None:
    assert bad(look(Pod(sections={name: None}))) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cuda", '{"probe": "cuda", "status": "ok", "gpus": [\n{"i": 0, "ok": tr'),
        ("cuda", '{"i": 0, "ok": false, "rc": 2}'),
        ("cuda", '{"probe": "cuda", "status": "unknown", "stage": "lock", "error": "another check is using it"}'),
        ("cuda", '{"probe": "cuda", "status": "fail", "error": "AttributeError: bug", "stage": "gpus", "gpus": []}'),
        ("cuda", "Traceback (most recent call last):"),
        ("smi", pods.smi(Pod())[:3000]),
        ("smi", ""),
    ],
)
def test_answers_that_were_cut(name: str, text: str) -> None:
    assert bad(look(Pod(sections={name: ("0", 300, text)}))) == []


def test_what_is_left_of_an_answer_is_no_answer() -> None:
    pod = Pod(level="standard", sections={"torch": ("0", 9, '{"i": 0, "ok": true}\n]}')})
    assert [check.verdict for check in told(pod, "torch.run")] == [Verdict.UNKNOWN]


def test_nothing_at_all() -> None:
    report = judge(Stream(), "basic", Pod().asked, at=pods.AT, seconds=9)
    assert ids(bad(report)) == ["gpu.no_evidence"]
    nothing_asked = judge(Stream(), "basic", Asked(), at=pods.AT, seconds=9)
    assert nothing_asked.verdict is Verdict.UNKNOWN
    assert judge(parse(""), "off", Pod().asked, at=0, seconds=0).checks == ()


def test_python_on_another_c_library() -> None:
    told_ = {"status": "fail", "stage": "load", "error": "Error relocating libcuda.so.1: symbol not found", "gpus": []}
    (check,) = told(Pod(cuda_facts=told_), "cuda.load")
    assert (check.verdict, check.owner) == (Verdict.UNKNOWN, Owner.IMAGE)


def test_clocks_may_differ_by_as_much_as_the_probe_took() -> None:
    late = Pod(facts={"now": str(int(pods.AT) - 40)})
    assert ids(bad(look(late))) == ["clock"]
    assert bad(look(late, seconds=60)) == []


def test_an_image_with_a_newer_libcuda_of_its_own() -> None:
    pod = Pod(cuda="12.4", facts={"CUDA_VERSION": "12.8.1"}, cuda_facts={"driver_cuda": "12.8"})
    assert bad(look(pod)) == []


def test_nvlink_of_gpus_that_have_none() -> None:
    cards = [Card(name="NVIDIA GeForce RTX 4090", index=index, vram=24564, has_fabric=False) for index in range(2)]
    pod = Pod(cards=cards, asked=Asked(gpu_id="NVIDIA GeForce RTX 4090", gpu_count=2))
    assert bad(look(pod)) == []
    pod.sections["nvlink"] = ("0", 9, "Unable to retrieve NVLink information as all links are inactive\n")
    assert bad(look(pod)) == []


def test_a_volume_that_is_fine() -> None:
    text = "mount=/workspace mounted\nmount_options=rw,noatime\nmount_write=ok"
    report = look(Pod(asked=VOLUME, sections={"asked": ("0", 9, text)}))
    assert bad(report) == []
    assert {"volume.mounted", "volume.writable", "volume.size"} <= set(ids(report.checks))
    skipped = look(Pod(asked=VOLUME, sections={"asked": ("0", 9, text.replace("=ok", "=skipped"))}))
    assert bad(skipped) == []


def test_questions_that_the_pod_does_not_answer() -> None:
    asked = replace(Pod().asked, env=("A",), ports=(8888,))
    report = look(Pod(asked=asked, sections={"asked": ("0", 9, "env_unknown=A\nlisten=8888 unknown")}))
    found = {check.id: check.verdict for check in report.checks if check.id.startswith("asked")}
    assert found == {"asked.env": Verdict.UNKNOWN, "asked.port": Verdict.UNKNOWN}
    partly = replace(asked, env=("A", "B"), ports=(8888, 80))
    text = "env_unknown=A\nenv_present=B\nlisten=8888 unknown\nlisten=80 yes"
    report = look(Pod(asked=partly, sections={"asked": ("0", 9, text)}))
    assert found == {check.id: check.verdict for check in report.checks if check.id.startswith("asked")}


def test_one_gpu_that_could_not_be_tested_is_not_passed_with_the_others() -> None:
    pod = pods.eight()
    pod.asked = replace(pod.asked, fresh=False)
    pod.cards[3].cuda = {"busy": True, "mem_free_mib": 20}
    (check,) = told(pod, "cuda.gpu")
    assert (check.verdict, check.gpu) == (Verdict.UNKNOWN, 3)
    assert [one.verdict for one in told(pod, "cuda.clock")] == [Verdict.PASS]


def test_one_pass_for_all_gpus_and_one_word_for_each_bad_one() -> None:
    pod = pods.eight()
    pod.cards[2].cuda = {"sm_mhz_effective": 510}
    pod.cards[6].cuda = {"sm_mhz_effective": 900}
    pod.cuda_facts = {"under_load": None}
    report = look(pod)
    found = [check for check in report.checks if check.id == "cuda.clock"]
    assert [(check.gpu, check.verdict) for check in found] == [(2, Verdict.FAIL), (6, Verdict.FAIL)]
    assert found[0].sentence == "GPU 2 runs at 510 of 1980 MHz under load: it is throttled."
    assert found[0].measured == "510 of 1980 MHz"
    others = [check.id for check in report.checks if check.id != "cuda.clock"]
    assert len(others) == len(set(others))


def test_cuda_and_smi_may_count_differently() -> None:
    """CUDA_VISIBLE_DEVICES turned the order round; the UUID tells which is which."""
    pod = pods.eight()
    pod.cards[0].cuda = {"uuid": pod.cards[7].uuid, "mem_bad_words16": 3}
    (check,) = [check for check in bad(look(pod)) if check.id == "cuda.bad_memory"]
    assert check.gpu == 7


def test_gpus_that_ran_no_kernel_were_not_seen_under_load() -> None:
    card = Card(cuda={"kernels": "unknown: cuModuleLoadData -> 221", "kernels_rc": 221})
    pod = Pod(cards=[card], cuda_facts={"under_load": "0, 1, 16, 345, 0x0000000000000001"})
    assert ids(bad(look(pod))) == ["cuda.kernels"]
