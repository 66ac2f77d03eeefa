"""A pod may print anything. Judging it ends, quickly, with a report that is safe to show."""

from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from health import pods
from health.breaking import SPEED, VOLUME
from health.pods import Card, Pod, section
from rp.domain.verdict import DEEP, Report, Verdict
from rp.health.again import again
from rp.health.asked import Asked
from rp.health.catalogue import CHECKS
from rp.health.judge import judge
from rp.health.judges import smi_xml
from rp.health.stream import NAMES, clean, merged, parse

ALL = Asked(
    gpu_id=pods.H100,
    gpu_count=8,
    memory_gb=80,
    disk_gb=50,
    volume_path=VOLUME.volume_path,
    volume_gb=10,
    env=("A",),
    ports=(80,),
    min_cuda="12.8",
    speed_test_url=SPEED.speed_test_url,
    min_mbps=100,
)
ASKED = "env_present=A\nlisten=80 yes\nmount=/workspace mounted\nmount_options=rw\nmount_write=ok"
STREAMS = [
    Pod(level=DEEP, asked=ALL).text(),
    pods.eight().text(),
    Pod(
        level=DEEP,
        sections={
            "asked": (
                "0",
                5,
                ASKED,
            ),
            "kmsg": ("0", 5, "[12.5] NVRM: Xid (PCI:0000:01:00): 79, pid=1, GPU has fallen off the bus."),
            "dcgm": ("0", 5, "| memory | Fail - GPU: 0 |"),
            "nvlink": ("0", 5, pods.nvlink([Card(), Card(index=1)], 18)),
        },
    ).text(),
]
ODD = [
    *("\x1b[2J", "\u202e", "\x00", "&#x9b;31m", "\\u001b[31m", "\ud800", "\u2028", "﷽" * 50),
    *("9" * 500, "-1e999", "NaN", "Infinity", "@@ smi 0 1\n", "<gpu>", "]]>", '{"', "=", "{" * 3000, "[" * 3000),
]
EASY = settings(deadline=None, suppress_health_check=list(HealthCheck))


def check(text: str | bytes, level: str = DEEP, asked: Asked = ALL) -> Report:
    stream = parse(text)
    again(stream)
    merged(stream, stream)
    report = judge(stream, level, asked, at=1.79e9, seconds=6)
    assert isinstance(report.verdict, Verdict)
    assert len(report.checks) < 2000
    assert len(report.raw) < 20_000_000
    assert clean(report.raw) == report.raw
    for one in report.checks:
        assert one.id in CHECKS
        assert 0 < len(one.sentence) <= 300
        assert len(one.measured) <= 120
        assert len(one.expected) <= 120
        for said in (one.sentence, one.measured, one.expected):
            assert clean(said) == said
            assert "\n" not in said
            assert "\t" not in said
        said = f"{one.sentence}{one.measured}{one.expected}"
        said.encode()
    for uuid in report.gpu_uuids:
        assert re.fullmatch(r"[\w./-]{5,90}", uuid)
    return report


@EASY
@given(st.binary(max_size=3000))
def test_any_bytes(data: bytes) -> None:
    check(data)


@EASY
@given(st.sampled_from(sorted(NAMES)), st.sampled_from(["0", "1", "9", "127", "timeout"]), st.text(max_size=2000))
def test_any_text_in_a_section(name: str, status: str, text: str) -> None:
    check(section(name, status, 5, text) + "@@ end 0 1\n")


KEYS = (
    *(
        "gpus",
        "status",
        "stage",
        "rc",
        "error",
        "count",
        "i",
        "ok",
        "busy",
        "name",
        "uuid",
        "burn_s",
        "nccl",
        "p2p_gbs",
    ),
    *("under_load", "sm_mhz_effective", "h2d_gbs", "sdc", "mem_free_mib", "mem_total_mib", "bf16_tflops", "decay"),
    *("p2p_gbs", "asic", "vram", "size", "gpu_data", "card0"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=8),
    max_leaves=30,
)
TOP = st.dictionaries(st.sampled_from(["gpus", "count", "nccl", "p2p_gbs", "rc"]), JSON)


@EASY
@given(
    st.sampled_from(["cuda", "torch", "smi"]),
    st.dictionaries(st.sampled_from(["gpus", "count", "nccl", "p2p_gbs", "rc"]), JSON),
)
def test_any_json(name: str, found: dict[str, object]) -> None:
    text = json.dumps({"probe": name, "status": "ok"} | found)
    for asked in (ALL, Asked(), Asked(gpu_id="AMD Instinct MI300X OAM", gpu_count=1)):
        check(section(name, "0", 5, text) + "@@ end 0 1\n", asked=asked)


@EASY
@given(st.integers(0, len(STREAMS) - 1), st.integers(0, 60_000), st.integers(0, 300), st.sampled_from(ODD))
def test_streams_with_something_replaced(which: int, at: int, gone: int, put: str) -> None:
    text = STREAMS[which]
    at %= len(text)
    check(text[:at] + put + text[at + gone :])


@EASY
@given(st.integers(0, len(STREAMS) - 1), st.integers(0, 60_000))
def test_streams_that_are_cut(which: int, at: int) -> None:
    text = STREAMS[which]
    report = check(text[: at % len(text)])
    fails = {one.id for one in report.checks if one.verdict is Verdict.FAIL}
    if which == 1:
        # What did not arrive is nobody's fault.
        assert fails <= {"gpu.no_evidence"}


@EASY
@given(st.integers(0, len(STREAMS) - 1), st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(ODD)), max_size=5))
def test_values_that_are_replaced(which: int, changes: list[tuple[int, str]]) -> None:
    """Whole values, so that the forms around them stay right."""
    text = STREAMS[which]
    values = list(re.finditer(r"(?<=[>=:] )[^<\n]{1,40}|(?<=>)[^<\n]{1,40}(?=<)|(?<=: )[\d.]+", text))
    for at, put in sorted(changes, reverse=True):
        match = values[at % len(values)]
        text = text[: match.start()] + put.replace("\n", "") + text[match.end() :]
    check(text)


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE nvidia_smi_log [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY x SYSTEM "file:///etc/passwd">]>'
)


@pytest.mark.parametrize(
    "document",
    [
        BOMB + "<nvidia_smi_log><gpu><product_name>&c;</product_name></gpu></nvidia_smi_log>",
        BOMB + "<nvidia_smi_log><gpu><product_name>&x;</product_name></gpu></nvidia_smi_log>",
        '<!DOCTYPE x [<!ENTITY e "<nvidia_smi_log>"><nvidia_smi_log><gpu>&e;</gpu></nvidia_smi_log>',
        "<nvidia_smi_log><!DOCTYPE x [<!ENTITY e 'x'>]><gpu>&e;</gpu></nvidia_smi_log>",
        "<nvidia_smi_log>" + "<gpu>" * 50_000 + "</gpu>" * 50_000 + "</nvidia_smi_log>",
        "<nvidia_smi_log>" + "<gpu/>" * 50_000 + "</nvidia_smi_log>",
        "<nvidia_smi_log><gpu></nvidia_smi_log>",
        "</nvidia_smi_log><nvidia_smi_log>",
    ],
)
def test_xml_that_attacks(document: str) -> None:
    assert smi_xml.read(document) is None
    check(section("smi", "0", 5, document) + "@@ end 0 1\n")


def test_xml_is_bounded() -> None:
    fields = "".join(f"<f{number}>1</f{number}>" for number in range(20_000))
    found = smi_xml.read(f"<nvidia_smi_log><gpu>{fields}<a>{'x' * 100_000}</a></gpu></nvidia_smi_log>")
    assert found
    assert len(found.gpus[0].fields) <= 4000
    assert all(len(text) <= 200 for text in found.gpus[0].fields.values())


@pytest.mark.parametrize(
    "text",
    [
        "@@ smi 0 1\n" + " a\n" * 400_000,
        "@@ kmsg 0 1\n " + "NVRM: Xid (PCI:0000:01:00): 79 " * 20_000,
        "@@ kmsg 0 1\n" + " NVRM: Xid (PCI:0000:01:00): 79, x\n" * 15_000,
        "@@ space 0 1\n " + "1 " * 30_000 + "\n" + " 1 1 1 1 1 1% " * 9999,
        "@@ cuda 0 1\n " + '{"probe":' * 20_000,
        "@@ cuda 0 1\n" + " {\n" * 50_000,
        '@@ cuda 0 1\n {"probe": 1, "count": ' + "9" * 60_000 + "}",
        '@@ smi 0 1\n [{"asic": {"market_name": 1}},' + "[" * 50_000,
        "@@ sys 0 1\n now=" + "9" * 60_000 + "\n cg2_cpu_max=" + "9" * 300 + " 1\n cpu_online=" + "0-9," * 15_000,
        "@@ dcgm 0 1\n " + "| a " * 15_000,
        "@@ dl_1 0 1\n via=curl " + "bps=" * 15_000,
        "@@ disk 0 1\n root_write: " + "9" * 60_000 + " bytes copied, 1e99 s",
        "@@ " * 200_000,
    ],
    ids=range(13),
)
def test_long_answers_do_not_take_long(text: str) -> None:
    began = time.process_time()
    check(text + "\n")
    assert time.process_time() - began < 3
