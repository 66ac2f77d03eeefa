"""One running simulation: the world, its clock, and the books that are kept about it."""

from __future__ import annotations

import asyncio
import hmac
import itertools
import random
import secrets
from typing import TYPE_CHECKING

from rp_sim.faults import Faults
from rp_sim.ledger import Ledger
from rp_sim.quota import Limiter
from rp_sim.world import World

if TYPE_CHECKING:
    from rp_sim.clock import Clock
    from rp_sim.lifecycle import Containers
    from rp_sim.pod import Pod
    from rp_sim.scenario import Scenario

IDLE_S = 3600.0


class Simulator:
    def __init__(self, scenario: Scenario, clock: Clock, containers: Containers, key: str) -> None:
        self.clock = clock
        self.world = World(scenario, clock, containers)
        self.ledger = Ledger()
        self._key = key
        self._run = secrets.token_hex(4)
        self._requests = itertools.count(1)
        self._wake = asyncio.Event()
        self._delays = random.Random(self.world.seed)  # noqa: S311  a simulation, not a secret
        self._load(scenario)

    def _load(self, scenario: Scenario) -> None:
        self.limiter = Limiter(scenario.quota)
        self.faults = Faults(scenario.fault)

    def replace(self, scenario: Scenario) -> None:
        self.world.tick()
        self.world.replace(scenario)
        self._load(scenario)
        self.wake()

    def latency(self) -> float:
        """For how many real seconds the answer to one call is held back."""
        api = self.world.scenario.api
        return api.latency_s * max(0.0, 1 + self._delays.uniform(-api.jitter, api.jitter)) if api.latency_s else 0.0

    def request_id(self) -> str:
        return f"req-{self._run}-{next(self._requests):06d}"

    def principal(self, token: str) -> Pod | None:
        """None for the account itself, the pod for a pod-scoped key; LookupError for anybody else."""
        if hmac.compare_digest(token.encode(), self._key.encode()):
            return None
        for pod in self.world.pods.values():
            if pod.alive and hmac.compare_digest(token.encode(), pod.api_key.encode()):
                return pod
        raise LookupError

    def wake(self) -> None:
        """Something changed what is due next."""
        self._wake.set()

    async def run(self) -> None:
        """Lets time do its work, also while no call comes in."""
        while True:
            self._wake.clear()
            self.world.tick()
            due = self.world.next_due()
            wait = IDLE_S if due is None else self.clock.real_seconds(due - self.clock.now())
            try:
                await asyncio.wait_for(self._wake.wait(), max(0.001, min(wait, IDLE_S)))
            except TimeoutError:
                continue
