"""Handlers of the account: SSH keys and network volumes."""

from __future__ import annotations

from aiohttp import web

from rp_sim import bodies
from rp_sim.http.reply import body_of, reply, simulator


async def get_ssh_keys(request: web.Request) -> web.Response:
    return reply({"keys": simulator(request).world.ssh_keys})


async def update_ssh_keys(request: web.Request) -> web.Response:
    """Replaces the whole list; only pods created afterwards get it."""
    body = await body_of(request, bodies.SSH_KEYS)
    simulator(request).world.ssh_keys = list(body["keys"])
    return reply({"keys": body["keys"]})


async def list_volumes(request: web.Request) -> web.Response:
    volumes = simulator(request).world.volumes
    return reply({"networkVolumes": [volume.wire() for volume in volumes.values()]})


async def create_volume(request: web.Request) -> web.Response:
    body = await body_of(request, bodies.CREATE_VOLUME)
    return reply(simulator(request).world.volumes.add(body).wire(), 201)


async def get_volume(request: web.Request) -> web.Response:
    return reply(simulator(request).world.volumes.require(request.match_info["id"]).wire())


async def update_volume(request: web.Request) -> web.Response:
    body = await body_of(request, bodies.UPDATE_VOLUME)
    return reply(simulator(request).world.volumes.change(request.match_info["id"], body).wire())


async def delete_volume(request: web.Request) -> web.Response:
    world = simulator(request).world
    volume_id = request.match_info["id"]
    in_use = any(pod.alive and pod.volume_id == volume_id for pod in world.pods.values())
    world.volumes.drop(volume_id, in_use=in_use)
    return web.Response(status=204)
