"""RunPod's rate limit headers → seconds to wait."""

import re
from collections.abc import Callable, Mapping

_WINDOW = re.compile(r'"(?P<name>[^"]*)"(?P<parameters>(?:\s*;\s*\w+=\d+)*)')
_PARAMETER = re.compile(r"(\w+)=(\d+)")


def exhausted(header: str) -> float:
    """The longest `t` of the windows with nothing left, in seconds: `"minute";r=0;t=12, "hour";r=9;t=99` → 12."""
    longest = 0.0
    for window in _WINDOW.finditer(header):
        parameters = dict(_PARAMETER.findall(window["parameters"]))
        if parameters.get("r") == "0":
            longest = max(longest, float(parameters.get("t", 0)))
    return longest


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds to wait after a 429. `Retry-After` speaks only of the window that refused; others may be empty too."""
    told = headers.get("retry-after", "")
    return max(float(told) if told.isdecimal() else 1.0, exhausted(headers.get("ratelimit", "")))


class Pacer:
    """Remembers until when the quota is used up."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._free_at = 0.0

    def heard(self, headers: Mapping[str, str]) -> None:
        wait = exhausted(headers.get("ratelimit", ""))
        if wait:
            self._free_at = max(self._free_at, self._monotonic() + wait)

    def pause(self) -> float:
        """Seconds to wait before the next call."""
        return max(0.0, self._free_at - self._monotonic())
