"""`catalog.json`: what RunPod told of its catalog lately. Whatever is wrong with it, it is renewed."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from rp import files
from rp.domain.catalog import Catalog, DataCenter, GpuType, Offer, Stock
from rp.errors import Busy, StateUnreadable, StateUnwritable

# Seconds. Ids and names change with RunPod's fleet, stock with every deploy.
_NAMES_LAST = 86_400.0
STOCK_LASTS = 5.0
_BROKEN = (KeyError, TypeError, ValueError, AttributeError)


class CatalogCache:
    """For one address: another RunPod has another catalog."""

    def __init__(self, path: Path, address: str) -> None:
        self._path = path
        self._address = address

    def data_centers(self, now: float) -> tuple[DataCenter, ...] | None:
        with suppress(*_BROKEN):
            kept = self._kept()["data_centers"]
            if 0 <= now - kept["at"] < _NAMES_LAST:
                return tuple(DataCenter(*row) for row in kept["rows"])
        return None

    def put_data_centers(self, found: tuple[DataCenter, ...], now: float) -> None:
        rows = [[one.id, one.name, one.continent, one.global_network] for one in found]
        self._put({"data_centers": {"at": now, "rows": rows}})

    def gpus(self, key: str, now: float) -> Catalog | None:
        with suppress(*_BROKEN):
            kept = self._kept()["stock"][key]
            if 0 <= now - kept["at"] < STOCK_LASTS:
                return Catalog(self._gpu_types(), (), *_stock(kept))
        return None

    def put_gpus(self, key: str, found: Catalog, now: float) -> None:
        stock = {
            "at": now,
            "anywhere": [[*where, level.name] for where, level in found.stock.items()],
            "places": [[*where, level.name] for where, level in found.place_stock.items()],
        }
        with suppress(*_BROKEN):
            recent = {
                one: kept for one, kept in self._kept().get("stock", {}).items() if now - kept["at"] < STOCK_LASTS
            }
            rows = [_gpu_row(gpu) for gpu in found.gpus]
            self._put({"gpus": {"at": now, "rows": rows}, "stock": {**recent, key: stock}})

    def names(self, now: float) -> Catalog | None:
        with suppress(*_BROKEN):
            if 0 <= now - self._kept()["gpus"]["at"] < _NAMES_LAST:
                return Catalog(self._gpu_types(), self.data_centers(now) or ())
        return None

    def _gpu_types(self) -> tuple[GpuType, ...]:
        return tuple(_gpu_type(row) for row in self._kept()["gpus"]["rows"])

    def _kept(self) -> dict[str, Any]:
        with suppress(StateUnreadable):
            found = files.read_json_object(self._path)
            if found.get("address") == self._address:
                return found
        return {}

    def _put(self, parts: Mapping[str, Any]) -> None:
        with suppress(StateUnwritable, Busy), files.locked(self._path):
            files.write_json(self._path, {**self._kept(), "address": self._address, **parts})


def _gpu_row(gpu: GpuType) -> list[Any]:
    offers = {cloud: [offer.price, offer.max_count] for cloud, offer in gpu.offers.items()}
    return [gpu.id, gpu.name, gpu.memory_gb, offers, gpu.manufacturer]


def _gpu_type(row: list[Any]) -> GpuType:
    gpu_id, name, memory_gb, offers, manufacturer = row
    return GpuType(gpu_id, name, memory_gb, {cloud: Offer(*offer) for cloud, offer in offers.items()}, manufacturer)


def _stock(kept: Mapping[str, Any]) -> tuple[dict[tuple[str, str, int], Stock], dict[tuple[str, str, int, str], Stock]]:
    anywhere = {(cloud, gpu, count): Stock[level] for cloud, gpu, count, level in kept["anywhere"]}
    places = {(cloud, gpu, count, place): Stock[level] for cloud, gpu, count, place, level in kept["places"]}
    return anywhere, places
