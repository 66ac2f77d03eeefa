"""Handlers of templates: read only, as no client of the simulator makes any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rp_sim import templates
from rp_sim.http.reply import reply, simulator
from rp_sim.problems import invalid

if TYPE_CHECKING:
    from aiohttp import web


async def list_templates(request: web.Request) -> web.Response:
    return reply({"templates": list(simulator(request).world.templates.values())})


async def get_template(request: web.Request) -> web.Response:
    return reply(templates.find(request.match_info["id"], simulator(request).world.templates))


async def list_public_templates(request: web.Request) -> web.Response:
    source = request.query.get("source", "official")
    if source not in templates.SOURCES:
        raise invalid(f"$.source: value must be one of {', '.join(repr(word) for word in templates.SOURCES)}")
    return reply({"templates": templates.public(source)})
