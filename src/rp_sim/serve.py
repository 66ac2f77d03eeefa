"""The simulator's process: sets everything up, serves, and takes everything down again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
from typing import TYPE_CHECKING

import asyncssh
from aiohttp import web

from rp_sim import instance, scenario
from rp_sim.clock import Clock
from rp_sim.http.app import build_app
from rp_sim.machine.machines import Machines
from rp_sim.simulator import Simulator

if TYPE_CHECKING:
    from pathlib import Path

LOOPBACK = "127.0.0.1"
PARENT_POLL_S = 0.5


def serve(directory: Path, scenario_file: Path | None, port: int, parent: int | None) -> None:
    """Runs until SIGTERM, SIGINT, or the end of the parent. OSError: the port is taken."""
    loaded = scenario.load(scenario_file) if scenario_file else scenario.Scenario()
    asyncssh.set_log_level("CRITICAL")
    directory.mkdir(parents=True, exist_ok=True)
    asyncio.run(_serve(directory.resolve(), loaded, port, parent))


async def _serve(directory: Path, loaded: scenario.Scenario, port: int, parent: int | None) -> None:
    machines = Machines(directory, secrets.token_hex(6))
    try:
        await _run(directory, loaded, port, parent, machines)
    finally:
        machines.close()
        instance.forget(directory)


async def _run(directory: Path, loaded: scenario.Scenario, port: int, parent: int | None, machines: Machines) -> None:
    key = f"sim_{secrets.token_hex(20)}"
    simulator = Simulator(loaded, Clock(loaded.clock.speed), machines, key)
    machines.attach(simulator.world.life)
    runner = web.AppRunner(build_app(simulator), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, LOOPBACK, port)
    await site.start()
    machines.api = f"http://{LOOPBACK}:{runner.addresses[0][1]}"
    instance.write(instance.Running(machines.api, key, os.getpid(), directory))
    driver = asyncio.create_task(simulator.run())
    await _until_told(driver, parent)
    driver.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await driver
    await runner.cleanup()


async def _until_told(driver: asyncio.Task[None], parent: int | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    waiting = {asyncio.create_task(stop.wait()), driver}
    if parent is not None:
        waiting.add(asyncio.create_task(_until_gone(parent)))
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting - {driver}:
        task.cancel()


async def _until_gone(parent: int) -> None:
    ours = os.getppid() == parent
    with contextlib.suppress(ProcessLookupError, PermissionError):
        # A child is handed to another parent at once; anybody else has to ask.
        while not ours or os.getppid() == parent:
            os.kill(parent, 0)
            await asyncio.sleep(PARENT_POLL_S)
