"""What is known of GPU models and of the driver's error codes, read from package data when first needed."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

_ESTIMATE = "est"


@dataclass(frozen=True)
class Gpu:
    """One model. Memory in MiB as nvidia-smi shows it (0: not known); `bf16_low` in TFLOP/s, the lowest published.

    `also` are other memory sizes that were seen of it: ECC switched, or a modified card. `is_estimate`: `bf16_low`
    was derived from a sibling and decides nothing. `memory_bandwidth` in GB/s, of the data sheet.
    """

    name: str
    memory_gb: int
    vram_mib: int = 0
    also: tuple[int, ...] = ()
    lanes: int = 16
    nvlinks: int = 0
    bf16_low: float = 0.0
    is_estimate: bool = False
    memory_bandwidth: float = 0.0
    parent: str = ""

    @property
    def is_sxm(self) -> bool:
        """Whether NVLink comes with the board, rather than as a bridge that may be missing."""
        return self.nvlinks > 0 and "NVL" not in self.name


@dataclass(frozen=True)
class Xid:
    """`weight` is `fail`, `warn` or `info`: what a rented machine deserves for it."""

    code: int
    description: str
    weight: str


def gpu(name: str) -> Gpu | None:
    """The model with this RunPod id or nvidia-smi name; old drivers leave `NVIDIA ` out."""
    return _gpus().get(plain(name))


def gpus() -> tuple[Gpu, ...]:
    return tuple(_gpus().values())


def xid(code: int) -> Xid:
    """What an Xid means; one that is not in the catalog is worth a warning."""
    return _xids().get(code) or Xid(code, "unknown to rp", "warn")


def plain(name: str) -> str:
    """A GPU's name as it is compared."""
    return " ".join(name.split()).removeprefix("NVIDIA ").lower()


@functools.cache
def _gpus() -> dict[str, Gpu]:
    return {plain(name): _gpu(name, row) for name, row in _load("gpu_reference.json")["gpus"].items()}


def _gpu(name: str, row: dict[str, Any]) -> Gpu:
    bf16 = row.get("bf16_matmul_tflops", {})
    return Gpu(
        name=name,
        memory_gb=row["runpod_memory_gb"],
        vram_mib=row["vram_mib"].get("value") or 0,
        also=tuple(row["vram_mib"].get("also", ())),
        lanes=row.get("pcie", {}).get("width", 16),
        nvlinks=row.get("nvlink", {}).get("links", 0),
        bf16_low=bf16.get("low", 0.0),
        is_estimate=bf16.get("src") == _ESTIMATE,
        memory_bandwidth=row.get("mem_bw_gbs", {}).get("spec", 0.0),
        parent=row.get("parent", ""),
    )


@functools.cache
def _xids() -> dict[int, Xid]:
    rows = _load("xid_catalog.json")["xid"]
    return {int(code): Xid(int(code), row["description"], row["rp"]) for code, row in rows.items()}


def _load(name: str) -> dict[str, Any]:
    import json
    from importlib import resources

    found: dict[str, Any] = json.loads(resources.files("rp.health.data").joinpath(name).read_text("utf-8"))
    return found
