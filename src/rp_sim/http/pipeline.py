"""What every call passes: request id, ledger, key, quota, faults; then its handler."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

from aiohttp import web

from rp_sim.clock import iso
from rp_sim.http.faults import Reset, reset_connection, with_faults
from rp_sim.http.reply import problem_response, simulator
from rp_sim.ledger import Call
from rp_sim.operations import OPERATIONS
from rp_sim.problems import Problem

if TYPE_CHECKING:
    from rp_sim.http.reply import Handler
    from rp_sim.pod import Pod
    from rp_sim.simulator import Simulator

BY_ROUTE = {route: operation for operation, route in OPERATIONS.items()}
OWN_POD_OPERATIONS = ("getPod", "podAction", "deletePod", "getPodLogs")


@web.middleware
async def pipeline(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path.startswith("/sim/"):
        return await _control(request, handler)
    sim = simulator(request)
    sim.world.tick()
    call = await _record(sim, request)
    if delay := sim.latency():
        await asyncio.sleep(delay)
        sim.world.tick()
    try:
        response = await _answer(sim, request, handler, call)
    except Reset:
        reset_connection(request)
        return web.Response()
    finally:
        sim.wake()
    call.status = response.status
    return response


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Runs for streams too, where the headers leave before the handler ends."""
    response.headers["x-request-id"] = request.get("request_id", "")
    if request.get("authenticated") and response.status != 401:
        sim = simulator(request)
        response.headers.update(sim.limiter.headers(sim.clock.now()))
    if call := request.get("call"):
        call.status = response.status


async def _control(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The simulator's own routes have no key: they are for this machine, and for no web page on it."""
    if request.remote not in ("127.0.0.1", "::1") or "Origin" in request.headers:
        return problem_response(Problem(403, "access denied"))
    simulator(request).world.tick()
    try:
        return await handler(request)
    except Problem as problem:
        return problem_response(problem)
    finally:
        simulator(request).wake()


async def _record(sim: Simulator, request: web.Request) -> Call:
    request["request_id"] = sim.request_id()
    call = Call(
        time=iso(sim.clock.now(), fraction=True),
        method=request.method,
        path=request.path,
        query=request.query_string,
        operation=_operation(request),
        requestId=request["request_id"],
    )
    raw = await request.read()
    if raw:
        call.body = raw.decode("utf-8", "replace")
        with contextlib.suppress(ValueError, RecursionError):
            call.body = json.loads(raw)
    sim.ledger.calls.append(call)
    request["call"] = call
    return call


async def _answer(sim: Simulator, request: web.Request, handler: Handler, call: Call) -> web.StreamResponse:
    async def run() -> web.StreamResponse:
        return await _handled(handler, request)

    try:
        _check_size(sim, await request.read())
        _authenticate(sim, request)
        sim.limiter.count(sim.clock.now())
    except Problem as problem:
        return problem_response(problem)
    if call.operation is None:
        return await run()
    faults = sim.faults.take(call.operation)
    call.fault = ", ".join(fault.kind for fault in faults) or None
    return await with_faults(faults, request, run)


async def _handled(handler: Handler, request: web.Request) -> web.StreamResponse:
    try:
        return await handler(request)
    except Problem as problem:
        return problem_response(problem)
    except web.HTTPMethodNotAllowed as error:
        allowed = {"Allow": ", ".join(sorted(error.allowed_methods))}
        detail = "The requested method is not allowed for this path."
        return problem_response(Problem(405, detail, headers=allowed))
    except web.HTTPNotFound:
        return problem_response(Problem(404, "The requested path was not found."))


def _check_size(sim: Simulator, body: bytes) -> None:
    limit = sim.world.scenario.later.body_limit
    if limit and len(body) > limit:
        raise Problem(413, "request body is too large")


def _authenticate(sim: Simulator, request: web.Request) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem(401, "missing bearer token")
    try:
        pod = sim.principal(token.strip())
    except LookupError:
        raise Problem(401, "invalid bearer token") from None
    request["authenticated"] = True
    if pod is not None and not _may(sim, request, pod):
        raise Problem(403, "access denied")


def _may(sim: Simulator, request: web.Request, pod: Pod) -> bool:
    if sim.world.scenario.invented.pod_key == "forbidden":
        return False
    own = request.match_info.get("id") == pod.id
    return own and _operation(request) in OWN_POD_OPERATIONS


def _operation(request: web.Request) -> str | None:
    resource = request.match_info.route.resource
    path = resource.canonical if resource else ""
    method = "GET" if request.method == "HEAD" else request.method
    return BY_ROUTE.get((method, path))
