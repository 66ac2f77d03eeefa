"""`catalog.json`: what RunPod told of its catalog lately.

A convenience and no more: whatever is wrong with the file or its folder, the catalog is read anew.
"""

import json
import math
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from rp import files
from rp.domain.catalog import Catalog, DataCenter, GpuType, Offer, Stock
from rp.domain.clouds import COMMUNITY, SECURE
from rp.errors import Busy, StateUnreadable, StateUnwritable

# Seconds. Ids and names change with RunPod's fleet, stock with every deploy.
NAMES_LAST = 86_400.0
STOCK_LASTS = 5.0
# Of the file's form: another one is as good as no file.
_VERSION = 1
# Of GPUs and gigabytes: a larger number can be multiplied with no price.
_LARGEST = 10**9
_BROKEN = (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError)

Json = dict[str, Any]


class CatalogCache:
    """For one address: another RunPod has another catalog. `now` is in seconds since the epoch."""

    def __init__(self, path: Path, address: str) -> None:
        self._path = path
        self._address = address
        # The parts of a catalog come in several threads of one process: these need not wait for the file's lock.
        self._writing = threading.Lock()

    def data_centers(self, now: float) -> tuple[DataCenter, ...] | None:
        """None where they are older than a day, or not known."""
        return _data_centers(self._kept(), now, NAMES_LAST)

    def put_data_centers(self, found: tuple[DataCenter, ...], now: float) -> None:
        rows = [[one.id, one.name, one.continent, one.global_network] for one in found]
        # That there are none is not to be believed for a day.
        if rows:
            self._put(lambda _: {"data_centers": {"at": now, "rows": rows}})

    def gpus(self, key: str, now: float) -> Catalog | None:
        """What the read called `key` told; None where that is more than seconds ago."""
        kept = self._kept()
        with suppress(*_BROKEN):
            if _is_younger(kept["stock"][key], now, STOCK_LASTS):
                return Catalog(_gpu_types(kept), (), *_stock(kept["stock"][key]))
        return None

    def put_gpus(self, key: str, found: Catalog, now: float) -> None:
        stock = {
            "at": now,
            "anywhere": [[*where, level.name] for where, level in found.stock.items()],
            "places": [[*where, level.name] for where, level in found.place_stock.items()],
        }
        types = {"at": now, "rows": [_gpu_row(gpu) for gpu in found.gpus]}
        if found.gpus:
            self._put(lambda kept: {"gpus": types, "stock": {**_recent(kept, now), key: stock}})

    def names(self, now: float, *, within: float = NAMES_LAST) -> Catalog | None:
        """GPU types with prices, and data centers, without stock; None where older than `within`, or not known."""
        kept = self._kept()
        with suppress(*_BROKEN):
            if _is_younger(kept["gpus"], now, within):
                return Catalog(_gpu_types(kept), _data_centers(kept, now, within) or ())
        return None

    def age(self, now: float) -> float | None:
        """Seconds since the GPU types were read."""
        with suppress(*_BROKEN):
            return max(0.0, now - _number(self._kept()["gpus"]["at"]))
        return None

    def _kept(self) -> Json:
        with suppress(StateUnreadable):
            found = files.read_json_object(self._path)
            if found.get("address") == self._address and found.get("version") == _VERSION:
                return found
        return {}

    def _put(self, renewed: Callable[[Json], Json]) -> None:
        """Replace the parts that `renewed` makes of what is kept, in step with other terminals."""
        with suppress(StateUnwritable, Busy, *_BROKEN), self._writing, files.locked(self._path):
            kept = self._kept()
            document = {**kept, "version": _VERSION, "address": self._address, **renewed(kept)}
            files.write_atomic(self._path, json.dumps(document, separators=(",", ":")).encode())


def _is_younger(part: Json, now: float, within: float) -> bool:
    """What is from the future was written before a clock was put back: nobody knows how old it is."""
    return 0 <= now - _number(part["at"]) < within


def _recent(kept: Json, now: float) -> Json:
    """The stock that may still be used; nothing of what is broken."""
    recent = {}
    with suppress(*_BROKEN):
        for key, part in kept["stock"].items():
            with suppress(*_BROKEN):
                if _is_younger(part, now, STOCK_LASTS):
                    recent[key] = part
    return recent


def _data_centers(kept: Json, now: float, within: float) -> tuple[DataCenter, ...] | None:
    with suppress(*_BROKEN):
        part = kept["data_centers"]
        if _is_younger(part, now, within):
            return tuple(_data_center(*row) for row in part["rows"])
    return None


def _data_center(place_id: object, name: object, continent: object, global_network: object) -> DataCenter:
    return DataCenter(_text(place_id), _text(name), _text(continent), global_network is True)


def _gpu_row(gpu: GpuType) -> list[Any]:
    offers = {cloud: [offer.price, offer.max_count] for cloud, offer in gpu.offers.items()}
    return [gpu.id, gpu.name, gpu.memory_gb, offers, gpu.manufacturer]


def _gpu_types(kept: Json) -> tuple[GpuType, ...]:
    return tuple(_gpu_type(*row) for row in kept["gpus"]["rows"])


def _gpu_type(gpu_id: object, name: object, memory_gb: object, offers: Json, manufacturer: object) -> GpuType:
    read = {_cloud(cloud): Offer(_number(price), _whole(most)) for cloud, (price, most) in offers.items()}
    return GpuType(_text(gpu_id), _text(name), _whole(memory_gb), read, _text(manufacturer))


def _stock(part: Json) -> tuple[dict[tuple[str, str, int], Stock], dict[tuple[str, str, int, str], Stock]]:
    anywhere = {
        (_cloud(cloud), _text(gpu), _whole(count)): Stock[level] for cloud, gpu, count, level in part["anywhere"]
    }
    places = {
        (_cloud(cloud), _text(gpu), _whole(count), _text(place)): Stock[level]
        for cloud, gpu, count, place, level in part["places"]
    }
    return anywhere, places


# What a hand wrote into the file must fail here, not where a name is printed or a price added up.


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _cloud(value: object) -> str:
    if value not in (SECURE, COMMUNITY):
        raise ValueError
    return str(value)


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value) or value < 0:
        raise ValueError
    return float(value)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST:
        raise ValueError
    return value
