import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.runpod.ratelimit import Pacer, exhausted, retry_after


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 0),
        ('"minute";r=5;t=12', 0),
        ('"minute";r=0;t=12', 12),
        ('"minute";r=0;t=12, "hour";r=2800;t=1812, "day";r=49500;t=45012', 12),
        ('"minute";r=12;t=12, "hour";r=0;t=1724', 1724),
        ('"minute";r=0;t=12, "hour";r=0;t=1724', 1724),
        ('"minute"; r=0; t=12', 12),
        ('"minute";t=12;r=0', 12),
        ('"minute";r=0', 0),
        ('"minute";q=60;w=60', 0),
        ('"r=0;t=99";r=1;t=5', 0),
        ("nonsense", 0),
        ('"minute";r=00;t=12', 0),
    ],
)
def test_the_longest_of_the_exhausted_windows_counts(header: str, seconds: float) -> None:
    assert exhausted(header) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 1),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "7", "ratelimit": '"hour";r=0;t=99'}, 99),
        ({"retry-after": "120", "ratelimit": '"hour";r=0;t=99'}, 120),
        ({"retry-after": "7", "ratelimit": '"hour";r=1;t=99'}, 7),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 1),
        ({"retry-after": "-5"}, 1),
        ({"retry-after": "²"}, 1),
        ({"retry-after": ""}, 1),
    ],
)
def test_the_wait_is_the_longest_that_any_header_asks_for(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers) == seconds


@given(st.text(), st.text(st.characters(max_codepoint=255)))
def test_any_header_is_read_without_an_error(limits: str, told: str) -> None:
    assert retry_after({"ratelimit": limits, "retry-after": told}) >= 0


def test_the_pacer_waits_until_the_window_is_over() -> None:
    time = [100.0]
    pacer = Pacer(lambda: time[0])
    assert pacer.pause() == 0

    pacer.heard({"ratelimit": '"minute";r=0;t=12'})
    assert pacer.pause() == 12
    pacer.heard({"ratelimit": '"minute";r=0;t=3'})
    assert pacer.pause() == 12
    time[0] = 110.0
    assert pacer.pause() == 2
    time[0] = 113.0
    assert pacer.pause() == 0
