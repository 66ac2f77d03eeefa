"""The placements to try for a template, in order."""

from collections.abc import Iterator
from dataclasses import dataclass

from rp.domain import gpus, places
from rp.domain.catalog import Catalog, GpuType, Stock
from rp.domain.template import Template
from rp.errors import NotFound

ANYWHERE = "anywhere"


@dataclass(frozen=True)
class Candidate:
    """One placement: `region` is what the template calls it; no data center ids means anywhere."""

    cloud: str
    region: str
    data_center_ids: tuple[str, ...]
    gpu: GpuType
    count: int
    price_per_hour: float
    stock: Stock

    def __str__(self) -> str:
        count = f"{self.count}x " if self.count > 1 else ""
        return f"{count}{self.gpu.name}, {self.region}, {self.cloud.lower()}"


@dataclass(frozen=True)
class Dropped:
    """A placement that is not tried, and why."""

    what: str
    reason: str


@dataclass(frozen=True)
class Candidates:
    ordered: tuple[Candidate, ...]
    dropped: tuple[Dropped, ...]


def problems(template: Template, catalog: Catalog) -> Iterator[NotFound]:
    """What the catalog does not know of the template's GPUs and regions, one error each."""
    for text in template.gpu_preference:
        try:
            gpus.match(text, catalog.gpus)
        except NotFound as unknown:
            yield unknown
    for region in template.region_preference:
        try:
            places.data_centers_in(region, catalog.data_centers)
        except NotFound as unknown:
            yield unknown


def expand(template: Template, catalog: Catalog) -> Candidates:
    """Cloud × region × GPU in the order of preference; placements without stock go to the end.

    They are still tried: the catalog may be stale. Raises NotFound for a name the catalog does not know.
    """
    tried: list[Candidate] = []
    dropped: list[Dropped] = []
    for candidate in _matrix(template, catalog):
        if isinstance(candidate, Dropped):
            dropped.append(candidate)
        else:
            tried.append(candidate)
    # Two names for one place, as `RO` and `EU-RO-1`, are one placement: the first name stays.
    unique: dict[tuple[str, tuple[str, ...], str], Candidate] = {}
    for one in tried:
        unique.setdefault((one.cloud, one.data_center_ids, one.gpu.id), one)
    ordered = sorted(unique.values(), key=lambda candidate: candidate.stock is Stock.NONE)
    return Candidates(tuple(ordered), tuple(dict.fromkeys(dropped)))


def _matrix(template: Template, catalog: Catalog) -> Iterator[Candidate | Dropped]:
    wanted = [gpu for text in template.gpu_preference for gpu in gpus.match(text, catalog.gpus)]
    regions = [(region, places.data_centers_in(region, catalog.data_centers)) for region in template.region_preference]
    for cloud in template.clouds:
        for region, ids in regions or [(ANYWHERE, ())]:
            for gpu in dict.fromkeys(gpu.id for gpu in wanted):
                gpu_type = next(one for one in wanted if one.id == gpu)
                yield _candidate(template, catalog, cloud, region, ids, gpu_type)


def _candidate(
    template: Template, catalog: Catalog, cloud: str, region: str, ids: tuple[str, ...], gpu: GpuType
) -> Candidate | Dropped:
    offer = gpu.offers.get(cloud)
    what = f"{gpu.name}, {cloud.lower()}"
    if offer is None:
        return Dropped(what, f"not offered on the {cloud.lower()} cloud")
    if template.gpu_count > offer.max_count:
        return Dropped(what, f"at most {offer.max_count} on one machine, {template.gpu_count} wanted")
    price = offer.price * template.gpu_count
    if template.max_price_per_hour is not None and price > template.max_price_per_hour:
        return Dropped(what, f"${price:.2f}/h is above maxPricePerHour ${template.max_price_per_hour:.2f}")
    stock = catalog.stock_of(cloud, gpu.id, template.gpu_count, ids)
    return Candidate(cloud, region, ids, gpu, template.gpu_count, price, stock)
