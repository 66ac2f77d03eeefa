import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.domain import units


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0.00"),
        (0.0137, "$0.0137"),
        (0.099, "$0.0990"),
        (0.1, "$0.10"),
        (0.44, "$0.44"),
        (1234.5, "$1234.50"),
    ],
)
def test_money(amount: float, text: str) -> None:
    assert units.usd(amount) == text


@given(st.floats(0, 1e6))
def test_money_is_never_far_from_the_amount(amount: float) -> None:
    assert float(units.usd(amount).removeprefix("$")) == pytest.approx(amount, abs=0.005)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0s"),
        (0, "0s"),
        (42, "42s"),
        (59.9, "59s"),
        (60, "1m00s"),
        (185, "3m05s"),
        (3599, "59m59s"),
        (3600, "1h00m"),
        (7800, "2h10m"),
        (86399, "23h59m"),
        (86400, "1d00h"),
        (273600, "3d04h"),
    ],
)
def test_time(seconds: float, text: str) -> None:
    assert units.duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("5 secs", 5),
        ("1.5h", 5400),
        ("1h30m", 5400),
        ("1 hour 30 Minutes", 5400),
        ("2hrs", 7200),
        (" 10min ", 600),
        ("2 days", 172_800),
        ("365d", 31_536_000),
        ("0s", 0),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert units.parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "5",
        "5ms",
        "5 months",
        "3 moons",
        "5y",
        "1w",
        "h",
        "1h30",
        "-5m",
        "1e9s",
        "1h,30m",
        "5 sx",
        "inf",
        "1." * 9,
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration such as 90s, 30m or 1h30m"):
        units.parse_duration(text)


@pytest.mark.parametrize("text", ["366d", "365d 1s", f"{'9' * 15}d", f"{'9' * 400}d", "9" * 200_000])
def test_a_duration_ends(text: str) -> None:
    with pytest.raises(ValueError, match=r"longer than 365 days|no duration") as caught:
        units.parse_duration(text)
    assert len(str(caught.value)) < 100


@given(st.integers(1, 365 * 86_400))
def test_what_is_written_is_read(seconds: int) -> None:
    assert abs(units.parse_duration(units.duration(seconds)) - seconds) < 3600
