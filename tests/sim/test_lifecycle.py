"""Pods from create to terminate, over HTTP."""

from __future__ import annotations

import pytest

from sim.api import AT_ONCE, GPU, Api, wait_for

SLOW = """
[boot]
provisioning_s = 100
starting_s = 200
sshd_s = 0
"""


def test_a_pod_boots_in_phases(api: Api) -> None:
    api.scenario(SLOW)
    pod = api.created()
    assert pod["status"] == "PROVISIONING"
    assert pod["ssh"] == {"proxy": None, "direct": None}
    assert pod["runtime"] is None
    assert pod["actions"] == ["stop", "terminate"]

    api.advance(100)
    pod = api.pod(pod["id"])
    assert pod["status"] == "STARTING"
    assert pod["ssh"]["direct"] is None
    proxy = pod["ssh"]["proxy"]["username"]
    assert proxy.startswith(f"{pod['id']}-")
    assert len(proxy) == len(pod["id"]) + 9

    api.advance(200)
    pod = api.pod(pod["id"])
    assert pod["status"] == "RUNNING"
    assert pod["ssh"]["direct"]["host"] == "127.0.0.1"
    assert pod["runtime"]["ports"][0]["public"] == pod["ssh"]["direct"]["port"]
    assert pod["actions"] == ["stop", "restart", "terminate"]


def test_no_direct_address_without_22_tcp(api: Api) -> None:
    assert api.running_pod(ports=["8888/http"])["ssh"]["direct"] is None


def test_stop_releases_the_gpu_and_start_resumes_on_the_same_host(api: Api) -> None:
    pod = api.running_pod(mounts={"persistent": {"size": 10, "path": "/workspace"}})
    stopped = api.act(pod["id"], "stop").json
    assert stopped["status"] == "EXITED"
    assert stopped["cost"] == 0.0
    assert stopped["cudaVersion"] == pod["cudaVersion"]
    assert stopped["ssh"]["direct"] is None

    assert api.act(pod["id"], "start").json["status"] == "PROVISIONING"
    again = wait_for(lambda: p if (p := api.pod(pod["id"]))["status"] == "RUNNING" else None)
    assert again["ssh"]["proxy"] == pod["ssh"]["proxy"]
    assert again["ssh"]["direct"]["port"] != pod["ssh"]["direct"]["port"]


def test_a_restart_changes_the_port_and_still_tells_the_old_one_for_a_while(api: Api) -> None:
    api.scenario("[boot]\nprovisioning_s = 0\nstarting_s = 0\nrestart_s = 50\nstale_port_s = 90\nsshd_s = 0\n")
    pod = api.running_pod()
    old = pod["ssh"]["direct"]["port"]
    assert api.act(pod["id"], "restart").json["status"] == "STARTING"
    api.advance(50)
    assert api.pod(pod["id"])["ssh"]["direct"]["port"] == old
    api.advance(91)
    assert api.pod(pod["id"])["ssh"]["direct"]["port"] != old


@pytest.mark.parametrize(
    ("status", "action"),
    [("RUNNING", "start"), ("EXITED", "stop"), ("EXITED", "restart")],
)
def test_an_action_that_does_not_fit_the_status_is_a_conflict(api: Api, status: str, action: str) -> None:
    pod = api.running_pod()
    if status == "EXITED":
        api.act(pod["id"], "stop")
    assert api.act(pod["id"], action).status == 409


def test_an_unknown_action_is_invalid(api: Api) -> None:
    pod = api.running_pod()
    answer = api.act(pod["id"], "reset")
    assert answer.status == 422
    assert "value must be one of" in answer.json["errors"][0]


def test_a_full_host_does_not_resume(api: Api) -> None:
    pod = api.running_pod()
    api.act(pod["id"], "stop")
    api.scenario(AT_ONCE + '[hosts]\nresume = "full"\n')
    answer = api.act(pod["id"], "start")
    assert (answer.status, answer.detail) == (
        400,
        "There are not enough free GPUs on the host machine to start this pod.",
    )


def test_a_neighbour_takes_the_gpus_of_a_stopped_pod(api: Api) -> None:
    api.scenario(AT_ONCE + "[hosts]\ntaken_after_stop_s = 60\n")
    pod = api.running_pod()
    api.act(pod["id"], "stop")
    api.advance(61)
    assert api.act(pod["id"], "start").status == 400


def test_a_pod_may_come_back_without_its_gpu(api: Api) -> None:
    pod = api.running_pod()
    api.act(pod["id"], "stop")
    api.scenario(AT_ONCE + '[hosts]\nresume = "zero_gpu"\n')
    assert api.act(pod["id"], "start").status == 200
    again = wait_for(lambda: p if (p := api.pod(pod["id"]))["status"] == "RUNNING" else None)
    assert again["runtime"]["gpus"] == []


def test_delete_is_final(api: Api) -> None:
    pod = api.created()
    assert api.call("DELETE", f"/v2/pods/{pod['id']}").status == 204
    again = api.call("DELETE", f"/v2/pods/{pod['id']}")
    assert (again.status, again.detail) == (404, "pod not found")
    assert api.call("GET", f"/v2/pods/{pod['id']}").status == 404
    assert api.listed() == []


def test_a_terminated_pod_may_linger(api: Api) -> None:
    api.scenario(AT_ONCE + '[invented]\nget_after_delete = "terminated"\nterminated_visible_s = 30\n')
    pod = api.created()
    api.act(pod["id"], "terminate")
    assert api.pod(pod["id"])["status"] == "TERMINATED"
    assert api.pod(pod["id"])["cost"] == 0.0
    api.advance(31)
    assert api.call("GET", f"/v2/pods/{pod['id']}").status == 404


def test_a_locked_pod_is_not_stopped(api: Api) -> None:
    pod = api.running_pod()
    assert api.call("PATCH", f"/v2/pods/{pod['id']}", {"locked": True}).json["locked"] is True
    assert api.act(pod["id"], "stop").status == 409
    assert api.pod(pod["id"])["status"] == "RUNNING"


def test_a_patch_replaces_whole_values_and_resets_the_container(api: Api) -> None:
    pod = api.running_pod(env={"A": "1", "B": "2"})
    patched = api.call("PATCH", f"/v2/pods/{pod['id']}", {"env": {"C": "3"}, "name": "new"}).json
    assert patched["env"] == {"C": "3"}
    assert patched["name"] == "new"
    assert patched["status"] == "STARTING"


def test_the_kind_of_mount_is_fixed(api: Api) -> None:
    pod = api.running_pod()
    path = f"/v2/pods/{pod['id']}"
    assert api.call("PATCH", path, {"mounts": {"persistent": {"size": 10, "path": "/w"}}}).status == 400
    assert api.call("PATCH", path, {"mounts": {"network": []}}).status == 400
    assert api.call("PATCH", path, {"mounts": {"persistent": {"size": 10}}}).status == 422


def test_pods_cost_money_by_the_second(api: Api) -> None:
    pod = api.running_pod(mounts={"persistent": {"size": 73, "path": "/workspace"}})
    api.advance(3600)
    api.act(pod["id"], "stop")
    api.advance(10 * 3600)
    row = next(row for row in api.ledger()["pods"] if row["id"] == pod["id"])
    assert row["gpuCost"] == pytest.approx(0.74, rel=0.01)
    running = (20 * 0.10 + 73 * 0.10) / 730
    stopped = 10 * 73 * 0.20 / 730
    assert row["diskCost"] == pytest.approx(running + stopped, rel=0.01)


def test_at_zero_balance_pods_end_and_those_on_a_network_volume_are_kept(api: Api) -> None:
    volume = api.call("POST", "/v2/network-volumes", {"name": "v", "size": 10, "dataCenter": "US-KS-2"}).json
    kept = api.running_pod(name="kept", mounts={"network": [{"volumeId": volume["id"], "path": "/workspace"}]})
    assert kept["dataCenterId"] == "US-KS-2"
    lost = api.running_pod(name="lost")
    api.scenario(AT_ONCE + "[account]\nbalance = 2.0\n")
    api.advance(2 * 3600)
    assert api.pod(kept["id"])["status"] == "EXITED"
    assert api.call("GET", f"/v2/pods/{lost['id']}").status == 404
    assert api.ledger()["balance"] == pytest.approx(0, abs=0.01)


def test_a_create_needs_an_hour_of_credit(api: Api) -> None:
    api.scenario("[account]\nbalance = 0.5\n")
    assert api.create(gpu={"id": GPU, "count": 1}).status == 402


def test_pods_of_a_cluster_are_hidden_and_not_to_be_touched(api: Api) -> None:
    api.scenario(AT_ONCE + '[[account.pod]]\nname = "member"\nid = "member1"\ncluster = "c1"\n')
    assert api.listed() == []
    assert api.call("GET", "/v2/pods?includeClusterPods=true").json["pods"][0]["cluster"]["id"] == "c1"
    assert api.call("DELETE", "/v2/pods/member1").status == 409
    assert api.call("PATCH", "/v2/pods/member1", {"name": "x"}).status == 409


def test_a_pod_of_the_scenario_is_there_from_the_start(api: Api) -> None:
    api.scenario(AT_ONCE + '[[account.pod]]\nname = "old"\nenv = {A = "1"}\ncount = 2\n')
    (pod,) = api.listed()
    assert (pod["name"], pod["status"], pod["env"], pod["gpu"]["count"]) == ("old", "RUNNING", {"A": "1"}, 2)
