"""Handlers of `/v2/pods`."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from rp_sim import bodies
from rp_sim.clock import parse_iso
from rp_sim.http.reply import body_of, boolean, integer, reply, simulator
from rp_sim.problems import invalid
from rp_sim.wire import pod_json

if TYPE_CHECKING:
    from rp_sim.logbook import LogBook
    from rp_sim.pod import Pod

KEEP_ALIVE_S = 15.0


def _shown(request: web.Request, pod: Pod, *, fresh: bool = False) -> dict[str, Any]:
    world = simulator(request).world
    return pod_json(pod, world.life.at, world.scenario, fresh=fresh)


async def list_pods(request: web.Request) -> web.Response:
    world = simulator(request).world
    pods = world.visible(clusters=bool(boolean(request, "includeClusterPods")))
    if not world.scenario.later.page_size:
        return reply({"pods": [_shown(request, pod) for pod in pods]})
    return reply(_page(request, pods, world.scenario.later.page_size))


def _page(request: web.Request, pods: list[Pod], size: int) -> dict[str, Any]:
    """The pagination that came later: the cursor is the id of the last pod told."""
    size = min(size, integer(request, "limit", size, 1, 1000))
    ids = [pod.id for pod in pods]
    cursor = request.query.get("cursor", "")
    if cursor and cursor not in ids:
        raise invalid("$.cursor: invalid cursor")
    start = ids.index(cursor) + 1 if cursor else 0
    page, more = pods[start : start + size], len(pods) > start + size
    pagination = {"nextCursor": page[-1].id if more else None, "hasNextPage": more}
    return {"pods": [_shown(request, pod) for pod in page], "pagination": pagination}


async def create_pod(request: web.Request) -> web.Response:
    body = await body_of(request, bodies.CREATE_POD)
    pod = simulator(request).world.create(body)
    request["pod"] = pod
    return reply(_shown(request, pod, fresh=True), 201)


async def get_pod(request: web.Request) -> web.Response:
    return reply(_shown(request, simulator(request).world.get(request.match_info["id"])))


async def update_pod(request: web.Request) -> web.Response:
    body = await body_of(request, bodies.UPDATE_POD)
    return reply(_shown(request, simulator(request).world.update(request.match_info["id"], body)))


async def delete_pod(request: web.Request) -> web.Response:
    simulator(request).world.delete(request.match_info["id"])
    return web.Response(status=204)


async def pod_action(request: web.Request) -> web.Response:
    body = await body_of(request, bodies.POD_ACTION)
    pod = simulator(request).world.act(request.match_info["id"], body["action"])
    if body["action"] == "terminate":
        return web.Response(status=204)
    return reply(_shown(request, pod))


async def pod_logs(request: web.Request) -> web.StreamResponse:
    """A stream that never ends by itself."""
    world = simulator(request).world
    pod = world.get(request.match_info["id"])
    book = world.life.log(pod)
    source = request.query.get("source")
    if source not in (None, "container", "system"):
        raise invalid("$.source: value must be one of 'container', 'system'")
    position = _position(request, book, source)
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-cache",
            "Connection": "keep-alive",
            "X-Accel-Buffering": "no",
        }
    )
    await response.prepare(request)
    await _follow(response, book, source, position)
    return response


async def _follow(response: web.StreamResponse, book: LogBook, source: str | None, position: int) -> None:
    try:
        while True:
            for line in book.after(position):
                position = line.number
                if source in (None, line.source):
                    data = {"ts": line.ts, "source": line.source, "line": line.text}
                    await response.write(f"id: {line.id}\ndata: {json.dumps(data)}\n\n".encode())
            await book.changed(position, KEEP_ALIVE_S)
            if not any(True for _ in book.after(position)):
                await response.write(b": keep-alive\n\n")
    except (ConnectionError, asyncio.CancelledError):
        return  # the reader left, or the simulator ends


def _position(request: web.Request, book: LogBook, source: str | None) -> int:
    """Where to start reading: Last-Event-ID before `since` before `tail`."""
    tail = integer(request, "tail", 100, 0, 5000)
    last = request.headers.get("Last-Event-ID")
    since = request.query.get("since")
    try:
        if last is not None:
            return book.number_of(last)
        if since is not None:
            return book.number_since(parse_iso(since))
    except ValueError:
        name = "Last-Event-ID" if last is not None else "since"
        raise invalid(f"$.{name}: is not a valid date-time") from None
    return book.number_at_tail(tail, source)
