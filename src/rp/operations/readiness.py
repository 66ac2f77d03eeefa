"""From a pod with an address to an SSH session on it: port, host key, the user's key."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from rp import errors
from rp.domain import host_keys
from rp.domain.boot_causes import container_cause, quoted
from rp.domain.host_keys import HostKey
from rp.domain.identity import Identity
from rp.domain.pod import RUNNING, Endpoint, Pod
from rp.domain.remote import NoSession
from rp.domain.template import Health
from rp.domain.units import duration
from rp.domain.verdict import Owner
from rp.operations.boot import Pace, Watch, given_up
from rp.operations.events import Event, Note
from rp.operations.looks import BadPod, Looks
from rp.operations.ports import Clock, Ports, Session

_PORT_POLLS = (0.2, 0.2, 0.3, 0.5)
_PORT_POLL_AT_MOST = 2.0
# How often the address is asked for again while nothing answers on it, and OpenSSH for what it meets there.
_READDRESS_SECONDS = 15.0
# A silent port is told from a refused connection by the time that it took to find out.
_SILENT_SECONDS = 2.0
# Seconds that an sshd which refuses the key is given: some images put the keys in place after its start.
KEY_GRACE = 30.0
# Container logs hold the fingerprints from the very start of the container.
_LOG_TAIL = 5000
# A log that is slow must not pass for one that shows no key.
_LOG_QUIET = (1.0, 10.0)
_LOG_AT_MOST = 5.0
# Seconds of a rate limit that are waited out before the second try to read a log.
_LOG_PATIENCE = 60.0
_OFFICIAL = "runpod/"
_REFUSED = "Permission denied"
# What OpenSSH says → what a person wants to know.
_WORDS = (
    ("connection refused", "connection refused"),
    ("banner", "the port takes connections, but no SSH server answers"),
    ("timed out", "no answer to a connection"),
    ("no route", "no route to its address"),
    ("unreachable", "no route to its address"),
    ("connection closed", "the connection is closed at once"),
    ("connection reset", "the connection is closed at once"),
)


@dataclass
class _Door:
    """What was met at the pod's SSH port. `words` are empty until something is known."""

    clock: Clock
    words: str = ""
    silent: bool = False
    refused_at: float | None = None

    @property
    def nobody_home(self) -> bool:
        """Nobody who speaks SSH, that is."""
        return self.words in {"", *(words for _, words in _WORDS)}

    @property
    def is_understood(self) -> bool:
        return bool(self.words) or self.silent

    def silence(self, seconds: float) -> None:
        """Nobody answered, which took that long to find out."""
        self.silent, self.refused_at = seconds > _SILENT_SECONDS, None
        self.words = self.words if self.nobody_home else ""

    def said(self, refusal: str) -> None:
        """OpenSSH's last word."""
        self.words = next((words for sign, words in _WORDS if sign in refusal.lower()), quoted(refusal))
        if _REFUSED not in refusal:
            self.refused_at = None
        elif self.refused_at is None:
            self.refused_at = self.clock.monotonic()

    def reason(self) -> str:
        why = self.words or ("it says nothing" if self.silent else "")
        return "nothing answers on its SSH port" + (f": {why}" if why else "")


def connected(
    pod: Pod, health: Health, key: Identity, looks: Looks, watch: Watch, ports: Ports
) -> Generator[Event, None, tuple[Pod, Session]]:
    """Wait until SSH lets us in; return the pod, with the address that worked, and the open session. Raises BadPod."""
    clock, pace, door = ports.clock, Pace(_PORT_POLLS, _PORT_POLL_AT_MOST), _Door(ports.clock)
    began = readdressed = clock.monotonic()
    limit, is_last = health.ssh_timeout_seconds, False
    watch.wait()
    while True:
        yield from watch.tell(f"waiting for SSH: {door.words}" if door.words else "waiting for SSH")
        is_due = clock.monotonic() - readdressed > _READDRESS_SECONDS
        if entered := _enter(pod, key, door, ports, ask=is_due or is_last):
            note, session = entered
            if note:
                yield Note(note)
            return pod, session
        if is_last:
            raise _shut(door, began, watch, ports)
        if is_due:
            readdressed = clock.monotonic()
            latest = yield from watch.look(looks)
            pod = latest if latest and latest.ssh else pod
        watch.read()
        if door.refused_at is not None and clock.monotonic() - door.refused_at >= KEY_GRACE:
            raise _shut(door, began, watch, ports)
        if watch.is_hopeless(RUNNING, began, limit):
            watch.read(now=True)
            if watch.is_hopeless(RUNNING, began, limit) and door.is_understood:
                raise _shut(door, began, watch, ports)
            # OpenSSH has the last word on what keeps it out.
            is_last = watch.is_hopeless(RUNNING, began, limit)
        else:
            clock.sleep(pace.next())


def _enter(pod: Pod, key: Identity, door: _Door, ports: Ports, *, ask: bool) -> tuple[str | None, Session] | None:
    """The session, and what to say of the host key. `ask` OpenSSH also where nobody seems to be there."""
    if pod.ssh is None:
        return None
    knocked_at = ports.clock.monotonic()
    answers = ports.remote.answers(pod.ssh)
    if not answers:
        door.silence(ports.clock.monotonic() - knocked_at)
        if not ask:
            return None
    try:
        note = pin(pod, pod.ssh, ports) if answers else None
        # Without a pinned host key OpenSSH lets nobody in: this only hears what keeps it out.
        return note, ports.remote.open_session(pod.id, pod.ssh, key)
    except NoSession as refusal:
        if answers or "host key" not in str(refusal).lower():
            door.said(str(refusal))
    return None


def _shut(door: _Door, began: float, watch: Watch, ports: Ports) -> BadPod:
    """Why this pod cannot be logged in to."""
    waited = f"no SSH within {duration(ports.clock.monotonic() - began)}"
    if door.refused_at is not None:
        advice = "the image has to put PUBLIC_KEY into /root/.ssh/authorized_keys, and let root log in"
        return BadPod(f"{waited}: its sshd refuses your key ({door.words}): {advice}", owner=Owner.IMAGE)
    if not door.nobody_home:
        return BadPod(f"{waited}: {door.words}")
    if watch.log.is_preparing:
        return BadPod(watch.stalled(RUNNING, began))
    lines = watch.container_lines()
    if cause := container_cause(lines):
        return given_up(cause, f"{waited}: ")
    runs = "; its log says that sshd runs, so the machine does not pass the port on"
    return BadPod(f"{waited}: {door.reason()}{runs if host_keys.fingerprints(lines) else ''}")


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
        except errors.ApiError as failure:
            # Many pods at once ask for more than a minute's quota, and a key that is vouched for is worth that minute.
            if isinstance(failure, errors.RateLimited) and failure.retry_after <= _LOG_PATIENCE:
                ports.clock.sleep(failure.retry_after)
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
