"""Waiting for a pod on simulated time: who is given up, when, why, and who is not."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, cast

import pytest

from rp import errors
from rp.domain.host_keys import HostKey
from rp.domain.identity import Identity
from rp.domain.pod import Endpoint, Pod
from rp.domain.remote import NoSession
from rp.domain.template import Health
from rp.domain.verdict import Owner
from rp.operations import boot, readiness
from rp.operations.events import Event, Phase
from rp.operations.looks import BadPod, Looks
from rp.operations.ports import Ports, Session

IMAGE = "example/train:3"
KEY = HostKey("ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIJ4bRr8oHdAKd0Pb0rbbhEZTDTmPpBWlTHCoN3rKbkOH")
BEGIN = f"start container for {IMAGE}: begin"
PULLING = [f"create container {IMAGE}", f"3 Pulling from {IMAGE}"]
REFUSED = "ssh: connect to host 192.0.2.1 port 22: Connection refused"
SILENT = "Connection timed out during banner exchange"
UNKNOWN_HOST = "Host key verification failed."
DENIED = "root@192.0.2.1: Permission denied (publickey)."
NEVER = 1e9
# At most, in seconds: the pause between two looks, two reads of a log, and what reading takes.
SLACK = 25.0


@dataclass
class World:
    """One pod. `system` and `container` hold (second, line); `door` is what SSH meets from which second on."""

    starting_at: float = 5.0
    running_at: float = 20.0
    address_at: float = 20.0
    moves_at: float = NEVER
    ends_as: tuple[float, str] = (NEVER, "")
    system: list[tuple[float, str]] = field(default_factory=list)
    container: list[tuple[float, str]] = field(default_factory=list)
    door: list[tuple[float, str]] = field(default_factory=lambda: [(0.0, REFUSED), (22.0, "in")])
    log_fails: Callable[[float], bool] = lambda now: False
    time: float = 0.0
    reads: list[tuple[float, str]] = field(default_factory=list)
    phases: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return 23 if self.time >= self.moves_at else 22

    def wait(self, **health: Any) -> float:
        """Until there is a session: the seconds that it took. Raises BadPod."""
        pod = Pod("pod1", "rp-t-1", "PROVISIONING", image=IMAGE)
        ports = cast("Ports", _Outside(self))
        looks = cast("Looks", _Looks(self, pod))
        events = _reached(pod, Health(**health), looks, ports)
        for event in events:
            if isinstance(event, Phase):
                self.phases.append(event.text)
        return self.time

    def gives_up(self, **health: Any) -> tuple[BadPod, float]:
        with pytest.raises(BadPod) as caught:
            self.wait(**health)
        assert str(caught.value).isprintable()
        return caught.value, self.time


def _reached(pod: Pod, health: Health, looks: Looks, ports: Ports) -> Generator[Event, None, tuple[Pod, Session]]:
    watch = boot.Watch(pod, ports)
    running = yield from boot.booted(pod, health, looks, watch, ports)
    return (yield from readiness.connected(running, health, Identity("key", None), looks, watch, ports))


@dataclass
class _Looks:
    world: World
    pod: Pod

    def look(self) -> Generator[Event, None, Pod | None]:
        now = self.world.time
        if now >= self.world.ends_as[0]:
            raise BadPod(f"its status became {self.world.ends_as[1]} while it was starting")
        status = "RUNNING" if now >= self.world.running_at else "STARTING"
        status = status if now >= self.world.starting_at else "PROVISIONING"
        ssh = Endpoint("192.0.2.1", self.world.port) if now >= self.world.address_at else None
        yield from ()
        return replace(self.pod, status=status, ssh=ssh)


class _Outside:
    """`Ports`, as far as a wait needs it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clock = self.cloud = self.remote = self
        self.crowd = 1

    def monotonic(self) -> float:
        return self.world.time

    def sleep(self, seconds: float) -> None:
        self.world.time += seconds

    def log_lines(self, pod_id: str, *, source: str, tail: int, quiet_after: float, at_most: float) -> Iterator[str]:
        self.world.reads.append((self.world.time, source))
        if self.world.log_fails(self.world.time):
            raise errors.Unclear("HTTP 500")
        lines = self.world.system if source == "system" else self.world.container
        told = [line for at, line in lines if at <= self.world.time][-tail:]
        self.world.time += quiet_after
        yield from told

    def _met(self, endpoint: Endpoint) -> str:
        if endpoint.port != self.world.port:
            return REFUSED
        return [what for at, what in self.world.door if at <= self.world.time][-1]

    def answers(self, endpoint: Endpoint) -> bool:
        met = self._met(endpoint)
        self.world.time += 5.0 if met == SILENT else 0.0
        return met not in (REFUSED, SILENT, UNKNOWN_HOST)

    def host_keys(self, endpoint: Endpoint) -> tuple[HostKey, ...]:
        return (KEY,)

    def pin(self, pod_id: str, keys: object) -> None:
        pass

    def open_session(self, pod_id: str, endpoint: Endpoint, key: Identity) -> Any:
        met = self._met(endpoint)
        self.world.time += 10.0 if met == SILENT else 0.0
        if met != "in":
            raise NoSession(met)
        return object()


def _pull(seconds: float, gb: int, *, stops_at: float = NEVER, layer: str = "1a1b2c3d4e5f") -> list[tuple[float, str]]:
    """A line every five seconds; then the container begins."""
    lines = [(6.0, line) for line in PULLING]
    at = 10.0
    while at < min(seconds, stops_at):
        lines.append((at, f"{layer} Downloading [=>   ] {at / seconds * gb:.4f}GB/{gb}GB"))
        at += 5.0
    if stops_at >= seconds:
        lines += [(at, f"{layer} Pull complete"), (at, f"Status: Downloaded newer image for {IMAGE}"), (at, BEGIN)]
    return lines


def test_a_pod_that_is_up_at_once_costs_no_look_at_its_log() -> None:
    world = World(running_at=3, address_at=3, door=[(0, "in")])

    assert world.wait() < boot.FIRST_READ
    # For its host key.
    assert {source for _, source in world.reads} == {"container"}


def test_a_log_is_read_every_ten_seconds_at_most() -> None:
    world = World(running_at=300, address_at=300, door=[(0, REFUSED), (310, "in")], system=_pull(290, 20))

    world.wait()

    times = [at for at, source in world.reads if source == "system"]
    assert times[0] >= boot.FIRST_READ
    assert all(later - earlier >= 10 for earlier, later in pairwise(times))


def test_a_pull_of_15_minutes_that_moves_is_waited_for() -> None:
    world = World(running_at=915, address_at=915, door=[(0, REFUSED), (920, "in")], system=_pull(900, 40))

    assert 915 < world.wait() < 1000

    assert "pulling the image: 0 of 1 layers, 20 GB so far" in world.phases
    assert world.phases[-1] == "waiting for SSH"
    assert all(text != before for before, text in pairwise(world.phases))


def test_a_pull_that_moves_for_ever_ends_at_the_hard_limit() -> None:
    world = World(running_at=NEVER, address_at=NEVER, system=_pull(9000, 40))

    bad, seconds = world.gives_up()

    assert boot.HARD_LIMIT < seconds < boot.HARD_LIMIT + SLACK
    assert "still STARTING after 20m" in str(bad)
    assert bad.owner is Owner.MACHINE


def test_a_stalled_pull_is_given_up_after_three_minutes_without_progress() -> None:
    world = World(running_at=NEVER, address_at=NEVER, system=_pull(600, 30, stops_at=200))

    bad, seconds = world.gives_up()

    assert 200 + boot.NO_PROGRESS_LIMIT - 10 < seconds < 200 + boot.NO_PROGRESS_LIMIT + SLACK
    assert "without progress for 3m" in str(bad)
    assert "pulling the image: 0 of 1 layers, 9 GB so far" in str(bad)
    assert (bad.owner, bad.final, bad.remember) == (Owner.MACHINE, False, True)


def test_a_pull_that_begins_anew_again_and_again_is_no_progress() -> None:
    again = [(start + at, line) for start in range(0, 1200, 60) for at, line in _pull(600, 30, stops_at=60)]
    world = World(running_at=NEVER, address_at=NEVER, system=again)

    _, seconds = world.gives_up()

    assert seconds < 60 + boot.NO_PROGRESS_LIMIT + SLACK


def test_a_machine_that_never_gets_to_work_is_given_up() -> None:
    world = World(starting_at=NEVER, running_at=NEVER, system=[(1, "create pod pod1: waiting for a machine")])

    bad, seconds = world.gives_up()

    assert seconds < boot.NO_PROGRESS_LIMIT + SLACK
    assert "still PROVISIONING" in str(bad)
    assert "nothing new in its log" in str(bad)


@pytest.mark.parametrize("lines", [[], [(3.0, "words that nobody knows")]])
def test_a_log_that_tells_nothing_leaves_the_old_limit(lines: list[tuple[float, str]]) -> None:
    world = World(running_at=NEVER, address_at=NEVER, system=lines)

    bad, seconds = world.gives_up()

    assert boot.BOOT_LIMIT < seconds < boot.BOOT_LIMIT + SLACK
    assert str(bad).startswith("still STARTING after 10m")


def test_a_log_that_cannot_be_read_leaves_the_old_limits() -> None:
    never_runs = World(running_at=NEVER, address_at=NEVER, system=_pull(60, 3), log_fails=lambda now: True)
    no_port = World(address_at=NEVER, log_fails=lambda now: True)
    no_ssh = World(door=[(0, REFUSED)], log_fails=lambda now: True)

    assert boot.BOOT_LIMIT < never_runs.gives_up()[1] < boot.BOOT_LIMIT + SLACK
    assert 20 + 180 < no_port.gives_up()[1] < 20 + 180 + SLACK
    assert 20 + 180 < no_ssh.gives_up()[1] < 20 + 180 + SLACK


def test_a_log_that_falls_silent_in_a_pull_is_no_sign_of_a_stall() -> None:
    """Its last words were of a pull that moved: what cannot be seen any more may go on."""
    world = World(
        running_at=700,
        address_at=700,
        door=[(0, REFUSED), (705, "in")],
        system=_pull(690, 40),
        log_fails=lambda now: now > 300,
    )

    assert 700 < world.wait() < 720


ERROR = "Error response from daemon: "


@pytest.mark.parametrize(
    ("line", "owner", "final", "words"),
    [
        (f"error pulling image: {ERROR}manifest unknown: manifest unknown", Owner.IMAGE, True, "its tag"),
        (f"error pulling image: {ERROR}pull access denied for example/train", Owner.IMAGE, True, "registryAuthId"),
        ("failed to pull image: toomanyrequests: You have reached your pull rate limit", Owner.MACHINE, False, "limit"),
        (
            "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8, please update your driver",
            Owner.MACHINE,
            False,
            '"minCudaVersion": "12.8"',
        ),
    ],
)
@pytest.mark.parametrize("running_at", [NEVER, 20.0])
def test_an_error_that_will_not_pass_ends_the_wait_early(
    line: str, owner: Owner, final: bool, words: str, running_at: float
) -> None:
    """Whatever RunPod calls the pod's status meanwhile."""
    world = World(
        running_at=running_at,
        address_at=running_at,
        door=[(0, REFUSED)],
        system=[(6, PULLING[0]), (30, line), (31, f"error creating container: {ERROR}No such image: {IMAGE}")],
    )

    bad, seconds = world.gives_up()

    assert seconds < 30 + SLACK
    assert (bad.owner, bad.final) == (owner, final)
    assert words in str(bad)


def test_a_crash_loop_is_found_early_and_quotes_the_container() -> None:
    world = World(
        door=[(0, REFUSED)],
        system=[(20 + 5 * number, BEGIN) for number in range(50)],
        container=[(21, "Traceback (most recent call last):"), (21, "KeyError: 'HF_TOKEN'"), (21, "")],
    )

    bad, seconds = world.gives_up()

    assert seconds < 20 + 15 + SLACK
    assert "begun again" in str(bad)
    assert str(bad).endswith("it last said: KeyError: 'HF_TOKEN'")
    assert (bad.owner, bad.final) == (Owner.IMAGE, False)


def test_a_key_that_is_refused_is_given_up_after_30_seconds_and_blames_the_image() -> None:
    world = World(door=[(0, REFUSED), (25, DENIED)])

    bad, seconds = world.gives_up()

    assert 25 + readiness.KEY_GRACE <= seconds < 25 + readiness.KEY_GRACE + SLACK
    assert "Permission denied" in str(bad)
    assert "PUBLIC_KEY" in str(bad)
    assert (bad.owner, bad.final) == (Owner.IMAGE, False)


def test_a_key_that_is_put_in_place_late_is_waited_for() -> None:
    world = World(door=[(0, REFUSED), (25, DENIED), (50, "in")])

    assert world.wait() < 55


def test_the_grace_begins_anew_when_the_server_went_away() -> None:
    world = World(door=[(0, REFUSED), (25, DENIED), (44, REFUSED), (49, DENIED), (75, "in")])

    assert world.wait() < 80


@pytest.mark.parametrize(
    ("door", "words"),
    [(REFUSED, "connection refused"), (SILENT, "the port takes connections, but no SSH server answers")],
)
def test_a_port_where_nobody_speaks_ssh_is_told_in_the_clients_words(door: str, words: str) -> None:
    world = World(door=[(0, door)], system=[(19, BEGIN)])

    bad, seconds = world.gives_up()

    assert 20 + 180 < seconds < 20 + 180 + 2 * SLACK
    assert f"nothing answers on its SSH port: {words}" in str(bad)
    assert world.phases[-1] == f"waiting for SSH: {words}"
    assert bad.owner is Owner.MACHINE


def test_a_short_wait_asks_the_client_at_its_end() -> None:
    bad, seconds = World(door=[(0, REFUSED)]).gives_up(ssh_timeout_seconds=3)

    assert seconds < 40
    assert "connection refused" in str(bad)


def test_no_port_after_running() -> None:
    bad, seconds = World(address_at=NEVER, system=[(19, BEGIN)]).gives_up()

    assert 20 + 180 < seconds < 20 + 180 + SLACK
    assert "no public SSH port 3m" in str(bad)
    assert bad.owner is Owner.MACHINE


def test_running_while_the_image_is_pulled_is_progress() -> None:
    """RunPod says RUNNING, and tells the address, long before the container begins."""
    world = World(door=[(0, REFUSED), (820, "in")], system=_pull(800, 40))

    assert 820 <= world.wait(ssh_timeout_seconds=3 * 60) < 825


def test_a_pull_that_stalls_while_running_is_told_as_such() -> None:
    world = World(door=[(0, REFUSED)], system=_pull(800, 40, stops_at=100))

    bad, seconds = world.gives_up(ssh_timeout_seconds=30)

    assert 100 + boot.NO_PROGRESS_LIMIT - 10 < seconds < 100 + boot.NO_PROGRESS_LIMIT + SLACK
    assert "still RUNNING" in str(bad)
    assert "pulling the image" in str(bad)


@pytest.mark.parametrize("log_fails", [lambda now: False, lambda now: now > 100])
def test_no_limit_is_shorter_than_the_ssh_timeout(log_fails: Callable[[float], bool]) -> None:
    """Not even where the log never says that the container began."""
    world = World(door=[(0, REFUSED), (1400, "in")], system=_pull(600, 9, stops_at=60), log_fails=log_fails)

    assert 1400 <= world.wait(ssh_timeout_seconds=1500) < 1405


def test_that_a_container_began_is_no_progress_when_it_may_be_old_news() -> None:
    world = World(door=[(0, REFUSED)], system=[(19, BEGIN)], log_fails=lambda now: now < 190)

    assert world.gives_up()[1] < 20 + 180 + SLACK


@pytest.mark.parametrize("address_at", [3.0, NEVER])
def test_a_short_wait_looks_into_the_log_before_it_gives_up(address_at: float) -> None:
    world = World(starting_at=1, running_at=3, address_at=address_at, door=[(0, REFUSED)], system=[(3, BEGIN)] * 3)

    bad, seconds = world.gives_up(ssh_timeout_seconds=2)

    assert seconds < boot.FIRST_READ
    assert "begun again" in str(bad)


def test_a_wait_for_ssh_that_is_short_costs_no_look_at_the_log() -> None:
    world = World(door=[(0, REFUSED), (26, "in")])

    world.wait()

    assert [at for at, source in world.reads if source == "system" and at >= 20] == []


def test_a_server_that_came_up_while_openssh_was_asked_is_no_reason() -> None:
    bad, _ = World(door=[(0, UNKNOWN_HOST)], system=[(19, BEGIN)]).gives_up()

    assert str(bad).endswith("nothing answers on its SSH port")


def test_an_address_that_moves_is_followed() -> None:
    world = World(door=[(0, REFUSED), (30, "in")], moves_at=30)

    assert 30 < world.wait() < 45


def test_a_longer_ssh_timeout_is_never_cut_short() -> None:
    world = World(running_at=1100, address_at=1100, door=[(0, REFUSED), (2000, "in")], system=_pull(1090, 40))

    assert world.wait(ssh_timeout_seconds=1000) < 2010


@pytest.mark.parametrize(
    ("line", "words", "owner"),
    [
        ("/start.sh: line 20: ssh: unrecognized service", "there is no sshd in the image", Owner.IMAGE),
        ("exec /start.sh: no such file or directory", "the start command cannot run", Owner.IMAGE),
        (f"256 {KEY.fingerprint} root@pod1 (ED25519)", "the machine does not pass the port on", Owner.MACHINE),
    ],
)
def test_the_container_tells_whose_fault_it_is_that_nobody_answers(line: str, words: str, owner: Owner) -> None:
    world = World(door=[(0, REFUSED)], system=[(19, BEGIN)], container=[(21, line)])

    bad, _ = world.gives_up()

    assert words in str(bad)
    assert bad.owner is owner


def test_a_pod_that_ends_says_why() -> None:
    why = f'error creating container: {ERROR}exec: "/start.sh": stat /start.sh: no such file or directory'
    known = World(running_at=NEVER, ends_as=(8, "ERROR"), system=[(6, why)])
    unknown = World(running_at=NEVER, ends_as=(8, "ERROR"), system=[(6, "error creating container: out of luck")])
    mute = World(running_at=NEVER, ends_as=(8, "ERROR"))

    assert "its status became ERROR while it was starting: the start command cannot run" in str(known.gives_up()[0])
    assert known.gives_up()[0].owner is Owner.IMAGE
    assert str(unknown.gives_up()[0]) == "its status became ERROR while it was starting: out of luck"
    assert str(mute.gives_up()[0]) == "its status became ERROR while it was starting"


def test_a_hostile_log_ends_up_short_and_plain_in_the_reason() -> None:
    line = "failed to pull image: manifest unknown \x1b]0;owned\x07\u202e" + "A" * 100_000
    bad, _ = World(running_at=NEVER, system=[(6, line)]).gives_up()

    assert len(str(bad)) < 400
