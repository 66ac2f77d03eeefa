"""The journal: what rp is about to do, and what became of it. SQLite, each fact synced before the next effect."""

import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rp import files
from rp.domain.attempt import OPEN, Attempt, State
from rp.domain.candidate import Candidate
from rp.domain.history import History, Step
from rp.errors import Busy, StateUnwritable
from rp.state import schema

_COLUMNS = (
    "name, deployment_id, cloud, region, gpu, count, price_per_hour, state, started_at, noted_at, ended_at, pod_id,"
    " reason"
)
# A pod's log has any length; what went wrong is at its end, and operations send that.
_LONGEST_STEP = 20_000
# Without letters and digits that look alike.
_ID_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
# From these on the window counts in which a pod may show up late.
_NOTED = (State.CREATED, State.UNCLEAR)
_ENDED = (State.KEPT, State.TERMINATED, State.REFUSED, State.ABSENT)


class Journal:
    def __init__(self, path: Path, locks: Path) -> None:
        self._path = path
        self._locks = locks
        self._connection: sqlite3.Connection | None = None
        # Threads share the connection; each statement has it alone.
        self._turn = threading.RLock()

    def fresh_id(self) -> str:
        """An id that no deployment has: its pods' names are found by it."""
        return "".join(secrets.choice(_ID_LETTERS) for _ in range(8))

    def begin(
        self, deployment_id: str, account: str, template: str, alias: str, tags: Mapping[str, str], now: float
    ) -> "Deployment":
        """A new deployment, locked by this process until `close`: nobody recovers it meanwhile. Raises Busy."""
        lock = _lock(self._lock_path(deployment_id))
        if lock is None:
            raise Busy(f"another rp holds the lock on deployment {deployment_id}")
        deployment = Deployment(self, deployment_id, account, lock)
        try:
            with self._turn, self._translated(), self._open() as connection:
                # Of two that want one alias at the same time, the second finds the first.
                connection.execute("BEGIN IMMEDIATE")
                if alias in self.live_aliases():
                    raise Busy(f"another rp is deploying `{alias}` right now", hint="choose another alias")
                connection.execute(
                    "INSERT INTO deployments (id, account, template, alias, tags, started_at)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (deployment_id, account, template, alias, json.dumps(dict(tags)), now),
                )
        except BaseException:
            deployment.close()
            raise
        return deployment

    def unfinished(self, account: str | None = None) -> tuple[str, ...]:
        """The ids of deployments without an end, or with an open attempt; of one account, or of all.

        Empty where there is no journal yet.
        """
        if not self.exists():
            return ()
        marks = ", ".join("?" for _ in OPEN)
        query = (
            "SELECT id FROM deployments WHERE (? IS NULL OR account = ?) AND (outcome = 'running' OR id IN"  # noqa: S608
            f" (SELECT deployment_id FROM attempts WHERE state IN ({marks}))) ORDER BY started_at"
        )
        return tuple(str(row[0]) for row in self.read(query, (account, account, *OPEN)))

    def in_flight(self) -> dict[str, str]:
        """Pod name → the alias it is about to get, of deploys whose process is alive."""
        if not self.exists():
            return {}
        aliases = self._live()
        rows = self.read(
            "SELECT attempts.name, deployment_id FROM attempts"
            " JOIN deployments ON deployments.id = deployment_id WHERE outcome = 'running'"
        )
        return {str(name): aliases[str(owner)] for name, owner in rows if owner in aliases}

    def live_aliases(self) -> frozenset[str]:
        """The aliases that deploys are about to take whose process is alive."""
        return frozenset(self._live().values()) if self.exists() else frozenset()

    def _live(self) -> dict[str, str]:
        """Deployment id → alias, of deploys whose process is alive."""
        running = self.read("SELECT id, alias FROM deployments WHERE outcome = 'running'")
        return {str(owner): str(alias) for owner, alias in running if self._is_live(str(owner))}

    def exists(self) -> bool:
        with files.writable(self._path):
            return self._path.exists()

    def _is_live(self, deployment_id: str) -> bool:
        path = self._lock_path(deployment_id)
        if not path.exists():
            return False
        lock = _lock(path)
        if lock is not None:
            os.close(lock)
        return lock is None

    def claim(self, deployment_id: str) -> "Deployment | None":
        """The deployment, locked; None while the process that runs or recovers it is alive."""
        lock = _lock(self._lock_path(deployment_id))
        if lock is None:
            return None
        account = self.read("SELECT account FROM deployments WHERE id = ?", (deployment_id,))[0][0]
        return Deployment(self, deployment_id, str(account), lock)

    def history(self, target: str) -> History | None:
        """The deployment of that id, or else the newest one for that alias or pod; without its looks."""
        if not self.exists():
            return None
        rows = self.read(
            "SELECT id, template, alias, outcome, started_at, ended_at FROM deployments WHERE id = ?1 OR alias = ?1"
            " OR id IN (SELECT deployment_id FROM attempts WHERE pod_id = ?1)"
            " ORDER BY id = ?1 DESC, started_at DESC LIMIT 1",
            (target,),
        )
        if not rows:
            return None
        deployment_id, template, alias, outcome, started_at, ended_at = rows[0]
        steps = self.read(
            "SELECT at, attempt, kind, text FROM steps WHERE deployment_id = ? ORDER BY rowid", (deployment_id,)
        )
        return History(
            deployment_id=str(deployment_id),
            template=str(template),
            alias=str(alias),
            outcome=str(outcome),
            started_at=float(str(started_at)),
            ended_at=None if ended_at is None else float(str(ended_at)),
            attempts=self.attempts(str(deployment_id)),
            steps=tuple(Step(float(str(at)), str(attempt), str(kind), str(text)) for at, attempt, kind, text in steps),
        )

    def deployments(self, most: int) -> tuple[tuple[str, str, str, float], ...]:
        """(id, alias, outcome, start) of the newest, newest first."""
        if not self.exists():
            return ()
        query = "SELECT id, alias, outcome, started_at FROM deployments ORDER BY started_at DESC LIMIT ?"
        return tuple((str(a), str(b), str(c), float(str(d))) for a, b, c, d in self.read(query, (most,)))

    def attempts(self, deployment_id: str, states: tuple[State, ...] = tuple(State)) -> tuple[Attempt, ...]:
        """Those in these states, in the order in which they were begun."""
        marks = ", ".join("?" for _ in states)
        rows = self.read(
            f"SELECT {_COLUMNS} FROM attempts WHERE deployment_id = ? AND state IN ({marks}) ORDER BY rowid",  # noqa: S608
            (deployment_id, *states),
        )
        return tuple(_attempt(row) for row in rows)

    def close(self) -> None:
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def read(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        with self._turn, self._translated():
            return self._open().execute(query, values).fetchall()

    def write(self, statement: str, values: tuple[object, ...]) -> None:
        """Returns once the change is on the disk."""
        with self._turn, self._translated(), self._open() as connection:
            connection.execute(statement, values)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            with files.writable(self._path):
                files.make_folder(self._path.parent)
                self._path.touch(mode=0o600)
            with files.locked(self._path):
                self._connection = schema.connect(self._path)
        return self._connection

    def _lock_path(self, deployment_id: str) -> Path:
        return self._locks / f"{deployment_id}.lock"

    @contextmanager
    def _translated(self) -> Iterator[None]:
        hint = "free some space, or make the folder yours and writable; RP_STATE_DIR moves it"
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise Busy(f"another rp holds the journal {self._path}", hint="try again once it is done") from error
            raise StateUnwritable(f"cannot use the journal {self._path}: {error}", hint=hint) from error
        except sqlite3.DatabaseError as error:
            raise files.unreadable(self._path, str(error)) from error


class Deployment:
    """One deployment, locked. Every method returns once the fact is on the disk."""

    def __init__(self, journal: Journal, deployment_id: str, account: str, lock: int | None) -> None:
        self._journal = journal
        self._lock = lock
        self.id = deployment_id
        self.account = account
        self.latest = ""
        # Attempts whose pods are being ended.
        self._taken: set[str] = set()
        self._turn = threading.Lock()

    def intend(self, name: str, candidate: Candidate, now: float) -> None:
        """Before the create: a pod of this name may exist from here on, and it is ours."""
        self._journal.write(
            f"INSERT INTO attempts ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, '')",  # noqa: S608
            (
                name,
                self.id,
                candidate.cloud,
                candidate.region,
                candidate.gpu.name,
                candidate.count,
                candidate.price_per_hour,
                State.CREATING,
                now,
                now,
            ),
        )
        self.latest = name

    def lane(self) -> "Lane":
        """This deployment for one of several that work on it at once."""
        return Lane(self)

    def record(self, name: str, state: State, now: float, *, pod_id: str | None = None, reason: str = "") -> None:
        """What became of the attempt `name`. A reason given before stays where none is given now."""
        self._journal.write(
            "UPDATE attempts SET state = ?, ended_at = ?, noted_at = COALESCE(?, noted_at),"
            " pod_id = COALESCE(?, pod_id), reason = COALESCE(NULLIF(?, ''), reason) WHERE name = ?",
            (
                state,
                now if state in _ENDED else None,
                now if state in _NOTED else None,
                pod_id,
                # An answer may hold half a character, which no text file takes.
                reason.encode("utf-8", "replace").decode(),
                name,
            ),
        )

    def tell(self, attempt: str, kind: str, text: str, now: float) -> None:
        """A step for `rp why`; `attempt` is a pod's name, or empty."""
        self._journal.write(
            "INSERT INTO steps (deployment_id, attempt, at, kind, text) VALUES (?, ?, ?, ?, ?)",
            (self.id, attempt, now, kind, text[:_LONGEST_STEP].encode("utf-8", "replace").decode()),
        )

    def take(self, name: str) -> bool:
        """Whether the caller may end this attempt's pod: one lane at a time."""
        with self._turn:
            is_free = name not in self._taken
            self._taken.add(name)
            return is_free

    def put_back(self, name: str) -> None:
        """It was taken: whoever comes next may look after it."""
        with self._turn:
            self._taken.discard(name)

    def attempts(self) -> tuple[Attempt, ...]:
        """In the order in which they were begun."""
        return self._journal.attempts(self.id)

    def open_attempts(self) -> tuple[Attempt, ...]:
        return self._journal.attempts(self.id, OPEN)

    def finish(self, outcome: str, now: float) -> None:
        """`ready`, `failed` or `interrupted`: the first word on it stays."""
        self._journal.write(
            "UPDATE deployments SET outcome = ?, ended_at = ? WHERE id = ? AND outcome = 'running'",
            (outcome, now, self.id),
        )

    def close(self) -> None:
        """Give up the lock; what is still open is then anyone's to recover."""
        if self._lock is not None:
            self._journal._lock_path(self.id).unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None


class Lane(Deployment):
    """One of several who work on a deployment: what is open there is what this one began; the lock is another's."""

    def __init__(self, whole: Deployment) -> None:
        super().__init__(whole._journal, whole.id, whole.account, None)
        self._taken, self._turn = whole._taken, whole._turn
        self._begun: set[str] = set()

    def intend(self, name: str, candidate: Candidate, now: float) -> None:
        self._begun.add(name)
        super().intend(name, candidate, now)

    def open_attempts(self) -> tuple[Attempt, ...]:
        return tuple(attempt for attempt in super().open_attempts() if attempt.name in self._begun)


def _attempt(row: tuple[object, ...]) -> Attempt:
    names = [column.strip() for column in _COLUMNS.split(",")]
    values = dict(zip(names, row, strict=True))
    values["state"] = State(str(values["state"]))
    return Attempt(**values)  # type: ignore[arg-type]


def _lock(path: Path) -> int | None:
    """The descriptor of a lock that the kernel drops with the process; None where another holds it."""
    with files.writable(path):
        files.make_folder(path.parent)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        files.flock(descriptor, path)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except StateUnwritable:
        os.close(descriptor)
        raise
    # Its last holder may have removed the file between our open and our lock.
    if not path.exists() or os.fstat(descriptor).st_ino != path.stat().st_ino:
        os.close(descriptor)
        return None
    return descriptor
