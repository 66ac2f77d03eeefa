"""Machines, and what is held against them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rp.domain.host import Host
from rp.domain.units import duration
from rp.output.table import Column

HOSTS = (
    Column("#", right=True),
    Column("GPU", drop=1, shrink=True),
    Column("PLACE", drop=2),
    Column("SEEN", drop=3, right=True),
    Column("FAILED", right=True),
    Column("LAST FAILURE", shrink=True),
)


def row(host: Host, now: float) -> tuple[str, ...]:
    recent = host.recent(now)
    return (
        str(host.id),
        host.gpu.removeprefix("NVIDIA ") or "-",
        host.place or "-",
        f"{duration(now - host.seen_at)} ago",
        str(len(recent)),
        f"{duration(now - recent[-1].at)} ago: {recent[-1].reason}" if recent else "-",
    )


def document(host: Host, now: float) -> dict[str, Any]:
    until = host.avoided_until(now)
    return {
        "number": host.id,
        "avoided": until is not None,
        "avoided_until": _time(until) if until is not None else None,
        "gpu": host.gpu,
        "place": host.place,
        "seen_at": _time(host.seen_at),
        "trusted_at": _time(host.trusted_at) if host.trusted_at else None,
        "marks": {
            "address": host.marks.address,
            "proxy_host": host.marks.proxy,
            "gpu_uuids": sorted(host.marks.gpus),
        },
        "failures": [
            {"at": _time(failure.at), "pod_id": failure.pod_id, "reason": failure.reason} for failure in host.failures
        ],
    }


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
