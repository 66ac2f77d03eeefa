"""Rate limits: three fixed windows per user, and the headers that tell of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rp_sim.problems import Problem

if TYPE_CHECKING:
    from rp_sim.scenario.model import Quota

WINDOWS = {"minute": 60, "hour": 3600, "day": 86400}


class Limiter:
    def __init__(self, quota: Quota) -> None:
        self._quotas = {"minute": quota.minute, "hour": quota.hour, "day": quota.day}
        self._exempt = quota.exempt
        self._started = dict.fromkeys(WINDOWS, 0.0)
        self._used = dict.fromkeys(WINDOWS, 0)

    def count(self, now: float) -> None:
        """Counts one call; raises 429 for the first window that is used up."""
        for window, length in WINDOWS.items():
            if now - self._started[window] >= length:
                self._started[window], self._used[window] = now, 0
        if self._exempt:
            return
        for window, quota in self._quotas.items():
            if self._used[window] >= quota:
                # Only the window that rejected is told, though a longer one may be used up too.
                wait = str(self._reset(window, now))
                detail = f"rate limit exceeded for the {window} window"
                raise Problem(429, detail, headers={"Retry-After": wait})
        for window in WINDOWS:
            self._used[window] += 1

    def headers(self, now: float) -> dict[str, str]:
        if self._exempt:
            return {}
        state, policy = [], []
        for window, quota in self._quotas.items():
            left = max(0, quota - self._used[window])
            state.append(f'"{window}";r={left};t={self._reset(window, now)}')
            policy.append(f'"{window}";q={quota};w={WINDOWS[window]}')
        return {"RateLimit": ", ".join(state), "RateLimit-Policy": ", ".join(policy)}

    def _reset(self, window: str, now: float) -> int:
        return max(1, math.ceil(self._started[window] + WINDOWS[window] - now))
