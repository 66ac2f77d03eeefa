"""Reports: a line for each attempt, but for many refusals of one kind."""

import pytest

from rp.domain.attempt import Attempt, State, report


def attempt(number: int, state: State = State.REFUSED, reason: str = "no capacity") -> Attempt:
    pod_id = None if state is State.REFUSED else f"p{number}"
    return Attempt(f"rp-t-{number}", "d", "SECURE", "EU", f"G{number}", 1, 3.6, state, 0.0, 0.0, 10.0, pod_id, reason)


@pytest.mark.parametrize("count", [0, 1, 6])
def test_a_few_refusals_have_a_line_each(count: int) -> None:
    assert report([attempt(n) for n in range(count)]) == [f"G{n}, EU, secure: no capacity" for n in range(count)]


def test_many_are_told_as_the_first_and_their_number() -> None:
    assert report([attempt(n) for n in range(60)]) == [
        "G0, EU, secure: no capacity",
        "G1, EU, secure: no capacity",
        "G2, EU, secure: no capacity",
        "57 more: no capacity (`rp why` lists them)",
    ]


def test_other_reasons_and_pods_are_told_one_by_one() -> None:
    bad = attempt(90, State.TERMINATED, "its GPU is gone")
    lines = report([*(attempt(n) for n in range(7)), attempt(80, reason="closed"), bad, attempt(7)])

    assert lines[3:] == [
        "5 more: no capacity (`rp why` lists them)",
        "G80, EU, secure: closed",
        "G90, EU, secure: its GPU is gone ($0.0100)",
    ]
