"""What RunPod offers now: read once for a whole matrix, side by side, and kept for seconds."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

from rp.domain.catalog import Catalog, DataCenter, joined
from rp.operations.ports import Ports


@dataclass(frozen=True)
class Wanted:
    """The clouds and numbers of GPUs that a matrix spans, and the driver that its machines need."""

    clouds: tuple[str, ...]
    counts: tuple[int, ...]
    min_cuda: str | None = None
    cudas: tuple[str, ...] = ()


def read(wanted: Wanted, ports: Ports, *, fresh: bool = False) -> Catalog:
    """One call per cloud and number of GPUs, and one for the data centers: `fresh` ones, or those of a moment ago."""
    return of_parts(ports.workers.together(reads(wanted, ports, fresh=fresh)))


def reads(wanted: Wanted, ports: Ports, *, fresh: bool = False) -> list[Callable[[], Catalog]]:
    """The parts of a catalog, to be read side by side with other things."""
    parts = [
        _gpus_reader(cloud, count, wanted, ports, fresh=fresh) for cloud, count in product(wanted.clouds, wanted.counts)
    ]
    return [*parts, lambda: Catalog(data_centers=data_centers(ports))]


def of_parts(parts: list[Catalog]) -> Catalog:
    places = tuple(dict.fromkeys(place for part in parts for place in part.data_centers))
    return joined(parts, places)


def data_centers(ports: Ports) -> tuple[DataCenter, ...]:
    now = ports.clock.now()
    found = ports.catalogs.data_centers(now)
    if found is None:
        found = ports.cloud.data_centers()
        ports.catalogs.put_data_centers(found, now)
    return found


def _gpus_reader(cloud: str, count: int, wanted: Wanted, ports: Ports, *, fresh: bool) -> Callable[[], Catalog]:
    key = " ".join([cloud, str(count), wanted.min_cuda or "", ",".join(wanted.cudas)])

    def read_gpus() -> Catalog:
        now = ports.clock.now()
        found = None if fresh else ports.catalogs.gpus(key, now)
        if found is None:
            found = ports.cloud.gpus(cloud, count=count, min_cuda=wanted.min_cuda, cudas=wanted.cudas)
            ports.catalogs.put_gpus(key, found, now)
        return found

    return read_gpus
