"""What all handlers share: the simulator of the app, bodies in, JSON out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from rp_sim.problems import Problem, bad_request, invalid
from rp_sim.simulator import Simulator
from rp_sim.validation import check

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SIMULATOR = web.AppKey("simulator", Simulator)

if TYPE_CHECKING:
    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def simulator(request: web.Request) -> Simulator:
    return request.app[SIMULATOR]


def reply(body: object, status: int = 200) -> web.Response:
    return web.Response(body=json.dumps(body).encode(), status=status, content_type="application/json")


def problem_response(problem: Problem) -> web.Response:
    return web.Response(
        body=json.dumps(problem.body()).encode(),
        status=problem.status,
        content_type="application/problem+json",
        headers=problem.headers,
    )


async def body_of(request: web.Request, schema: dict[str, Any]) -> dict[str, Any]:
    """The JSON body, valid against the schema; 400 for no JSON at all, 422 for the wrong JSON."""
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise bad_request("request could not be processed") from error
    if errors := check(body, schema):
        raise invalid(*errors)
    result: dict[str, Any] = body
    return result


def choices(request: web.Request, name: str, allowed: tuple[str, ...]) -> list[str]:
    """A comma-separated query parameter whose entries come from a list."""
    words = csv(request, name)
    wrong = [word for word in words if word not in allowed]
    if wrong:
        raise invalid(f"$.{name}: value must be one of {', '.join(repr(word) for word in allowed)}")
    return words


def csv(request: web.Request, name: str) -> list[str]:
    text = request.query.get(name)
    return [] if not text else text.split(",")


def integer(request: web.Request, name: str, default: int, minimum: int, maximum: int | None = None) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    if not text.isdecimal() or int(text) < minimum or (maximum is not None and int(text) > maximum):
        limit = f" and at most {maximum}" if maximum is not None else ""
        raise invalid(f"$.{name}: want an integer of at least {minimum}{limit}")
    return int(text)


def boolean(request: web.Request, name: str) -> bool | None:
    text = request.query.get(name)
    if text is None:
        return None
    if text not in ("true", "false"):
        raise invalid(f"$.{name}: got {text!r}, want boolean")
    return text == "true"
