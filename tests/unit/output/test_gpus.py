import io

import pytest
from rich.console import Console

from rp.domain.catalog import Catalog, DataCenter, GpuType, Offer, Stock
from rp.domain.clouds import COMMUNITY, SECURE
from rp.domain.offers import Asked, listing
from rp.output import gpus as shown
from rp.output.table import fitting
from unit.samples import DATA_CENTERS, NAMED_GPUS

GPU = GpuType("NVIDIA H100 80GB HBM3", "H100 SXM", 80, {SECURE: Offer(3.0, 8), COMMUNITY: Offer(2.5, 4)})
PLACES = (DataCenter("EU-RO-1", "EU-RO-1", "EUROPE"), DataCenter("XX-NEW-1", "XX-NEW-1", "ASIA"))


def told(secure: Stock, community: Stock, **places: Stock) -> Catalog:
    stock = {(SECURE, GPU.id, 1): secure, (COMMUNITY, GPU.id, 1): community}
    return Catalog((GPU,), PLACES, stock, {(SECURE, GPU.id, 1, place): level for place, level in places.items()})


def view(offered: Catalog) -> shown.View:
    return shown.listing(listing(Asked(), offered), shown.CLOUDS)


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("level", list(Stock))
def test_all_types_of_runpod_fit_with_prices_and_stock(width: int, level: Stock) -> None:
    both = (SECURE, COMMUNITY)
    stock = {(cloud, gpu.id, 1): level for cloud in both for gpu in NAMED_GPUS}
    places = {(*key, place.id): level for key in stock for place in DATA_CENTERS[:9]}
    found = view(Catalog(NAMED_GPUS, DATA_CENTERS, stock, places))
    screen = io.StringIO()
    laid, _ = shown._table(found, width)
    Console(file=screen, width=width).print(laid)

    lines = screen.getvalue().splitlines()
    assert len(lines) == len(found.rows) + 1
    assert all(len(line) <= width for line in lines)
    assert lines[0].split()[0] == "GPU"
    assert {"SECURE", "COMMUNITY"} <= set(lines[0].split())
    priced = [line for line in lines[1:] if level.name.lower() in line]
    assert len(priced) == len(found.rows)
    assert 0 in fitting(found.columns, found.rows, width)


def test_a_row_tells_countries_and_a_line_every_data_center() -> None:
    found = view(
        told(Stock.LOW, Stock.HIGH, **{"EU-RO-1": Stock.LOW, "XX-NEW-1": Stock.HIGH, "US-TX-3": Stock.UNKNOWN})
    )

    assert found.rows == [("H100 SXM", "80", " 3.00 low", " 2.50 high", "XX-NEW-1 RO")]
    assert found.lines == [("H100 SXM", "80", "3.00", "low", "2.50", "high", "XX-NEW-1,EU-RO-1")]


def test_what_is_not_offered_is_a_dash() -> None:
    found = shown.listing(listing(Asked(max_price=2.7), told(Stock.LOW, Stock.NONE)), shown.CLOUDS)

    assert found.lines == [("H100 SXM", "80", "-", "-", "2.50", "none", "-")]


def test_a_row_for_each_data_center_and_one_for_machines_without() -> None:
    offered = told(Stock.LOW, Stock.HIGH, **{"EU-RO-1": Stock.LOW, "XX-NEW-1": Stock.MEDIUM})
    found = shown.by_place(listing(Asked(), offered), shown.CLOUDS, PLACES)

    assert found.lines == [
        ("H100 SXM", "XX-NEW-1", "AS", "medium", "-"),
        ("H100 SXM", "EU-RO-1", "RO", "low", "-"),
        ("H100 SXM", "-", "-", "-", "high"),
    ]


def test_a_watch_on_a_pipe_tells_what_changed() -> None:
    before = view(told(Stock.LOW, Stock.HIGH))
    after = view(told(Stock.LOW, Stock.NONE))
    nothing = shown.listing(listing(Asked(available=True), told(Stock.NONE, Stock.NONE)), shown.CLOUDS)

    assert list(shown.changes(None, before)) == before.lines
    assert list(shown.changes(before, before)) == []
    assert list(shown.changes(before, after)) == after.lines
    assert list(shown.changes(after, nothing)) == [("H100 SXM", "gone")]
