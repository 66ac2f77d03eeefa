"""From a created pod to one that is proved to work: RUNNING, SSH, host key, smoke commands."""

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass

from rp import errors
from rp.domain import host_keys
from rp.domain.host_keys import HostKey
from rp.domain.identity import Identity
from rp.domain.pod import ERROR, EXITED, RUNNING, TERMINATED, Endpoint, Pod
from rp.domain.remote import NoSession
from rp.domain.template import Health
from rp.domain.units import duration
from rp.operations import ending
from rp.operations.events import Event, Note, Phase
from rp.operations.ports import Ports, Session

# Seconds. RunPod's own image tests give a pod this long to start (runpod/containers, CREATE_TIMEOUT).
BOOT_LIMIT = 600.0
SMOKE_LIMIT = 60.0
_POLLS = (1.0, 2.0, 3.0, 4.0, 5.0)
_POLL_AT_MOST = 8.0
# A pod that one list leaves out may still be there: RunPod's lists lag.
_MISSES_BEFORE_GONE = 3
_PORT_POLLS = (0.2, 0.2, 0.3, 0.5)
_PORT_POLL_AT_MOST = 2.0
# How often the address is asked for again while nothing answers on it.
_READDRESS_SECONDS = 15.0
# Container logs hold the fingerprints from the very start of the container.
_LOG_TAIL = 5000
_LOG_QUIET = 1.0
_LOG_AT_MOST = 5.0


class BadPod(Exception):
    """The pod is not worth keeping; the text is the reason."""


@dataclass
class Pace:
    """Growing pauses: short ones first, `at_most` from then on."""

    pauses: tuple[float, ...]
    at_most: float
    taken: int = 0

    def next(self) -> float:
        pause = self.pauses[self.taken] if self.taken < len(self.pauses) else self.at_most
        self.taken += 1
        return pause


class Looks:
    """One list of all pods per look; an API in trouble costs a look, not the pod."""

    def __init__(self, ports: Ports, pod: Pod) -> None:
        self._ports = ports
        self._id = pod.id
        self._misses = 0

    def look(self) -> Pod | None:
        """The pod as it is now, None where this look tells nothing; raises BadPod where it is gone."""
        try:
            pods = ending.patiently(self._ports.cloud.pods, self._ports.clock)
        except (errors.Unclear, errors.RateLimited):
            return None
        found = next((pod for pod in pods if pod.id == self._id), None)
        self._misses = 0 if found else self._misses + 1
        if self._misses >= _MISSES_BEFORE_GONE:
            raise BadPod("RunPod no longer lists it")
        if found and found.status in (EXITED, ERROR, TERMINATED):
            raise BadPod(f"its status became {found.status} while it was starting")
        return found


def booted(pod: Pod, health: Health, ports: Ports) -> Generator[Event, None, Pod]:
    """Wait until the pod is RUNNING and has an SSH address; raises BadPod."""
    looks, pace = Looks(ports, pod), Pace(_POLLS, _POLL_AT_MOST)
    clock, status = ports.clock, pod.status
    began = running_since = clock.monotonic()
    yield Phase(_words(status))
    while True:
        clock.sleep(pace.next())
        latest = looks.look()
        now = clock.monotonic()
        if latest and latest.status != status:
            status, running_since = latest.status, now
            yield Phase(_words(status))
        if latest and status == RUNNING and latest.ssh:
            return latest
        if status == RUNNING and now - running_since > health.ssh_timeout_seconds:
            raise BadPod(f"no public SSH port {duration(now - running_since)} after RUNNING")
        if status != RUNNING and now - began > BOOT_LIMIT:
            raise BadPod(f"still {status} after {duration(now - began)}")


def _words(status: str) -> str:
    return "getting an SSH port" if status == RUNNING else status.lower()


def connected(pod: Pod, health: Health, key: Identity, ports: Ports) -> Generator[Event, None, tuple[Pod, Session]]:
    """Wait until SSH lets us in; return the pod, with the address that worked, and the open session. Raises BadPod."""
    yield Phase("waiting for SSH")
    clock, pace, looks = ports.clock, Pace(_PORT_POLLS, _PORT_POLL_AT_MOST), Looks(ports, pod)
    began = readdressed = clock.monotonic()
    reason = "nothing answers on its SSH port"
    while clock.monotonic() - began < health.ssh_timeout_seconds:
        if pod.ssh and ports.remote.answers(pod.ssh):
            try:
                note = pin(pod, pod.ssh, ports)
                session = ports.remote.open_session(pod.id, pod.ssh, key)
            except NoSession as refusal:
                reason = str(refusal)
            else:
                if note:
                    yield Note(note)
                return pod, session
        if clock.monotonic() - readdressed > _READDRESS_SECONDS:
            readdressed = clock.monotonic()
            latest = looks.look()
            pod = latest if latest and latest.ssh else pod
        clock.sleep(pace.next())
    raise BadPod(f"no SSH within {duration(health.ssh_timeout_seconds)}: {reason}")


def pin(pod: Pod, endpoint: Endpoint, ports: Ports) -> str | None:
    """Pin the pod's host keys; return what to say where its log does not vouch for them. Raises NoSession."""
    keys = ports.remote.host_keys(endpoint)
    if not keys:
        raise NoSession("it shows no host key")
    told = _told_fingerprints(pod, keys, ports)
    trusted = host_keys.vouched(keys, told)
    if not trusted:
        raise NoSession("its host key is not the one that the pod's log shows: somebody else answers there")
    ports.remote.pin(pod.id, trusted)
    return None if told else f"the log of pod {pod.id} shows no host key: the first one seen is trusted from now on"


def _told_fingerprints(pod: Pod, keys: tuple[HostKey, ...], ports: Ports) -> frozenset[str]:
    """The fingerprints in the container's log, read no further than to the first that matches."""
    wanted = {key.fingerprint for key in keys}
    told: frozenset[str] = frozenset()
    try:
        lines = ports.cloud.log_lines(
            pod.id, source="container", tail=_LOG_TAIL, quiet_after=_LOG_QUIET, at_most=_LOG_AT_MOST
        )
        with closing(_closable(lines)) as stream:
            for line in stream:
                told |= host_keys.fingerprints([line])
                if told & wanted:
                    break
    except errors.ApiError:
        return told
    return told


def _closable(lines: Iterator[str]) -> Generator[str, None, None]:
    yield from lines


def smoke(session: Session, health: Health) -> Generator[Event, None, None]:
    """Run the template's own checks; raises BadPod with the first that fails."""
    for command in health.smoke_commands:
        yield Phase(f"checking: {command}")
        done = session.run(command, timeout=SMOKE_LIMIT)
        if done.status:
            last = done.output.splitlines()[-1] if done.output else "no output"
            raise BadPod(f"smoke command `{command}` ended with status {done.status}: {last}")
