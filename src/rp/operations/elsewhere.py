"""Where else there would be a GPU: RunPod's refusal says nothing of data centers or drivers, so rp has to."""

from collections.abc import Iterator, Sequence

from rp.domain import places, wishes
from rp.domain.candidate import Candidate
from rp.domain.catalog import Catalog, Stock
from rp.domain.cuda import wanted_floor
from rp.domain.template import Template

_MOST_PLACES = 3
_MOST_LINES = 4


def elsewhere(template: Template, catalog: Catalog, refused: Sequence[Candidate]) -> list[str]:
    """What the catalog has that the template keeps the deploy from, each with the option that lets it in."""
    lines = list(_outside(template, catalog, refused))[:_MOST_LINES]
    if line := _without_floor(template, refused):
        lines.append(line)
    return lines


def offered_at(catalog: Catalog, cloud: str, gpu_id: str, count: int) -> dict[str, Stock]:
    """Data center → stock, for those that RunPod names with this GPU; the best first."""
    found = {
        place: level
        for (in_cloud, gpu, gpus, place), level in catalog.place_stock.items()
        if (in_cloud, gpu, gpus) == (cloud, gpu_id, count)
    }
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def with_levels(offered: dict[str, Stock]) -> str:
    return ", ".join(f"{place} ({level.name.lower()})" for place, level in list(offered.items())[:_MOST_PLACES])


def _outside(template: Template, catalog: Catalog, refused: Sequence[Candidate]) -> Iterator[str]:
    may = _allowed(template, catalog)
    for cloud, gpu_id, count in dict.fromkeys((one.cloud, one.gpu.id, one.count) for one in refused):
        same = [one for one in refused if (one.cloud, one.gpu.id, one.count) == (cloud, gpu_id, count)]
        # One that was asked for anywhere was refused anywhere: no list stood in its way.
        if not all(one.data_center_ids for one in same):
            continue
        tried = {place for one in same for place in one.data_center_ids}
        others = {
            place: level
            for place, level in offered_at(catalog, cloud, gpu_id, count).items()
            if level >= Stock.LOW and place in may and place not in tried
        }
        if others:
            gpu = f"{f'{count}x ' if count > 1 else ''}{same[0].gpu.name}"
            yield _line(template, gpu, cloud, others, sorted(tried))


def _line(template: Template, gpu: str, cloud: str, others: dict[str, Stock], tried: list[str]) -> str:
    offered = f"{gpu} ({cloud.lower()}) is offered in {with_levels(others)}"
    if template.network_volume_id:
        return f"network volume {template.network_volume_id} keeps the pod in {', '.join(tried)}; without it, {offered}"
    return f"outside the wanted regions, {offered}: --region {next(iter(others))}"


def _allowed(template: Template, catalog: Catalog) -> set[str]:
    """The data centers that a wider region could bring in: not those that the template rules out itself."""
    forbidden = [text for text in template.region_preference if wishes.forbidden(text) is not None]
    closed = {place for text in forbidden for place in places.check(text, catalog.data_centers)}
    return {
        place.id
        for place in catalog.data_centers
        if place.id not in closed and (place.global_network or not template.global_networking)
    }


def _without_floor(template: Template, refused: Sequence[Candidate]) -> str | None:
    """The catalog was asked for machines with such a driver only; how many there are without, it did not tell."""
    floor = wanted_floor(template)
    if not (floor or template.allowed_cuda_versions) or any(one.stock is not Stock.NONE for one in refused):
        return None
    if not floor:
        return f"the catalog has none free for CUDA {', '.join(template.allowed_cuda_versions)} (allowedCudaVersions)"
    origin = "minCudaVersion" if template.min_cuda_version else "from the image's tag"
    return f"the catalog has none free for CUDA {floor} or newer ({origin}): --min-cuda sets another floor"
