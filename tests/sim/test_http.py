"""Keys, quotas, unknown paths, faults: what can come instead of an answer."""

from __future__ import annotations

import http.client
import json

import pytest

from sim.api import AT_ONCE, Api, pod_body, wait_for


def fault(operation: str, kind: str, **keys: object) -> str:
    lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    return AT_ONCE + "\n".join(["[[fault]]", f'operation = "{operation}"', f'kind = "{kind}"', *lines])


def test_without_a_key_nobody_gets_in_and_no_quota_is_told(api: Api) -> None:
    for key in (None, "wrong"):
        answer = api.call("GET", "/v2/pods", key=key)
        assert answer.status == 401
        assert "ratelimit" not in answer.headers
        assert answer.headers["x-request-id"]
    assert api.call("GET", "/v2/pods", key=None).detail == "missing bearer token"


def test_unknown_paths_and_methods(api: Api) -> None:
    nowhere = api.call("GET", "/v2/nothing")
    assert (nowhere.status, nowhere.detail) == (404, "The requested path was not found.")
    wrong = api.call("PUT", "/v2/pods", check=False)
    assert (wrong.status, wrong.detail) == (405, "The requested method is not allowed for this path.")
    assert wrong.headers["allow"] == "GET, POST"
    assert wrong.headers["content-type"].startswith("application/problem+json")


def test_unknown_query_parameters_are_ignored(api: Api) -> None:
    pod = api.running_pod()
    api.act(pod["id"], "stop")
    assert len(api.call("GET", "/v2/pods?desiredStatus=RUNNING").json["pods"]) == 1


def test_request_ids_differ(api: Api) -> None:
    ids = {api.call("GET", "/v2/pods").headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3


def test_the_quota_has_three_windows_and_tells_of_one(api: Api) -> None:
    api.scenario("[quota]\nminute = 3\nhour = 5\n")
    answers = [api.call("GET", "/v2/pods") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["ratelimit"].startswith('"minute";r=2;t=60, "hour";r=4;t=3600, "day";r=')
    assert answers[0].headers["ratelimit-policy"].startswith('"minute";q=3;w=60, "hour";q=5;w=3600')
    assert answers[3].detail == "rate limit exceeded for the minute window"
    assert 0 < int(answers[3].headers["retry-after"]) <= 60
    api.advance(60)
    assert [api.call("GET", "/v2/pods").status for _ in range(3)] == [200, 200, 429]
    assert "hour" in api.call("GET", "/v2/pods").detail


def test_a_fault_hits_the_call_it_names(api: Api) -> None:
    api.scenario(fault("listPods", "status", nth=2, status=503, detail="try later"))
    assert [api.call("GET", "/v2/pods").status for _ in range(3)] == [200, 503, 200]


def test_every_nth_call(api: Api) -> None:
    api.scenario(fault("listPods", "status", every=2, status=500))
    assert [api.call("GET", "/v2/pods").status for _ in range(4)] == [200, 500, 200, 500]


def test_html_instead_of_json(api: Api) -> None:
    api.scenario(fault("createPod", "status", status=403, body="<html>error code: 1010</html>"))
    answer = api.call("POST", "/v2/pods", {}, check=False)
    assert answer.status == 403
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["x-request-id"]


def test_retry_after_of_a_fault(api: Api) -> None:
    api.scenario(fault("listPods", "status", status=429, retry_after=7))
    assert api.call("GET", "/v2/pods").headers["retry-after"] == "7"


@pytest.mark.parametrize("kind", ["answer_lost", "reset"])
def test_the_answer_of_a_create_gets_lost(api: Api, kind: str) -> None:
    api.scenario(fault("createPod", kind, nth=1))
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        api.create(name="lost")
    assert [pod["name"] for pod in api.listed()] == (["lost"] if kind == "answer_lost" else [])
    assert api.ledger()["calls"][-2]["fault"] == kind


def test_an_error_after_the_pod_was_made(api: Api) -> None:
    api.scenario(fault("createPod", "error_after_commit", nth=1))
    assert api.create(name="made").status == 500
    assert [pod["name"] for pod in api.listed()] == ["made"]


def test_a_malformed_answer(api: Api) -> None:
    api.scenario(fault("createPod", "malformed", nth=1))
    answer = api.call("POST", "/v2/pods", {"name": "a"}, check=False)
    with pytest.raises(ValueError, match=r"."):
        json.loads(answer.raw)


def test_a_pod_that_shows_up_late(api: Api) -> None:
    api.scenario(fault("createPod", "late_visibility", seconds=60))
    pod = api.created(name="late")
    assert api.listed() == []
    assert api.call("GET", f"/v2/pods/{pod['id']}").status == 404
    assert api.ledger()["pods"][-1]["alive"] is True
    api.advance(61)
    assert [pod["name"] for pod in api.listed()] == ["late"]


def test_a_pod_that_is_missing_from_a_list(api: Api) -> None:
    api.scenario(fault("listPods", "missing_from_list", nth=2, pod="a*"))
    api.created(name="a1")
    api.created(name="b1")
    assert [len(api.listed()) for _ in range(3)] == [2, 1, 2]


def test_slow_and_hanging_calls_take_as_long_as_they_say(api: Api) -> None:
    api.scenario(
        fault("listPods", "slow", seconds=0.2, nth=1)
        + "\n"
        + fault("listPods", "hang", nth=2, seconds=0.2)[len(AT_ONCE) :]
    )
    assert api.call("GET", "/v2/pods").status == 200
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        api.call("GET", "/v2/pods")


def test_a_create_takes_effect_after_its_client_gave_up(api: Api) -> None:
    api.scenario(fault("createPod", "slow", seconds=0.4, nth=1))
    with pytest.raises(TimeoutError):
        api.call("POST", "/v2/pods", pod_body(name="late"), limit=0.2)
    assert api.listed() == []
    wait_for(lambda: [pod["name"] for pod in api.listed()] == ["late"])


def test_bodies_may_have_a_limit(api: Api) -> None:
    api.scenario("[later]\nbody_limit = 50\n")
    assert api.call("POST", "/v2/pods", {"name": "x" * 60}, key=None, check=False).status == 413


def test_the_ledger_keeps_every_call_with_its_body_and_no_key(api: Api) -> None:
    api.created(env={"TOKEN": "value"})
    ledger = api.ledger()
    call = ledger["calls"][-1]
    assert (call["method"], call["path"], call["operation"], call["status"]) == ("POST", "/v2/pods", "createPod", 201)
    assert call["body"]["env"] == {"TOKEN": "value"}
    assert call["requestId"]
    assert api.running.key not in json.dumps(ledger)
    row = ledger["pods"][-1]
    assert {"id", "name", "status", "gpu", "count", "cloud", "dataCenter", "host", "cost", "createdAt"} <= row.keys()


def test_a_bad_scenario_is_refused_and_changes_nothing(api: Api) -> None:
    answer = api.scenario('[[stock]]\ngpu = "H100"\n')
    assert answer.status == 400
    assert "stock[0].gpu" in answer.detail


def test_no_web_page_may_steer_the_simulator(api: Api) -> None:
    address = api.running.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(address[0], int(address[1]), timeout=5)
    connection.request("GET", "/sim/ledger", headers={"Origin": "https://example.com"})
    assert connection.getresponse().status == 403
    connection.close()


@pytest.mark.parametrize("body", [b"", b"{}", b'{"advance": -1}', b'{"advance": "x"}', b'{"advance": 1e300}'])
def test_the_clock_only_goes_forward(api: Api, body: bytes) -> None:
    assert api.call("POST", "/sim/clock", body, key=None).status == 400
