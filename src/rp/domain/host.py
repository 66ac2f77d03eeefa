"""A host: the physical machine a pod landed on, as far as it can be told from others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rp.domain.pod import Pod

FADE_DAYS = 30
_FADE_SECONDS = FADE_DAYS * 86_400.0


@dataclass(frozen=True)
class Marks:
    """What a host was seen to have. `proxy` is the part of RunPod's proxy user name that names the host."""

    address: str | None = None
    proxy: str | None = None
    gpus: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.address or self.proxy or self.gpus)


@dataclass(frozen=True)
class Failure:
    """A pod that was bad on this host. `at` is in seconds since the epoch."""

    at: float
    pod_id: str
    reason: str


@dataclass(frozen=True)
class Host:
    """Times are seconds since the epoch. Failures before `trusted_at` do not count any more."""

    id: int
    marks: Marks
    gpu: str
    place: str
    seen_at: float
    trusted_at: float | None = None
    failures: tuple[Failure, ...] = ()

    def recent(self, now: float) -> tuple[Failure, ...]:
        """The failures that count: of the last 30 days, and since the user trusted the host; newest last."""
        since = max(now - _FADE_SECONDS, self.trusted_at or 0.0)
        return tuple(failure for failure in self.failures if failure.at > since)

    def avoided_until(self, now: float) -> float | None:
        """When the last failure that counts fades; None where none does."""
        recent = self.recent(now)
        return recent[-1].at + _FADE_SECONDS if recent else None


def marks_of(pod: Pod, gpus: tuple[str, ...] = ()) -> Marks:
    """What is known of the machine of a pod: nothing before it has one."""
    return Marks(pod.ssh.host if pod.ssh else None, pod.proxy_host, frozenset(gpus))


def likeness(one: Marks, other: Marks) -> int:
    """How surely two sights are of one machine: 3 by a GPU, 2 by the proxy, 1 by the address alone, 0 not at all.

    Pods get some of a machine's GPUs each, and several machines may share a public address: what differs there
    proves nothing, so the strongest mark that both have decides.
    """
    if one.gpus & other.gpus:
        return 3
    if one.proxy and other.proxy:
        return 2 if one.proxy == other.proxy else 0
    if one.gpus and other.gpus:
        return 0
    return int(one.address is not None and one.address == other.address)


def is_same(one: Marks, other: Marks) -> bool:
    """Whether two sights are of one machine, as far as can be told."""
    return likeness(one, other) > 0


def merged(older: Marks, newer: Marks) -> Marks:
    """All that is known of one machine; the newer word where they differ."""
    return Marks(newer.address or older.address, newer.proxy or older.proxy, older.gpus | newer.gpus)
