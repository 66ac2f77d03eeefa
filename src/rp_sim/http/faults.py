"""Carries out the faults of the scenario, before or after the call took effect."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from aiohttp import web

from rp_sim.http.reply import problem_response, simulator
from rp_sim.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rp_sim.scenario.model import Fault

SECONDS = {"hang": 3600.0, "slow": 2.0, "late_visibility": 5.0}


class Reset(Exception):
    """The connection is torn down, and no answer reaches the client."""


async def with_faults(
    faults: list[Fault], request: web.Request, run: Callable[[], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    for fault in faults:
        answer = await _before(fault)
        if answer is not None:
            return answer
    response = await run()
    # What changes the world comes first: the answer may be about to get lost.
    for fault in sorted(faults, key=lambda fault: fault.kind != "late_visibility"):
        response = await _after(fault, request, response)
    return response


async def _before(fault: Fault) -> web.Response | None:
    if fault.when == "after":
        return None
    if fault.kind == "slow":
        await asyncio.sleep(_seconds(fault))
    if fault.kind == "status":
        return _error(fault)
    if fault.kind == "hang":
        await asyncio.sleep(_seconds(fault))
    if fault.kind in ("reset", "hang"):
        raise Reset
    return None


async def _after(fault: Fault, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    late = fault.when == "after"
    if fault.kind == "late_visibility" and "pod" in request:
        request["pod"].visible_from = simulator(request).clock.now() + _seconds(fault)
    elif fault.kind == "error_after_commit" or (fault.kind == "status" and late):
        return _error(fault)
    elif fault.kind == "malformed":
        return _malformed(response)
    elif fault.kind == "missing_from_list":
        return _without(fault.pod, response)
    elif fault.kind == "slow" and late:
        await asyncio.sleep(_seconds(fault))
    elif fault.kind == "hang" and late:
        await asyncio.sleep(_seconds(fault))
        raise Reset
    elif fault.kind == "answer_lost" or (fault.kind == "reset" and late):
        raise Reset
    return response


def _seconds(fault: Fault) -> float:
    return fault.seconds or SECONDS[fault.kind]


def _error(fault: Fault) -> web.Response:
    headers = {"Retry-After": str(fault.retry_after)} if fault.retry_after else {}
    if not fault.body:
        return problem_response(Problem(fault.status, fault.detail, headers=headers))
    kind = fault.content_type or ("text/html" if fault.body.lstrip().startswith("<") else "text/plain")
    return web.Response(text=fault.body, status=fault.status, content_type=kind, headers=headers)


def _malformed(response: web.StreamResponse) -> web.StreamResponse:
    body = response.body if isinstance(response, web.Response) else None
    if not isinstance(body, bytes):
        return response
    half = body[: max(1, len(body) // 2)]
    return web.Response(body=half, status=response.status, content_type=response.content_type)


def _without(pattern: str, response: web.StreamResponse) -> web.StreamResponse:
    body = response.body if isinstance(response, web.Response) else None
    if not isinstance(body, bytes) or response.status != 200:
        return response
    answer = json.loads(body)
    answer["pods"] = [pod for pod in answer["pods"] if not fnmatchcase(pod["name"], pattern)]
    return web.Response(body=json.dumps(answer).encode(), content_type="application/json")


def reset_connection(request: web.Request) -> None:
    transport = request.transport
    if transport is None:
        return
    # Without lingering, close() sends RST instead of a polite FIN.
    with contextlib.suppress(OSError):
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
