"""Handler of `/v2/billing/pods`: what each pod cost, in buckets of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rp_sim.clock import iso, parse_iso
from rp_sim.http.reply import choices, integer, reply, simulator
from rp_sim.problems import bad_request, invalid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp import web

    from rp_sim.pod import Pod

SIZES = ("hour", "day", "week", "month", "year")
MOST_BUCKETS = 10_000


async def list_pod_billing(request: web.Request) -> web.Response:
    world = simulator(request).world
    size = (choices(request, "bucketSize", SIZES) or ["day"])[0]
    start, end = _window(request, size, world.life.at)
    wanted = request.query.get("podId")
    pods = [pod for pod in world.pods.values() if wanted in (None, pod.id)]
    buckets = list(_buckets(start, end, size))
    records = [record for pod in pods for record in _records(pod, buckets, world.life.at)]
    totals = {key: sum(record[key] for record in records) for key in AMOUNTS}
    query = {"startTime": iso(start), "endTime": iso(end), "bucketSize": size, "podId": wanted}
    metadata = {
        "query": query,
        "recordCount": len(records),
        "uniquePodCount": len({record["podId"] for record in records}),
        "totals": totals,
    }
    return reply({"records": records, "metadata": metadata})


AMOUNTS = ("totalAmount", "gpuAmount", "cpuAmount", "diskAmount")


def _records(pod: Pod, buckets: list[tuple[float, float]], now: float) -> Iterator[dict[str, Any]]:
    for start, end in buckets:
        gpu, disk = pod.cost(min(end, now), since=start)
        if gpu or disk:
            yield {
                "startTime": iso(start),
                "endTime": iso(end),
                "podId": pod.id,
                "totalAmount": gpu + disk,
                "gpuAmount": gpu,
                "cpuAmount": 0.0,
                "diskAmount": disk,
            }


def _window(request: web.Request, size: str, now: float) -> tuple[float, float]:
    query = request.query
    if "lastN" in query:
        count = integer(request, "lastN", 1, 1, MOST_BUCKETS)
        if "startTime" in query or "endTime" in query:
            raise bad_request("lastN and startTime/endTime are mutually exclusive")
        start = _floor(now, size)
        for _ in range(count - 1):
            start = _floor(start - 1, size)
        return start, _next(_floor(now, size), size)
    start = _floor(_moment(request, "startTime", now - 30 * 86400), size)
    end = _moment(request, "endTime", now)
    if end > _floor(end, size):
        end = _next(_floor(end, size), size)
    if end < start or (end - start) / 3600 > MOST_BUCKETS * 24:
        raise bad_request("endTime must be after startTime, and within reach of it")
    return start, end


def _moment(request: web.Request, name: str, default: float) -> float:
    text = request.query.get(name)
    if text is None:
        return default
    try:
        return parse_iso(text)
    except ValueError:
        raise invalid(f"$.{name}: is not a valid date-time") from None


def _buckets(start: float, end: float, size: str) -> Iterator[tuple[float, float]]:
    while start < end:
        following = _next(start, size)
        yield start, following
        start = following


def _floor(moment: float, size: str) -> float:
    at = datetime.fromtimestamp(moment, UTC).replace(minute=0, second=0, microsecond=0)
    if size == "hour":
        return at.timestamp()
    at = at.replace(hour=0)
    if size == "week":
        at -= timedelta(days=at.weekday())
    elif size == "month":
        at = at.replace(day=1)
    elif size == "year":
        at = at.replace(month=1, day=1)
    return at.timestamp()


def _next(start: float, size: str) -> float:
    longest = {"hour": 3600, "day": 86400, "week": 7 * 86400, "month": 32 * 86400, "year": 367 * 86400}
    return _floor(start + longest[size], size)
