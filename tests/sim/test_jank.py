"""Machines that are not worth keeping, each in its own way."""

from __future__ import annotations

import socket
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from sim.api import AT_ONCE, GPU, Api, wait_for
from sim.remote import Key, Remote, reachable

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return Key(tmp_path_factory.mktemp("key"))


def jank(kind: str, *lines: str) -> str:
    return AT_ONCE + "\n".join(["[[jank]]", f'kind = "{kind}"', *lines])


def booted(api: Api, key: Key, kind: str, *lines: str) -> dict[str, Any]:
    api.scenario(jank(kind, *lines))
    return api.running_pod(env={"PUBLIC_KEY": key.public})


@pytest.mark.parametrize("kind", ["ssh_never_up", "connection_refused"])
def test_nobody_listens(api: Api, key: Key, kind: str) -> None:
    pod = booted(api, key, kind)
    wait_for(lambda: any("ready to use" in line for line in api.log(pod["id"])))
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", pod["ssh"]["direct"]["port"])) != 0


def test_a_port_that_says_nothing(api: Api, key: Key) -> None:
    pod = booted(api, key, "no_banner")
    client = wait_for(lambda: _connect(pod["ssh"]["direct"]["port"]))
    with client:
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(10)


def test_a_key_that_is_not_taken(api: Api, key: Key, tmp_path: Path) -> None:
    remote = Remote(key, booted(api, key, "key_refused"), tmp_path)
    done = wait_for(lambda: d if b"refused" not in (d := remote.ssh("true")).stderr else None)
    assert b"Permission denied" in done.stderr


def test_a_stranger_answers(api: Api, key: Key, tmp_path: Path) -> None:
    api.scenario(jank("wrong_host_key"))
    pod, remote = reachable(api, key, tmp_path)
    words = ["ssh-keygen", "-lf", str(remote.known_hosts)]
    shown = subprocess.run(words, capture_output=True, timeout=10, check=True).stdout.decode().split()[1]
    log = "\n".join(api.log(pod["id"], "source=container"))
    assert "SHA256:" in log
    assert shown not in log


def test_no_public_address(api: Api, key: Key) -> None:
    pod = booted(api, key, "no_public_ip", 'cloud = "SECURE"')
    assert pod["ssh"]["direct"] is None
    assert pod["ssh"]["proxy"] is not None
    assert pod["runtime"]["ports"] == []


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("stuck_provisioning", "PROVISIONING"),
        ("stuck_starting", "STARTING"),
        ("error", "ERROR"),
        ("exited", "EXITED"),
        ("crash_loop", "RUNNING"),
    ],
)
def test_pods_that_do_not_get_there(api: Api, kind: str, status: str) -> None:
    api.scenario(jank(kind))
    pod = api.created()
    api.advance(600)
    assert api.pod(pod["id"])["status"] == status


def test_a_crash_loop_shows_in_the_system_log(api: Api) -> None:
    api.scenario(jank("crash_loop"))
    pod = api.running_pod()
    api.advance(60)
    lines = api.log(pod["id"], "tail=5000")
    assert len([line for line in lines if "start container" in line]) > 50
    assert api.log(pod["id"], "source=container") == []


def test_a_pod_in_error_can_be_started_or_deleted(api: Api) -> None:
    api.scenario(jank("error"))
    pod_id = api.created()["id"]
    pod = wait_for(lambda: p if (p := api.pod(pod_id))["status"] == "ERROR" else None)
    assert pod["actions"] == ["start", "terminate"]
    assert "broken" in "\n".join(api.log(pod_id, "source=system"))
    assert api.act(pod_id, "start").status == 200


@pytest.mark.parametrize(
    ("kind", "lines", "command", "expected"),
    [
        ("fewer_gpus", (), "nvidia-smi -L | wc -l", "1"),
        ("fewer_gpus", ("count = 0",), "nvidia-smi -L | wc -l", "1"),
        ("wrong_gpu", ('shows = "NVIDIA T4"',), "nvidia-smi -L | head -n 1 | cut -c 8-16", "NVIDIA T4"),
        ("ecc_errors", ("count = 3",), "nvidia-smi -q -x | grep -c '<dram_uncorrectable>3<'", "2"),
        ("old_driver", ('driver = "450.1"',), "nvidia-smi --query-gpu=driver_version --format=csv,noheader", "450.1"),
        ("slow_network", ("mbps = 8.0",), "curl -s -o /dev/null -w '%{speed_download}' http://x/", "1000000"),
        ("dns_broken", (), "getent hosts example.com || echo none", "none"),
        ("disk_full", (), "df -Pk / | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4", "0"),
        ("smoke_failure", ('message = "no"',), "echo OK || true", "no"),
        ("shim", ('name = "nproc"', 'script = "echo 1"'), "nproc", "1"),
        ("commands", ("[[jank.command]]", 'match = "^magic"', 'stdout = "trick"'), "magic --now", "trick"),
        ("commands", ("[[jank.command]]", 'match = "^magic"', 'stdout = "trick"'), "echo real", "real"),
    ],
)
def test_broken_machines(  # noqa: PLR0913, RUF100  a table has columns
    api: Api, key: Key, tmp_path: Path, kind: str, lines: tuple[str, ...], command: str, expected: str
) -> None:
    api.scenario(jank(kind, *lines))
    pod = api.running_pod(env={"PUBLIC_KEY": key.public}, gpu={"id": GPU, "count": 2})
    remote = Remote(key, pod, tmp_path)
    done = wait_for(lambda: d if b"refused" not in (d := remote.ssh(command)).stderr else None)
    output = done.stdout + done.stderr
    assert output.decode().strip().splitlines()[-1] == expected or expected in output.decode()


def test_a_command_may_hang_or_take_its_time(api: Api, key: Key, tmp_path: Path) -> None:
    api.scenario(jank("commands", "[[jank.command]]", 'match = "^hang$"', "hang = true"))
    _, remote = reachable(api, key, tmp_path)
    words = ["ssh", *remote.options, "-p", remote.port, "root@127.0.0.1", "hang"]
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run(words, capture_output=True, timeout=1, check=False)


def test_the_first_pod_is_bad_and_the_second_is_not(api: Api) -> None:
    first = len(api.ledger()["pods"]) + 1
    api.scenario(jank("stuck_starting", f"nth_pod = {first}"))
    bad, good = api.created()["id"], api.created()["id"]
    wait_for(lambda: api.pod(good)["status"] == "RUNNING")
    assert api.pod(bad)["status"] == "STARTING"


def test_jank_may_run_out(api: Api) -> None:
    api.scenario(jank("error", "times = 1"))
    bad, good = api.created()["id"], api.created()["id"]
    wait_for(lambda: (api.pod(bad)["status"], api.pod(good)["status"]) == ("ERROR", "RUNNING"))


def test_jank_sits_in_a_place(api: Api) -> None:
    api.scenario(jank("error", 'data_center = "US-*"', 'gpu = "NVIDIA L4"'))
    bad = api.created(gpu={"id": "NVIDIA L4", "count": 1}, dataCenterIds=["US-TX-3"])["id"]
    good = [
        api.created(gpu={"id": "NVIDIA L4", "count": 1}, dataCenterIds=["EU-RO-1"])["id"],
        api.created(dataCenterIds=["US-TX-3"])["id"],
    ]
    wait_for(lambda: api.pod(bad)["status"] == "ERROR")
    for pod_id in good:
        wait_for(lambda pod_id=pod_id: api.pod(pod_id)["status"] == "RUNNING")  # type: ignore[misc]


def _connect(port: int) -> socket.socket | None:
    client = socket.socket()
    if client.connect_ex(("127.0.0.1", port)) == 0:
        return client
    client.close()
    return None
