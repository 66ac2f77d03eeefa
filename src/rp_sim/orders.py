"""The rules of a create that the schema cannot say, and what the body asks of a host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rp_sim.inventory import data_centers, find_gpu
from rp_sim.problems import NO_DISK_SPACE, bad_request, no_capacity, not_found
from rp_sim.stock import Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rp_sim.inventory import GpuType
    from rp_sim.scenario.model import Invented
    from rp_sim.volumes import NetworkVolume

Body = dict[str, Any]
LARGEST_DISK = 100_000  # GB


def check_rules(body: Body, volumes: Mapping[str, NetworkVolume]) -> None:
    if "templateId" in body:
        raise not_found("template")  # the simulator's account owns no templates
    if not body.get("image"):
        raise bad_request("image is required unless templateId is set")
    if ("gpu" in body) == ("cpu" in body):
        raise bad_request("exactly one of gpu or cpu must be set")
    _check_cpu(body)
    gpu = body.get("gpu", {})
    if gpu.get("allowedCudaVersions") and "minCudaVersion" in gpu:
        raise bad_request("gpu.allowedCudaVersions and gpu.minCudaVersion are mutually exclusive")
    _check_mounts(body, volumes)


def _check_cpu(body: Body) -> None:
    if "cpu" not in body:
        return
    count = int(body["cpu"]["vcpuCount"])
    if count & (count - 1):
        raise bad_request("cpu.vcpuCount must be a power of two")
    if "persistent" in body.get("mounts", {}):
        raise bad_request("mounts.persistent is not supported on CPU pods")
    raise no_capacity()  # no CPU hosts are simulated


def _check_mounts(body: Body, volumes: Mapping[str, NetworkVolume]) -> None:
    mounts = body.get("mounts", {})
    if "persistent" in mounts and "network" in mounts:
        raise bad_request("mounts.persistent and mounts.network are mutually exclusive")
    for entry in mounts.get("network", []):
        if entry["volumeId"] not in volumes:
            raise not_found("network volume")
        if body.get("cloud", "SECURE") != "SECURE":
            raise bad_request("network volumes are only available on SECURE cloud")


def check_size(body: Body) -> None:
    """No host has that much disk; of a PATCH too."""
    persistent = body.get("mounts", {}).get("persistent", {})
    if max(body.get("disk", 0), persistent.get("size", 0)) > LARGEST_DISK:
        raise bad_request(NO_DISK_SPACE)


def wanted(body: Body, volumes: Mapping[str, NetworkVolume], invented: Invented) -> Wanted:
    """Raises the capacity problem for what no host can ever satisfy."""
    gpu = body["gpu"]
    cloud = body.get("cloud", "SECURE")
    kind = find_gpu(gpu["id"])
    # A missing count is documented to mean 1, and matches no machine at all.
    if "count" not in gpu or kind is None or not kind.rentable(cloud):
        raise no_capacity()
    check_size(body)
    centers = tuple(body.get("dataCenterIds", ()))
    for entry in body.get("mounts", {}).get("network", []):
        home = volumes[entry["volumeId"]].data_center
        if centers and home not in centers:
            raise no_capacity()
        centers = (home,)
    pinned = bool(centers)
    if body.get("globalNetworking"):
        centers = _with_global_network(centers, kind, invented)
    return Wanted(
        gpu=kind.id,
        count=int(gpu["count"]),
        cloud=cloud,
        data_centers=centers,
        pinned=pinned,
        allowed_cuda=tuple(gpu.get("allowedCudaVersions", ())),
        minimum_cuda=gpu.get("minCudaVersion", ""),
    )


def _with_global_network(centers: tuple[str, ...], kind: GpuType, invented: Invented) -> tuple[str, ...]:
    """Of the data centers, or of all where none is named, those that have it."""
    if kind.manufacturer != "NVIDIA":
        raise bad_request(invented.global_network_gpu_detail)
    able = tuple(center.id for center in data_centers() if center.global_network)
    found = tuple(center for center in (centers or able) if center in able)
    if not found:
        raise bad_request(invented.global_network_place_detail)
    return found
