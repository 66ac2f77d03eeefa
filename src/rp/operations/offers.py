"""What can be had now: read once, or again and again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar
from zlib import crc32

from rp.domain import candidate
from rp.domain.catalog import Catalog
from rp.domain.clouds import SECURE
from rp.domain.offers import Asked
from rp.domain.template import Template
from rp.errors import RateLimited, Unclear
from rp.operations import catalog
from rp.operations.catalog import Wanted
from rp.operations.ports import Ports

T = TypeVar("T")

# Of a pause, so that many who watch do not all ask in the same second.
_JITTER = 0.2


class Kept(Protocol):
    """What is on the disk of the catalog."""

    def names(self, now: float) -> Catalog | None: ...
    def age(self, now: float) -> float | None: ...


@dataclass(frozen=True)
class Seen:
    """A catalog; `age` in seconds, and the `trouble`, where it is from the disk and so tells no stock."""

    catalog: Catalog
    age: float | None = None
    trouble: str = ""


def wanted(asked: Asked) -> Wanted:
    return Wanted(asked.clouds, tuple(dict.fromkeys(count for _, count in asked.items)), asked.min_cuda)


def wanted_by(template: Template) -> Wanted:
    return Wanted(*candidate.wanted(template))


def read(wanted: Wanted, ports: Ports, kept: Kept, *, fresh: bool = False) -> Seen:
    """What RunPod offers now; where it cannot be reached, what it told within a day. Raises ApiError without that."""
    try:
        return Seen(catalog.read(wanted, ports, fresh=fresh))
    except Unclear as trouble:
        now = ports.clock.now()
        known, age = kept.names(now), kept.age(now)
        if known is None or age is None or fresh:
            raise
        return Seen(known, age, trouble.message)


def bound(template: Template, ports: Ports) -> Template:
    """A network volume binds its pod to its data center, on the secure cloud."""
    if not template.network_volume_id:
        return template
    place = ports.cloud.network_volume(template.network_volume_id).data_center
    return replace(template, region_preference=(place,), cloud_preference=(SECURE,))


def watch(look: Callable[[], T], every: float, ports: Ports) -> Iterator[T | Unclear | RateLimited]:
    """`look` again and again, about every `every` seconds, later where the quota is used up.

    A network that comes and goes does not end it: the error is given, and the next look follows.
    """
    while True:
        pause = every
        found: T | Unclear | RateLimited
        try:
            found = look()
        except RateLimited as limited:
            pause, found = max(every, limited.retry_after), limited
        except Unclear as trouble:
            found = trouble
        yield found
        ports.clock.sleep(pause * (1 + _JITTER * _chance(ports)))


def _chance(ports: Ports) -> float:
    """From 0 to 1, another at each moment and for each account."""
    return crc32(f"{ports.account} {ports.clock.monotonic()}".encode()) / 0xFFFFFFFF
