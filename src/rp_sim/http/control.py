"""The simulator's own routes: who it is, the ledger, the scenario, the clock."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from rp_sim.http.reply import reply, simulator
from rp_sim.problems import bad_request
from rp_sim.scenario import ScenarioError, loads

if TYPE_CHECKING:
    from aiohttp import web


async def health(request: web.Request) -> web.Response:
    sim = simulator(request)
    return reply({"pid": os.getpid(), "seed": sim.world.seed, "pods": len(sim.world.visible(clusters=True))})


async def ledger(request: web.Request) -> web.Response:
    sim = simulator(request)
    return reply(sim.ledger.report(sim.world))


async def scenario(request: web.Request) -> web.Response:
    try:
        loaded = loads(await request.text())
    except (ScenarioError, UnicodeDecodeError) as error:
        raise bad_request(str(error)) from error
    simulator(request).replace(loaded)
    return reply({"ok": True})


async def clock(request: web.Request) -> web.Response:
    sim = simulator(request)
    try:
        seconds = json.loads(await request.text())["advance"]
        if not 0 <= seconds < 10**9:
            raise ValueError(seconds)
        sim.clock.advance(seconds)
    except (ValueError, KeyError, TypeError) as error:
        raise bad_request('expected {"advance": seconds}, not negative') from error
    sim.world.tick()
    return reply({"now": sim.clock.now()})
