"""In which order candidates are tried."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.domain import candidate as candidates
from rp.domain.candidate import Candidate
from rp.domain.catalog import Catalog, GpuType, Offer, Stock
from rp.domain.clouds import COMMUNITY, SECURE
from rp.domain.order import ORDERS, PREFERENCE, PRICE, STOCK
from rp.domain.template import Container, Template
from unit.samples import DATA_CENTERS

PRICES = {"A": 3.0, "B": 1.0, "C": 2.0, "D": 2.0}
GPUS = tuple(
    GpuType(name, name, 80, {SECURE: Offer(price, 8), COMMUNITY: Offer(price / 2, 8)}) for name, price in PRICES.items()
)
TEMPLATE = Template(name="t", gpu_preference=tuple(PRICES), container=Container("image"))

levels = st.sampled_from(Stock)
stocks = st.dictionaries(st.tuples(st.sampled_from([SECURE, COMMUNITY]), st.sampled_from("ABCD"), st.just(1)), levels)


def _catalog(**stock: Stock) -> Catalog:
    return Catalog(GPUS, DATA_CENTERS, {(SECURE, name, 1): level for name, level in stock.items()})


def _names(ordered: tuple[Candidate, ...]) -> str:
    return "".join(one.gpu.name for one in ordered)


@pytest.mark.parametrize(
    ("by", "stock", "expected"),
    [
        (PREFERENCE, {}, "ABCD"),
        (PREFERENCE, {"A": Stock.LOW, "B": Stock.HIGH, "C": Stock.NONE, "D": Stock.LOW}, "ABDC"),
        (PRICE, {}, "BCDA"),
        (PRICE, {"A": Stock.LOW, "B": Stock.NONE, "C": Stock.LOW, "D": Stock.HIGH}, "CDAB"),
        (STOCK, {}, "ABCD"),
        (STOCK, {"A": Stock.NONE, "B": Stock.LOW, "C": Stock.HIGH, "D": Stock.MEDIUM}, "CDBA"),
        (STOCK, {"A": Stock.LOW, "B": Stock.NONE, "D": Stock.LOW}, "ADCB"),
    ],
)
def test_the_order_is_the_one_that_is_asked_for(by: str, stock: dict[str, Stock], expected: str) -> None:
    assert _names(candidates.expand(replace(TEMPLATE, order=by), _catalog(**stock)).ordered) == expected


@given(by=st.sampled_from(ORDERS), stock=stocks, cap=st.one_of(st.none(), st.floats(0, 4)))
def test_an_order_loses_nothing_and_puts_what_has_no_stock_last(
    by: str, stock: dict[tuple[str, str, int], Stock], cap: float | None
) -> None:
    template = replace(TEMPLATE, order=by, cloud_preference=("ALL",), max_price_per_hour=cap)
    catalog = Catalog(GPUS, DATA_CENTERS, stock)

    found = candidates.expand(template, catalog).ordered

    plain = candidates.expand(replace(template, order=PREFERENCE), Catalog(GPUS, DATA_CENTERS)).ordered
    assert {one.key for one in found} == {one.key for one in plain}
    assert len(found) == len(plain)
    assert all(cap is None or one.price_per_hour <= cap for one in found)
    empty = [one.stock is Stock.NONE for one in found]
    assert empty == sorted(empty)
    for here in (False, True):
        part = [one for one in found if (one.stock is Stock.NONE) is here]
        assert part == sorted(part, key=lambda one: (_weight(one, by), one.rank))


def _weight(one: Candidate, by: str) -> float:
    return {PREFERENCE: 0.0, PRICE: one.price_per_hour, STOCK: -float(one.stock)}[by]


def _placed(regions: str = "", cloud: str = SECURE, **levels: Stock) -> tuple[Candidate, Catalog]:
    places = {(cloud, "A", 1, name.replace("_", "-")): level for name, level in levels.items()}
    catalog = Catalog(GPUS, DATA_CENTERS, {(cloud, "A", 1): Stock.LOW}, places)
    template = replace(
        TEMPLATE, gpu_preference=("A",), region_preference=tuple(regions.split()), cloud_preference=(cloud,)
    )
    return candidates.expand(template, catalog).ordered[0], catalog


def test_what_was_told_changes_with_the_stock_of_the_places_alone() -> None:
    here, _ = _placed("RO", EU_RO_1=Stock.LOW, US_TX_3=Stock.HIGH)
    same, _ = _placed("RO", EU_RO_1=Stock.LOW, US_TX_3=Stock.NONE)
    other, _ = _placed("RO", EU_RO_1=Stock.HIGH, US_TX_3=Stock.HIGH)
    anywhere, _ = _placed(EU_RO_1=Stock.LOW, US_TX_3=Stock.HIGH)
    moved, _ = _placed(EU_RO_1=Stock.HIGH, US_TX_3=Stock.LOW)

    assert here.told == same.told == (("", Stock.LOW), ("EU-RO-1", Stock.LOW))
    assert here.told != other.told
    assert anywhere.stock is moved.stock
    assert anywhere.told != moved.told


def test_no_stock_anywhere_is_none_in_a_community_region_too() -> None:
    catalog = Catalog(GPUS, DATA_CENTERS, {(COMMUNITY, "A", 1): Stock.NONE})
    template = replace(TEMPLATE, region_preference=("RO",), cloud_preference=(COMMUNITY,))

    found = candidates.expand(template, catalog).ordered

    assert [(one.gpu.name, one.stock) for one in found][-1] == ("A", Stock.NONE)
    assert found[0].stock is Stock.UNKNOWN


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ({"EU_RO_1": Stock.LOW, "EU_SE_1": Stock.NONE, "EU_CZ_1": Stock.HIGH, "EU_FR_1": Stock.MEDIUM}, "CZ FR"),
        ({"EU_RO_1": Stock.LOW, "EU_SE_1": Stock.NONE}, "RO"),
        ({"EU_RO_1": Stock.HIGH, "EU_SE_1": Stock.LOW}, ""),
        ({"EU_RO_1": Stock.NONE, "EU_SE_1": Stock.NONE}, ""),
        ({"EU_RO_1": Stock.UNKNOWN, "EU_SE_1": Stock.NONE}, ""),
        ({"EU_RO_1": Stock.HIGH, "US_TX_3": Stock.NONE}, ""),
        ({}, ""),
    ],
)
def test_single_places_are_tried_where_the_catalog_tells_them_apart(levels: dict[str, Stock], expected: str) -> None:
    whole, catalog = _placed("EU", SECURE, **levels)

    found = candidates.singles(whole, catalog)

    assert [one.data_center_ids for one in found] == [(f"EU-{country}-1",) for country in expected.split()]
    assert all(one.region == one.data_center_ids[0] and one.stock >= Stock.LOW for one in found)
    assert all(one.key != whole.key and one.told[1:] == ((one.region, one.stock),) for one in found)


def test_one_place_anywhere_and_what_is_not_pinned_have_no_single_places() -> None:
    low, none = Stock.LOW, Stock.NONE

    assert candidates.singles(*_placed("RO", EU_RO_1=low, EU_SE_1=none)) == ()
    assert candidates.singles(*_placed(EU_RO_1=low, EU_SE_1=none)) == ()
    unpinned, catalog = _placed("EU", COMMUNITY, EU_RO_1=low, EU_SE_1=none)
    assert candidates.singles(unpinned, catalog) == ()
    assert [one.region for one in candidates.singles(unpinned.pinned(), catalog)] == ["EU-RO-1"]
