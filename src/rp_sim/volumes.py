"""Network volumes of the account."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rp_sim.inventory import data_centers
from rp_sim.problems import bad_request, not_found

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class NetworkVolume:
    id: str
    name: str
    size: int
    data_center: str
    type: str

    def wire(self) -> dict[str, object]:
        return {
            "id": self.id,
            "name": self.name,
            "size": self.size,
            "dataCenter": self.data_center,
            "type": self.type,
        }


class Volumes(dict[str, NetworkVolume]):
    """By id. `new_id` makes the ids, `in_use` tells which volumes are mounted."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        super().__init__()
        self._new_id = new_id

    def require(self, volume_id: str) -> NetworkVolume:
        if volume_id not in self:
            raise not_found("network volume")
        return self[volume_id]

    def add(self, body: dict[str, Any]) -> NetworkVolume:
        able = {center.id: center for center in data_centers() if center.volume_types}
        center = able.get(body["dataCenter"])
        if center is None:
            raise bad_request(
                f"data center {body['dataCenter']} does not support network volumes; "
                f"supported data centers: {', '.join(sorted(able))}"
            )
        kind = body.get("type", center.volume_types[0])
        if kind not in center.volume_types:
            raise bad_request(f"data center {center.id} does not support {kind} volumes")
        volume = NetworkVolume(self._new_id(), body["name"], int(body["size"]), center.id, kind)
        self[volume.id] = volume
        return volume

    def change(self, volume_id: str, body: dict[str, Any]) -> NetworkVolume:
        volume = self.require(volume_id)
        size = int(body.get("size", volume.size))
        if size < volume.size:
            raise bad_request("network volume size cannot be reduced")
        self[volume_id] = replace(volume, name=body.get("name", volume.name), size=size)
        return self[volume_id]

    def drop(self, volume_id: str, *, in_use: bool) -> None:
        self.require(volume_id)
        if in_use:
            raise bad_request("network volume is in use by a pod")
        del self[volume_id]
