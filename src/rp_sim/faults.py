"""Which fault of the scenario hits which call."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rp_sim.scenario.model import Fault


class Faults:
    """Counts the calls of each operation since the scenario was loaded."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self._faults = faults
        self._calls: dict[str, int] = {}

    def take(self, operation: str) -> list[Fault]:
        """The faults for the call that comes in now."""
        nth = self._calls[operation] = self._calls.get(operation, 0) + 1
        return [fault for fault in self._faults if fault.operation == operation and _due(fault, nth)]


def _due(fault: Fault, nth: int) -> bool:
    if not fault.nth and not fault.every:
        return True
    return nth in fault.nth or (fault.every > 0 and nth % fault.every == 0)
