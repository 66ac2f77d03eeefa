import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.domain import candidate as candidates
from rp.domain import gpus, places
from rp.domain.candidate import ANYWHERE, Candidate, Candidates, Dropped
from rp.domain.catalog import Catalog, GpuType, Offer, Stock
from rp.domain.clouds import COMMUNITY, SECURE
from rp.domain.template import Container, Template
from rp.domain.wishes import gpus as numbered
from rp.errors import NotFound
from unit.samples import CATALOG, DATA_CENTERS, NAMED_GPUS

CLOUDS = (SECURE, COMMUNITY)
CHEAP = GpuType("NVIDIA Cheap", "Cheap", 24, {"SECURE": Offer(0.5, 8), "COMMUNITY": Offer(0.3, 2)})
DEAR = GpuType("NVIDIA Dear", "Dear", 80, {"SECURE": Offer(3.0, 8)})
AMD = GpuType("AMD Instinct MI300X OAM", "MI300X", 192, {"SECURE": Offer(2.4, 8)}, "AMD")
SMALL = Catalog((CHEAP, DEAR), DATA_CENTERS)


def _template(*names: str, **changes: Any) -> Template:
    template = Template(name="t", gpu_preference=names or ("Cheap",), container=Container("image"))
    return replace(template, **changes)


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
        # What is not pinned is one create for all regions.
        ("COMMUNITY", "EU or US", "Cheap"),
    ]
    assert set(found.ordered[-1].landing) == {place for one in found.ordered for place in one.data_center_ids}
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
    assert found.dropped == (Dropped("2x Dear, secure", "$6.00/h is above maxPricePerHour $1.00"),)


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


def test_a_region_that_is_all_forbidden_is_told_beside_the_unknown_names() -> None:
    template = _template("2xChaep", region_preference=("RO", "!EU"))

    assert [problem.message for problem in candidates.problems(template, SMALL)] == [
        "no GPU is called `Chaep`",
        "no data center is left: `!EU` forbid all of `RO`",
    ]
    assert [one.message for one in candidates.problems(_template(region_preference=("RO", "!EUR")), SMALL)] == [
        "no data center is in region `EUR`"
    ]


def test_what_is_known_has_no_problem() -> None:
    template = _template("2xCheap", "any", region_preference=("EU", "anywhere", "!RO"))

    assert list(candidates.problems(template, SMALL)) == []


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


def test_a_number_beside_a_name_counts_for_that_name() -> None:
    found = candidates.expand(_template("2xCheap", "Dear", "Cheap:4", gpu_count=3), SMALL)

    assert [(one.gpu.name, one.count, one.price_per_hour) for one in found.ordered] == [
        ("Cheap", 2, 1.0),
        ("Dear", 3, 9.0),
        ("Cheap", 4, 2.0),
    ]


def test_the_types_of_one_name_come_cheapest_of_the_cloud_first() -> None:
    one = GpuType("NVIDIA X1 PCIe", "X1 PCIe", 80, {"SECURE": Offer(3, 8), "COMMUNITY": Offer(1, 8)})
    two = GpuType("NVIDIA X1 SXM", "X1 SXM", 80, {"SECURE": Offer(2, 8), "COMMUNITY": Offer(2, 8)})

    found = candidates.expand(_template("X1", cloud_preference=("ALL",)), Catalog((one, two)))

    assert [(each.cloud, each.gpu.name) for each in found.ordered] == [
        ("SECURE", "X1 SXM"),
        ("SECURE", "X1 PCIe"),
        ("COMMUNITY", "X1 PCIe"),
        ("COMMUNITY", "X1 SXM"),
    ]


def test_any_gpu_is_each_that_is_offered_and_not_a_line_for_each_that_is_not() -> None:
    found = candidates.expand(_template("any", cloud_preference=("COMMUNITY",), min_vram_in_gb=48), CATALOG)

    assert all(one.gpu.memory_gb >= 48 and "MIG" not in one.gpu.id for one in found.ordered)
    assert [one.price_per_hour for one in found.ordered] == sorted(one.price_per_hour for one in found.ordered)
    assert found.dropped
    assert not any("not offered" in one.reason for one in found.dropped)


def test_less_memory_than_wanted_is_dropped_with_both_figures() -> None:
    found = candidates.expand(_template("Cheap", "Dear", min_vram_in_gb=80), SMALL)

    assert [one.gpu.name for one in found.ordered] == ["Dear"]
    assert found.dropped == (Dropped("Cheap, secure", "24 GB is below minVramInGb 80"),)


def test_where_the_catalog_tells_no_number_of_gpus_they_are_tried() -> None:
    # RunPod says of MIG slices that a machine has 0, and rents them.
    slice_of = GpuType("NVIDIA X MIG", "X MIG", 24, {"SECURE": Offer(0.5, 0)})
    lacking = GpuType("NVIDIA B200", "B200", 180, {"SECURE": Offer(6, 8), "COMMUNITY": Offer(5, 0)})

    found = candidates.expand(_template("X MIG", "B200", cloud_preference=("ALL",)), Catalog((slice_of, lacking)))

    assert _tried(found) == [("SECURE", ANYWHERE, "X MIG"), ("SECURE", ANYWHERE, "B200")]
    assert Dropped("B200, community", "at most 0 on one machine, 1 wanted") in found.dropped


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"global_networking": True}, "global networking needs an NVIDIA GPU, this is one of AMD"),
        ({"min_cuda_version": "12.8"}, "CUDA 12.8 is wanted, and this is a GPU of AMD"),
        ({"allowed_cuda_versions": ("12.8", "13.0")}, "CUDA 12.8, 13.0 is wanted, and this is a GPU of AMD"),
        ({"container": Container("me/torch:cu128")}, "CUDA 12.8 is wanted, and this is a GPU of AMD"),
    ],
)
def test_what_needs_nvidia_is_not_tried_on_amd(changes: dict[str, Any], reason: str) -> None:
    found = candidates.expand(_template("MI300X", "Cheap", **changes), replace(SMALL, gpus=(*SMALL.gpus, AMD)))

    assert [one.gpu.name for one in found.ordered] == ["Cheap"]
    assert found.dropped == (Dropped("MI300X, secure", reason),)


def test_amd_is_tried_where_nothing_speaks_against_it() -> None:
    (only,) = candidates.expand(_template("MI300X"), Catalog((AMD,))).ordered

    assert only.gpu is AMD


@pytest.mark.parametrize("cloud", ["SECURE", "COMMUNITY"])
def test_global_networking_pins_to_the_places_that_have_it(cloud: str) -> None:
    wanted = {"cloud_preference": (cloud,), "global_networking": True}

    found = candidates.expand(_template(region_preference=("SE", "anywhere", "JP"), **wanted), SMALL)

    networked = tuple(place.id for place in DATA_CENTERS if place.global_network)
    assert [(one.data_center_ids, one.landing) for one in found.ordered] == [(("EU-SE-1",), ()), (networked, ())]
    assert found.dropped == (Dropped(f"JP, {cloud.lower()}", "no data center there has global networking"),)


def test_a_community_region_is_not_pinned_and_told_where_the_pod_must_land() -> None:
    (one,) = candidates.expand(_template(cloud_preference=("COMMUNITY",), region_preference=("SE",)), SMALL).ordered

    assert (one.data_center_ids, one.landing, one.places) == ((), ("EU-SE-1", "EU-SE-2"), ("EU-SE-1", "EU-SE-2"))
    pinned = one.pinned()
    assert (pinned.data_center_ids, pinned.landing) == (one.landing, ())
    assert pinned.key == one.key


def test_a_forbidden_place_is_asked_for_nowhere() -> None:
    template = _template(cloud_preference=("ALL",), region_preference=("!US-TX-3", "!EU"))

    secure, community = candidates.expand(template, SMALL).ordered

    expected = tuple(one.id for one in DATA_CENTERS if one.id != "US-TX-3" and one.continent != "EUROPE")
    assert secure.region == community.region == "!US-TX-3 !EU"
    assert secure.data_center_ids == community.landing == expected
    assert community.data_center_ids == ()


def test_a_region_and_a_place_in_it_stay_two() -> None:
    found = candidates.expand(_template(region_preference=("EU-RO-1", "EU")), SMALL)

    assert [one.region for one in found.ordered] == ["EU-RO-1", "EU"]


def test_what_a_catalog_is_asked_for() -> None:
    template = _template("2xH100", "A100", "4090:2", gpu_count=4, cloud_preference=("ALL",))

    assert candidates.wanted(template) == (("SECURE", "COMMUNITY"), (2, 4), None, ())
    assert candidates.wanted(replace(template, min_cuda_version="12.4"))[2:] == ("12.4", ())
    assert candidates.wanted(replace(template, container=Container("me/torch:cu128")))[2:] == ("12.8", ())
    listed = replace(template, container=Container("me/torch:cu128"), allowed_cuda_versions=("13.0",))
    assert candidates.wanted(listed)[2:] == (None, ("13.0",))


@given(
    names=st.lists(st.sampled_from(["H100", "A100", "2x4090", "L40S:4", "6000", "MI300X"]), min_size=1, max_size=4),
    regions=st.lists(st.sampled_from(["NA", "EU", "US", "RO", "US-TX-3"]), max_size=3, unique=True),
    clouds=st.lists(st.sampled_from(["SECURE", "COMMUNITY", "ALL"]), min_size=1, max_size=3),
    count=st.integers(1, 10),
    cap=st.one_of(st.none(), st.floats(0, 40)),
    levels=st.lists(st.sampled_from(Stock), min_size=1, max_size=7),
)
def test_nothing_is_lost_and_the_order_is_kept(
    names: list[str], regions: list[str], clouds: list[str], count: int, cap: float | None, levels: list[Stock]
) -> None:
    pairs = [(cloud, gpu.id, each) for gpu in NAMED_GPUS for cloud in CLOUDS for each in {count, 2, 4}]
    catalog = replace(CATALOG, stock=dict(zip(pairs, itertools.cycle(levels), strict=False)))
    template = _template(
        *names,
        region_preference=tuple(regions),
        cloud_preference=tuple(clouds),
        gpu_count=count,
        max_price_per_hour=cap,
    )

    found = candidates.expand(template, catalog)

    wishes = [(text, *numbered(text)) for text in names]
    wanted = [(gpu, number or count) for _, name, number in wishes for gpu in gpus.match(name, NAMED_GPUS)]
    places = {SECURE: regions or [ANYWHERE], COMMUNITY: [" or ".join(regions) or ANYWHERE]}
    everything = [
        (cloud, region, gpu) for cloud in template.clouds for region in places[cloud] for gpu in dict.fromkeys(wanted)
    ]
    tried = [(one.cloud, one.region, (one.gpu, one.count)) for one in found.ordered]
    dropped = {one.what for one in found.dropped}
    assert set(tried) <= set(everything)
    assert all(
        (cloud, region, (gpu, number)) in tried or f"{_number(number)}{gpu.name}, {cloud.lower()}" in dropped
        for cloud, region, (gpu, number) in everything
    )
    order = [(one.stock is Stock.NONE, _position(one, template)) for one in found.ordered]
    assert order == sorted(order)
    for one in found.ordered:
        _check(one, cap)


def _number(count: int) -> str:
    return f"{count}x " if count > 1 else ""


def _position(one: Candidate, template: Template) -> tuple[int, int, int, float]:
    """Where the preference has it: cloud, region, name; of one name by price."""
    regions: tuple[str, ...] = template.region_preference or (ANYWHERE,)
    if one.cloud == COMMUNITY:
        regions = (one.region,)
    for index, text in enumerate(template.gpu_preference):
        name, number = numbered(text)
        if one.gpu in gpus.match(name, NAMED_GPUS) and one.count == (number or template.gpu_count):
            return template.clouds.index(one.cloud), regions.index(one.region), index, one.price_per_hour
    raise AssertionError(one)


def _check(one: Candidate, cap: float | None) -> None:
    offer = one.gpu.offers[one.cloud]
    named = [name for name in one.region.split(" or ") if name != ANYWHERE]
    expected = tuple(dict.fromkeys(place for name in named for place in places.data_centers_in(name, DATA_CENTERS)))
    assert one.count <= offer.max_count or not any(each.max_count for each in one.gpu.offers.values())
    assert one.price_per_hour == offer.price * one.count
    assert cap is None or one.price_per_hour <= cap
    assert one.places == expected
    assert one.data_center_ids == (() if one.cloud == COMMUNITY else expected)


def test_a_candidate_reads_as_what_and_where() -> None:
    (one,) = candidates.expand(_template(gpu_count=2, region_preference=("RO",)), SMALL).ordered

    assert str(one) == "2x Cheap, RO, secure"


@pytest.mark.parametrize("said", ["any", "Any GPU", "1x any gpus"])
def test_any_gpu_is_any_and_lists_nothing_that_is_not_offered(said: str) -> None:
    found = candidates.expand(_template(said), CATALOG)

    assert found == candidates.expand(_template("any"), CATALOG)
    assert not any("not offered" in one.reason for one in found.dropped)
