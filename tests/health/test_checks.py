"""Each check says what it should about a pod that is broken in one way, and nothing about any other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from health.breakage import BROKEN
from health.breaking import Broken
from health.pods import bad, ids, look
from rp.domain.verdict import LEVELS, Verdict
from rp.health.catalogue import CHECKS


def name(broken: Broken) -> str:
    return f"{BROKEN.index(broken)}-{broken.check}-{broken.verdict.value}"


@pytest.mark.parametrize("broken", BROKEN, ids=map(name, BROKEN))
def test_a_broken_pod(broken: Broken) -> None:
    report = look(broken.pod)
    found = [check for check in report.checks if check.id == broken.check]
    assert [check.verdict for check in found if check.verdict is broken.verdict], (found, bad(report))
    assert max(found, key=lambda check: check.verdict is Verdict.FAIL).verdict is broken.verdict
    said = next(check for check in found if check.verdict is broken.verdict)
    assert said.owner is broken.owner
    assert broken.says in said.sentence
    assert set(ids(bad(report))) <= {broken.check, *broken.also}, bad(report)
    assert set(broken.also) <= set(ids(bad(report)))


@pytest.mark.parametrize("broken", BROKEN, ids=map(name, BROKEN))
def test_overrides(broken: Broken) -> None:
    off = replace(broken.pod, asked=replace(broken.pod.asked, overrides={broken.check: "off"}))
    assert broken.check not in {check.id for check in look(off).checks}
    soft = replace(broken.pod, asked=replace(broken.pod.asked, overrides={broken.check: "warn"}))
    assert {check.verdict for check in bad(look(soft)) if check.id == broken.check} == {Verdict.WARN}


def test_every_check_can_say_something() -> None:
    assert {broken.check for broken in BROKEN} == set(CHECKS)


@pytest.mark.parametrize("check", CHECKS)
def test_each_verdict_that_the_catalogue_promises_is_tested(check: str) -> None:
    known = CHECKS[check]
    tested = {broken.verdict for broken in BROKEN if broken.check == check}
    promised = {Verdict.WARN} if known.when_warn() else set()
    promised |= {Verdict.FAIL} if known.when_fail() else set()
    assert tested == promised


@pytest.mark.parametrize("broken", BROKEN, ids=map(name, BROKEN))
def test_a_level_tells_no_more_than_it_looks_at(broken: Broken) -> None:
    for level in LEVELS[1:]:
        report = look(replace(broken.pod, level=level))
        for check in report.checks:
            assert LEVELS.index(CHECKS[check.id].level) <= LEVELS.index(level)
