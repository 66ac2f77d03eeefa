from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.domain import wishes
from rp.domain.catalog import Catalog, DataCenter, GpuType, Offer, Stock
from rp.domain.clouds import COMMUNITY, SECURE
from rp.domain.offers import ORDERS, Asked, Listing, listing
from rp.errors import NotFound, UsageProblem
from unit.samples import CATALOG, NAMED_GPUS

H100 = GpuType("NVIDIA H100 80GB HBM3", "H100 SXM", 80, {SECURE: Offer(3.0, 8), COMMUNITY: Offer(2.5, 4)})
A40 = GpuType("NVIDIA A40", "A40", 48, {SECURE: Offer(0.4, 8)})
OLD = GpuType("NVIDIA GeForce RTX 3070", "RTX 3070", 8)
SLICE = GpuType("NVIDIA H100 MIG 1g", "H100 MIG 1g", 10, {SECURE: Offer(0.5, 0)})
PLACES = (DataCenter("EU-RO-1", "EU-RO-1", "EUROPE"), DataCenter("US-TX-3", "US-TX-3", "NORTH_AMERICA"))
SMALL = Catalog(
    (H100, A40, OLD, SLICE),
    PLACES,
    {
        (SECURE, H100.id, 1): Stock.LOW,
        (COMMUNITY, H100.id, 1): Stock.HIGH,
        (SECURE, H100.id, 8): Stock.NONE,
        (SECURE, A40.id, 1): Stock.NONE,
        (SECURE, SLICE.id, 1): Stock.MEDIUM,
    },
    {
        (SECURE, H100.id, 1, "EU-RO-1"): Stock.NONE,
        (SECURE, H100.id, 1, "US-TX-3"): Stock.LOW,
        (COMMUNITY, H100.id, 1, "EU-RO-1"): Stock.HIGH,
    },
)


def names(found: Listing) -> list[str]:
    return [row.called for row in found.rows]


def test_all_that_is_offered_the_cheapest_first() -> None:
    found = listing(Asked(), SMALL)

    assert names(found) == ["A40", "H100 MIG 1g", "H100 SXM"]
    assert found.left_out == ()
    row = found.rows[-1]
    assert (row.price, row.stock) == (2.5, Stock.HIGH)
    assert {cloud: (offer.price, offer.stock) for cloud, offer in row.clouds.items()} == {
        SECURE: (3.0, Stock.LOW),
        COMMUNITY: (2.5, Stock.HIGH),
    }
    assert row.places == {"EU-RO-1": Stock.HIGH, "US-TX-3": Stock.LOW}
    assert list(row.places) == ["EU-RO-1", "US-TX-3"]


def test_a_name_says_its_own_number_and_the_price_is_for_all_of_them() -> None:
    found = listing(Asked(("8xH100", "a40"), count=2), SMALL)

    assert names(found) == ["2x A40", "8x H100 SXM"]
    # A community machine has four at most.
    assert list(found.rows[1].clouds) == [SECURE]
    assert found.rows[1].price == 24.0
    assert found.rows[1].stock is Stock.NONE


@pytest.mark.parametrize(
    ("asked", "shown", "reasons"),
    [
        (Asked(("H100", "A40"), min_vram=80), ["H100 SXM"], ["48 GB, 80 wanted"]),
        (Asked(("H100", "A40"), max_price=0.5), ["A40"], ["dearer than $0.50/h"]),
        (Asked(("9xH100",)), [], ["at most 8 on one machine, 9 wanted"]),
        (Asked(("A40",), available=True), [], ["no stock"]),
        (Asked(("A40",), clouds=(COMMUNITY,), available=True), [], ["not offered"]),
        (Asked(("3070",)), ["RTX 3070"], []),
        (Asked(("2xH100",), available=True), [], ["its stock is not known"]),
        (Asked(available=True, regions=("EU",)), ["H100 MIG 1g", "H100 SXM"], []),
    ],
)
def test_what_was_named_and_is_not_shown_has_a_reason(asked: Asked, shown: list[str], reasons: list[str]) -> None:
    offered = replace(SMALL, place_stock={**SMALL.place_stock, (SECURE, SLICE.id, 1, "EU-RO-1"): Stock.LOW})
    found = listing(asked, offered)

    assert names(found) == shown
    assert [dropped.reason for dropped in found.left_out] == reasons


def test_stock_is_that_of_the_wanted_regions() -> None:
    def levels(*regions: str) -> dict[str, Stock]:
        row = listing(Asked(("H100",), regions=regions), SMALL).rows[0]
        return {cloud: offer.stock for cloud, offer in row.clouds.items()}

    assert levels("EU") == {SECURE: Stock.NONE, COMMUNITY: Stock.HIGH}
    assert levels("US-TX-3") == levels("!EU") == {SECURE: Stock.LOW, COMMUNITY: Stock.UNKNOWN}
    assert levels("US", "RO") == levels() == {SECURE: Stock.LOW, COMMUNITY: Stock.HIGH}
    assert listing(Asked(("H100",), regions=("!EU",)), SMALL).rows[0].places == {"US-TX-3": Stock.LOW}


def test_too_dear_on_one_cloud_is_as_not_offered_there() -> None:
    row = listing(Asked(("H100",), max_price=2.7), SMALL).rows[0]

    assert list(row.clouds) == [COMMUNITY]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("price", ["A40", "H100 MIG 1g", "H100 SXM"]),
        ("name", ["A40", "H100 MIG 1g", "H100 SXM"]),
        ("vram", ["H100 SXM", "A40", "H100 MIG 1g"]),
        ("stock", ["H100 SXM", "H100 MIG 1g", "A40"]),
    ],
)
def test_orders(order: str, expected: list[str]) -> None:
    assert names(listing(Asked(order=order), SMALL)) == expected


def test_names_that_nobody_knows_are_told_with_the_nearest() -> None:
    with pytest.raises(NotFound, match="H1000") as unknown:
        listing(Asked(("H1000",)), SMALL)
    assert "H100" in (unknown.value.hint or "")
    with pytest.raises(NotFound, match="Atlantis"):
        listing(Asked(regions=("Atlantis",)), SMALL)
    with pytest.raises(UsageProblem, match="no GPU at all"):
        listing(Asked(("0xH100",)), SMALL)


def test_without_stock_everything_is_unknown_not_none() -> None:
    found = listing(Asked(("H100",), regions=("EU",)), Catalog(SMALL.gpus, PLACES))

    assert {offer.stock for offer in found.rows[0].clouds.values()} == {Stock.UNKNOWN}
    assert found.rows[0].places == {}


@given(
    wanted=st.lists(st.sampled_from(NAMED_GPUS).map(lambda gpu: gpu.id) | st.just(wishes.ANY_GPU), max_size=4),
    count=st.integers(1, 9),
    min_vram=st.none() | st.integers(1, 200),
    max_price=st.none() | st.floats(0, 50),
    clouds=st.sampled_from([(SECURE,), (COMMUNITY,), (SECURE, COMMUNITY)]),
    order=st.sampled_from(ORDERS),
)
def test_every_row_is_as_asked_and_no_name_is_lost(
    wanted: list[str], count: int, min_vram: int | None, max_price: float | None, clouds: tuple[str, ...], order: str
) -> None:
    asked = Asked(tuple(wanted), count, (), clouds, min_vram, max_price, None, order)
    found = listing(asked, CATALOG)

    for row in found.rows:
        assert row.count == count
        assert row.gpu.memory_gb >= (min_vram or 0)
        assert set(row.clouds) <= set(clouds)
        assert all(offer.price <= (max_price or 0) for offer in row.clouds.values()) or max_price is None
    assert len({(row.gpu.id, row.count) for row in found.rows}) == len(found.rows)
    named = {gpu.name for gpu in NAMED_GPUS if gpu.id in wanted}
    told = {row.gpu.name for row in found.rows} | {one.what.removeprefix(f"{count}x ") for one in found.left_out}
    assert named <= told


def test_any_gpu_is_any() -> None:
    assert listing(Asked(("any gpu",)), SMALL) == listing(Asked(("any",)), SMALL)
    left_out = listing(Asked(("any gpu", "H100"), max_price=0.01), SMALL).left_out
    assert [one.what for one in left_out] == ["H100 SXM"]
