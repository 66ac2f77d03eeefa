"""RunPod's JSON ⇄ domain. What is not known is ignored; what is missing becomes unknown, not an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rp.domain.billing import PodBill
from rp.domain.catalog import DataCenter, GpuType, Offer, Stock
from rp.domain.clouds import COMMUNITY, SECURE
from rp.domain.pod import Endpoint, Pod, Volume
from rp.domain.runpod_template import RunPodTemplate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rp.domain.request import PodRequest

Json = Mapping[str, Any]

# These end up in files and arguments of OpenSSH, where a blank, a line break or a leading dash would mean more.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_HOST = re.compile(r"[A-Za-z0-9:\[][A-Za-z0-9.:_\]-]{0,254}")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_PROXY_USER = re.compile(r"(?P<pod>[A-Za-z0-9_-]{1,64})-(?P<host>[0-9a-f]{8})")


def create_body(request: PodRequest) -> dict[str, Any]:
    """`count`, `disk` and `startSsh` are always sent: RunPod's defaults for them do not work."""
    gpu: dict[str, Any] = {"id": request.gpu_id, "count": request.gpu_count}
    if request.min_cuda_version:
        gpu["minCudaVersion"] = request.min_cuda_version
    if request.allowed_cuda_versions:
        gpu["allowedCudaVersions"] = list(request.allowed_cuda_versions)
    body: dict[str, Any] = {
        "name": request.name,
        "image": request.image,
        "gpu": gpu,
        "cloud": request.cloud,
        "disk": request.disk_gb,
        "ports": list(request.ports),
        "env": dict(request.env),
        "startSsh": True,
    }
    optional = {
        "args": request.args,
        "dataCenterIds": list(request.data_center_ids),
        "mounts": _mounts(request.volume),
        "registry": request.registry_id,
        "globalNetworking": request.global_networking,
    }
    return body | {key: value for key, value in optional.items() if value}


def _mounts(volume: Volume | None) -> dict[str, Any]:
    if volume is None:
        return {}
    if volume.network_id:
        return {"network": [{"volumeId": volume.network_id, "path": volume.path}]}
    return {"persistent": {"size": volume.size_gb, "path": volume.path}}


def pod(raw: Json) -> Pod:
    """Raises KeyError or ValueError where there is not even an id that could be one."""
    if not _ID.fullmatch(str(raw["id"])):
        raise ValueError("a pod id with strange characters")
    gpu: Json = raw.get("gpu") or {}
    runtime: Json = raw.get("runtime") or {}
    return Pod(
        id=str(raw["id"]),
        name=str(raw.get("name") or ""),
        status=str(raw.get("status") or "UNKNOWN"),
        image=str(raw.get("image") or ""),
        args=str(raw.get("args") or ""),
        disk_gb=_int(raw.get("disk")),
        volume=_volume(raw.get("mounts") or {}),
        ports=tuple(raw.get("ports") or ()),
        env={str(key): str(value) for key, value in (raw.get("env") or {}).items()},
        cloud=str(raw.get("cloud") or ""),
        data_center=raw.get("dataCenterId"),
        cuda_version=raw.get("cudaVersion"),
        gpu_id=gpu.get("id"),
        gpu_count=_int(gpu.get("count")),
        cost_per_hour=_float(raw.get("cost")),
        locked=bool(raw.get("locked")),
        registry_id=raw.get("registry"),
        global_networking=bool((raw.get("globalNetworking") or {}).get("enabled")),
        created_at=_time(raw.get("createdAt")),
        started_at=_time(raw.get("startedAt")),
        uptime_seconds=runtime.get("uptime"),
        ssh=_endpoint((raw.get("ssh") or {}).get("direct")),
        proxy_host=_proxy_host(str(raw["id"]), (raw.get("ssh") or {}).get("proxy")),
    )


def _volume(mounts: Json) -> Volume | None:
    if persistent := mounts.get("persistent"):
        return Volume(str(persistent.get("path")), size_gb=_int(persistent.get("size")))
    for network in mounts.get("network") or ():
        return Volume(str(network.get("path")), network_id=str(network.get("volumeId")))
    return None


def _proxy_host(pod_id: str, raw: Json | None) -> str | None:
    """`<pod id>-<8 hex digits>` → the digits: the machine's (GraphQL calls it `podHostId`)."""
    user = str((raw or {}).get("username") or "")
    found = _PROXY_USER.fullmatch(user)
    return found["host"] if found and found["pod"] == pod_id else None


def _endpoint(raw: Json | None) -> Endpoint | None:
    """None where there is no address, or one that ssh could read as something else."""
    if not raw or not raw.get("host") or not raw.get("port"):
        return None
    endpoint = Endpoint(str(raw["host"]), int(raw["port"]), str(raw.get("username") or "root"))
    harmless = _HOST.fullmatch(endpoint.host) and _USER.fullmatch(endpoint.user) and 0 < endpoint.port < 65536
    return endpoint if harmless else None


def _time(raw: object) -> datetime | None:
    """None for what is no time; one without a zone is UTC's."""
    try:
        time = datetime.fromisoformat(str(raw)) if raw else None
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time and time.tzinfo is None else time


def _int(raw: object) -> int:
    return int(raw) if isinstance(raw, int | float) else 0


def _float(raw: object) -> float:
    return float(raw) if isinstance(raw, int | float) else 0.0


def gpu_types(answer: Json) -> tuple[GpuType, ...]:
    """The catalog's GPU types, without the row called `unknown`."""
    return tuple(_gpu_type(raw) for raw in answer.get("gpus") or () if raw.get("id") != "unknown")


def _gpu_type(raw: Json) -> GpuType:
    price: Json = raw.get("price") or {}
    most: Json = raw.get("maxCount") or {}
    offers = {
        cloud: Offer(float(price.get(key) or 0.0), int(most.get(key) or 0))
        for cloud, key in ((SECURE, "secure"), (COMMUNITY, "community"))
        if raw.get(key) and price.get(key)
    }
    name, maker = str(raw.get("name") or raw["id"]), str(raw.get("manufacturer") or "NVIDIA")
    return GpuType(str(raw["id"]), name, int(raw.get("memory") or 0), offers, maker)


def stock(
    cloud: str, count: int, answer: Json
) -> tuple[dict[tuple[str, str, int], Stock], dict[tuple[str, str, int, str], Stock]]:
    """(stock anywhere, stock per data center) of one cloud, for pods of `count` GPUs."""
    anywhere, places = {}, {}
    for raw in answer.get("gpus") or ():
        anywhere[cloud, str(raw["id"]), count] = _level(raw.get("availability"))
        for place in raw.get("dataCenters") or ():
            places[cloud, str(raw["id"]), count, str(place["id"])] = _level(place.get("availability"))
    return anywhere, places


def _level(raw: object) -> Stock:
    return Stock.__members__.get(str(raw), Stock.UNKNOWN)


def data_centers(answer: Json) -> tuple[DataCenter, ...]:
    rows: Iterable[Json] = answer.get("dataCenters") or ()
    return tuple(
        DataCenter(
            str(raw["id"]),
            str(raw.get("name") or ""),
            str(raw.get("region") or "UNKNOWN"),
            bool(raw.get("globalNetwork")),
        )
        for raw in rows
    )


def pod_bill(raw: Json) -> PodBill:
    return PodBill(
        pod_id=str(raw.get("podId") or ""),
        start=_time(raw.get("startTime")),
        end=_time(raw.get("endTime")),
        total=float(raw.get("totalAmount") or 0.0),
        gpu=float(raw.get("gpuAmount") or 0.0),
        disk=float(raw.get("diskAmount") or 0.0),
    )


def template(raw: Json) -> RunPodTemplate:
    """Raises KeyError where there is no id."""
    return RunPodTemplate(
        id=str(raw["id"]),
        name=str(raw.get("name") or ""),
        image=str(raw.get("image") or ""),
        args=str(raw.get("args") or ""),
        disk_gb=_int(raw.get("disk")),
        volume=_volume(raw.get("mounts") or {}),
        ports=tuple(str(port) for port in raw.get("ports") or ()),
        env={str(key): str(value) for key, value in (raw.get("env") or {}).items()},
        registry_id=raw.get("registry"),
        serverless=bool(raw.get("serverless")),
        category=str(raw.get("category") or ""),
        start_jupyter=bool(raw.get("startJupyter")),
        allowed_cuda_versions=tuple(str(version) for version in raw.get("allowedCudaVersions") or ()),
    )
