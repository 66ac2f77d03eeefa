import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.domain import candidate as candidates
from rp.domain import gpus, places
from rp.domain.candidate import ANYWHERE, Candidate, Candidates
from rp.domain.catalog import Catalog, GpuType, Offer, Stock
from rp.domain.template import Container, Template
from rp.errors import NotFound
from unit.samples import CATALOG, DATA_CENTERS, NAMED_GPUS

CHEAP = GpuType("NVIDIA Cheap", "Cheap", 24, {"SECURE": Offer(0.5, 8), "COMMUNITY": Offer(0.3, 2)})
DEAR = GpuType("NVIDIA Dear", "Dear", 80, {"SECURE": Offer(3.0, 8)})
SMALL = Catalog((CHEAP, DEAR), DATA_CENTERS)


def _template(*names: str, **changes: object) -> Template:
    template = Template(name="t", gpu_preference=names or ("Cheap",), container=Container("image"))
    return replace(template, **changes)  # type: ignore[arg-type]


def _tried(found: Candidates) -> list[tuple[str, str, str]]:
    return [(one.cloud, one.region, one.gpu.name) for one in found.ordered]


def test_cloud_comes_before_region_and_region_before_gpu() -> None:
    template = _template("Dear", "Cheap", cloud_preference=("ALL",), region_preference=("EU", "US"))

    found = candidates.expand(template, SMALL)

    assert _tried(found) == [
        ("SECURE", "EU", "Dear"),
        ("SECURE", "EU", "Cheap"),
        ("SECURE", "US", "Dear"),
        ("SECURE", "US", "Cheap"),
        ("COMMUNITY", "EU", "Cheap"),
        ("COMMUNITY", "US", "Cheap"),
    ]
    assert [(one.what, one.reason) for one in found.dropped] == [
        ("Dear, community", "not offered on the community cloud")
    ]


def test_no_region_means_anywhere() -> None:
    (only,) = candidates.expand(_template(), SMALL).ordered

    assert only.region == ANYWHERE
    assert only.data_center_ids == ()


def test_no_stock_goes_to_the_end_and_is_tried_nevertheless() -> None:
    stock = {("SECURE", "NVIDIA Dear", 1): Stock.NONE, ("SECURE", "NVIDIA Cheap", 1): Stock.LOW}
    template = _template("Dear", "Cheap", cloud_preference=("SECURE", "COMMUNITY"))

    found = candidates.expand(template, replace(SMALL, stock=stock))

    assert _tried(found) == [
        ("SECURE", ANYWHERE, "Cheap"),
        ("COMMUNITY", ANYWHERE, "Cheap"),
        ("SECURE", ANYWHERE, "Dear"),
    ]


def test_more_stock_does_not_overrule_the_preference() -> None:
    stock = {("SECURE", "NVIDIA Dear", 1): Stock.LOW, ("SECURE", "NVIDIA Cheap", 1): Stock.HIGH}

    found = candidates.expand(_template("Dear", "Cheap"), replace(SMALL, stock=stock))

    assert [one.gpu.name for one in found.ordered] == ["Dear", "Cheap"]


def test_the_price_cap_is_for_the_whole_pod() -> None:
    template = _template("Dear", "Cheap", gpu_count=2, max_price_per_hour=1.0)

    found = candidates.expand(template, SMALL)

    assert [(one.gpu.name, one.price_per_hour) for one in found.ordered] == [("Cheap", 1.0)]
    assert found.dropped[0].reason == "$6.00/h is above maxPricePerHour $1.00"


def test_more_gpus_than_a_machine_has_are_not_tried() -> None:
    template = _template("Cheap", gpu_count=3, cloud_preference=("COMMUNITY", "SECURE"))

    found = candidates.expand(template, SMALL)

    assert _tried(found) == [("SECURE", ANYWHERE, "Cheap")]
    assert found.dropped[0].reason == "at most 2 on one machine, 3 wanted"


def test_a_gpu_named_twice_is_tried_once_where_it_was_named_first() -> None:
    found = candidates.expand(_template("Cheap", "Dear", "NVIDIA Cheap"), SMALL)

    assert [one.gpu.name for one in found.ordered] == ["Cheap", "Dear"]


@pytest.mark.parametrize("regions", [("RO", "RO"), ("ro", "RO"), ("RO", "EU-RO-1")])
def test_a_place_named_twice_is_tried_once(regions: tuple[str, ...]) -> None:
    found = candidates.expand(_template(region_preference=regions), SMALL)

    assert [one.data_center_ids for one in found.ordered] == [("EU-RO-1",)]


@pytest.mark.parametrize("template", [_template("Chaep"), _template(region_preference=("XX",))])
def test_an_unknown_name_is_an_error(template: Template) -> None:
    with pytest.raises(NotFound):
        candidates.expand(template, SMALL)


def test_all_unknown_names_are_told_at_once() -> None:
    template = _template("Chaep", "Cheap", "Daer", region_preference=("US", "XX"))

    assert [problem.message for problem in candidates.problems(template, SMALL)] == [
        "no GPU is called `Chaep`",
        "no GPU is called `Daer`",
        "no data center is in region `XX`",
    ]


@pytest.mark.parametrize(
    ("cloud", "places_told", "ids", "level"),
    [
        ("SECURE", {}, (), Stock.LOW),
        ("SECURE", {"A": Stock.HIGH, "B": Stock.NONE}, ("A", "B"), Stock.HIGH),
        ("SECURE", {"B": Stock.NONE}, ("B",), Stock.NONE),
        ("SECURE", {"A": Stock.HIGH}, ("B",), Stock.NONE),
        ("COMMUNITY", {}, ("B",), Stock.UNKNOWN),
    ],
)
def test_stock_is_the_best_of_the_places(
    cloud: str, places_told: dict[str, Stock], ids: tuple[str, ...], level: Stock
) -> None:
    told = {(cloud, "G", 1, place): stock for place, stock in places_told.items()}

    assert Catalog(stock={(cloud, "G", 1): Stock.LOW}, place_stock=told).stock_of(cloud, "G", 1, ids) is level


def test_stock_that_nobody_tells_is_unknown() -> None:
    assert Catalog().stock_of("SECURE", "G", 1, ("A",)) is Stock.UNKNOWN


@given(
    names=st.lists(st.sampled_from(["H100", "A100 80gb", "4090", "L40S", "6000", "MI300X"]), min_size=1, max_size=4),
    regions=st.lists(st.sampled_from(["NA", "EU", "US", "RO", "US-TX-3"]), max_size=3, unique=True),
    clouds=st.lists(st.sampled_from(["SECURE", "COMMUNITY", "ALL"]), min_size=1, max_size=3),
    count=st.integers(1, 10),
    cap=st.one_of(st.none(), st.floats(0, 40)),
    levels=st.lists(st.sampled_from(Stock), min_size=1, max_size=7),
)
def test_nothing_is_lost_and_the_order_is_kept(
    names: list[str], regions: list[str], clouds: list[str], count: int, cap: float | None, levels: list[Stock]
) -> None:
    pairs = [(cloud, gpu.id, count) for gpu in NAMED_GPUS for cloud in ("SECURE", "COMMUNITY")]
    catalog = replace(CATALOG, stock=dict(zip(pairs, itertools.cycle(levels), strict=False)))
    template = _template(
        *names,
        region_preference=tuple(regions),
        cloud_preference=tuple(clouds),
        gpu_count=count,
        max_price_per_hour=cap,
    )

    found = candidates.expand(template, catalog)

    wanted = list(dict.fromkeys(gpu.id for name in names for gpu in gpus.match(name, NAMED_GPUS)))
    everything = list(itertools.product(template.clouds, regions or [ANYWHERE], wanted))
    tried = [(one.cloud, one.region, one.gpu.id) for one in found.ordered]
    dropped = {one.what for one in found.dropped}
    names_of = catalog.names()
    assert set(tried) <= set(everything)
    assert all(
        (cloud, region, gpu) in tried or f"{names_of[gpu]}, {cloud.lower()}" in dropped
        for cloud, region, gpu in everything
    )
    for has_stock in (True, False):
        part = [key for key, one in zip(tried, found.ordered, strict=True) if (one.stock > Stock.NONE) is has_stock]
        assert part == sorted(part, key=everything.index)
    assert [one.stock is Stock.NONE for one in found.ordered] == sorted(
        one.stock is Stock.NONE for one in found.ordered
    )
    _check_each(found.ordered, count, cap)


def _check_each(ordered: tuple[Candidate, ...], count: int, cap: float | None) -> None:
    for one in ordered:
        offer = one.gpu.offers[one.cloud]
        expected = places.data_centers_in(one.region, DATA_CENTERS) if one.region != ANYWHERE else ()
        assert one.count == count <= offer.max_count
        assert one.price_per_hour == offer.price * count
        assert cap is None or one.price_per_hour <= cap
        assert one.data_center_ids == expected


def test_a_candidate_reads_as_what_and_where() -> None:
    (one,) = candidates.expand(_template(gpu_count=2, region_preference=("RO",)), SMALL).ordered

    assert str(one) == "2x Cheap, RO, secure"
