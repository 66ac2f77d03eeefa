"""A network volume: storage that outlives pods and binds them to its data center."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NetworkVolume:
    id: str
    name: str
    size_gb: int
    data_center: str
