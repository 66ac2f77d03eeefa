"""The log stream: what it starts with, where it resumes, and that it does not end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sim.api import wait_for

if TYPE_CHECKING:
    from sim.api import Api

READY = "Start script(s) finished, Pod is ready to use."
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHnharuMyjnDXoHI6fl0TVOY7BOMz+NQRsssSeCPOYt6 test"


@pytest.fixture
def pod(api: Api) -> str:
    pod_id: str = api.running_pod(env={"PUBLIC_KEY": KEY})["id"]
    wait_for(lambda: READY in api.log(pod_id))
    return pod_id


def test_both_sources_in_order(api: Api, pod: str) -> None:
    events = api.events(pod)
    assert events[0]["data"]["source"] == "system"
    assert any(event["data"]["line"].startswith("start container") for event in events)
    assert events[-1]["data"]["line"] == READY
    assert [event["id"] for event in events] == sorted(event["id"] for event in events)
    assert all(event["id"].startswith(event["data"]["ts"] + "/") for event in events)


def test_one_source(api: Api, pod: str) -> None:
    lines = api.log(pod, "source=container")
    assert lines[0] == "Pod Started"
    assert lines[1].startswith("256 SHA256:")
    assert lines[1].endswith(f"root@{pod} (ED25519)")
    assert {event["data"]["source"] for event in api.events(pod, "source=system")} == {"system"}


def test_tail(api: Api, pod: str) -> None:
    assert api.log(pod, "tail=1") == [READY]
    assert api.log(pod, "tail=0") == []
    assert len(api.log(pod, "tail=2&source=container")) == 2


def test_a_reader_resumes_after_what_it_has_seen(api: Api, pod: str) -> None:
    events = api.events(pod)
    assert api.log(pod, last_event_id=events[-3]["id"]) == [event["data"]["line"] for event in events[-2:]]
    assert api.log(pod, last_event_id=events[-1]["data"]["ts"]) == []
    assert api.log(pod, last_event_id="2020-01-01T00:00:00Z")[0] == events[0]["data"]["line"]


def test_since(api: Api, pod: str) -> None:
    events = api.events(pod)
    assert api.log(pod, "since=2020-01-01T00:00:00Z&tail=1")[0] == events[0]["data"]["line"]
    assert api.log(pod, "since=2099-01-01T00:00:00Z") == []


@pytest.mark.parametrize("query", ["source=kernel", "tail=5001", "tail=x", "since=today"])
def test_bad_queries(api: Api, pod: str, query: str) -> None:
    assert api.call("GET", f"/v2/pods/{pod}/logs?{query}").status == 422


def test_new_lines_come_while_one_reads(api: Api, pod: str) -> None:
    with api.stream(pod, "tail=0") as lines:
        api.call("POST", f"/v2/pods/{pod}/action", {"action": "restart"})
        assert "restart container" in next(line for line in lines if line.startswith("data:"))


def test_the_headers_of_a_stream(api: Api, pod: str) -> None:
    headers = api.stream_headers(pod)
    assert headers["content-type"] == "text/event-stream"
    assert headers["cache-control"] == "no-cache"
    assert headers["connection"] == "keep-alive"
    assert headers["x-accel-buffering"] == "no"
    assert headers["x-request-id"]
    assert headers["ratelimit"]


def test_a_stop_takes_the_containers_log_with_it(api: Api, pod: str) -> None:
    api.act(pod, "stop")
    assert api.log(pod, "source=container") == []
    assert "stop container" in api.log(pod, "source=system")


def test_no_log_without_a_pod(api: Api, pod: str) -> None:
    api.call("DELETE", f"/v2/pods/{pod}")
    assert api.call("GET", f"/v2/pods/{pod}/logs").status == 404


def test_a_failing_pull_shows_in_the_system_log(api: Api) -> None:
    api.scenario('[boot]\nprovisioning_s = 0\n[images."private/*"]\npull_error = "manifest unknown"\n')
    pod_id = api.created(image="private/image:1")["id"]
    wait_for(lambda: any("manifest unknown" in line for line in api.log(pod_id, "source=system")))
    assert api.pod(pod_id)["status"] == "STARTING"
