"""The placements to try for a template, in order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from rp.domain import gpus, order, places, wishes
from rp.domain.catalog import Catalog, GpuType, Stock
from rp.domain.clouds import COMMUNITY
from rp.domain.cuda import wanted_floor
from rp.domain.places import Region
from rp.domain.template import Template
from rp.errors import NotFound, RpError, UsageProblem

ANYWHERE = wishes.ANYWHERE

Key = tuple[str, tuple[str, ...], str, int]
# How many single data centers of a list are tried after the whole list was refused.
_MOST_SINGLES = 2


@dataclass(frozen=True)
class Candidate:
    """One placement: `region` is what the template calls it; no places means anywhere. Prices are in USD.

    A create sends `data_center_ids`. Where it sends none although places are wanted, the pod must turn out to be in
    one of `landing`. `told` is what the catalog said in detail: when it says the same again, nothing has changed.
    `rank` is the place in the template's preference.
    """

    cloud: str
    region: str
    data_center_ids: tuple[str, ...]
    gpu: GpuType
    count: int
    price_per_hour: float
    stock: Stock
    landing: tuple[str, ...] = ()
    told: tuple[tuple[str, Stock], ...] = ()
    rank: int = field(default=0, compare=False)

    def __str__(self) -> str:
        count = f"{self.count}x " if self.count > 1 else ""
        return f"{count}{self.gpu.name}, {self.region}, {self.cloud.lower()}"

    @property
    def places(self) -> tuple[str, ...]:
        """The data centers where the pod may be; none means anywhere."""
        return self.data_center_ids or self.landing

    @property
    def key(self) -> Key:
        """The same for two candidates that are one placement, whatever they are called."""
        return self.cloud, self.places, self.gpu.id, self.count

    def pinned(self) -> "Candidate":
        """The same, asked for in its places: for when pods that are not pinned keep landing elsewhere."""
        return replace(self, data_center_ids=self.places, landing=())


@dataclass(frozen=True)
class Dropped:
    """A placement that is not tried, and why."""

    what: str
    reason: str


@dataclass(frozen=True)
class Candidates:
    ordered: tuple[Candidate, ...]
    dropped: tuple[Dropped, ...]


def wanted(template: Template) -> tuple[tuple[str, ...], tuple[int, ...], str | None, tuple[str, ...]]:
    """What a catalog has to be asked for: clouds, numbers of GPUs, oldest CUDA, else the list of CUDA versions."""
    counts = [wishes.gpus(text)[1] or template.gpu_count for text in template.gpu_preference]
    return template.clouds, tuple(dict.fromkeys(counts)), wanted_floor(template), template.allowed_cuda_versions


def problems(template: Template, catalog: Catalog) -> Iterator[RpError]:
    """What the catalog does not know of the template's GPUs and regions, one error each."""
    for text in template.gpu_preference:
        try:
            gpus.match(wishes.without_count(text), catalog.gpus)
        except (NotFound, UsageProblem) as wrong:
            yield wrong
    known = True
    for text in template.region_preference:
        try:
            places.check(text, catalog.data_centers)
        except NotFound as wrong:
            known = False
            yield wrong
    try:
        if known:
            places.regions(template.region_preference, catalog.data_centers)
    except UsageProblem as wrong:
        yield wrong


def expand(template: Template, catalog: Catalog) -> Candidates:
    """Cloud × region × GPU in the template's order; those without stock go to the end.

    They are still tried: the catalog may be stale. Raises NotFound for a name that the catalog does not know, and
    UsageProblem where the template forbids all of a region that it wants.
    """
    unique: dict[Key, Candidate] = {}
    dropped: dict[Dropped, None] = {}
    for candidate in _matrix(template, catalog):
        if isinstance(candidate, Dropped):
            dropped[candidate] = None
        else:
            # Two names for one place, as `RO` and `EU-RO-1`, are one placement: the first name stays.
            unique.setdefault(candidate.key, replace(candidate, rank=len(unique)))
    return Candidates(_in_order(unique.values(), template.order), tuple(dropped))


def singles(candidate: Candidate, catalog: Catalog) -> tuple[Candidate, ...]:
    """Single data centers of a list that was refused, best first: at most two, and none where the catalog is no help.

    It helps where it tells stock for some of the list and none for others; told the same of all, one cannot choose.
    """
    ids = candidate.data_center_ids
    levels = {place: level for place in ids if (level := _stock_at(candidate, place, catalog)) is not None}
    if len(ids) < 2 or Stock.NONE not in levels.values():
        return ()
    best = sorted((place for place in levels if levels[place] >= Stock.LOW), key=lambda place: -levels[place])
    return tuple(
        _renewed(replace(candidate, region=place, data_center_ids=(place,)), candidate.gpu, catalog)
        for place in best[:_MOST_SINGLES]
    )


def _in_order(candidates: Iterable[Candidate], by: str) -> tuple[Candidate, ...]:
    """The template's preference decides between equals."""

    def rank(one: Candidate) -> tuple[bool, float, int]:
        weight = {order.PRICE: one.price_per_hour, order.STOCK: float(-one.stock)}.get(by, 0.0)
        return one.stock is Stock.NONE, weight, one.rank

    return tuple(sorted(candidates, key=rank))


def _matrix(template: Template, catalog: Catalog) -> Iterator[Candidate | Dropped]:
    regions = places.regions(template.region_preference, catalog.data_centers)
    for cloud in template.clouds:
        offered = list(_wishes(template, catalog, cloud))
        for region in (_together(regions),) if _lands_anywhere(template, cloud) else regions:
            for gpu, count in offered:
                reason = _unfit(template, cloud, gpu, count)
                what = f"{f'{count}x ' if count > 1 else ''}{gpu.name}, {cloud.lower()}"
                yield Dropped(what, reason) if reason else _candidate(template, catalog, cloud, region, gpu, count)


def _lands_anywhere(template: Template, cloud: str) -> bool:
    """Many hosts of the community belong to no data center, and pinned creates are refused where others are not."""
    return cloud == COMMUNITY and not template.global_networking


def _together(regions: tuple[Region, ...]) -> Region:
    """All that is wanted, for creates that are not pinned: they are the same for every region."""
    is_anywhere = any(not region.data_center_ids for region in regions)
    ids = () if is_anywhere else tuple(dict.fromkeys(place for one in regions for place in one.data_center_ids))
    return Region(" or ".join(dict.fromkeys(region.name for region in regions)), ids)


def _wishes(template: Template, catalog: Catalog, cloud: str) -> Iterator[tuple[GpuType, int]]:
    """The GPU types of a preference with their numbers; of one name's types the cheapest of this cloud first."""
    for text in template.gpu_preference:
        name, count = wishes.gpus(text)
        found = gpus.match(name, catalog.gpus)
        if gpus.is_any(name):
            # Whoever takes any GPU is not to read a line for each that is not offered.
            found = tuple(gpu for gpu in found if cloud in gpu.offers)
        for gpu in sorted(found, key=lambda one: one.offers[cloud].price if cloud in one.offers else one.cheapest):
            yield gpu, count or template.gpu_count


def _unfit(template: Template, cloud: str, gpu: GpuType, count: int) -> str | None:
    """Why a GPU type will not do on a cloud, wherever it is."""
    offer = gpu.offers.get(cloud)
    if offer is None:
        return f"not offered on the {cloud.lower()} cloud"
    # RunPod rents MIG slices, and tells of them that a machine has 0: where it tells no number at all, try.
    told = any(one.max_count for one in gpu.offers.values())
    if told and count > offer.max_count:
        return f"at most {offer.max_count} on one machine, {count} wanted"
    price, cap, vram = offer.price * count, template.max_price_per_hour, template.min_vram_in_gb
    if cap is not None and price > cap:
        return f"${price:.2f}/h is above maxPricePerHour ${cap:.2f}"
    if vram and gpu.memory_gb < vram:
        return f"{gpu.memory_gb} GB is below minVramInGb {vram}" if gpu.memory_gb else "its memory is not told"
    if gpu.manufacturer != "NVIDIA":
        return _unfit_without_nvidia(template, gpu.manufacturer)
    return None


def _unfit_without_nvidia(template: Template, manufacturer: str) -> str | None:
    if template.global_networking:
        return f"global networking needs an NVIDIA GPU, this is one of {manufacturer}"
    versions = wanted_floor(template) or ", ".join(template.allowed_cuda_versions)
    return f"CUDA {versions} is wanted, and this is a GPU of {manufacturer}" if versions else None


def _candidate(
    template: Template, catalog: Catalog, cloud: str, region: Region, gpu: GpuType, count: int
) -> Candidate | Dropped:
    ids = region.data_center_ids
    if template.global_networking:
        networked = [place.id for place in catalog.data_centers if place.global_network]
        ids = tuple(place for place in ids or networked if place in networked)
        if not ids:
            return Dropped(f"{region.name}, {cloud.lower()}", "no data center there has global networking")
    price = gpu.offers[cloud].price * count
    candidate = Candidate(cloud, region.name, ids, gpu, count, price, Stock.UNKNOWN)
    if _lands_anywhere(template, cloud):
        candidate = replace(candidate, data_center_ids=(), landing=ids)
    return _renewed(candidate, gpu, catalog)


def _renewed(candidate: Candidate, gpu: GpuType, catalog: Catalog) -> Candidate:
    cloud, count = candidate.cloud, candidate.count
    overall = catalog.stock.get((cloud, gpu.id, count), Stock.UNKNOWN)
    where = candidate.places or [place.id for place in catalog.data_centers]
    levels = [(place, level) for place in where if (level := _stock_at(candidate, place, catalog)) is not None]
    stock = catalog.stock_of(cloud, gpu.id, count, candidate.places)
    if stock is Stock.UNKNOWN:
        stock = overall if overall is Stock.NONE else stock
    price = gpu.offers[cloud].price * count if cloud in gpu.offers else candidate.price_per_hour
    told = (("", overall), *levels)
    return replace(candidate, gpu=gpu, price_per_hour=price, stock=stock, told=told)


def _stock_at(candidate: Candidate, place: str, catalog: Catalog) -> Stock | None:
    return catalog.place_stock.get((candidate.cloud, candidate.gpu.id, candidate.count, place))
