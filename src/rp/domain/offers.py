"""GPU types with prices and stock, as somebody who looks around asked for them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from rp.domain import gpus, places, wishes
from rp.domain.candidate import Dropped
from rp.domain.catalog import Catalog, GpuType, Offer, Stock
from rp.domain.clouds import COMMUNITY, SECURE

PRICE, NAME, VRAM, STOCK = ORDERS = ("price", "name", "vram", "stock")
# (cloud, GPU id, number of GPUs) → data center → stock.
_Levels = dict[tuple[str, str, int], dict[str, Stock]]


@dataclass(frozen=True)
class Asked:
    """`names`, `regions` and `clouds`: none means all. `min_vram` is in GB of each GPU, `max_price` in USD per hour
    for all GPUs of a pod; `count` holds for names that say no number of their own."""

    names: tuple[str, ...] = ()
    count: int = 1
    regions: tuple[str, ...] = ()
    clouds: tuple[str, ...] = (SECURE, COMMUNITY)
    min_vram: int | None = None
    max_price: float | None = None
    min_cuda: str | None = None
    order: str = PRICE
    available: bool = False

    @property
    def items(self) -> tuple[tuple[str, int], ...]:
        """(name, number of GPUs) of each; raises UsageProblem for what is neither."""
        split = [wishes.gpus(text) for text in self.names or (wishes.ANY_GPU,)]
        return tuple((name, count or self.count) for name, count in split)


@dataclass(frozen=True)
class CloudOffer:
    """On one cloud: USD per hour for all GPUs, the most on one machine, stock, and the data centers that have some."""

    price: float
    max_count: int
    stock: Stock
    places: Mapping[str, Stock] = field(default_factory=dict)


@dataclass(frozen=True)
class Offered:
    """A GPU type, so many of them in one pod; no entry in `clouds` where it is not offered as it was asked for."""

    gpu: GpuType
    count: int
    clouds: Mapping[str, CloudOffer] = field(default_factory=dict)

    @property
    def called(self) -> str:
        return f"{self.count}x {self.gpu.name}" if self.count > 1 else self.gpu.name

    @property
    def price(self) -> float:
        """The lowest, in USD per hour; infinite where it is not offered."""
        return min((offer.price for offer in self.clouds.values()), default=float("inf"))

    @property
    def stock(self) -> Stock:
        return max((offer.stock for offer in self.clouds.values()), default=Stock.NONE)

    @property
    def places(self) -> dict[str, Stock]:
        """Data center → the best stock there on any cloud, the best first."""
        levels: dict[str, Stock] = {}
        for offer in self.clouds.values():
            for place, level in offer.places.items():
                levels[place] = max(level, levels.get(place, Stock.NONE))
        return dict(sorted(levels.items(), key=lambda item: (-item[1], item[0])))


@dataclass(frozen=True)
class Listing:
    """`left_out`: what was named and is not among the rows."""

    rows: tuple[Offered, ...]
    left_out: tuple[Dropped, ...] = ()


def listing(asked: Asked, offered: Catalog) -> Listing:
    """`asked` held against a catalog; raises NotFound and UsageProblem for names that it does not know."""
    within = _within(asked, offered)
    levels: _Levels = {}
    for (cloud, gpu_id, count, place), level in offered.place_stock.items():
        if within is None or place in within:
            levels.setdefault((cloud, gpu_id, count), {})[place] = level
    rows, left_out = [], []
    for gpu, count, is_named in _wanted(asked, offered):
        row = Offered(gpu, count, dict(_offers(gpu, count, asked, offered, within or (), levels)))
        reason = _unfit(row, asked, is_named=is_named)
        if reason is None:
            rows.append(row)
        elif is_named:
            left_out.append(Dropped(row.called, reason))
    return Listing(tuple(sorted(rows, key=_KEYS[asked.order])), tuple(left_out))


def _within(asked: Asked, offered: Catalog) -> tuple[str, ...] | None:
    """The data centers of the wanted regions, None for anywhere."""
    if not asked.regions:
        return None
    found = places.regions(asked.regions, offered.data_centers)
    ids = tuple(dict.fromkeys(place for region in found for place in region.data_center_ids))
    return ids if all(region.data_center_ids for region in found) else None


def _wanted(asked: Asked, offered: Catalog) -> Iterator[tuple[GpuType, int, bool]]:
    """(GPU type, how many, whether somebody named it) of each row, once."""
    seen = set()
    # What somebody names is named, though `any` stands before it.
    for name, count in sorted(asked.items, key=lambda item: gpus.is_any(item[0])):
        is_named = not gpus.is_any(name)
        for gpu in gpus.match(name, offered.gpus) if is_named else offered.gpus:
            if (gpu.id, count) not in seen:
                seen.add((gpu.id, count))
                yield gpu, count, is_named


def _offers(
    gpu: GpuType, count: int, asked: Asked, offered: Catalog, within: tuple[str, ...], levels: _Levels
) -> Iterator[tuple[str, CloudOffer]]:
    for cloud in asked.clouds:
        offer = gpu.offers.get(cloud)
        if offer is None or _too_many(gpu, offer, count):
            continue
        price = offer.price * count
        if asked.max_price is None or price <= asked.max_price:
            stock = offered.stock_of(cloud, gpu.id, count, within)
            if offered.stock.get((cloud, gpu.id, count)) is Stock.NONE:
                stock = Stock.NONE
            yield cloud, CloudOffer(price, offer.max_count, stock, levels.get((cloud, gpu.id, count), {}))


def _too_many(gpu: GpuType, offer: Offer, count: int) -> bool:
    # RunPod rents MIG slices, and tells of them that a machine has 0.
    return count > offer.max_count and any(one.max_count for one in gpu.offers.values())


def _unfit(row: Offered, asked: Asked, *, is_named: bool) -> str | None:
    """Why the row is not what was asked for."""
    if asked.min_vram is not None and row.gpu.memory_gb < asked.min_vram:
        return f"{row.gpu.memory_gb} GB, {asked.min_vram} wanted" if row.gpu.memory_gb else "its memory is not told"
    offers = [offer for cloud, offer in row.gpu.offers.items() if cloud in asked.clouds]
    if not offers:
        # Somebody who names it may see that it is nowhere to be had.
        return None if is_named and not asked.available else "not offered"
    if all(_too_many(row.gpu, offer, row.count) for offer in offers):
        return f"at most {max(offer.max_count for offer in offers)} on one machine, {row.count} wanted"
    if not row.clouds:
        return f"dearer than ${asked.max_price or 0:.2f}/h"
    if asked.available and row.stock <= Stock.UNKNOWN:
        return "no stock" if row.stock is Stock.NONE else "its stock is not known"
    return None


_KEYS: Mapping[str, Callable[[Offered], tuple[float | str, ...]]] = {
    PRICE: lambda row: (row.price, row.gpu.name, row.count),
    NAME: lambda row: (row.gpu.name.lower(), row.count, row.gpu.id),
    VRAM: lambda row: (-row.gpu.memory_gb, row.price, row.gpu.name),
    STOCK: lambda row: (-row.stock, row.price, row.gpu.name),
}
