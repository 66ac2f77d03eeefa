"""The simulator reads the contract as a validator does: what the schema rejects is a 422, and nothing else is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.contract import operations, request_problems
from sim.api import Api, pod_body
from sim_fixture import simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

Strategy = st.SearchStrategy[Any]
QUIET = """
[boot]
provisioning_s = 1000000
[quota]
minute = 1000000
hour = 1000000
day = 1000000
[account]
balance = 1000000000.0
"""
bounded = settings(
    max_examples=80, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip

scalars: Strategy = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5000),
    st.floats(-2, 20),
    st.text(max_size=5),
    st.sampled_from([1.0, 10.5]),
)
junk: Strategy = st.one_of(
    scalars, st.lists(scalars, max_size=2), st.dictionaries(st.text(max_size=4), scalars, max_size=2)
)


def mostly(valid: Strategy) -> Strategy:
    return st.integers(0, 9).flatmap(lambda dice: junk if dice == 0 else valid)


def table(**fields: Strategy) -> Strategy:
    """Objects with some of the fields, now and then with one that is unknown."""
    known = st.fixed_dictionaries({}, optional={name: mostly(value) for name, value in fields.items()})
    extra = st.dictionaries(st.sampled_from(["bogus", "gpuCount", ""]), scalars, max_size=1)
    return st.integers(0, 7).flatmap(
        lambda dice: st.builds(lambda a, b: {**a, **b}, known, extra) if dice == 0 else known
    )


def both(first: Strategy, second: Strategy) -> Strategy:
    """The fields of the second over those of the first."""
    return st.builds(lambda a, b: {**a, **b} if isinstance(b, dict) else b, first, second)


words = st.sampled_from(["a", "", "22/tcp", "SECURE", "/workspace"])
cuda = st.sampled_from(["12.8", "12", "12.11", "x", "12.8 ", "13.0.1"])
mounts = table(
    persistent=table(size=st.integers(5, 40), path=words),
    network=st.lists(table(volumeId=words, path=words), max_size=2),
)
container = {
    "args": words,
    "disk": st.integers(-1, 50),
    "env": st.dictionaries(words, mostly(words), max_size=2),
    "image": words,
    "ports": st.lists(mostly(words), max_size=2),
    "registry": st.one_of(st.none(), words),
}
create = table(
    **container,
    name=words,
    cloud=st.sampled_from(["SECURE", "COMMUNITY", "ALL"]),
    gpu=table(
        id=st.sampled_from(["NVIDIA L4", "nope"]),
        count=st.sampled_from([1, 2, 0, 1.0, True]),
        allowedCudaVersions=st.lists(cuda, max_size=2),
        minCudaVersion=cuda,
    ),
    cpu=table(id=words, vcpuCount=st.integers(0, 5)),
    dataCenterIds=st.lists(words, max_size=2),
    globalNetworking=st.booleans(),
    mounts=mounts,
    startJupyter=st.booleans(),
    startSsh=st.booleans(),
    templateId=words,
)
update = table(
    **container, name=words, locked=st.booleans(), globalNetworking=st.booleans(), mounts=mounts, templateId=words
)
key_lines = st.sampled_from(
    ["ssh-ed25519 AAAA", "ssh-rsa AAAA me@here", "sk-x y\tz", "nothing", "ssh-rsa", "ssh-rsa A\nb", "ecdsa-a b "]
)
volume = table(
    name=words,
    size=st.sampled_from([10, 4096, 9, 4097, 20.0, 20.5]),
    dataCenter=st.sampled_from(["US-KS-2", "nowhere", ""]),
    type=st.sampled_from(["STANDARD", "HIGH_PERFORMANCE", "FAST"]),
)
complete_volume = st.just({"name": "v", "size": 10, "dataCenter": "US-KS-2"})


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with simulator(tmp_path_factory.mktemp("requests"), QUIET) as running:
        yield Api(running)


@pytest.fixture(scope="module")
def pod(api: Api) -> str:
    return str(api.created()["id"])


@pytest.fixture(scope="module")
def volume_id(api: Api) -> str:
    body = {"name": "v", "size": 10, "dataCenter": "US-KS-2"}
    return str(api.call("POST", "/v2/network-volumes", body).json["id"])


def agree(api: Api, operation: str, body: object, resource: str = "") -> None:
    method, path = operations()[operation]
    answer = api.call(method, path.replace("{id}", resource), json.dumps(body).encode())
    problems = request_problems(operation, body)
    assert (answer.status == 422) == bool(problems), (body, problems, answer)
    assert answer.status < 500
    if answer.status == 422:
        assert answer.json["detail"] == "Request validation failed."
        assert all(error.startswith("$") for error in answer.json["errors"])


@bounded
@given(body=st.one_of(create, both(st.builds(pod_body), create), junk))
def test_create_pod(api: Api, body: object) -> None:
    agree(api, "createPod", body)


@bounded
@given(body=st.one_of(update, junk))
def test_update_pod(api: Api, pod: str, body: object) -> None:
    agree(api, "updatePod", body, pod)


@bounded
@given(body=st.one_of(table(action=st.sampled_from(["start", "stop", "restart", "reset", ""])), junk))
def test_pod_action(api: Api, pod: str, body: object) -> None:
    agree(api, "podAction", body, pod)


@bounded
@given(body=st.one_of(table(keys=st.lists(mostly(key_lines), max_size=3)), junk))
def test_update_ssh_keys(api: Api, body: object) -> None:
    agree(api, "updateSshKeys", body)


@bounded
@given(body=st.one_of(volume, both(complete_volume, volume), junk))
def test_create_network_volume(api: Api, body: object) -> None:
    agree(api, "createNetworkVolume", body)


@bounded
@given(body=st.one_of(table(name=words, size=st.integers(5, 30)), junk))
def test_update_network_volume(api: Api, volume_id: str, body: object) -> None:
    agree(api, "updateNetworkVolume", body, volume_id)
