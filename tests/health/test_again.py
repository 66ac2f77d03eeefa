"""What gets a second try."""

from __future__ import annotations

from typing import Any

import pytest

from health import pods
from health.breaking import start
from health.pods import Card, Pod
from rp.health.again import again
from rp.health.stream import Stream, parse

PASSIVE = ("sys", "asked", "dev", "smi", "kmsg", "space")


def tried(pod: Pod) -> tuple[str, ...]:
    return again(parse(pod.text()))


@pytest.mark.parametrize("level", ["passive", "basic", "standard", "deep"])
def test_a_healthy_pod_gets_none(level: str) -> None:
    assert tried(Pod(level=level)) == ()


@pytest.mark.parametrize("status", ["timeout", "124", "137"])
def test_silence(status: str) -> None:
    assert tried(Pod(sections={"smi": (status, 8000, "")})) == ("smi",)
    assert tried(Pod(sections={"cuda": (status, 8000, "")})) == ("cuda",)
    assert tried(Pod(sections={"smi": (status, 8000, ""), "cuda": (status, 8000, "")})) == ("smi", "cuda")
    assert tried(Pod(sections={"disk": (status, 8000, "")})) == ()


@pytest.mark.parametrize(
    ("rc", "parts"), [(999, ("cuda",)), (802, ("cuda",)), (100, ()), (803, ()), (804, ()), (34, ())]
)
def test_cuda_that_does_not_start(rc: int, parts: tuple[str, ...]) -> None:
    assert tried(start(rc).pod) == parts


@pytest.mark.parametrize(
    ("facts", "parts"),
    [
        ({"ok": False, "error": "hang: no answer within 6 s in burn"}, ("cuda",)),
        ({"ok": False, "error": "stopped by signal 11 in context"}, ("cuda",)),
        ({"ok": False, "rc": 214, "error": "cuMemAlloc -> 214"}, ()),
        ({"mem_bad_words16": 4}, ()),
    ],
)
def test_a_gpu_that_hangs(facts: dict[str, Any], parts: tuple[str, ...]) -> None:
    assert tried(Pod(cards=[Card(cuda=facts)])) == parts


def test_a_missing_tool_is_missing_the_second_time_too() -> None:
    assert tried(Pod(sections={"smi": ("127", 5, "none"), "cuda": ("127", 5, "no python3")})) == ()
    assert tried(Pod(sections={"cuda": ("139", 5, "Segmentation fault")})) == ("cuda",)


def test_a_stream_that_broke_off() -> None:
    cut = Pod().text().partition("@@ smi")[0]
    assert again(parse(cut)) == ("asked", "smi", "kmsg", "space", "cuda")
    assert again(parse(cut.replace("level=basic", "level=passive"))) == ("asked", "smi", "kmsg", "space")
    assert again(Stream()) == PASSIVE
    assert again(parse("@@ fatal 1 0\n no room\n")) == ()


def test_the_second_answer_counts() -> None:
    from rp.health.judge import judge
    from rp.health.stream import merged

    first = parse(Pod(sections={"smi": ("timeout", 8000, "")}).text())
    second = parse(pods.section("smi", "0", 28000, pods.smi(Pod())) + "@@ end 0 1\n")
    report = judge(merged(first, second), "basic", Pod().asked, at=pods.AT, seconds=40)
    assert pods.bad(report) == []
