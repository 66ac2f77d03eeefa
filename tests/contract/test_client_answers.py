"""Every documented example of an answer is read with the right values."""

from datetime import UTC, datetime
from typing import Any

import pytest

from contract.contract import operations, spec
from rp import errors
from rp.domain.catalog import DataCenter, GpuType, Offer, Stock
from rp.domain.network_volume import NetworkVolume
from rp.domain.pod import Endpoint, Pod, Volume
from rp.domain.request import PodRequest
from rp.runpod.client import RunPod
from unit.runpod.server import Reply, Server, answer

REQUEST = PodRequest("rp-x-1", "image", "NVIDIA L4", 1, "SECURE", 20, ("22/tcp",))
RUNNING = Pod(
    id="7h9k2m4n6p",
    name="pytorch-training",
    status="RUNNING",
    image="runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404",
    disk_gb=50,
    volume=Volume("/workspace", size_gb=20),
    ports=("8888/http", "22/tcp"),
    env={"MODEL_NAME": "llama-3"},
    cloud="SECURE",
    data_center="US-KS-2",
    cuda_version="12.8",
    gpu_id="NVIDIA GeForce RTX 4090",
    gpu_count=1,
    cost_per_hour=0.44,
    created_at=datetime(2026, 6, 1, 12, 0, tzinfo=UTC),
    started_at=datetime(2026, 6, 1, 12, 2, tzinfo=UTC),
    uptime_seconds=3600,
    ssh=Endpoint("195.26.233.3", 34446, "root"),
    proxy_host="64411eb2",
)


def _content(operation: str, status: str) -> dict[str, Any]:
    method, path = operations()[operation]
    content: dict[str, Any] = spec()["paths"][path][method.lower()]["responses"][status]["content"]
    return content


def _example(operation: str, status: str = "200") -> Any:
    (content,) = _content(operation, status).values()
    (example,) = content["examples"].values()
    return example["value"]


def test_the_list_of_pods(server: Server, client: RunPod) -> None:
    server.replies = [answer(_example("listPods"))]

    assert client.pods() == (RUNNING,)


def test_one_pod(server: Server, client: RunPod) -> None:
    server.replies = [answer(_example("getPod"))]

    assert client.pod("7h9k2m4n6p") == RUNNING


@pytest.mark.parametrize("action", ["stop", "start", "restart"])
def test_a_pod_after_an_action(server: Server, client: RunPod, action: str) -> None:
    server.replies = [answer(_example("podAction"))]

    assert {"stop": client.stop, "start": client.start, "restart": client.restart}[action]("p") == RUNNING


def test_a_pod_that_was_just_made_has_no_address_yet(server: Server, client: RunPod) -> None:
    server.replies = [answer(_example("createPod", "201"), 201)]

    pod = client.create(REQUEST)

    assert (pod.id, pod.status, pod.ssh) == ("7h9k2m4n6p", "PROVISIONING", None)
    assert (pod.started_at, pod.uptime_seconds) == (None, None)


def test_the_lines_of_a_log(server: Server, client: RunPod) -> None:
    server.replies = [Reply(200, _example("getPodLogs").encode(), "text/event-stream")]

    lines = client.log_lines("p", source="container", tail=1, quiet_after=1, at_most=5)

    assert list(lines) == ["Model loaded."]


def test_the_gpus_and_the_data_centers(server: Server, client: RunPod) -> None:
    server.replies = [answer(_example("listGpuTypes")), answer(_example("listDataCenters"))]

    catalog, centers = client.gpus("SECURE", count=1), client.data_centers()

    gpu = "NVIDIA GeForce RTX 4090"
    assert catalog.gpus == (GpuType(gpu, "RTX 4090", 24, {"SECURE": Offer(0.44, 8), "COMMUNITY": Offer(0.31, 4)}),)
    assert centers == (DataCenter("US-KS-2", "US Kansas 2", "NORTH_AMERICA", global_network=True),)
    assert catalog.stock == {("SECURE", gpu, 1): Stock.HIGH}
    assert catalog.place_stock == {("SECURE", gpu, 1, "US-KS-2"): Stock.HIGH}


def test_the_registered_keys(server: Server, client: RunPod) -> None:
    server.replies = [answer(_example("getSshKeys"))]

    (key,) = client.ssh_keys()

    assert key.split()[0] == "ssh-ed25519"
    assert key.split()[2] == "me@example.com"


def test_the_network_volumes(server: Server, client: RunPod) -> None:
    server.replies = [answer(_example("listNetworkVolumes")), answer(_example("getNetworkVolume"))]
    volume = NetworkVolume("2q9m7x4c", "training-dataset", 100, "US-KS-2")

    assert client.network_volumes() == (volume,)
    assert client.network_volume("2q9m7x4c") == volume


def test_the_bills(server: Server, client: RunPod) -> None:
    server.replies = [answer(_example("listPodBilling"))]

    (bill,) = client.pod_bills(last_days=1)

    assert (bill.pod_id, bill.total, bill.gpu, bill.disk) == ("7h9k2m4n6p", 12.34, 11.1, 1.24)
    assert bill.start == datetime(2026, 6, 1, tzinfo=UTC)
    assert bill.end == datetime(2026, 6, 2, tzinfo=UTC)


KINDS: dict[str, type[errors.ApiError]] = {
    "UnauthorizedError": errors.Unauthorized,
    "ForbiddenError": errors.Forbidden,
    "BadRequestError": errors.BadRequest,
    "NotFoundError": errors.NoSuchResource,
    "UnprocessableEntityError": errors.InvalidRequest,
    "MethodNotAllowedError": errors.ApiError,
    "TooManyRequestsError": errors.RateLimited,
}


@pytest.mark.parametrize("name", sorted(spec()["components"]["responses"]))
def test_every_documented_error_has_its_class(server: Server, client: RunPod, name: str) -> None:
    ((content_type, content),) = spec()["components"]["responses"][name]["content"].items()
    for example in content["examples"].values():
        document = example["value"]
        reply = answer(document, document["status"], Retry_After="60")
        server.replies = [Reply(reply.status, reply.body, content_type, reply.headers)]

        with pytest.raises(errors.ApiError) as caught:
            client.create(REQUEST)

        assert type(caught.value) is KINDS[name]
        assert caught.value.status == document["status"]
        assert set(document.get("errors") or ()) == set(caught.value.details)
