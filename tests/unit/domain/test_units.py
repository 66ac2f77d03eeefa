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
