"""Every operation of the simulator, in every state of a pod, against the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contract.contract import operations, response_problems
from rp_sim.operations import OPERATIONS
from sim.api import GPU, Api
from sim_fixture import simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

HELD = """
[boot]
provisioning_s = 1000
starting_s = 1000
stale_port_s = 0
"""
VARIANTS = {
    "plain": "",
    "quirks": '[invented]\ncreated_quirk = true\nidle_runtime = "empty"\nget_after_delete = "terminated"\n',
    "no address": '[[jank]]\nkind = "no_public_ip"\n',
    "error": '[[jank]]\nkind = "error"\n',
    "later": "[later]\npage_size = 1\ngpu_details = true\n",
}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with simulator(tmp_path_factory.mktemp("contract")) as running:
        yield Api(running)


def test_what_the_simulator_serves_is_in_the_contract() -> None:
    assert {name: operations()[name] for name in OPERATIONS} == OPERATIONS


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_pod_in_every_state(api: Api, variant: str) -> None:
    """The client checks each answer; here is only what has to be asked."""
    assert api.scenario(HELD + VARIANTS[variant]).status == 200
    mounts = {"persistent": {"size": 10, "path": "/workspace"}}
    pod = api.created(
        ports=["22/tcp", "8888/http", "7860/tcp"], mounts=mounts, globalNetworking=True, env={"A": "1"}, args="sleep 1"
    )
    path = f"/v2/pods/{pod['id']}"
    seen = [pod["status"]]
    for _ in range(2):
        api.advance(1001)
        seen.append(api.pod(pod["id"])["status"])
        assert api.listed()
    assert seen == ["PROVISIONING", "STARTING", "ERROR" if variant == "error" else "RUNNING"]
    if variant != "error":
        assert api.act(pod["id"], "restart").status == 200
        api.advance(1001)
        assert api.act(pod["id"], "stop").json["status"] == "EXITED"
    assert api.call("PATCH", path, {"name": "b", "registry": None, "ports": [], "locked": False}).status == 200
    assert api.act(pod["id"], "stop").status == 409
    assert api.act(pod["id"], "start").status == 200
    assert api.call("GET", "/v2/billing/pods").status == 200
    assert api.call("DELETE", path).status == 204
    assert api.call("GET", path).status == (200 if variant == "quirks" else 404)
    assert api.call("PATCH", f"{path}x", {}).status == 404
    assert api.act(f"{pod['id']}x", "stop").status == 404


@pytest.mark.parametrize(
    "stock", ["", '[[stock]]\ncount = "none"\n', "[[stock]]\ncount = 1\n", "[catalog]\nstale = true\n"]
)
@pytest.mark.parametrize("cloud", ["SECURE", "COMMUNITY"])
def test_the_catalog(api: Api, stock: str, cloud: str) -> None:
    assert api.scenario(stock).status == 200
    query = f"include=AVAILABILITY&product=POD,CLUSTER&cloud={cloud}&count=2"
    gpu = f"/v2/catalog/gpus/{GPU.replace(' ', '%20')}"
    for path in ("/v2/catalog/gpus", gpu, f"/v2/catalog/gpus?{query}", f"{gpu}?{query}"):
        assert api.call("GET", path).status == 200
    include = "include=GPU_AVAILABILITY,CPU_AVAILABILITY"
    for path in (f"/v2/catalog/datacenters?{include}", f"/v2/catalog/datacenters/EU-RO-1?{include}"):
        assert api.call("GET", path).status == 200


@pytest.mark.parametrize("operation", OPERATIONS)
def test_without_a_key(api: Api, operation: str) -> None:
    method, path = OPERATIONS[operation]
    assert api.call(method, path.replace("{id}", "x"), key=None).status == 401


@pytest.mark.parametrize("operation", OPERATIONS)
def test_over_the_quota(api: Api, operation: str) -> None:
    assert api.scenario("[quota]\nminute = 1\n").status == 200
    method, path = OPERATIONS[operation]
    api.call("GET", "/v2/pods")
    answer = api.call(method, path.replace("{id}", "x"))
    assert answer.status == 429
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("operation", [name for name, (method, _) in OPERATIONS.items() if method in ("POST", "PUT")])
def test_a_body_that_is_no_object(api: Api, operation: str) -> None:
    assert api.scenario("").status == 200
    method, path = OPERATIONS[operation]
    assert api.call(method, path.replace("{id}", "x"), []).status == 422
    assert api.call(method, path.replace("{id}", "x"), b"").status == 400


def test_the_validator_itself_notices() -> None:
    assert response_problems("listPods", 200, "application/json", {"pods": [{"id": "x"}]})
    assert response_problems("listPods", 201, "application/json", {"pods": []})
    assert response_problems("listPods", 200, "text/html", None)
    assert response_problems("deletePod", 204, "", {"a": 1})
    assert not response_problems("deletePod", 204, "", None)
