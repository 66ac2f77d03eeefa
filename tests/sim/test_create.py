"""What a create is refused for, and where it lands."""

from __future__ import annotations

from typing import Any

import pytest

from sim.api import CAPACITY, GPU, Api, pod_body

NETWORK = {"network": [{"volumeId": "nope", "path": "/workspace"}]}
PERSISTENT = {"persistent": {"size": 10, "path": "/workspace"}}


@pytest.mark.parametrize(
    ("changes", "status", "detail"),
    [
        ({"gpu": {"id": GPU}}, 400, CAPACITY),
        ({"gpu": {"id": GPU, "count": 9}}, 400, CAPACITY),
        ({"gpu": {"id": "NVIDIA RTX 9999", "count": 1}}, 400, CAPACITY),
        ({"gpu": {"id": "NVIDIA GeForce RTX 3070", "count": 1}}, 400, CAPACITY),
        ({"gpu": {"id": "NVIDIA B200", "count": 1}, "cloud": "COMMUNITY"}, 400, CAPACITY),
        ({"dataCenterIds": ["XX-YY-1"]}, 400, CAPACITY),
        ({"disk": None}, 400, "You must either provide a template id or pod configuration parameters"),
        ({"disk": 10**9}, 400, "There are no longer any instances available with enough disk space."),
        ({"gpu": None}, 400, "exactly one of gpu or cpu must be set"),
        ({"cpu": {"id": "cpu3c", "vcpuCount": 2}}, 400, "exactly one of gpu or cpu must be set"),
        ({"gpu": None, "cpu": {"id": "cpu3c", "vcpuCount": 3}}, 400, "cpu.vcpuCount must be a power of two"),
        ({"mounts": {**NETWORK, **PERSISTENT}}, 400, None),
        ({"mounts": NETWORK}, 404, "network volume not found"),
        ({"templateId": "t1"}, 404, "template not found"),
        ({"image": None}, 422, "Request validation failed."),
        ({"gpu": {"id": GPU, "count": 0}}, 422, "Request validation failed."),
        ({"gpu": {"id": GPU, "count": True}}, 422, "Request validation failed."),
    ],
)
def test_refused(api: Api, changes: dict[str, Any], status: int, detail: str | None) -> None:
    answer = api.create(**changes)
    assert answer.status == status
    assert detail is None or answer.detail == detail
    assert api.listed() == []


def test_a_missing_property_makes_noise_about_the_valid_ones(api: Api) -> None:
    answer = api.call("POST", "/v2/pods", {**pod_body(name=None), "bogus": 1})
    first, second = answer.json["errors"]
    assert first == "$: missing property 'name'"
    assert second == "$: additional properties 'gpu', 'bogus' not allowed"


def test_an_unknown_property_alone_is_named_alone(api: Api) -> None:
    answer = api.call("POST", "/v2/pods", {**pod_body(), "bogus": 1})
    assert answer.json["errors"] == ["$: additional properties 'bogus' not allowed"]


def test_no_json_is_a_bad_request(api: Api) -> None:
    answer = api.call("POST", "/v2/pods", b"{")
    assert (answer.status, answer.detail) == (400, "request could not be processed")


def test_cuda_constraints_are_compared_number_by_number(api: Api) -> None:
    api.scenario('[[stock]]\ncuda = ["12.11"]\n')
    fits = api.created(gpu={"id": GPU, "count": 1, "minCudaVersion": "12.2"})
    assert fits["cudaVersion"] is None  # told with the machine
    assert api.create(gpu={"id": GPU, "count": 1, "minCudaVersion": "12.12"}).detail == CAPACITY
    assert api.create(gpu={"id": GPU, "count": 1, "allowedCudaVersions": ["12.2"]}).detail == CAPACITY
    both = {"id": GPU, "count": 1, "allowedCudaVersions": ["12.2"], "minCudaVersion": "12.2"}
    assert "mutually exclusive" in api.create(gpu=both).detail
    assert api.create(gpu={**both, "allowedCudaVersions": []}).status == 201


def test_data_centers_are_enforced(api: Api) -> None:
    api.scenario('[[stock]]\ncount = "none"\n[[stock]]\ndata_center = "EU-RO-1"\n')
    assert api.create(dataCenterIds=["US-TX-3"]).detail == CAPACITY
    assert api.created(dataCenterIds=["US-TX-3", "EU-RO-1"])["dataCenterId"] == "EU-RO-1"
    assert api.created(dataCenterIds=[])["dataCenterId"] == "EU-RO-1"


def test_stock_runs_out_and_comes_back(api: Api) -> None:
    api.scenario('[[stock]]\ncount = "none"\n[[stock]]\ndata_center = "EU-RO-1"\ncount = 2\n')
    pod = api.created(gpu={"id": GPU, "count": 2})
    assert api.create().detail == CAPACITY
    api.call("DELETE", f"/v2/pods/{pod['id']}")
    assert api.create().status == 201


def test_refusals_are_counted_and_do_not_show_in_the_catalog(api: Api) -> None:
    api.scenario(f'[[refuse]]\ngpu = "{GPU}"\ntimes = 2\n')
    assert [api.create().status for _ in range(3)] == [400, 400, 201]
    rows = api.call("GET", "/v2/catalog/gpus?include=AVAILABILITY&product=POD").json["gpus"]
    assert next(row for row in rows if row["id"] == GPU)["availability"] == "HIGH"


def test_a_refusal_of_one_data_center_leaves_the_others(api: Api) -> None:
    api.scenario('[[refuse]]\ndata_center = "US-TX-3"\nstatus = 403\ndetail = "access denied"\n')
    answer = api.create(dataCenterIds=["US-TX-3"])
    assert (answer.status, answer.detail) == (403, "access denied")
    assert api.create(dataCenterIds=["US-TX-3", "US-TX-1"]).status == 201


def test_a_network_volume_decides_the_data_center(api: Api) -> None:
    body = {"name": "v", "size": 10, "dataCenter": "US-KS-2"}
    volume = api.call("POST", "/v2/network-volumes", body).json
    mounts = {"network": [{"volumeId": volume["id"], "path": "/workspace"}]}
    assert api.created(mounts=mounts)["dataCenterId"] == "US-KS-2"
    assert api.create(mounts=mounts, dataCenterIds=["EU-RO-1"]).detail == CAPACITY
    assert api.create(mounts=mounts, cloud="COMMUNITY").status == 400
    assert api.call("DELETE", f"/v2/network-volumes/{volume['id']}").status == 400


def test_global_networking_needs_a_data_center_that_has_it(api: Api) -> None:
    pod = api.created(globalNetworking=True)
    assert pod["globalNetworking"]["enabled"] is True
    assert pod["globalNetworking"]["internalDns"] == f"{pod['id']}.runpod.internal"
    refused = api.create(globalNetworking=True, dataCenterIds=["AP-IN-1"])
    assert (refused.status, refused.detail) == (400, "global networking is not supported in the requested data centers")
    amd = api.create(globalNetworking=True, gpu={"id": "AMD Instinct MI300X OAM", "count": 1})
    assert (amd.status, amd.detail) == (400, "global networking requires an NVIDIA GPU")


def test_network_volumes(api: Api) -> None:
    assert api.call("POST", "/v2/network-volumes", {"name": "v", "size": 5, "dataCenter": "x"}).status == 422
    nowhere = api.call("POST", "/v2/network-volumes", {"name": "v", "size": 10, "dataCenter": "AP-IN-1"})
    assert nowhere.status == 400
    assert "US-KS-2" in nowhere.detail
    body = {"name": "v", "size": 20, "dataCenter": "US-KS-2"}
    volume = api.call("POST", "/v2/network-volumes", body).json
    path = f"/v2/network-volumes/{volume['id']}"
    assert api.call("PATCH", path, {}).status == 422
    assert api.call("PATCH", path, {"size": 15}).status == 400
    assert api.call("PATCH", path, {"size": 30, "name": "w"}).json["size"] == 30
    assert api.call("GET", path).json["name"] == "w"
    assert api.call("DELETE", path).status == 204
    assert api.call("GET", path).status == 404


def test_ssh_keys_are_replaced_as_a_whole(api: Api) -> None:
    keys = ["ssh-ed25519 AAAA one", "ssh-rsa BBBB"]
    assert api.call("PUT", "/v2/account/ssh-keys", {"keys": keys}).json == {"keys": keys}
    assert api.call("PUT", "/v2/account/ssh-keys", {"keys": ["not a key\n"]}).status == 422
    assert api.call("GET", "/v2/account/ssh-keys").json == {"keys": keys}
    assert api.call("PUT", "/v2/account/ssh-keys", {"keys": []}).json == {"keys": []}
