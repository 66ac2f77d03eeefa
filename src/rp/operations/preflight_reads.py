"""What a preflight asks of others: all of it side by side, so that it takes as long as the slowest answer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from rp.domain import candidate as candidates
from rp.domain import image
from rp.domain.catalog import Catalog
from rp.domain.clouds import SECURE
from rp.domain.image import ImageFacts
from rp.domain.network_volume import NetworkVolume
from rp.domain.template import Template
from rp.errors import ApiError, NoSuchResource, NotFound, RpError
from rp.operations import catalog
from rp.operations.ports import Ports

T = TypeVar("T")


@dataclass(frozen=True)
class Answers:
    """None is what was not asked, or not told. `failures` end the preflight, `problems` are the template's."""

    keys: tuple[str, ...] = ()
    catalog: Catalog = field(default_factory=Catalog)
    volume: NetworkVolume | None = None
    image: ImageFacts | None = None
    registries: tuple[str, ...] | None = None
    failures: tuple[ApiError, ...] = ()
    problems: tuple[RpError, ...] = ()


class _NobodyAsked:
    def facts(self, *_: object) -> None:
        return


def without_registries(ports: Ports) -> Ports:
    """For a template that nobody has agreed to: its image names the server that would be asked."""
    return replace(ports, images=_NobodyAsked())


def ask(template: Template, ports: Ports) -> Answers:
    """Everything at once: SSH keys, catalog, network volume, registry credentials, and the image's registry."""
    told: list[Any] = ports.workers.together(
        [
            _tried(ports.cloud.ssh_keys),
            _tried(lambda: _volume(template, ports)),
            lambda: _registries(template, ports),
            lambda: _image(template, ports),
            *(_tried(read) for read in catalog.reads(_wanted(template), ports)),
        ]
    )
    keys, volume, registries, facts, *parts = told
    errors = [one for one in (keys, volume, *parts) if isinstance(one, RpError)]
    return Answers(
        keys=_unless_error(keys) or (),
        catalog=catalog.of_parts([part for part in parts if isinstance(part, Catalog)]),
        volume=_unless_error(volume),
        image=facts,
        registries=registries,
        failures=tuple(_apart(one for one in errors if isinstance(one, ApiError))),
        problems=tuple(one for one in errors if not isinstance(one, ApiError)),
    )


def _wanted(template: Template) -> catalog.Wanted:
    clouds, counts, floor, cudas = candidates.wanted(template)
    # A network volume takes a pod to the secure cloud, whatever else is wanted.
    return catalog.Wanted((SECURE,) if template.network_volume_id else clouds, counts, floor, cudas)


def _tried(call: Callable[[], T]) -> Callable[[], T | RpError]:
    """An error is an answer too: the others are still wanted."""

    def run() -> T | RpError:
        try:
            return call()
        except RpError as error:
            return error

    return run


def _unless_error(answer: Any) -> Any:
    return None if isinstance(answer, RpError) else answer


def _apart(failures: Iterator[ApiError]) -> Iterator[ApiError]:
    """One of a kind: a key that is refused is refused by every call."""
    kinds: set[type[ApiError]] = set()
    for failure in failures:
        if type(failure) not in kinds:
            kinds.add(type(failure))
            yield failure


def _volume(template: Template, ports: Ports) -> NetworkVolume | None:
    if not template.network_volume_id:
        return None
    try:
        return ports.cloud.network_volume(template.network_volume_id)
    except NoSuchResource as gone:
        raise NotFound(
            f"{template.name}.networkVolumeId: there is no network volume `{template.network_volume_id}`",
            hint=f"`rp template edit {template.name}`; https://console.runpod.io/user/storage lists yours",
        ) from gone


def _registries(template: Template, ports: Ports) -> tuple[str, ...] | None:
    """Only for a warning: whatever goes wrong here, the deploy does not need it."""
    if not template.registry_auth_id:
        return None
    try:
        return ports.cloud.registry_ids()
    except ApiError:
        return None


def _image(template: Template, ports: Ports) -> ImageFacts | None:
    reference = image.parse(template.container.image_name)
    return ports.images.facts(reference, ports.clock.now()) if reference else None
