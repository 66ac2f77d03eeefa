"""What `rp` sends is what the contract allows."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.contract import request_problems
from rp.domain.pod import Volume
from rp.domain.request import PodRequest
from rp.runpod import wire
from rp.runpod.client import RunPod
from unit.runpod.server import Clock, answer, serving
from unit.samples import cuda_versions, paths, ports, texts, variables, words

volumes = st.one_of(
    st.none(),
    st.builds(Volume, path=paths, size_gb=st.integers(10, 9999)),
    st.builds(Volume, path=paths, network_id=words),
)


@st.composite
def requests(draw: st.DrawFn) -> PodRequest:
    cuda = draw(st.sampled_from([None, "floor", "list"]))
    return PodRequest(
        name=draw(words),
        image=draw(words),
        gpu_id=draw(words),
        gpu_count=draw(st.integers(1, 16)),
        cloud=draw(st.sampled_from(["SECURE", "COMMUNITY"])),
        disk_gb=draw(st.integers(1, 9999)),
        ports=tuple(draw(st.lists(ports, max_size=4))),
        args=draw(texts),
        data_center_ids=tuple(draw(st.lists(words, max_size=3))),
        volume=draw(volumes),
        env=draw(st.dictionaries(variables, texts, max_size=4)),
        min_cuda_version=draw(cuda_versions) if cuda == "floor" else None,
        allowed_cuda_versions=tuple(draw(st.lists(cuda_versions, min_size=1))) if cuda == "list" else (),
        registry_id=draw(st.one_of(st.none(), words)),
        global_networking=draw(st.booleans()),
    )


PLAIN = PodRequest("rp-x-1", "image", "NVIDIA L4", 1, "SECURE", 20, ("22/tcp",))


@given(requests())
def test_every_create_body_is_valid(request: PodRequest) -> None:
    assert request_problems("createPod", json.loads(json.dumps(wire.create_body(request)))) == []


@given(requests())
def test_a_create_body_leaves_nothing_to_defaults_that_do_not_work(request: PodRequest) -> None:
    body = wire.create_body(request)

    assert body["gpu"]["count"] == request.gpu_count
    assert body["disk"] == request.disk_gb
    assert body["startSsh"] is True
    assert body["cloud"] == request.cloud
    assert body["env"] == request.env
    assert body.get("args", "") == request.args
    assert tuple(body.get("dataCenterIds", ())) == request.data_center_ids
    assert not {"minCudaVersion", "allowedCudaVersions"} <= body["gpu"].keys()


def test_nothing_is_sent_that_was_not_asked_for() -> None:
    assert wire.create_body(PLAIN) == {
        "name": "rp-x-1",
        "image": "image",
        "gpu": {"id": "NVIDIA L4", "count": 1},
        "cloud": "SECURE",
        "disk": 20,
        "ports": ["22/tcp"],
        "env": {},
        "startSsh": True,
    }


@pytest.mark.parametrize(
    ("volume", "mounts"),
    [
        (Volume("/w", size_gb=20), {"persistent": {"size": 20, "path": "/w"}}),
        (Volume("/n", network_id="v"), {"network": [{"volumeId": "v", "path": "/n"}]}),
    ],
)
def test_a_volume_is_one_of_the_two_kinds(volume: Volume, mounts: object) -> None:
    assert wire.create_body(replace(PLAIN, volume=volume))["mounts"] == mounts


@pytest.mark.parametrize(
    "body",
    [
        {"gpus": {}},
        {"gpu": {"id": "x", "counts": 1}},
        {"cloud": "ALL"},
        {"disk": 0},
        {"mounts": {"persistent": {"size": 9, "path": "/w"}}},
    ],
)
def test_the_validator_sees_what_is_wrong(body: dict[str, object]) -> None:
    assert request_problems("createPod", wire.create_body(PLAIN) | body)


def test_the_other_bodies_are_valid() -> None:
    clock = Clock()
    with serving() as server:
        server.replies = [answer({"id": "p1", "keys": []})]
        client = RunPod(server.address, "key", sleep=clock.sleep, monotonic=clock.monotonic)
        client.stop("p1")
        client.start("p1")
        client.restart("p1")
        client.replace_ssh_keys(("ssh-ed25519 AAAA me",))
        client.replace_ssh_keys(())
        client.close()

    bodies = [json.loads(asked.body) for asked in server.asked]
    for body in bodies[:3]:
        assert request_problems("podAction", body) == []
    for body in bodies[3:]:
        assert request_problems("updateSshKeys", body) == []
