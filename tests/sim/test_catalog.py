"""The catalog, its filters and their rules, and the bills."""

from __future__ import annotations

import pytest

from sim.api import AT_ONCE, GPU, Api

WITH = "include=AVAILABILITY&product=POD"


def test_prices_and_limits_come_from_the_real_list(api: Api) -> None:
    rows = {row["id"]: row for row in api.call("GET", "/v2/catalog/gpus").json["gpus"]}
    row = rows[GPU]
    assert row["price"] == {"secure": 0.74, "community": 0.34}
    assert row["maxCount"] == {"secure": 8, "community": 9}
    assert "availability" not in row
    assert "unknown" in rows  # the sentinel that clients have to drop
    assert not any("  " in name for name in rows)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (WITH, 200),
        ("include=AVAILABILITY", 400),
        ("product=POD", 400),
        ("count=2", 400),
        ("countryCodes=US", 400),
        ("include=NOTHING", 422),
        (f"{WITH}&product=POD,TRUCK", 200),
        ("include=AVAILABILITY&product=TRUCK", 422),
        (f"{WITH}&count=0", 422),
        (f"{WITH}&cloud=ALL", 422),
        (f"{WITH}&countryCodes=us", 422),
        (f"{WITH}&countryCodes=US,CA", 200),
        (f"{WITH}&cudaVersions=12", 422),
        (f"{WITH}&cudaVersions=12.8&minCudaVersion=12", 400),
        (f"{WITH}&minCudaVersion=12", 200),
        ("anything=goes", 200),
    ],
)
def test_query_rules(api: Api, query: str, status: int) -> None:
    assert api.call("GET", f"/v2/catalog/gpus?{query}").status == status
    assert api.call("GET", f"/v2/catalog/gpus/{GPU.replace(' ', '%20')}?{query}").status == status


def test_availability_follows_the_stock(api: Api) -> None:
    api.scenario(f'[[stock]]\ncount = "none"\n[[stock]]\ngpu = "{GPU}"\ndata_center = "EU-RO-1"\ncount = 2\n')
    row = api.call("GET", f"/v2/catalog/gpus/{GPU.replace(' ', '%20')}?{WITH}").json
    assert row["availability"] == "LOW"
    levels = {center["id"]: center["availability"] for center in row["dataCenters"]}
    assert levels["EU-RO-1"] == "LOW"
    assert levels["US-TX-3"] == "NONE"
    api.created(gpu={"id": GPU, "count": 2})
    row = api.call("GET", f"/v2/catalog/gpus/{GPU.replace(' ', '%20')}?{WITH}").json
    assert row["availability"] == "NONE"
    assert "dataCenters" not in row
    assert all(not version["available"] for version in row["cudaVersions"])


def test_a_stale_catalog_says_high(api: Api) -> None:
    api.scenario('[catalog]\nstale = true\n[[stock]]\ncount = "none"\n')
    row = api.call("GET", f"/v2/catalog/gpus/{GPU.replace(' ', '%20')}?{WITH}").json
    assert row["availability"] == "HIGH"
    assert api.create().status == 400


def test_countries_narrow_the_list(api: Api) -> None:
    rows = api.call("GET", f"/v2/catalog/gpus?{WITH}&countryCodes=RO").json["gpus"]
    assert rows
    assert {center["id"] for row in rows for center in row["dataCenters"]} == {"EU-RO-1"}
    nowhere = api.call("GET", f"/v2/catalog/gpus?{WITH}&countryCodes=ZZ")
    assert nowhere.json["gpus"] == []
    one = api.call("GET", f"/v2/catalog/gpus/{GPU.replace(' ', '%20')}?{WITH}&countryCodes=ZZ").json
    assert one["availability"] == "NONE"
    assert "dataCenters" not in one


def test_cuda_versions_scope_the_answer(api: Api) -> None:
    row = api.call("GET", f"/v2/catalog/gpus/{GPU.replace(' ', '%20')}?{WITH}&minCudaVersion=13").json
    assert [entry["version"] for entry in row["cudaVersions"]] == ["13.0"]
    amd = api.call("GET", f"/v2/catalog/gpus/AMD%20Instinct%20MI300X%20OAM?{WITH}").json
    assert "cudaVersions" not in amd


def test_data_centers_are_filtered_by_family(api: Api) -> None:
    def ids(query: str) -> set[str]:
        return {row["id"] for row in api.call("GET", f"/v2/catalog/datacenters?{query}").json["dataCenters"]}

    everything = ids("")
    assert {"EU-RO-1", "US-TX-3"} <= everything
    assert "US-TX-3" not in ids("regions=EUROPE")
    assert ids("regions=EUROPE,NORTH_AMERICA") > ids("regions=EUROPE")
    assert ids("networkVolumeTypes=STANDARD,HIGH_PERFORMANCE") < ids("networkVolumeTypes=STANDARD")
    assert ids("compliance=GDPR") == ids("regions=EUROPE")
    assert ids("globalNetwork=true") | ids("globalNetwork=false") == everything
    assert api.call("GET", "/v2/catalog/datacenters?regions=MARS").status == 422
    assert api.call("GET", "/v2/catalog/datacenters?globalNetwork=maybe").status == 422


def test_one_data_center_with_its_gpus(api: Api) -> None:
    row = api.call("GET", "/v2/catalog/datacenters/EU-RO-1?include=GPU_AVAILABILITY").json
    assert {entry["id"]: entry["availability"] for entry in row["gpuAvailability"]}[GPU] == "HIGH"
    assert "gpuAvailability" not in api.call("GET", "/v2/catalog/datacenters/EU-RO-1").json
    assert api.call("GET", "/v2/catalog/datacenters/XX-1").status == 404
    assert api.call("GET", "/v2/catalog/gpus/nope").status == 404


def test_bills_come_in_buckets(api: Api) -> None:
    pod = api.running_pod()
    api.advance(3 * 3600)
    answer = api.call("GET", f"/v2/billing/pods?lastN=4&bucketSize=hour&podId={pod['id']}").json
    assert answer["metadata"]["uniquePodCount"] == 1
    assert 3 <= answer["metadata"]["recordCount"] <= 4
    assert answer["metadata"]["totals"]["gpuAmount"] == pytest.approx(3 * 0.74, rel=0.01)
    everything = api.call("GET", "/v2/billing/pods").json["metadata"]
    assert everything["query"]["bucketSize"] == "day"
    assert everything["totals"]["totalAmount"] >= answer["metadata"]["totals"]["totalAmount"]


@pytest.mark.parametrize("size", ["hour", "day", "week", "month", "year"])
def test_buckets_lie_on_their_boundaries(api: Api, size: str) -> None:
    query = api.call("GET", f"/v2/billing/pods?lastN=3&bucketSize={size}").json["metadata"]["query"]
    assert query["startTime"] < query["endTime"]
    assert query["startTime"].endswith(":00:00Z")


@pytest.mark.parametrize(
    ("query", "status"),
    [("lastN=2&startTime=2026-01-01T00:00:00Z", 400), ("startTime=yesterday", 422), ("bucketSize=minute", 422)],
)
def test_bill_query_rules(api: Api, query: str, status: int) -> None:
    assert api.call("GET", f"/v2/billing/pods?{query}").status == status


def test_pages_came_later(api: Api) -> None:
    api.scenario(AT_ONCE + "[later]\npage_size = 2\ngpu_details = true\n")
    for number in range(3):
        api.created(name=f"p{number}")
    first = api.call("GET", "/v2/pods").json
    assert [pod["name"] for pod in first["pods"]] == ["p2", "p1"]
    assert first["pagination"]["hasNextPage"] is True
    second = api.call("GET", f"/v2/pods?cursor={first['pagination']['nextCursor']}").json
    assert [pod["name"] for pod in second["pods"]] == ["p0"]
    assert second["pagination"] == {"nextCursor": None, "hasNextPage": False}
    assert api.call("GET", "/v2/pods?cursor=nope").status == 422
    assert first["pods"][0]["gpu"]["memory"] > 0
