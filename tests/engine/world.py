"""One user's deploys on simulated time: the real engine and the real stores, a RunPod in memory."""

from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from engine.fakes import FakeClock, FakeCloud, FakeRemote, NoCache, NoImages
from engine.stage import Stage
from rp.domain.attempt import Attempt
from rp.domain.host import Failure, Marks
from rp.domain.spec import Spec
from rp.domain.template import Container, Health, Template
from rp.errors import Interrupted, RpError
from rp.operations import deploy, ending, preflight
from rp.operations.events import Event
from rp.operations.ports import Ports
from rp.operations.recover import recover
from rp.operations.results import Deployed, Plan
from rp.state.aliases import Aliases
from rp.state.hosts import Hosts
from rp.state.journal import Journal
from rp.state.looks import Looks
from rp.state.templates import Templates

TEMPLATE = Template(
    name="t",
    gpu_preference=("GPU", "OTHER"),
    container=Container("image:1"),
    health=Health(smoke_commands=("check",), max_retries=1, retry_backoff_seconds=1, level="off"),
)
# The machine that `same` creates land on.
SAME = "00000000"


class World:
    def __init__(self, folder: Path) -> None:
        self.journal = Journal(folder / "rp.db", folder / "locks")
        self.clock = FakeClock()
        self.began = self.clock.time
        self.stage = Stage(self.clock)
        self.cloud = FakeCloud(self.clock)
        # Nobody hears of a cancellation in here, as in a look at a pod.
        self.cloud.sleep = self.stage.sleep
        self.hosts = Hosts(self.journal)
        self.aliases = Aliases(folder / "pods.json")
        self.remote = FakeRemote(self.cloud)
        kept = (self.aliases, Templates(folder / "templates.json"), self.journal, Looks(self.journal), self.hosts)
        outside = (self.cloud, self.remote, *kept, self.stage, self.stage, NoCache(), NoImages())
        self.ports = Ports("mine", *cast("Any", outside))
        self.template = TEMPLATE
        self.events: list[Event] = []

    def plan(self, alias: str = "my-pod", **how: Any) -> Plan:
        return replace(preflight.prepare(Spec(self.template), alias, force=True, ports=self.ports), **how)

    def deploy(self, *creates: str, **how: Any) -> Deployed:
        """`how` is what a plan has beside the template: race, wait."""
        self.cloud.on_create = list(creates)
        deployed: Deployed = self.follow(deploy.deploy(self.plan(**how), self.ports))
        return deployed

    def try_to_deploy(self, *creates: str, **how: Any) -> None:
        with suppress(RpError):
            self.deploy(*creates, **how)

    def deploy_until(self, enough: Callable[[], bool], *creates: str, **how: Any) -> None:
        """Interrupt it once it is `enough`."""
        self.cloud.on_create = list(creates)
        events = deploy.deploy(self.plan(**how), self.ports)
        try:
            while not enough():
                self.events.append(next(events))
            events.throw(Interrupted("SIGINT"))
        except Interrupted:
            return
        raise AssertionError("it was not interrupted")

    def follow(self, events: Generator[Event, None, Any]) -> Any:
        while True:
            try:
                self.events.append(next(events))
            except StopIteration as end:
                return end.value

    def settle(self) -> None:
        """What later commands do, until everything that may show up late has done so."""
        for _ in range(2):
            self.follow(recover(self.ports, everything=True))
            self.stage.sleep(ending.SETTLE_SECONDS + 1)
        self.follow(recover(self.ports, everything=True))

    def remember(self, days_ago: float = 1.0) -> None:
        """The machine that `same` creates land on failed before."""
        host = self.hosts.saw(Marks(proxy=SAME), "GPU", "EU", self.clock.now())
        assert host is not None
        self.hosts.failed(host, Failure(self.clock.now() - days_ago * 86_400, "old", "its GPU is gone"))

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Of the newest deployment."""
        (newest, *_) = self.journal.deployments(1)
        return self.journal.attempts(newest[0])

    @property
    def alive(self) -> list[str | None]:
        return [pod.proxy_host for pod in self.cloud.pods_by_id.values()]

    def told(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]
