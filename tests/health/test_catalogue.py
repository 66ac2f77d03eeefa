"""The catalogue itself, and what a template may change about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from health.pods import Card, Pod, bad, ids, look
from rp.domain.verdict import LEVELS, Verdict
from rp.health.catalogue import ABOVE, BELOW, CHECKS, override_problems


@pytest.mark.parametrize("check", CHECKS)
def test_definitions_are_whole(check: str) -> None:
    known = CHECKS[check]
    assert known.level in LEVELS[1:]
    assert known.what
    assert known.source
    assert known.when_warn() or known.when_fail()
    assert known.worse in ("", ABOVE, BELOW)
    if not known.measures:
        assert known.warn is None
        assert known.fail is None
    if known.warn is not None and known.fail is not None:
        assert known.fail > known.warn if known.worse == ABOVE else known.fail < known.warn


@pytest.mark.parametrize(
    "good",
    [
        {},
        {"net.down": "off", "gpu.ecc_aggregate": "warn"},
        {"cuda.clock": {"warn": 0.8, "fail": 0.6}},
        {"cuda.clock": {"fail": 0.6}, "gpu.temperature": {"warn": 80, "fail": 90}},
        dict.fromkeys(CHECKS, "off"),
    ],
)
def test_good_overrides(good: dict[str, Any]) -> None:
    assert override_problems(good) == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"net.dow": "off"}, "did you mean `net.down`"),
        ({"gpu.aggregate_ecc": "off"}, "`gpu.ecc_aggregate`"),
        ({"qqqqqqqq": "off"}, "is not a check"),
        ({"net.down": "on"}, '"off", "warn"'),
        ({"net.down": None}, '"off", "warn"'),
        ({"net.down": True}, '"off", "warn"'),
        ({"net.down": 4}, '"off", "warn"'),
        ({"gpu.count": {"warn": 1}}, "no thresholds"),
        ({"cuda.clock": {"warning": 1}}, "'warning'"),
        ({"cuda.clock": {"warn": "0.8"}}, "warn must be a number"),
        ({"cuda.clock": {"fail": True}}, "fail must be a number"),
        ({"cuda.clock": {"fail": float("nan")}}, "fail must be a number"),
        ({"cuda.clock": {"fail": 10**400}}, "fail must be a number"),
        ({"cuda.clock": {}}, "give warn or fail"),
        ({"cuda.clock": {"warn": 0.4}}, "must not lie over warn"),
        ({"clock": {"fail": 3}}, "must not lie under warn"),
    ],
)
def test_wrong_overrides(wrong: dict[str, Any], says: str) -> None:
    (problem,) = override_problems(wrong)
    assert says in problem
    # Whatever a template says, judging goes on.
    assert look(Pod(asked=replace(Pod().asked, overrides=wrong))).checks


def test_all_problems_are_told_at_once() -> None:
    assert len(override_problems({"a": "off", "cuda.clock": {"x": 1, "warn": "y"}})) == 3
    assert len(override_problems(["net.down"])) == 1  # type: ignore[arg-type]


def test_own_thresholds_count() -> None:
    pod = Pod(cards=[Card(cuda={"sm_mhz_effective": 1500})], cuda_facts={"under_load": None})
    assert bad(look(pod)) == []
    own = replace(pod, asked=replace(pod.asked, overrides={"cuda.clock": {"warn": 0.9, "fail": 0.8}}))
    (check,) = bad(look(own))
    assert (check.id, check.verdict, check.expected) == (
        "cuda.clock",
        Verdict.FAIL,
        "at least 80 % of the GPU's highest",
    )
    used = Pod(level="passive", cards=[Card(used=1000)])
    assert [check.verdict for check in bad(look(used))] == [Verdict.WARN]
    strict = replace(used, asked=replace(used.asked, overrides={"gpu.mem_used": {"fail": 900}}))
    assert [check.verdict for check in bad(look(strict))] == [Verdict.FAIL]


def test_off_everywhere_is_nothing() -> None:
    pod = Pod(level="deep", sections={"smi": ("9", 9, "")})
    assert ids(bad(look(pod)))
    assert look(replace(pod, asked=replace(pod.asked, overrides=dict.fromkeys(CHECKS, "off")))).checks == ()
