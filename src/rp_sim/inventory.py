"""What RunPod rents out and where: real ids, names and prices, from the data files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class GpuType:
    id: str
    name: str
    memory: int
    manufacturer: str
    pool: str | None
    secure_price: float
    community_price: float
    max_secure: int
    max_community: int
    vcpu_per_gpu: int
    ram_per_gpu: int

    def price(self, cloud: str) -> float:
        return self.secure_price if cloud == "SECURE" else self.community_price

    def max_count(self, cloud: str) -> int:
        return self.max_secure if cloud == "SECURE" else self.max_community

    def rentable(self, cloud: str) -> bool:
        return self.price(cloud) > 0 and self.max_count(cloud) > 0


@dataclass(frozen=True)
class DataCenter:
    id: str
    name: str
    region: str
    country: str
    global_network: bool
    volume_types: tuple[str, ...]
    compliance: tuple[str, ...]


@cache
def gpu_types() -> tuple[GpuType, ...]:
    rows = json.loads((DATA / "gpu_types.json").read_text(encoding="utf-8"))["rows"]
    return tuple(_gpu_type(row) for row in rows if _well_formed(row))


@cache
def data_centers() -> tuple[DataCenter, ...]:
    rows = json.loads((DATA / "data_centers.json").read_text(encoding="utf-8"))["rows"]
    return tuple(_data_center(row) for row in rows)


@cache
def gpu_hardware() -> dict[str, dict[str, Any]]:
    """What `nvidia-smi` tells of each type, as far as it is known."""
    rows: dict[str, dict[str, Any]] = json.loads((DATA / "gpu_hardware.json").read_text("utf-8"))["rows"]
    return rows


def find_gpu(gpu_id: str) -> GpuType | None:
    return next((gpu for gpu in gpu_types() if gpu.id == gpu_id), None)


def require_gpu(gpu_id: str) -> GpuType:
    gpu = find_gpu(gpu_id)
    if gpu is None:
        raise KeyError(gpu_id)
    return gpu


def _well_formed(row: dict[str, Any]) -> bool:
    return bool(row.get("displayName") and row.get("memoryInGb") and "  " not in row["id"])


def _gpu_type(row: dict[str, Any]) -> GpuType:
    return GpuType(
        id=row["id"],
        name=row["displayName"],
        memory=row["memoryInGb"],
        manufacturer=row.get("manufacturer") or "UNKNOWN",
        pool=row.get("pool"),
        secure_price=row.get("securePrice") or 0.0,
        community_price=row.get("communityPrice") or 0.0,
        max_secure=row.get("maxGpuCountSecure") or 0,
        max_community=row.get("maxGpuCountCommunity") or 0,
        vcpu_per_gpu=row.get("vcpuPerGpu") or 8,
        ram_per_gpu=row.get("ramGbPerGpu") or max(32, row["memoryInGb"]),
    )


def _data_center(row: dict[str, Any]) -> DataCenter:
    # Volume tiers and certificates are not in any public table: plausible stand-ins.
    region = row.get("regionEnum") or "UNKNOWN"
    tiers = ("STANDARD", "HIGH_PERFORMANCE") if row.get("s3Api") and region != "EUROPE" else ("STANDARD",)
    return DataCenter(
        id=row["id"],
        name=row["id"],
        region=region,
        country=row["countryCode"],
        global_network=bool(row.get("globalNetworking")),
        volume_types=tiers if row.get("s3Api") else (),
        compliance=("GDPR", "SOC_2_TYPE_2") if region == "EUROPE" else ("SOC_2_TYPE_2",),
    )
