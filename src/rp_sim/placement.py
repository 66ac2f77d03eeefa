"""Which host a create gets: stock, the scenario's refusals, and where it wants unpinned pods to land."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from rp_sim.problems import CAPACITY, Problem, no_capacity
from rp_sim.stock import Stock, in_force

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from rp_sim.scenario import Scenario
    from rp_sim.scenario.model import Landing
    from rp_sim.stock import Host, Wanted


class Placement:
    """`now` is simulated time; a scenario's own seconds count from when it came in force."""

    def __init__(self, scenario: Scenario, seed: int, choose: random.Random, now: Callable[[], float]) -> None:
        self._choose = choose
        self._now = now
        self._start = now()
        self._scenario = scenario
        self._refused: Counter[int] = Counter()
        self._landed: Counter[int] = Counter()
        self.stock = Stock(scenario, seed, self.passed)

    def replace(self, scenario: Scenario) -> None:
        self._start = self._now()
        self._scenario = scenario
        self._refused.clear()
        self._landed.clear()
        self.stock.replace(scenario)

    def passed(self) -> float:
        return self._now() - self._start

    def place(self, wanted: Wanted) -> Host:
        """A host with room, which is not taken yet. Raises the problem that the client is told otherwise."""
        hit: dict[int, None] = {}
        hosts = self.stock.fitting(wanted, lambda host: self._refuses(host, hit))
        if hosts:
            return self._choose.choice(self._landing(wanted, hosts) or hosts)
        if not hit:
            raise no_capacity()
        self._refused.update(hit.keys())
        rule = self._scenario.refuse[next(iter(hit))]
        raise Problem(rule.status, rule.detail or CAPACITY)

    def existing(self, wanted: Wanted) -> Host | None:
        """For a pod that was there before: nothing refuses it but a lack of room."""
        hosts = self.stock.fitting(wanted)
        return self._choose.choice(hosts) if hosts else None

    def _refuses(self, host: Host, hit: dict[int, None]) -> bool:
        """Each rule that refused anything is noted once, in the order in which they did."""
        for index, rule in enumerate(self._scenario.refuse):
            here = fnmatchcase(host.gpu, rule.gpu) and fnmatchcase(host.data_center, rule.data_center)
            if not here or rule.cloud not in ("*", host.cloud) or not in_force(rule, self.passed()):
                continue
            if rule.times == 0 or self._refused[index] < rule.times:
                hit[index] = None
                return True
        return False

    def _landing(self, wanted: Wanted, hosts: list[Host]) -> list[Host]:
        """The hosts that the first row with a turn left and with stock wants; none where no row has a say."""
        if wanted.pinned:
            return []
        for index, row in enumerate(self._scenario.landing):
            if not _concerns(row, wanted) or (row.times and self._landed[index] >= row.times):
                continue
            if found := [host for host in hosts if fnmatchcase(host.data_center, row.data_center)]:
                self._landed[index] += 1
                return found
        return []


def _concerns(row: Landing, wanted: Wanted) -> bool:
    return fnmatchcase(wanted.gpu, row.gpu) and row.cloud in ("*", wanted.cloud)
