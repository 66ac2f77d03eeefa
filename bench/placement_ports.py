"""What rp's engine needs beside RunPod: its journal is the real one, the rest is there and does nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine.fakes import NoCache, NoImages
from placement_world import KEY, World
from rp.domain.catalog import DataCenter
from rp.domain.host_keys import HostKey
from rp.domain.identity import Identity
from rp.domain.pod import Endpoint
from rp.domain.remote import Completed
from rp.operations.ports import Ports
from rp.state.journal import Journal


class SeededJournal(Journal):
    """The real one, in a folder of its own; ids repeat from run to run, and with them what is derived from them."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder / "rp.db", folder / "locks")
        self._ids = (f"{seed}n{number}" for number in count())

    def fresh_id(self) -> str:
        return next(self._ids)


@contextmanager
def journal_of(seed: int) -> Iterator[SeededJournal]:
    """In memory where the system has a file system there: nothing of it is to outlive a power loss."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder with a name of its own is made in it
    with TemporaryDirectory(prefix="rp-bench-", dir=memory if memory.is_dir() else None) as folder:
        journal = SeededJournal(Path(folder), seed)
        yield journal
        journal.close()


class Session:
    """The smoke command fails on a bad pod."""

    def __init__(self, *, bad: bool) -> None:
        self._status = int(bad)

    def run(self, *_: object, **__: object) -> Completed:
        return Completed(self._status, "")

    def close(self) -> None:
        pass


class Remote(NoCache):
    """An OpenSSH that reaches whatever has an address; what is not here is done at once, and to no effect."""

    def __init__(self, world: World) -> None:
        self._world = world

    def identity(self) -> Identity:
        return Identity("ssh-ed25519 AAAA bench", None)

    def answers(self, _: Endpoint) -> bool:
        return True

    def host_keys(self, _: Endpoint) -> tuple[HostKey, ...]:
        return (KEY,)

    def open_session(self, pod_id: str, *_: object) -> Session:
        return Session(bad=bool(self._world.pods_by_id[pod_id].env))

    def setup_scripts(self) -> tuple[None, None]:
        return None, None


class MemoryAliases(dict[str, str]):
    def all(self) -> dict[str, str]:
        return dict(self)

    def put(self, alias: str, pod_id: str, **_: object) -> str | None:
        before = self.get(alias)
        self[alias] = pod_id
        return before

    def check_writable(self) -> None:
        pass


class DayCache(NoCache):
    """Names are kept for longer than any deploy takes; at its beginning nothing is known."""

    def __init__(self) -> None:
        self._data_centers: tuple[DataCenter, ...] | None = None

    def data_centers(self, _: float) -> tuple[DataCenter, ...] | None:
        return self._data_centers

    def put_data_centers(self, found: tuple[DataCenter, ...], _: float) -> None:
        self._data_centers = found


class NoHosts(NoCache):
    """No machine failed before."""

    def matching(self, _: object) -> tuple[()]:
        return ()


def ports_of(world: World, journal: SeededJournal) -> Ports:
    outside: Any = (
        *(world, Remote(world), MemoryAliases(), NoCache(), journal),
        *(NoCache(), NoHosts(), world.clock, world.clock, DayCache(), NoImages()),
    )
    return Ports("bench", *outside)
