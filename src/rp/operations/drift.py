"""What has changed around a template since it was written, each with the command that mends it."""

import math
from collections.abc import Iterator
from dataclasses import replace

from rp.domain import gpus, image, places, wishes
from rp.domain.catalog import Catalog, GpuType, Stock
from rp.domain.clouds import SECURE
from rp.domain.image import ImageFacts
from rp.domain.template import Template
from rp.errors import NotFound, RpError, UsageProblem
from rp.operations.elsewhere import offered_at, with_levels
from rp.operations.ports import Templates
from rp.operations.preflight_reads import Answers

# What a registry tells is compressed. How far an image unfolds it does not tell; layers of compiled libraries often
# double. This is an assumption: below it is a warning, and only what is certain (1) an error.
_UNPACKED = 2.0
_GB = 1e9
_MOST_NAMED = 3


def fitted(template: Template, catalog: Catalog, stored: Templates) -> tuple[Template, list[str]]:
    """The template without what RunPod has no more, where it says so itself and can do without; a warning for each."""
    warnings: list[str] = []
    if catalog.gpus:
        template, warnings = without_gone_gpus(template, catalog, stored)
    if catalog.data_centers:
        template, more = without_gone_places(template, catalog, stored)
        warnings = [*warnings, *more]
    return template, warnings


def without_gone_gpus(template: Template, catalog: Catalog, stored: Templates) -> tuple[Template, list[str]]:
    """The template without the GPUs that RunPod's catalog does not know any more, and a warning for each.

    As it is where nothing would be left, or where the command line named them: then they are errors.
    """
    unknown: dict[str, NotFound] = {}
    for text in template.gpu_preference:
        try:
            gpus.match(wishes.without_count(text), catalog.gpus)
        except NotFound as error:
            unknown[text] = error
    known = tuple(text for text in template.gpu_preference if text not in unknown)
    if not unknown or not known or not set(unknown) <= _written_down(template.name, stored):
        return template, []
    warnings = [
        f"{template.name}.gpuPreference: {error.message}, so the others are taken"
        f"{f'; {error.hint}' if error.hint else ''} `rp template edit {template.name}`"
        for error in unknown.values()
    ]
    return replace(template, gpu_preference=known), warnings


def without_gone_places(template: Template, catalog: Catalog, stored: Templates) -> tuple[Template, list[str]]:
    """The template without the `!place` of data centers that RunPod has no more, and a warning for each.

    As it is where the command line forbids them: then they are errors, as a mistyped country is everywhere.
    """
    written = _stored(template.name, stored)
    gone: dict[str, NotFound] = {}
    for text in template.region_preference:
        if written and text in written.region_preference and _is_forbidden_data_center(text):
            try:
                places.check(text, catalog.data_centers)
            except NotFound as error:
                gone[text] = error
    warnings = [
        f"{template.name}.regionPreference: {error.message}, so `{text}` forbids nothing"
        f"{f'; {error.hint}' if error.hint else ''} `rp template edit {template.name}`"
        for text, error in gone.items()
    ]
    kept = tuple(text for text in template.region_preference if text not in gone)
    return replace(template, region_preference=kept), warnings


def _is_forbidden_data_center(text: str) -> bool:
    """Names of countries and continents have no digits, and are never retired."""
    name = wishes.forbidden(text)
    return name is not None and any(letter.isdigit() for letter in name)


def _written_down(name: str, stored: Templates) -> set[str]:
    """The GPUs as the stored template names them, with their numbers and without."""
    template = _stored(name, stored)
    preference = template.gpu_preference if template else ()
    return {*preference, *map(wishes.without_count, preference)}


def _stored(name: str, stored: Templates) -> Template | None:
    try:
        return stored.get(name)
    except RpError:
        return None


def warnings(template: Template, catalog: Catalog, answers: Answers) -> Iterator[str]:
    yield from doubts(template, catalog)
    yield from _image_warnings(template, answers.image)
    yield from _not_rented(template, catalog)
    yield from _empty_regions(template, catalog)
    if answers.registries is not None and template.registry_auth_id not in answers.registries:
        yield (
            f"{template.name}.registryAuthId: the account has no registry credentials `{template.registry_auth_id}` "
            f"any more, and a private image cannot be pulled without: `rp template edit {template.name}`"
        )


def doubts(template: Template, catalog: Catalog) -> Iterator[str]:
    """Data centers that a forbidden country shuts out only because rp does not know theirs."""
    found = places.doubted(template.region_preference, catalog.data_centers)
    for text in dict.fromkeys(found.values()):
        ids = ", ".join(place for place, by in found.items() if by == text)
        yield (
            f"`{text}` shuts out {ids} too, since rp does not know in which country that is: "
            "forbid single data centers, as `!US-TX-3`, to let it in"
        )


def disk_problem(template: Template, facts: ImageFacts | None) -> UsageProblem | None:
    """A disk that cannot hold the image: RunPod makes the pod, bills it, and it never starts."""
    size, disk = _download_gb(facts), template.container.container_disk_in_gb
    if size is None or disk >= size:
        return None
    return UsageProblem(
        f"{template.name}.container.containerDiskInGb: {disk} GB cannot hold {template.container.image_name}: "
        f"it is {_shown(size)} GB to download, and more when unpacked",
        hint=f"--container-disk {math.ceil(size * _UNPACKED)}; RP_IMAGE_CHECK=off deploys without this look",
    )


def _image_warnings(template: Template, facts: ImageFacts | None) -> Iterator[str]:
    name, called = template.name, template.container.image_name
    where, mend = f"{name}.container.imageName", f"`rp template edit {name}`, or --image"
    reference = image.parse(called)
    if reference is None:
        yield f"{where}: `{called}` is no image name that docker takes: {mend}"
    # Who has credentials may see what nobody else sees.
    elif facts is not None and not facts.exists and not template.registry_auth_id:
        yield f"{where}: its registry has no `{called}` (any more), and a pod would wait for it in vain: {mend}"
    elif reference.moves:
        yield f"{where}: `{called}` is no fixed version, so tomorrow's pod may be another image: {mend} NAME:TAG"
    if facts is not None and not facts.amd64:
        yield f"{where}: `{called}` is not built for linux/amd64, and RunPod's machines are: {mend}"
    size, disk = _download_gb(facts), template.container.container_disk_in_gb
    if size is not None and size <= disk < size * _UNPACKED:
        yield (
            f"{name}.container.containerDiskInGb: {disk} GB may be too small: {called} is {_shown(size)} GB to "
            f"download, and about twice that unpacked: --container-disk {math.ceil(size * _UNPACKED)}"
        )


def _download_gb(facts: ImageFacts | None) -> float | None:
    return facts.download_bytes / _GB if facts is not None and facts.download_bytes is not None else None


def _shown(gb: float) -> str:
    """Rounded up: 20.01 GB must not read as if it fitted into 20."""
    return f"{math.ceil(gb * 10) / 10:g}"


def _not_rented(template: Template, catalog: Catalog) -> Iterator[str]:
    """GPUs that are still in the catalog, and have a price nowhere."""
    for text, types, _ in _wanted(template, catalog):
        if not any(gpu.offers for gpu in types):
            yield f"{template.name}.gpuPreference: RunPod rents no `{text}` now: `rp template edit {template.name}`"


def _empty_regions(template: Template, catalog: Catalog) -> Iterator[str]:
    """GPUs that no data center of the list has at all; hosts of the community often belong to none."""
    regions = places.regions(template.region_preference, catalog.data_centers)
    if SECURE not in template.clouds or any(not region.data_center_ids for region in regions):
        return
    inside = {place for region in regions for place in region.data_center_ids}
    called = ", ".join(region.name for region in regions)
    for text, types, count in _wanted(template, catalog):
        rented = [gpu for gpu in types if SECURE in gpu.offers]
        found = [offered_at(catalog, SECURE, gpu.id, count) for gpu in rented]
        # RunPod names the data centers that have a GPU. Where it names none, it may be anywhere.
        if not rented or not all(found) or any(inside & set(offered) for offered in found):
            continue
        what = rented[0].name if len(rented) == 1 else f"`{text}`"
        if template.network_volume_id:
            yield f"network volume {template.network_volume_id} is in {called}, which has no {what} at all" + _instead(
                inside, count, catalog
            )
        else:
            best = {place: level for offered in found for place, level in offered.items() if level > Stock.NONE}
            best = dict(sorted(best.items(), key=lambda item: -item[1]))
            more = f"; {with_levels(best)}: --region {next(iter(best))}" if best else ""
            yield f"the wanted regions ({called}) have no {what} on the secure cloud at all{more}"


def _instead(inside: set[str], count: int, catalog: Catalog) -> str:
    """GPUs that these data centers do have, the cheapest first."""
    here = [
        gpu
        for gpu in sorted(catalog.gpus, key=lambda gpu: gpu.cheapest)
        for offered in [offered_at(catalog, SECURE, gpu.id, count)]
        if any(offered.get(place, Stock.NONE) > Stock.NONE for place in inside)
    ]
    named = [gpu.name for gpu in here[:_MOST_NAMED]]
    return f"; it has {', '.join(named)}: --gpu '{named[0]}'" if named else ""


def _wanted(template: Template, catalog: Catalog) -> Iterator[tuple[str, tuple[GpuType, ...], int]]:
    for text in template.gpu_preference:
        name, count = wishes.gpus(text)
        yield text, gpus.match(name, catalog.gpus), count or template.gpu_count
