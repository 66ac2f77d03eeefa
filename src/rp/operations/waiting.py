"""`--wait`: until the catalog tells of stock. It is looked at, not asked by blind creates."""

import zlib
from collections.abc import Generator

from rp import errors
from rp.domain.candidate import Candidate, wanted
from rp.domain.catalog import Stock
from rp.errors import RpError
from rp.operations import ending
from rp.operations.catalog import Wanted
from rp.operations.events import Event, Looking, Warned
from rp.operations.placing import Search
from rp.operations.ports import Deployment, Ports
from rp.operations.run import Run

# Seconds from one look to the next: two calls of the quota's sixty a minute (the example in RunPod's contract) every
# 20 s leave room for whatever else the account does, also over a night.
_LOOK_EVERY = 20.0
_PER_CALL = 10.0
# A catalog that cannot be had is asked for less and less often.
_TROUBLE_AT_MOST = 300.0
_MOST_DOUBLINGS = 8
# How far the pauses of several waiting terminals spread.
_JITTER = 0.25


class Waiting:
    """One deploy's patience, over all its waits; `best` is the best that the catalog told of meanwhile."""

    def __init__(self, search: Search, deployment: Deployment, run: Run, ports: Ports) -> None:
        self._search = search
        self._run = run
        self._deployment = deployment
        self._ports = ports
        # Of a laptop that slept, one clock tells, and the other may have been set.
        self._began = ports.clock.monotonic(), ports.clock.now()
        self._looks = 0
        self._trouble = 0
        self._best: Candidate | None = None
        self._best_at = 0.0

    def for_stock(self, nothing: RpError) -> Generator[Event, None, None]:
        """Return when a candidate may be asked again; raises `nothing` at the deadline, ApiError for a refused key."""
        self._remember()
        while True:
            yield from _settle_unclear(self._deployment, self._ports)
            left = (self._search.plan.wait or 0.0) - self._waited()
            if left <= 0:
                raise nothing
            pause = min(self._pause(), left)
            yield Looking(self._looks, pause, self._best, self._best_at)
            self._ports.clock.sleep(pause)
            if (yield from self._look()):
                return

    def _waited(self) -> float:
        monotonic, now = self._began
        return max(self._ports.clock.monotonic() - monotonic, self._ports.clock.now() - now)

    def _look(self) -> Generator[Event, None, bool]:
        self._looks += 1
        template = self._search.plan.spec.template
        try:
            offered = self._run.look(Wanted(*wanted(template)), self._ports)
        except (errors.Unclear, errors.RateLimited) as failure:
            self._trouble += 1
            if self._trouble == 1:
                yield Warned(f"cannot look at the catalog now, and go on trying: {failure.message}")
            return False
        self._trouble = 0
        is_worth_a_try = self._search.sweep.renew(offered)
        self._remember()
        return is_worth_a_try

    def _remember(self) -> None:
        best = max(self._search.sweep.all, key=lambda one: one.stock, default=None)
        if best and best.stock > Stock.UNKNOWN and (self._best is None or best.stock >= self._best.stock):
            self._best, self._best_at = best, self._ports.clock.now()

    def _pause(self) -> float:
        clouds, counts, _, _ = wanted(self._search.plan.spec.template)
        base = max(_LOOK_EVERY, _PER_CALL * len(clouds) * len(counts))
        if self._trouble:
            base = min(base * 2 ** min(self._trouble, _MOST_DOUBLINGS), _TROUBLE_AT_MOST)
        # Not random: two terminals have two ids, and that is all the difference that it takes.
        share = zlib.crc32(f"{self._deployment.id} {self._looks}".encode()) / 2**32
        return base * (1 - _JITTER + 2 * _JITTER * share)


def _settle_unclear(deployment: Deployment, ports: Ports) -> Generator[Event, None, None]:
    """Pods of creates without an answer are not left running while nobody needs them."""
    if deployment.open_attempts():
        yield from ending.settle(deployment, ports)
        ending.check_none_left(deployment.open_attempts(), ports)
