"""Pods, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rp.domain.pod import EXITED, Pod
from rp.domain.units import duration, usd
from rp.output.table import Column

if TYPE_CHECKING:
    from datetime import datetime

    from rp.operations.results import Entry, Stopped

PODS = (
    Column("ALIAS", shrink=True),
    Column("ID"),
    Column("STATUS"),
    Column("GPU", drop=1),
    Column("PLACE", drop=2),
    Column("$/H", right=True),
    Column("UPTIME", right=True, drop=3),
)


def row(entry: Entry, now: datetime) -> tuple[str, ...]:
    pod = entry.pod
    if pod is None:
        return (entry.alias or "-", entry.pod_id, entry.status, "-", "-", "-", "-")
    cloud = "" if pod.cloud == "SECURE" else f" {pod.cloud.lower()}"
    return (
        entry.alias or (f"({entry.becoming})" if entry.becoming else "-"),
        pod.id,
        pod.status,
        pod.gpu_text(),
        f"{pod.data_center or '?'}{cloud}",
        usd(pod.price_per_hour).removeprefix("$"),
        duration(seconds) if (seconds := uptime(pod, now)) is not None else "-",
    )


def uptime(pod: Pod, now: datetime) -> float | None:
    if pod.uptime_seconds is not None:
        return pod.uptime_seconds
    if pod.status == "RUNNING" and pod.started_at:
        return (now - pod.started_at).total_seconds()
    return None


def document(entry: Entry, now: datetime) -> dict[str, Any]:
    return {"alias": entry.alias, "deploying": entry.becoming, "id": entry.pod_id, "status": entry.status} | (
        facts(entry.pod, now) if entry.pod else {}
    )


def facts(pod: Pod, now: datetime) -> dict[str, Any]:
    seconds = uptime(pod, now)
    return {
        "name": pod.name,
        "gpu": pod.gpu_id,
        "gpu_count": pod.gpu_count,
        "cloud": pod.cloud,
        "data_center": pod.data_center,
        "price_per_hour": round(pod.price_per_hour, 6),
        "uptime_seconds": None if seconds is None else int(seconds),
        "image": pod.image,
        "created_at": pod.created_at.isoformat() if pod.created_at else None,
        "ssh": {"host": pod.ssh.host, "port": pod.ssh.port, "user": pod.ssh.user} if pod.ssh else None,
    }


def unknown_to_aliases(shown: Sequence[Entry]) -> str | None:
    """What the pods cost that no alias knows; None where there are none."""
    others = [entry.pod for entry in shown if entry.alias is None and entry.becoming is None and entry.pod]
    if not others:
        return None
    cost = sum(pod.price_per_hour for pod in others)
    pods = "1 pod has" if len(others) == 1 else f"{len(others)} pods have"
    return f"{pods} no alias here, together {usd(cost)}/h: `rp add <alias> <id>`, or `rp terminate <id>`"


def called(entry: Entry) -> str:
    return f"{entry.alias} ({entry.pod_id})" if entry.alias else entry.pod_id


def terminate_question(entries: Sequence[Entry]) -> str:
    """What is asked before pods end for good."""
    pods = ", ".join(called(entry) + (f", {entry.pod.gpu_text()}" if entry.pod else ", gone") for entry in entries)
    volumes = [entry.pod.volume for entry in entries if entry.pod and entry.pod.volume]
    lost = sum(volume.size_gb for volume in volumes)
    return f"Terminate {pods}?" + (f" {lost} GB on its volume die with it." if lost else "")


def stopped(target: str, result: Stopped) -> str:
    pod = result.pod
    words = f"{target} was stopped already" if result.already else f"stopped {target}"
    again = f"start it in RunPod's console, then `rp add {target} {pod.id} --force` for ssh"
    if pod.volume and pod.volume.size_gb:
        hourly = replace(pod, status=EXITED).price_per_hour
        return f"{words}; its {pod.volume.size_gb} GB volume is kept and costs {usd(hourly)}/h; {again}"
    return f"{words}; it has no volume of its own, so its disk is lost; {again}"
