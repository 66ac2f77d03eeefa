"""What operations need of the outside, by the methods they call. Adapters satisfy it by having them."""

# Types only: a command loads what it runs, not what its neighbours do.
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from rp.domain.attempt import Attempt, State
    from rp.domain.candidate import Candidate
    from rp.domain.catalog import Catalog, DataCenter
    from rp.domain.history import History, Look
    from rp.domain.host import Failure, Host, Marks
    from rp.domain.host_keys import HostKey
    from rp.domain.identity import Identity
    from rp.domain.image import ImageFacts, Reference
    from rp.domain.network_volume import NetworkVolume
    from rp.domain.pod import Endpoint, Pod
    from rp.domain.remote import Completed
    from rp.domain.request import PodRequest
    from rp.domain.runpod_template import RunPodTemplate
    from rp.domain.template import Template
    from rp.domain.verdict import Report

T = TypeVar("T")


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch: for records."""

    def monotonic(self) -> float:
        """Seconds that never jump: for limits."""

    def sleep(self, seconds: float) -> None: ...


class Cloud(Protocol):
    """RunPod. Every method raises ApiError."""

    def create(self, request: PodRequest) -> Pod: ...
    def pods(self) -> tuple[Pod, ...]: ...
    def pod(self, pod_id: str) -> Pod: ...
    def terminate(self, pod_id: str) -> None: ...
    def stop(self, pod_id: str) -> Pod: ...
    def log_lines(
        self, pod_id: str, *, source: str, tail: int, quiet_after: float, at_most: float
    ) -> Iterator[str]: ...
    def gpus(self, cloud: str, *, count: int, min_cuda: str | None = None, cudas: tuple[str, ...] = ()) -> Catalog:
        """GPU types, and the stock of one cloud for pods of `count` GPUs; without data centers."""

    def data_centers(self) -> tuple[DataCenter, ...]: ...
    def ssh_keys(self) -> tuple[str, ...]: ...
    def network_volume(self, volume_id: str) -> NetworkVolume: ...
    def registry_ids(self) -> tuple[str, ...]:
        """Of the account's credentials for image registries."""

    def template(self, template_id: str) -> RunPodTemplate: ...
    def templates(self) -> tuple[RunPodTemplate, ...]: ...
    def catalog_templates(self, source: str) -> tuple[RunPodTemplate, ...]: ...


class Session(Protocol):
    """A connection to one pod. Commands have the pod's environment."""

    def run(self, command: str, *, timeout: float, stdin: bytes = b"", most: int = ...) -> Completed:
        """`most` bytes of the output's end are kept."""

    def run_script(self, script: Path) -> Iterator[str | None]:
        """Its lines, None where it is quiet for a moment. Raises CommandFailed."""

    def close(self) -> None: ...


class Remote(Protocol):
    """OpenSSH on this machine."""

    def identity(self) -> Identity: ...
    def answers(self, endpoint: Endpoint) -> bool: ...
    def host_keys(self, endpoint: Endpoint) -> tuple[HostKey, ...]: ...
    def pin(self, pod_id: str, keys: Iterable[HostKey]) -> None: ...
    def open_session(self, pod_id: str, endpoint: Endpoint, key: Identity) -> Session:
        """Raises NoSession."""

    def prepare(self) -> str | None: ...
    def publish(self, alias: str, pod_id: str, endpoint: Endpoint, key: Identity) -> None: ...
    def withdraw(self, alias: str) -> None: ...
    def forget(self, pod_id: str) -> None: ...
    def setup_scripts(self) -> tuple[Path | None, Path | None]: ...
    def run_local_setup(self, script: Path, alias: str) -> Iterator[str | None]:
        """Its lines, None where it is quiet for a moment. Raises CommandFailed."""


class Aliases(Protocol):
    def all(self) -> dict[str, str]: ...
    def get(self, alias: str) -> str | None: ...
    def put(self, alias: str, pod_id: str, *, replace: bool = False) -> str | None: ...
    def remove(self, alias: str, *, only_if: str | None = None) -> str: ...
    def check_writable(self) -> None: ...


class Templates(Protocol):
    def get(self, name: str) -> Template: ...
    def put(self, template: Template, *, replace: bool) -> None: ...
    def put_raw(self, documents: Mapping[str, Any], *, replace: bool) -> None: ...


class Deployment(Protocol):
    """A deployment that this process holds the lock of."""

    id: str
    account: str
    # The attempt that was begun last; empty before the first.
    latest: str

    def intend(self, name: str, candidate: Candidate, now: float) -> None: ...
    def record(self, name: str, state: State, now: float, *, pod_id: str | None = None, reason: str = "") -> None: ...
    def lane(self) -> Deployment:
        """The same for one of several that work on it at once: only what it began itself is open there."""

    def take(self, name: str) -> bool:
        """Whether the caller may end this attempt's pod: one lane at a time."""

    def put_back(self, name: str) -> None:
        """It was taken: whoever comes next may look after it."""

    def attempts(self) -> tuple[Attempt, ...]: ...
    def open_attempts(self) -> tuple[Attempt, ...]: ...
    def tell(self, attempt: str, kind: str, text: str, now: float) -> None: ...
    def finish(self, outcome: str, now: float) -> None: ...
    def close(self) -> None: ...


class Journal(Protocol):
    def fresh_id(self) -> str: ...
    def begin(
        self, deployment_id: str, account: str, template: str, alias: str, tags: Mapping[str, str], now: float
    ) -> Deployment: ...
    def unfinished(self, account: str | None = None) -> tuple[str, ...]: ...
    def claim(self, deployment_id: str) -> Deployment | None: ...
    def in_flight(self) -> dict[str, str]: ...
    def live_aliases(self) -> frozenset[str]: ...
    def history(self, target: str) -> History | None: ...
    def deployments(self, most: int) -> tuple[tuple[str, str, str, float], ...]: ...


class LooksKept(Protocol):
    """What health checks found."""

    def add(self, pod_id: str, report: Report, now: float) -> None: ...
    def of(self, pod_id: str) -> tuple[Look, ...]: ...


class Hosts(Protocol):
    """The machines that pods landed on."""

    def all(self) -> tuple[Host, ...]: ...
    def matching(self, marks: Marks) -> tuple[Host, ...]: ...
    def saw(self, marks: Marks, gpu: str, place: str, now: float) -> Host | None: ...
    def failed(self, host: Host, failure: Failure) -> None: ...
    def trust(self, host_id: int, now: float) -> None:
        """Raises NotFound."""

    def forget(self, host_id: int) -> None:
        """Raises NotFound."""


class Workers(Protocol):
    """Threads of this process."""

    def together(self, jobs: Sequence[Callable[[], T]]) -> list[T]:
        """What the jobs return, in their order; the first error in that order is raised."""

    def make_room(self, jobs: int) -> None:
        """Prepare the process for that many deploys side by side."""

    def start(self, job: Callable[[], None]) -> None:
        """Run `job` beside the caller. It must not raise; it does not outlive the process."""

    def wait(self, seconds: float) -> None:
        """Until somebody rings, at most `seconds`."""

    def ring(self) -> None: ...


class CatalogCache(Protocol):
    """What RunPod told of its catalog lately, on the disk; what cannot be read is as if it were not there."""

    def data_centers(self, now: float) -> tuple[DataCenter, ...] | None:
        """None where they are older than a day, or not known."""

    def put_data_centers(self, found: tuple[DataCenter, ...], now: float) -> None: ...
    def gpus(self, key: str, now: float) -> Catalog | None:
        """What one read of GPU types told, None where that is more than seconds ago."""

    def put_gpus(self, key: str, found: Catalog, now: float) -> None: ...
    def names(self, now: float) -> Catalog | None:
        """GPU types and data centers without stock; None where they are older than a day, or not known."""


class Images(Protocol):
    """Image registries, as anybody sees them."""

    def facts(self, reference: Reference, now: float) -> ImageFacts | None:
        """None where that is not told: a private image, no answer in about two seconds, or nobody is asked."""


@dataclass(frozen=True)
class Ports:
    """The outside, handed to an operation. `account` tells one key at one address from another."""

    account: str
    cloud: Cloud
    remote: Remote
    aliases: Aliases
    templates: Templates
    journal: Journal
    looks: LooksKept
    hosts: Hosts
    clock: Clock
    workers: Workers
    catalogs: CatalogCache
    images: Images
    # Deploys of this run that go on side by side: what nobody needs at once is asked for less often.
    crowd: int = 1
