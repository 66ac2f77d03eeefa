import threading
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from engine.fakes import FakeClock
from rp.domain.catalog import Catalog, DataCenter, GpuType, Offer, Stock
from rp.domain.clouds import COMMUNITY, SECURE
from rp.errors import RateLimited, Unauthorized, Unclear
from rp.operations import catalog, offers
from rp.operations.catalog import Wanted
from rp.operations.ports import Ports
from rp.state.catalog import CatalogCache
from rp.threads import Threads

GPU = GpuType("GPU", "GPU", 24, {SECURE: Offer(1.0, 8)})
PLACE = DataCenter("EU-RO-1", "EU-RO-1", "EUROPE")
BOTH = Wanted((SECURE, COMMUNITY), (1,))


@dataclass
class Counted:
    """A RunPod that counts its calls; with `together`, none is answered before so many have come."""

    together: int = 1
    calls: list[str] = field(default_factory=list)
    trouble: Exception | None = None

    def __post_init__(self) -> None:
        self._barrier = threading.Barrier(self.together)

    def gpus(self, cloud: str, *, count: int, min_cuda: str | None, cudas: tuple[str, ...]) -> Catalog:
        self._called(f"{cloud} {count} {min_cuda or ''}".strip())
        return Catalog((GPU,), (), {(cloud, GPU.id, count): Stock.LOW}, {(cloud, GPU.id, count, PLACE.id): Stock.LOW})

    def data_centers(self) -> tuple[DataCenter, ...]:
        self._called("places")
        return (PLACE,)

    def _called(self, what: str) -> None:
        self.calls.append(what)
        if self.trouble:
            raise self.trouble
        self._barrier.wait(10)


def ports_of(cloud: Counted, folder: Path, clock: FakeClock) -> tuple[Ports, CatalogCache]:
    cache = CatalogCache(folder / "catalog.json", "https://api.runpod.io")
    ports = SimpleNamespace(cloud=cloud, clock=clock, workers=Threads(), catalogs=cache, account="me")
    return cast("Ports", ports), cache


def test_the_parts_are_read_side_by_side_and_make_one_catalog(tmp_path: Path) -> None:
    cloud = Counted(together=3)
    ports, _ = ports_of(cloud, tmp_path, FakeClock())

    found = catalog.read(BOTH, ports)

    assert sorted(cloud.calls) == ["COMMUNITY 1", "SECURE 1", "places"]
    assert found == Catalog(
        (GPU,),
        (PLACE,),
        {(one, GPU.id, 1): Stock.LOW for one in (SECURE, COMMUNITY)},
        {(one, GPU.id, 1, PLACE.id): Stock.LOW for one in (SECURE, COMMUNITY)},
    )


def test_a_moment_later_nothing_is_read_again_and_places_are_not_for_a_day(tmp_path: Path) -> None:
    clock, cloud = FakeClock(), Counted()
    ports, _ = ports_of(cloud, tmp_path, clock)
    first = catalog.read(BOTH, ports)
    cloud.calls.clear()

    assert catalog.read(BOTH, ports) == first
    assert cloud.calls == []

    catalog.read(BOTH, ports, fresh=True)
    assert sorted(cloud.calls) == ["COMMUNITY 1", "SECURE 1"]

    cloud.calls.clear()
    clock.sleep(60)
    catalog.read(Wanted((SECURE,), (1, 2), "12.8"), ports)
    assert sorted(cloud.calls) == ["SECURE 1 12.8", "SECURE 2 12.8"]

    cloud.calls.clear()
    clock.sleep(90_000)
    catalog.read(Wanted((SECURE,), (1,)), ports)
    assert sorted(cloud.calls) == ["SECURE 1", "places"]


def test_what_was_known_is_given_when_the_network_is_gone(tmp_path: Path) -> None:
    clock, cloud = FakeClock(), Counted()
    ports, cache = ports_of(cloud, tmp_path, clock)
    assert offers.read(BOTH, ports, cache).age is None

    clock.sleep(300)
    cloud.trouble = Unclear("cannot reach RunPod")
    seen = offers.read(BOTH, ports, cache)

    assert (seen.catalog, seen.age, seen.trouble) == (Catalog((GPU,), (PLACE,)), 300, "cannot reach RunPod")
    with pytest.raises(Unclear):
        offers.read(BOTH, ports, cache, fresh=True)
    clock.sleep(90_000)
    with pytest.raises(Unclear):
        offers.read(BOTH, ports, cache)


def test_a_refused_key_is_an_error_whatever_is_known(tmp_path: Path) -> None:
    clock, cloud = FakeClock(), Counted()
    ports, cache = ports_of(cloud, tmp_path, clock)
    offers.read(BOTH, ports, cache)
    clock.sleep(10)
    cloud.trouble = Unauthorized("401")

    with pytest.raises(Unauthorized):
        offers.read(BOTH, ports, cache)


def test_a_watch_goes_on_through_trouble_and_waits_as_long_as_the_quota_wants(tmp_path: Path) -> None:
    clock = FakeClock()
    ports, _ = ports_of(Counted(), tmp_path, clock)
    answers: list[Any] = ["a", Unclear("gone"), RateLimited("429", retry_after=100), "b", Unauthorized("401")]
    times = []

    def look() -> str:
        times.append(clock.time)
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    found: list[str] = []
    with pytest.raises(Unauthorized):
        found.extend(str(one) for one in offers.watch(look, 20, ports))
    pauses = [later - earlier for earlier, later in pairwise(times)]

    assert found == ["a", "gone", "429", "b"]
    assert len(pauses) == 4
    assert [20 <= pause <= 24 for pause in pauses] == [True, True, False, True]
    assert 100 <= pauses[2] <= 120
    assert len(set(pauses)) > 1
