from dataclasses import replace

from rp.domain import candidate as candidates
from rp.domain.catalog import Catalog, Stock
from rp.domain.template import Container, Template
from rp.operations.elsewhere import elsewhere
from unit.samples import CATALOG

TEMPLATE = Template(
    name="sd", gpu_preference=("RTX 4090",), container=Container("image"), region_preference=("US-TX-3", "US-KS-2")
)
GPU = "NVIDIA GeForce RTX 4090"


def catalog(stock: Stock = Stock.HIGH, *, count: int = 1, cloud: str = "SECURE", **places: Stock) -> Catalog:
    """The GPU in these data centers, spelled with `_`."""
    levels = {(cloud, GPU, count, place.replace("_", "-")): level for place, level in places.items()}
    return replace(CATALOG, stock={(cloud, GPU, count): stock}, place_stock=levels)


def lines(template: Template, offered: Catalog) -> list[str]:
    return elsewhere(template, offered, candidates.expand(template, offered).ordered)


def test_data_centers_that_the_list_leaves_out_are_named_the_best_first() -> None:
    offered = catalog(US_TX_3=Stock.NONE, US_IL_1=Stock.LOW, EU_RO_1=Stock.HIGH, CA_MTL_1=Stock.NONE)

    assert lines(TEMPLATE, offered) == [
        "outside the wanted regions, RTX 4090 (secure) is offered in EU-RO-1 (high), US-IL-1 (low): --region EU-RO-1"
    ]


def test_the_number_of_gpus_is_told() -> None:
    template = replace(TEMPLATE, gpu_preference=("2xRTX 4090",))

    [line] = lines(template, catalog(count=2, EU_RO_1=Stock.LOW))

    assert "2x RTX 4090" in line


def test_nothing_is_said_where_no_list_stood_in_the_way() -> None:
    offered = catalog(EU_RO_1=Stock.HIGH)

    assert lines(replace(TEMPLATE, region_preference=()), offered) == []
    assert lines(replace(TEMPLATE, region_preference=("EU-RO-1",)), offered) == []
    assert lines(TEMPLATE, catalog(EU_RO_1=Stock.NONE)) == []
    # Asked for without a list: wherever it may land.
    community = catalog(cloud="COMMUNITY", EU_RO_1=Stock.HIGH)
    assert lines(replace(TEMPLATE, cloud_preference=("COMMUNITY",)), community) == []


def test_what_the_template_rules_out_itself_is_not_advised() -> None:
    forbidding = replace(TEMPLATE, region_preference=("US-TX-3", "!EU-RO-1"))
    networked = replace(TEMPLATE, global_networking=True)
    places = tuple(replace(one, global_network=one.id in ("US-TX-3", "US-IL-1")) for one in CATALOG.data_centers)
    offered = replace(catalog(EU_RO_1=Stock.HIGH, US_IL_1=Stock.LOW), data_centers=places)

    for template in (forbidding, networked):
        [line] = lines(template, offered)
        assert line.endswith("is offered in US-IL-1 (low): --region US-IL-1")


def test_a_network_volume_is_what_keeps_the_pod_there() -> None:
    template = replace(TEMPLATE, network_volume_id="vol1", region_preference=("US-TX-3",))

    [line] = lines(template, catalog(EU_RO_1=Stock.HIGH))

    assert line.startswith("network volume vol1 keeps the pod in US-TX-3; without it, RTX 4090 (secure) is offered in")
    assert "--region" not in line


def test_a_cuda_floor_that_no_machine_has_is_told_with_where_it_comes_from() -> None:
    nowhere = catalog(Stock.NONE, US_TX_3=Stock.NONE)
    tagged = replace(TEMPLATE, container=Container("me/x:cu128"))

    [of_tag] = lines(tagged, nowhere)
    [of_key] = lines(replace(TEMPLATE, min_cuda_version="13.1"), nowhere)
    [of_list] = lines(replace(TEMPLATE, allowed_cuda_versions=("12.4", "12.6")), nowhere)

    assert "none free for CUDA 12.8 or newer (from the image's tag): --min-cuda" in of_tag
    assert "none free for CUDA 13.1 or newer (minCudaVersion): --min-cuda" in of_key
    assert "none free for CUDA 12.4, 12.6 (allowedCudaVersions)" in of_list
    assert lines(TEMPLATE, nowhere) == []
    assert lines(tagged, catalog(Stock.HIGH, US_TX_3=Stock.LOW)) == []
