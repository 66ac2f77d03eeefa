"""Documents of nvidia-smi, each with the verdict and the checks that it deserves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from health.pods import AT, bad, ids, section
from rp.domain.verdict import Owner, Verdict
from rp.health.asked import Asked
from rp.health.judge import judge
from rp.health.stream import parse

FOLDER = Path(__file__).parent / "fixtures" / "smi"
CASES: list[dict[str, Any]] = json.loads((FOLDER / "cases.json").read_text())


def test_all_fixtures_have_a_case() -> None:
    assert sorted(case["file"] for case in CASES) == sorted(path.name for path in FOLDER.glob("*.xml"))
    assert len(CASES) == 36


@pytest.mark.parametrize("case", CASES, ids=[case["file"].removesuffix(".xml") for case in CASES])
def test_verdict_and_checks(case: dict[str, Any]) -> None:
    wanted = case["requested"]
    env = f"CUDA_VERSION={wanted['image_cuda']}" if "image_cuda" in wanted else "uid=0"
    printed = section("sys", "0", 20, env) + section("smi", "0", 400, (FOLDER / case["file"]).read_text())
    asked = Asked(gpu_id=wanted["gpu"], gpu_count=wanted["count"])
    report = judge(parse(printed + "@@ end 0 500\n"), "passive", asked, at=AT, seconds=1)
    assert (report.verdict.value, ids(bad(report))) == (case["expect"]["verdict"], sorted(case["expect"]["codes"]))
    for check in bad(report):
        assert check.owner is Owner.MACHINE
        assert check.sentence.endswith((".", "?"))
    if report.verdict is Verdict.PASS:
        assert {check.gpu for check in report.checks} == {None}
