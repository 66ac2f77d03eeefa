"""Handlers of `/v2/catalog`: GPU types and data centers, with the stock that is told of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rp_sim.http.reply import boolean, choices, csv, integer, reply, simulator
from rp_sim.inventory import DataCenter, GpuType, data_centers, find_gpu, gpu_types
from rp_sim.problems import bad_request, invalid, not_found
from rp_sim.stock import Host, Pool, Stock, cuda_fits, offered, version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp import web

PRODUCTS = ("POD", "CLUSTER", "SERVERLESS")
CLOUDS = ("SECURE", "COMMUNITY")
REGIONS = (
    "NORTH_AMERICA", "SOUTH_AMERICA", "EUROPE", "ASIA", "MIDDLE_EAST", "AFRICA", "OCEANIA", "ANTARCTICA",
    "UNKNOWN",
)  # fmt: skip
VOLUME_TYPES = ("STANDARD", "HIGH_PERFORMANCE")
COMPLIANCE = (
    "GDPR", "ISO_IEC_27001", "ISO_14001", "PCI_DSS", "HITRUST", "SOC_1_TYPE_2", "SOC_2_TYPE_2",
    "SOC_3_TYPE_2", "ITAR", "FISMA_HIGH", "HIPAA", "RENEWABLE",
)  # fmt: skip
ONLY_WITH_AVAILABILITY = ("product", "count", "cloud", "countryCodes", "cudaVersions", "minCudaVersion")


@dataclass(frozen=True)
class Scope:
    """What the availability in the answer is about."""

    count: int
    cloud: str
    countries: tuple[str, ...]
    cuda: tuple[str, ...]
    minimum_cuda: str

    def accepts(self, host: Host) -> bool:
        """A host without a place is in no country either."""
        fits = cuda_fits(host.cuda, self.cuda, self.minimum_cuda)
        return fits and (bool(host.data_center) or not self.countries)

    def accepts_here(self, host: Host) -> bool:
        return bool(host.data_center) and self.accepts(host)


async def list_gpus(request: web.Request) -> web.Response:
    scope, stock = _scope(request), simulator(request).world.stock
    rows = [_gpu(gpu, scope, stock) for gpu in gpu_types()]
    if scope and scope.countries:
        rows = [row for row in rows if "dataCenters" in row]
    rows.append(SENTINEL)
    return reply({"gpus": rows if not (scope and scope.countries) else rows[:-1]})


async def get_gpu(request: web.Request) -> web.Response:
    scope = _scope(request)
    gpu = find_gpu(request.match_info["id"])
    if gpu is None:
        raise not_found("gpu type")
    return reply(_gpu(gpu, scope, simulator(request).world.stock))


async def list_data_centers(request: web.Request) -> web.Response:
    include = choices(request, "include", ("GPU_AVAILABILITY", "CPU_AVAILABILITY"))
    rows = [_data_center(center, include, request) for center in _matching(request)]
    return reply({"dataCenters": rows})


async def get_data_center(request: web.Request) -> web.Response:
    include = choices(request, "include", ("GPU_AVAILABILITY", "CPU_AVAILABILITY"))
    center = next((dc for dc in data_centers() if dc.id == request.match_info["id"]), None)
    if center is None:
        raise not_found("data center")
    return reply(_data_center(center, include, request))


def _scope(request: web.Request) -> Scope | None:
    """The query's rules: 422 for what is malformed, 400 for what does not go together."""
    include = choices(request, "include", ("AVAILABILITY",))
    products = choices(request, "product", PRODUCTS)
    scope = Scope(
        count=integer(request, "count", 1, 1),
        cloud=(choices(request, "cloud", CLOUDS) or ["SECURE"])[0],
        countries=_matched(request, "countryCodes", r"[A-Z]{2}"),
        cuda=_matched(request, "cudaVersions", r"\d+\.\d+"),
        minimum_cuda=_minimum_cuda(request),
    )
    if not include:
        for name in ONLY_WITH_AVAILABILITY:
            if name in request.query:
                raise bad_request(f"{name} is valid only with include=AVAILABILITY")
        return None
    if not products:
        raise bad_request("include=AVAILABILITY requires product")
    if scope.cuda and scope.minimum_cuda:
        raise bad_request("cudaVersions and minCudaVersion are mutually exclusive")
    return scope


def _matched(request: web.Request, name: str, pattern: str) -> tuple[str, ...]:
    words = csv(request, name)
    if any(not re.fullmatch(pattern, word, re.ASCII) for word in words):
        raise invalid(f"$.{name}: does not match pattern '^{pattern}$'")
    return tuple(words)


def _minimum_cuda(request: web.Request) -> str:
    text = request.query.get("minCudaVersion", "")
    if text and not re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII):
        raise invalid(r"$.minCudaVersion: does not match pattern '^\d+(\.\d+)?$'")
    return text


SENTINEL: dict[str, Any] = {
    "id": "unknown",
    "name": "unknown",
    "pool": None,
    "manufacturer": "UNKNOWN",
    "memory": 0,
    "secure": False,
    "community": False,
    "price": {"secure": 0.0, "community": 0.0},
    "maxCount": {"secure": 0, "community": 0},
}


def _gpu(gpu: GpuType, scope: Scope | None, stock: Stock) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": gpu.id,
        "name": gpu.name,
        "pool": gpu.pool,
        "manufacturer": gpu.manufacturer,
        "memory": gpu.memory,
        "secure": gpu.rentable("SECURE"),
        "community": gpu.rentable("COMMUNITY"),
        "price": {"secure": gpu.secure_price, "community": gpu.community_price},
        "maxCount": {"secure": gpu.max_secure, "community": gpu.max_community},
    }
    return row if scope is None else {**row, **_availability(gpu, scope, stock)}


def _availability(gpu: GpuType, scope: Scope, stock: Stock) -> dict[str, Any]:
    pools = list(_pools(gpu, scope, stock))
    here = [pool for pool in pools if any(host.data_center and host.size >= scope.count for host in pool.hosts)]
    levels = {pool.data_center: stock.availability([pool], scope.count, scope.accepts_here) for pool in here}
    shown: dict[str, Any] = {"availability": stock.availability(pools, scope.count, scope.accepts)}
    if levels and any(level != "NONE" for level in levels.values()):
        shown["dataCenters"] = [{"id": dc, "name": dc, "availability": level} for dc, level in levels.items()]
    hosts = [host for pool in pools for host in pool.hosts if host.cuda and scope.accepts(host)]
    versions = sorted({host.cuda for host in hosts if host.cuda}, key=version)
    if versions:
        free = {host.cuda for host in hosts if host.free >= scope.count}
        shown["cudaVersions"] = [{"version": text, "available": text in free} for text in versions]
    return shown


def _pools(gpu: GpuType, scope: Scope, stock: Stock) -> Iterator[Pool]:
    for center in data_centers():
        if scope.countries and center.country not in scope.countries:
            continue
        pool = stock.pool(center.id, gpu.id, scope.cloud)
        if any(host.size >= scope.count for host in pool.hosts):
            yield pool


def _matching(request: web.Request) -> list[DataCenter]:
    regions = choices(request, "regions", REGIONS)
    volumes = set(choices(request, "networkVolumeTypes", VOLUME_TYPES))
    compliance = set(choices(request, "compliance", COMPLIANCE))
    globally = boolean(request, "globalNetwork")
    return [
        center
        for center in data_centers()
        if (not regions or center.region in regions)
        and volumes <= set(center.volume_types)
        and compliance <= set(center.compliance)
        and globally in (None, center.global_network)
    ]


def _data_center(center: DataCenter, include: list[str], request: web.Request) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": center.id,
        "name": center.name,
        "region": center.region,
        "networkVolumeTypes": list(center.volume_types),
        "compliance": list(center.compliance),
        "globalNetwork": center.global_network,
    }
    if "GPU_AVAILABILITY" in include:
        stock = simulator(request).world.stock
        row["gpuAvailability"] = [_in_center(center, gpu, stock) for gpu in _rentable()]
    return row


def _rentable() -> list[GpuType]:
    return list(dict.fromkeys(offered("SECURE") + offered("COMMUNITY")))


def _in_center(center: DataCenter, gpu: GpuType, stock: Stock) -> dict[str, Any]:
    pools = [stock.pool(center.id, gpu.id, cloud) for cloud in CLOUDS if gpu.rentable(cloud)]
    level = stock.availability(pools, 1, lambda host: bool(host.data_center))
    return {"id": gpu.id, "name": gpu.name, "availability": level}
