"""What RunPod offers: GPU types, data centers, prices and stock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from rp.domain.clouds import SECURE


class Stock(IntEnum):
    """RunPod's availability levels. A catalog orders candidates; it reserves nothing and may be stale."""

    NONE = 0
    UNKNOWN = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4


@dataclass(frozen=True)
class Offer:
    """One GPU type on one cloud: USD per GPU-hour, and the most GPUs on one machine."""

    price: float
    max_count: int


@dataclass(frozen=True)
class GpuType:
    id: str
    name: str
    memory_gb: int
    offers: Mapping[str, Offer] = field(default_factory=dict, hash=False)
    manufacturer: str = "NVIDIA"

    @property
    def cheapest(self) -> float:
        """The lowest price over the clouds, in USD per GPU-hour; infinite where it is not offered."""
        return min((offer.price for offer in self.offers.values()), default=float("inf"))


@dataclass(frozen=True)
class DataCenter:
    id: str
    name: str = ""
    continent: str = "UNKNOWN"
    global_network: bool = False


@dataclass(frozen=True)
class Catalog:
    """`stock` is keyed by (cloud, GPU id, GPUs of the pod); `place_stock` by these and the data center's id."""

    gpus: tuple[GpuType, ...] = ()
    data_centers: tuple[DataCenter, ...] = ()
    stock: Mapping[tuple[str, str, int], Stock] = field(default_factory=dict)
    place_stock: Mapping[tuple[str, str, int, str], Stock] = field(default_factory=dict)

    def stock_of(self, cloud: str, gpu_id: str, count: int, data_center_ids: tuple[str, ...]) -> Stock:
        """The best stock in any of these data centers; anywhere where none is given."""
        overall = self.stock.get((cloud, gpu_id, count), Stock.UNKNOWN)
        if not data_center_ids:
            return overall
        levels = [self.place_stock.get((cloud, gpu_id, count, place)) for place in data_center_ids]
        known = [level for level in levels if level is not None]
        if known:
            return max(known)
        # RunPod lists only the data centers that offer the GPU; community hosts often belong to none.
        return Stock.UNKNOWN if overall is Stock.UNKNOWN or cloud != SECURE else Stock.NONE

    def names(self) -> dict[str, str]:
        """GPU id → display name."""
        return {gpu.id: gpu.name for gpu in self.gpus}


def joined(parts: Iterable[Catalog], data_centers: tuple[DataCenter, ...]) -> Catalog:
    """One catalog of what several reads told: one per cloud and number of GPUs."""
    gpus: dict[str, GpuType] = {}
    stock: dict[tuple[str, str, int], Stock] = {}
    places: dict[tuple[str, str, int, str], Stock] = {}
    for part in parts:
        gpus |= {gpu.id: gpu for gpu in part.gpus}
        stock |= part.stock
        places |= part.place_stock
    return Catalog(tuple(gpus.values()), data_centers, stock, places)
