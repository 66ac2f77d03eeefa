"""The machines that pods landed on, and what went wrong there: kept in the journal."""

import json

from rp.domain.host import Failure, Host, Marks, likeness, merged
from rp.errors import NotFound
from rp.state.journal import Journal

_COLUMNS = "id, address, proxy, gpus, gpu, place, seen_at, trusted_at"


class Hosts:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def all(self) -> tuple[Host, ...]:
        """The one seen last comes first; none where there is no journal."""
        if not self._journal.exists():
            return ()
        failures: dict[object, list[Failure]] = {}
        for host_id, at, pod_id, reason in self._journal.read(
            "SELECT host_id, at, pod_id, reason FROM failures ORDER BY at"
        ):
            failures.setdefault(host_id, []).append(Failure(float(str(at)), str(pod_id), str(reason)))
        rows = self._journal.read(f"SELECT {_COLUMNS} FROM hosts ORDER BY seen_at DESC, id DESC")  # noqa: S608
        return tuple(_host(row, tuple(failures.get(row[0], ()))) for row in rows)

    def matching(self, marks: Marks) -> tuple[Host, ...]:
        """The machine with these marks; several where nothing tells them apart. Only the surest matches count."""
        likenesses = [(likeness(host.marks, marks), host) for host in self.all()]
        best = max((sure for sure, _ in likenesses), default=0)
        return tuple(host for sure, host in likenesses if sure == best and best > 0)

    def saw(self, marks: Marks, gpu: str, place: str, now: float) -> Host | None:
        """Keep what is known of a machine; None where nothing is."""
        if not marks:
            return None
        known = next((host for host in self.matching(marks) if _may_be_completed(host.marks, marks)), None)
        if known is None:
            self._journal.write(
                "INSERT INTO hosts (address, proxy, gpus, gpu, place, seen_at) VALUES (?, ?, ?, ?, ?, ?)",
                (marks.address, marks.proxy, _gpus(marks), gpu, place, now),
            )
        else:
            all_marks = merged(known.marks, marks)
            self._journal.write(
                "UPDATE hosts SET address = ?, proxy = ?, gpus = ?, gpu = ?, place = ?, seen_at = ? WHERE id = ?",
                (all_marks.address, all_marks.proxy, _gpus(all_marks), gpu, place, now, known.id),
            )
        return next(iter(self.matching(marks)), None)

    def failed(self, host: Host, failure: Failure) -> None:
        """Hold it against the machine: once a pod, however often it is looked at."""
        self._journal.write("DELETE FROM failures WHERE host_id = ? AND pod_id = ?", (host.id, failure.pod_id))
        self._journal.write(
            "INSERT INTO failures (host_id, at, pod_id, reason) VALUES (?, ?, ?, ?)",
            (host.id, failure.at, failure.pod_id, failure.reason.encode("utf-8", "replace").decode()),
        )

    def trust(self, host_id: int, now: float) -> None:
        """What failed so far does not count any more; raises NotFound."""
        self._check(host_id)
        self._journal.write("UPDATE hosts SET trusted_at = ? WHERE id = ?", (now, host_id))

    def forget(self, host_id: int) -> None:
        """Raises NotFound."""
        self._check(host_id)
        self._journal.write("DELETE FROM hosts WHERE id = ?", (host_id,))

    def _check(self, host_id: int) -> None:
        if all(host.id != host_id for host in self.all()):
            raise NotFound(f"no machine has the number {host_id}", hint="`rp hosts list` shows them")


def _may_be_completed(known: Marks, seen: Marks) -> bool:
    """Whether what is seen now may be added: an address alone is too weak to give a machine a new proxy or GPUs."""
    return likeness(known, seen) > 1 or not (seen.proxy or seen.gpus)


def _gpus(marks: Marks) -> str:
    return json.dumps(sorted(marks.gpus))


def _host(row: tuple[object, ...], failures: tuple[Failure, ...]) -> Host:
    host_id, address, proxy, gpus, gpu, place, seen_at, trusted_at = row
    return Host(
        id=int(str(host_id)),
        marks=Marks(
            str(address) if address is not None else None,
            str(proxy) if proxy is not None else None,
            frozenset(json.loads(str(gpus))),
        ),
        gpu=str(gpu),
        place=str(place),
        seen_at=float(str(seen_at)),
        trusted_at=float(str(trusted_at)) if trusted_at is not None else None,
        failures=failures,
    )
