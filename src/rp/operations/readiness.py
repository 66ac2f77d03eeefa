"""From a created pod to one that is proved to work: RUNNING, SSH, host key, smoke commands."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from rp import errors
from rp.domain import host_keys
from rp.domain.host_keys import HostKey
from rp.domain.identity import Identity
from rp.domain.pod import RUNNING, Endpoint, Pod
from rp.domain.remote import NoSession
from rp.domain.template import Health
from rp.domain.units import duration
from rp.operations.events import Event, Note, Phase
from rp.operations.looks import BadPod, Looks
from rp.operations.ports import Clock, Ports, Session

# Seconds. RunPod's own image tests give a pod this long to start (runpod/containers, CREATE_TIMEOUT).
BOOT_LIMIT = 600.0
SMOKE_LIMIT = 60.0
_POLLS = (1.0, 2.0, 3.0, 4.0, 5.0)
_POLL_AT_MOST = 8.0
_PORT_POLLS = (0.2, 0.2, 0.3, 0.5)
_PORT_POLL_AT_MOST = 2.0
# How often the address is asked for again while nothing answers on it.
_READDRESS_SECONDS = 15.0
# Container logs hold the fingerprints from the very start of the container.
_LOG_TAIL = 5000
# A log that is slow must not pass for one that shows no key.
_LOG_QUIET = (1.0, 10.0)
_LOG_AT_MOST = 5.0
_OFFICIAL = "runpod/"


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


def booted(pod: Pod, health: Health, looks: Looks, clock: Clock) -> Generator[Event, None, Pod]:
    """Wait until the pod is RUNNING and has an SSH address; raises BadPod."""
    pace, status = Pace(_POLLS, _POLL_AT_MOST), pod.status
    began = running_since = clock.monotonic()
    yield Phase(_words(status))
    while True:
        clock.sleep(pace.next())
        latest = yield from looks.look()
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


def connected(
    pod: Pod, health: Health, key: Identity, looks: Looks, ports: Ports
) -> Generator[Event, None, tuple[Pod, Session]]:
    """Wait until SSH lets us in; return the pod, with the address that worked, and the open session. Raises BadPod."""
    yield Phase("waiting for SSH")
    clock, pace = ports.clock, Pace(_PORT_POLLS, _PORT_POLL_AT_MOST)
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
            latest = yield from looks.look()
            pod = latest if latest and latest.ssh else pod
        clock.sleep(pace.next())
    raise BadPod(f"no SSH within {duration(health.ssh_timeout_seconds)}: {reason}")


def pin(pod: Pod, endpoint: Endpoint, ports: Ports) -> str | None:
    """Pin the pod's host keys; return what to say where its log does not vouch for them. Raises NoSession."""
    keys = ports.remote.host_keys(endpoint)
    if not keys:
        raise NoSession("it shows no host key")
    told = _told_fingerprints(pod, keys, ports)
    trusted = host_keys.vouched(keys, told or frozenset())
    if not trusted:
        raise NoSession("its host key is not the one that the pod's log shows: somebody else answers there")
    ports.remote.pin(pod.id, trusted)
    if told is None:
        return f"the log of pod {pod.id} could not be read: the first host key seen is trusted from now on"
    return None if told else f"the log of pod {pod.id} shows no host key: the first one seen is trusted from now on"


def _told_fingerprints(pod: Pod, keys: tuple[HostKey, ...], ports: Ports) -> frozenset[str] | None:
    """The fingerprints in the container's log; None where it could not be read, patiently at the second try."""
    told: set[str] | None = None
    for quiet_after in _LOG_QUIET:
        any_line = False
        try:
            for line in _log(pod, quiet_after, ports):
                any_line = True
                told = (told or set()) | host_keys.fingerprints([line])
                if any(key.fingerprint in told for key in keys):
                    return frozenset(told)
        except errors.ApiError:
            continue
        told = told or set()
        # RunPod's own images print their keys at once; another image may have nothing to say.
        if any_line or not pod.image.startswith(_OFFICIAL):
            break
    return None if told is None else frozenset(told)


def _log(pod: Pod, quiet_after: float, ports: Ports) -> Iterator[str]:
    return ports.cloud.log_lines(
        pod.id, source="container", tail=_LOG_TAIL, quiet_after=quiet_after, at_most=quiet_after + _LOG_AT_MOST
    )


def smoke(session: Session, health: Health) -> Generator[Event, None, None]:
    """Run the template's own checks; raises BadPod with the first that fails."""
    for command in health.smoke_commands:
        yield Phase(f"checking: {command}")
        done = session.run(command, timeout=SMOKE_LIMIT)
        if done.status:
            last = done.output.splitlines()[-1] if done.output else "no output"
            raise BadPod(f"smoke command `{command}` ended with status {done.status}: {last}")
