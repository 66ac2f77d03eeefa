"""Pods and catalog rows as the API shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rp_sim.clock import iso
from rp_sim.pod import ACTIONS, Pod

if TYPE_CHECKING:
    from rp_sim.scenario import Scenario

LOOPBACK = "127.0.0.1"
Json = dict[str, Any]


def pod_json(pod: Pod, now: float, scenario: Scenario, *, fresh: bool = False) -> Json:
    """`fresh` is the answer to a create, which contradicts the text of the contract in its own example."""
    quirk = fresh and scenario.invented.created_quirk
    assigned = pod.status != "PROVISIONING" or pod.started_at is not None
    shown: Json = {
        "id": pod.id,
        "name": pod.name,
        "status": pod.status,
        "actions": ["start", "terminate"] if quirk else ACTIONS[pod.status],
        "image": pod.image,
        "args": pod.args,
        "disk": pod.disk,
        "mounts": pod.mounts,
        "ports": pod.ports,
        "env": pod.env,
        "registry": pod.registry,
        "gpu": _gpu(pod, scenario),
        "cloud": pod.cloud,
        "dataCenterId": pod.host.data_center or None,
        "cudaVersion": pod.host.cuda if assigned else None,
        "ssh": {"proxy": _proxy(pod) if assigned else None, "direct": _direct(pod, now)},
        "template": None,
        "cost": pod.hourly,
        "locked": pod.locked,
        "globalNetworking": _global_networking(pod),
        "runtime": {} if quirk else _runtime(pod, now, scenario),
        "createdAt": iso(pod.created_at),
        "startedAt": iso(pod.started_at) if pod.started_at else None,
    }
    if pod.cluster:
        shown["cluster"] = {"id": pod.cluster, "rank": 0}
    return shown


def _gpu(pod: Pod, scenario: Scenario) -> Json:
    gpu: Json = {"id": pod.gpu.id, "count": pod.count}
    if scenario.later.gpu_details:
        gpu["vcpuCount"] = pod.gpu.vcpu_per_gpu * pod.count
        gpu["memory"] = pod.gpu.ram_per_gpu * pod.count
    return gpu


def _proxy(pod: Pod) -> Json:
    user = f"{pod.id}-{pod.host.id}"
    return {"host": "ssh.runpod.io", "port": 22, "username": user, "command": f"ssh {user}@ssh.runpod.io"}


def has_public_ip(pod: Pod) -> bool:
    return pod.jank("no_public_ip") is None


def _direct(pod: Pod, now: float) -> Json | None:
    port = pod.told_port(now)
    if pod.status != "RUNNING" or port is None or not has_public_ip(pod):
        return None
    command = f"ssh root@{LOOPBACK} -p {port}"
    return {"host": LOOPBACK, "port": port, "username": "root", "command": command}


def _global_networking(pod: Pod) -> Json:
    if not pod.global_networking:
        return {"enabled": False}
    return {
        "enabled": True,
        "ip": f"10.1.0.{pod.order % 250 + 2}",
        "internalDns": f"{pod.id}.runpod.internal",
    }


def _runtime(pod: Pod, now: float, scenario: Scenario) -> Json | None:
    if pod.status != "RUNNING" or pod.running_since is None:
        return {} if scenario.invented.idle_runtime == "empty" else None
    return {
        "uptime": max(0, int(now - pod.running_since)),
        "gpus": [{"util": 0, "memoryUtil": 0} for _ in range(pod.gpus_present)],
        "cpu": {"util": 1},
        "memory": {"util": 2},
        "ports": [entry for port in pod.ports if (entry := _runtime_port(pod, port, now))],
    }


def _runtime_port(pod: Pod, text: str, now: float) -> Json | None:
    number, _, kind = text.partition("/")
    if not number.isdecimal() or int(number) > 65535:
        return None
    if kind == "http":
        return {
            "private": int(number),
            "public": 60000 + pod.order % 5000,
            "type": "http",
            "ip": "100.65.0.1",
        }
    if not has_public_ip(pod):
        return None
    # Pods share the loopback interface: all but sshd is where the program itself listens.
    public = pod.told_port(now) if number == "22" else int(number)
    return {"private": int(number), "public": public, "type": "tcp", "ip": LOOPBACK}
