"""The catalog that is kept on the disk: right or not there, whatever became of the file."""

import json
import os
import string
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp import files
from rp.domain.catalog import Catalog, DataCenter, GpuType, Offer, Stock
from rp.domain.clouds import COMMUNITY, SECURE
from rp.state.catalog import NAMES_LAST, STOCK_LASTS, CatalogCache

NOW = 1_800_000_000.0
ADDRESS = "https://api.runpod.io"
TYPES = (
    GpuType("NVIDIA GeForce RTX 4090", "RTX 4090", 24, {SECURE: Offer(0.69, 8), COMMUNITY: Offer(0.34, 4)}),
    GpuType("AMD Instinct MI300X OAM", "MI300X", 192, {SECURE: Offer(2.39, 8)}, "AMD"),
)
PLACES = (DataCenter("EU-RO-1", "EU-RO-1", "EUROPE", True), DataCenter("US-TX-3", "US-TX-3", "NORTH_AMERICA"))


def told(cloud: str = SECURE, count: int = 1, level: Stock = Stock.HIGH) -> Catalog:
    return Catalog(TYPES, (), {(cloud, TYPES[0].id, count): level}, {(cloud, TYPES[0].id, count, "EU-RO-1"): level})


@pytest.fixture
def cache(tmp_path: Path) -> CatalogCache:
    return CatalogCache(tmp_path / "state" / "catalog.json", ADDRESS)


def filled(path: Path) -> CatalogCache:
    cache = CatalogCache(path, ADDRESS)
    cache.put_data_centers(PLACES, NOW)
    cache.put_gpus("SECURE 1", told(), NOW)
    return cache


def test_ids_and_names_last_a_day_and_stock_seconds(cache: CatalogCache) -> None:
    cache.put_data_centers(PLACES, NOW)
    cache.put_gpus("SECURE 1", told(), NOW)

    assert cache.gpus("SECURE 1", NOW + STOCK_LASTS - 1) == told()
    assert cache.gpus("SECURE 1", NOW + STOCK_LASTS) is None
    assert cache.gpus("SECURE 2", NOW) is None
    assert cache.names(NOW + NAMES_LAST - 1) == Catalog(TYPES, PLACES)
    assert cache.names(NOW + NAMES_LAST) is None
    assert cache.names(NOW + NAMES_LAST, within=float("inf")) == Catalog(TYPES, PLACES)
    assert cache.data_centers(NOW + NAMES_LAST - 1) == PLACES
    assert cache.data_centers(NOW + NAMES_LAST) is None
    assert cache.age(NOW + 60) == 60


def test_the_clouds_are_kept_beside_each_other(cache: CatalogCache) -> None:
    cache.put_gpus("SECURE 1", told(), NOW)
    cache.put_gpus("COMMUNITY 1", told(COMMUNITY, level=Stock.LOW), NOW + 1)

    assert cache.gpus("SECURE 1", NOW + 1) == told()
    assert cache.gpus("COMMUNITY 1", NOW + 1) == told(COMMUNITY, level=Stock.LOW)


def test_old_stock_does_not_pile_up(tmp_path: Path) -> None:
    path = tmp_path / "catalog.json"
    cache = CatalogCache(path, ADDRESS)
    for number in range(40):
        cache.put_gpus(f"SECURE {number}", told(count=number), NOW + 60 * number)

    assert list(json.loads(path.read_text())["stock"]) == ["SECURE 39"]


def test_a_clock_that_was_put_back_makes_everything_old(tmp_path: Path) -> None:
    path = tmp_path / "catalog.json"
    cache = filled(path)
    before = NOW - 3600

    assert (cache.gpus("SECURE 1", before), cache.names(before), cache.data_centers(before)) == (None, None, None)

    cache.put_gpus("COMMUNITY 1", told(COMMUNITY), before)
    cache.put_data_centers(PLACES, before)
    assert cache.names(before) == Catalog(TYPES, PLACES)
    assert list(json.loads(path.read_text())["stock"]) == ["COMMUNITY 1"]


def test_another_address_or_form_is_as_good_as_nothing(tmp_path: Path) -> None:
    path = tmp_path / "catalog.json"
    filled(path)

    assert CatalogCache(path, "http://127.0.0.1:1234").names(NOW) is None

    path.write_text(path.read_text().replace('"version":1', '"version":2'))
    cache = CatalogCache(path, ADDRESS)
    assert (cache.names(NOW), cache.age(NOW)) == (None, None)
    assert filled(path).names(NOW) == Catalog(TYPES, PLACES)


def test_a_catalog_with_nothing_in_it_is_not_believed_for_a_day(tmp_path: Path) -> None:
    cache = filled(tmp_path / "catalog.json")
    cache.put_data_centers((), NOW + 1)
    cache.put_gpus("SECURE 1", Catalog(), NOW + 1)

    assert cache.data_centers(NOW + 1) == PLACES
    assert cache.gpus("SECURE 1", NOW + 1) == told()


def test_a_file_cut_anywhere_is_ignored_and_renewed(tmp_path: Path) -> None:
    path = tmp_path / "catalog.json"
    filled(path)
    whole = path.read_bytes()

    for length in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:length])
        cache = CatalogCache(path, ADDRESS)
        assert (cache.gpus("SECURE 1", NOW), cache.names(NOW), cache.data_centers(NOW)) == (None, None, None)

    assert filled(path).gpus("SECURE 1", NOW) == told()


def checked(cache: CatalogCache) -> None:
    """Whatever is read is of the kind that it should be, and the file works again after a write."""
    for found in (cache.names(NOW), cache.gpus("SECURE 1", NOW), Catalog(data_centers=cache.data_centers(NOW) or ())):
        for gpu in found.gpus if found else ():
            assert isinstance(gpu.id + gpu.name + gpu.manufacturer, str)
            # A number of 400 digits can be compared, and multiplied with nothing that has a point.
            assert gpu.memory_gb * 1.0 >= 0
            assert all(offer.max_count * offer.price >= 0 for offer in gpu.offers.values())
            assert gpu.cheapest >= 0
            assert set(gpu.offers) <= {SECURE, COMMUNITY}
        for place in found.data_centers if found else ():
            assert isinstance(place.id + place.name + place.continent, str)
        for level in (*found.stock.values(), *found.place_stock.values()) if found else ():
            assert level in Stock
    assert (cache.age(NOW) or 0.0) >= 0.0
    cache.put_data_centers(PLACES, NOW)
    cache.put_gpus("SECURE 1", told(), NOW)
    assert cache.names(NOW) == Catalog(TYPES, PLACES)
    assert cache.gpus("SECURE 1", NOW) == told()


HOSTILE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(string.printable, max_size=6)
    | st.sampled_from([NOW, SECURE, "HIGH", 10**400, -1]),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(["at", "rows", "anywhere", "places", "SECURE", "SECURE 1", "x"]), inner)
    ),
    max_leaves=12,
)


@given(part=st.sampled_from(["gpus", "data_centers", "stock", "address", "version"]), value=HOSTILE)
def test_what_a_hand_wrote_is_never_an_error(
    tmp_path_factory: pytest.TempPathFactory, part: str, value: object
) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile" / "catalog.json"
    filled(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), part: value}))

    checked(CatalogCache(path, ADDRESS))


def _leaves(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(leaf for key, one in inside for leaf in _leaves(one, (*at, key)))]


@pytest.mark.parametrize("wrong", [None, True, -1, 10**400, "x", 1e999, [], {}, "\x1b]0;x\x07", {"SECURE": [1]}])
def test_one_wrong_value_anywhere_is_never_an_error(tmp_path: Path, wrong: object) -> None:
    path = tmp_path / "catalog.json"
    filled(path)
    whole = path.read_text()

    for where in _leaves(json.loads(whole)):
        document: Any = {"whole": json.loads(whole)}
        place: Any = document
        for key in ("whole", *where)[:-1]:
            place = place[key]
        place[("whole", *where)[-1]] = wrong
        path.write_text(json.dumps(document["whole"]))
        with pytest.MonkeyPatch.context() as patch:
            # Only the reading matters here; a hundred synced writes would take their time.
            patch.setattr(os, "fsync", lambda _: None)
            checked(CatalogCache(path, ADDRESS))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"at":' + b"9" * 5000 + b"}",
        b'{"address": "\\ud800", "x": "\\ud800"}',
        json.dumps({"address": ADDRESS, "version": 1, "x": "\ud800", "gpus": 3}).encode(),
    ],
)
def test_no_content_of_the_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "catalog.json"
    path.write_bytes(content)

    checked(CatalogCache(path, ADDRESS))


def test_names_that_no_file_can_hold_are_not_kept(cache: CatalogCache) -> None:
    cache.put_data_centers((DataCenter("EU-RO-1", "\ud800"),), NOW)

    assert cache.data_centers(NOW) in (None, (DataCenter("EU-RO-1", "\ud800"),))


def test_a_folder_that_cannot_be_written_keeps_nothing_and_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    cache = CatalogCache(tmp_path / "state" / "catalog.json", ADDRESS)
    cache.put_data_centers(PLACES, NOW)
    cache.put_gpus("SECURE 1", told(), NOW)
    assert (cache.names(NOW), cache.data_centers(NOW), cache.age(NOW)) == (None, None, None)

    (tmp_path / "catalog.json").mkdir()
    cache = CatalogCache(tmp_path / "catalog.json", ADDRESS)
    cache.put_gpus("SECURE 1", told(), NOW)
    assert cache.gpus("SECURE 1", NOW) is None


def test_a_lock_that_another_holds_for_good_costs_the_file_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_LOCK_PATIENCE", 0.0)
    path = tmp_path / "catalog.json"
    with files.locked(path):
        CatalogCache(path, ADDRESS).put_gpus("SECURE 1", told(), NOW)

    assert not path.exists()


def test_two_terminals_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "catalog.json"
    seen: list[bool] = []

    def terminal(cloud: str) -> None:
        cache = CatalogCache(path, ADDRESS)
        for count in range(1, 9):
            cache.put_gpus(f"{cloud} {count}", told(cloud, count), NOW)
            # A reader beside the writers never sees half a file: what this one wrote is there.
            seen.append(cache.gpus(f"{cloud} {count}", NOW) == told(cloud, count))

    threads = [threading.Thread(target=terminal, args=(cloud,)) for cloud in (SECURE, COMMUNITY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    cache = CatalogCache(path, ADDRESS)
    assert seen == [True] * 16
    for cloud in (SECURE, COMMUNITY):
        assert all(cache.gpus(f"{cloud} {count}", NOW) == told(cloud, count) for count in range(1, 9))


def test_the_file_is_the_users_alone(tmp_path: Path) -> None:
    filled(tmp_path / "catalog.json")

    assert (tmp_path / "catalog.json").stat().st_mode & 0o777 == 0o600
