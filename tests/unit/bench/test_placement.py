"""bench/placement still runs, repeats itself, and its worlds are as short of stock as they say."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

import placement
from placement_policies import POLICIES
from placement_world import BEGIN, EPOCH, CatalogMode, Flow, Flows, World
from rp.domain.catalog import Stock

Results = dict[tuple[str, str], placement.Result]


@pytest.fixture(scope="module")
def results() -> Results:
    return placement.one_seed(0.9, 0.0, seed=3)


def test_every_way_comes_to_a_pod_and_leaves_no_other(results: Results) -> None:
    assert set(results) == {(mode.name, policy.name) for mode in placement.CATALOGS for policy in POLICIES}
    for (_, name), result in results.items():
        assert result.got
        assert 1 <= min(result.creates, result.placing) <= max(result.placing, result.busiest) <= result.calls
        assert result.price > 0
        assert result.ended or "race" not in name


def test_the_same_seed_gives_the_same(results: Results) -> None:
    assert placement.one_seed(0.9, 0.0, seed=3) == results


def test_bad_pods_are_kept_by_loops_alone() -> None:
    bad = placement.one_seed(0.5, 1.0, seed=1)

    assert not any(result.got for result in bad.values())
    assert bad["true", "rp"].creates > bad["true", "blind loop"].creates == 1


@pytest.mark.parametrize("shortage", [0.1, 0.5, 0.9])
def test_the_share_of_time_without_stock_is_as_wanted(shortage: float) -> None:
    flow = Flow("one place", shortage)
    without = [flow.at(60.0 * minute) is Stock.NONE for minute in range(60_000)]

    assert sum(without) / len(without) == pytest.approx(shortage, abs=0.05)


def test_a_late_catalog_tells_what_was() -> None:
    flows = Flows(5, 0.5)
    late, true = (World(5, flows, CatalogMode("", late=seconds)) for seconds in (300.0, 0.0))
    true.clock.sleep(-300.0)

    assert late.gpus("SECURE", count=1) == true.gpus("SECURE", count=1)
    assert late.clock.now() > EPOCH + BEGIN > true.clock.now()


def test_tables_and_picture_go_into_the_page(results: Results, tmp_path: Path) -> None:
    found = {0.9: {key: [result] for key, result in results.items()}}
    page = tmp_path / "page.md"
    page.write_text(f"before\n{placement.MARK}\nold\n{placement.END}\nafter\n")

    placement.write(page, placement.report(found, 1, 1.0), placement.picture(found))

    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "\nold\n" not in text
    assert text.count("| 90% |") == len(placement.CATALOGS) * len(POLICIES)
    assert len(list(ElementTree.parse(tmp_path / placement.SVG).iter())) > len(POLICIES)  # noqa: S314 - our own file
