"""Where pods land: hosts without a place, landings that a scenario wants, stock that comes and goes."""

from __future__ import annotations

import time

import pytest

from rp_sim.inventory import data_centers
from rp_sim.ledger import Ledger, most_alive
from rp_sim.problems import Problem
from rp_sim.scenario import loads
from sim.api import CAPACITY, GPU, Api
from sim.test_world import Stage

EVERYWHERE = [center.id for center in data_centers()]
COMMUNITY = "include=AVAILABILITY&product=POD&cloud=COMMUNITY"
NOWHERE = "[hosts]\ncommunity_without_place = 1.0\n"


def refused(stage: Stage, **changes: object) -> str:
    with pytest.raises(Problem) as caught:
        stage.create(**changes)
    assert caught.value.status == 400
    return caught.value.detail


def places(stage: Stage, times: int, **changes: object) -> list[str]:
    return [stage.create(**changes).host.data_center for _ in range(times)]


def test_a_host_without_a_place_serves_unpinned_creates_only(api: Api) -> None:
    assert api.scenario(NOWHERE).status == 200
    assert api.create(cloud="COMMUNITY", dataCenterIds=EVERYWHERE).detail == CAPACITY
    assert api.created(cloud="COMMUNITY")["dataCenterId"] is None
    assert api.created(cloud="SECURE", dataCenterIds=EVERYWHERE)["dataCenterId"] in EVERYWHERE
    assert [pod["dataCenter"] is None for pod in api.ledger()["pods"][-2:]] == [True, False]
    row = api.call("GET", f"/v2/catalog/gpus/{GPU.replace(' ', '%20')}?{COMMUNITY}").json
    assert row["availability"] == "HIGH"
    assert "dataCenters" not in row
    narrowed = api.call("GET", f"/v2/catalog/gpus?{COMMUNITY}&countryCodes=US").json
    assert narrowed["gpus"] == []


def test_some_hosts_have_a_place_and_some_have_none() -> None:
    stage = Stage("seed = 3\n[hosts]\ncommunity_without_place = 0.5\n[[stock]]\ngpus_per_host = 1\n")
    found = places(stage, 60, cloud="COMMUNITY")
    assert 15 < found.count("") < 45
    assert "" not in places(stage, 20)
    assert "" not in places(stage, 20, cloud="COMMUNITY", dataCenterIds=EVERYWHERE)
    assert "" not in places(stage, 20, cloud="COMMUNITY", globalNetworking=True)
    again = Stage("seed = 3\n[hosts]\ncommunity_without_place = 0.5\n[[stock]]\ngpus_per_host = 1\n")
    assert places(again, 60, cloud="COMMUNITY") == found


def test_a_refusal_of_a_place_leaves_hosts_without_one() -> None:
    rule = '[[refuse]]\ndata_center = "?*"\n'
    assert places(Stage(NOWHERE + rule), 1, cloud="COMMUNITY") == [""]
    assert refused(Stage(rule), cloud="COMMUNITY") == CAPACITY


def test_unpinned_pods_land_where_the_scenario_wants() -> None:
    american = '[[landing]]\ncloud = "COMMUNITY"\ndata_center = "US-*"\ntimes = 3\n'
    stage = Stage(american + '[[landing]]\ndata_center = "EU-RO-1"\n')
    pinned = places(stage, 4, cloud="COMMUNITY", dataCenterIds=["US-TX-3", "CA-MTL-1"])
    assert set(pinned) <= {"US-TX-3", "CA-MTL-1"}  # and no turn is used up
    assert {place[:3] for place in places(stage, 3, cloud="COMMUNITY")} == {"US-"}
    assert set(places(stage, 3, cloud="COMMUNITY")) == {"EU-RO-1"}
    assert set(places(stage, 3)) == {"EU-RO-1"}


def test_a_landing_without_stock_waits_for_its_turn() -> None:
    empty = '[[stock]]\ndata_center = "EU-RO-1"\ncount = "none"\nuntil_s = 60\n'
    stage = Stage(empty + '[[landing]]\ndata_center = "EU-RO-1"\ntimes = 1\n')
    assert "EU-RO-1" not in places(stage, 5)
    stage.after(60)
    assert places(stage, 1) == ["EU-RO-1"]


def test_pods_may_land_on_hosts_without_a_place() -> None:
    rules = "seed = 1\n[hosts]\ncommunity_without_place = 0.2\n"
    stage = Stage(rules + '[[landing]]\ndata_center = ""\ntimes = 4\n[[landing]]\ndata_center = "EU-*"\n')
    found = places(stage, 6, cloud="COMMUNITY")
    assert found[:4] == [""] * 4
    assert all(place.startswith("EU-") for place in found[4:])


def test_a_pod_stays_where_it_is_under_new_rules() -> None:
    stage = Stage()
    pod = stage.create(cloud="COMMUNITY")
    before = (pod.host.data_center, pod.host.cuda)
    stage.world.replace(loads(NOWHERE + 'cuda_versions = ["12.1"]\n'))
    assert places(stage, 3, cloud="COMMUNITY") == [""] * 3
    assert (pod.host.data_center, pod.host.cuda) == before


def test_stock_comes_and_goes() -> None:
    some = '[[stock]]\ndata_center = "EU-RO-1"\ncount = 2\nfrom_s = 100\nuntil_s = 200\n'
    stage = Stage('[[stock]]\ncount = "none"\n' + some)

    def level() -> str:
        return stage.world.stock.availability([stage.world.stock.pool("EU-RO-1", GPU, "SECURE")], 1)

    stage.after(99)
    assert (refused(stage), level()) == (CAPACITY, "NONE")
    stage.after(1)
    assert level() == "LOW"
    pod = stage.create()
    stage.after(99)
    assert level() == "LOW"
    stage.after(1)
    assert (refused(stage), level()) == (CAPACITY, "NONE")
    assert (pod.status, pod.host.used) == ("RUNNING", 1)


def test_the_last_row_in_force_holds() -> None:
    stage = Stage('[[stock]]\ncount = 4\n[[stock]]\ncount = "none"\nuntil_s = 10\n[[stock]]\ncount = 1\nfrom_s = 20\n')

    def free(after: float = 0) -> int:
        stage.after(after)
        return sum(host.free for host in stage.world.stock.pool("EU-RO-1", GPU, "SECURE").hosts)

    assert [free(), free(after=10), free(after=10)] == [0, 4, 1]


def test_a_new_scenario_starts_the_seconds_anew() -> None:
    rules = '[[stock]]\ncount = "none"\nuntil_s = 50\n'
    stage = Stage(rules)
    stage.after(60)
    stage.create()
    stage.world.replace(loads(rules))
    assert refused(stage) == CAPACITY
    stage.after(50)
    stage.create()


def test_refusals_have_their_time() -> None:
    stage = Stage('[[refuse]]\ndetail = "not yet"\nfrom_s = 10\nuntil_s = 20\n')
    stage.create()
    stage.after(10)
    assert refused(stage) == "not yet"
    stage.after(10)
    stage.create()


def test_the_world_counts_how_many_pods_there_were_at_once() -> None:
    stage = Stage('[[account.pod]]\nname = "old"\n')
    for number in range(3):  # one after another, without a second between them
        pod = stage.create(name=f"one-{number}")
        stage.world.delete(pod.id)
    pods = [stage.create(name=f"two-{number}") for number in range(2)]
    stage.after(5)
    stage.world.act(pods[0].id, "stop")  # a stopped one is still there
    stage.world.delete(pods[1].id)
    report = Ledger().report(stage.world)
    assert report["mostAlive"] == 3
    named = {name: most_alive(row for row in report["pods"] if row["name"].startswith(name)) for name in ("one", "two")}
    assert named == {"one": 1, "two": 2}
    assert most_alive([]) == 0


def test_answers_take_their_time(api: Api) -> None:
    assert api.scenario("[api]\nlatency_s = 0.2\njitter = 0.2\n").status == 200
    started = time.monotonic()
    assert api.call("GET", "/v2/pods").status == 200
    assert api.call("GET", "/v2/pods", key=None).status == 401
    assert time.monotonic() - started >= 2 * 0.2 * 0.8
