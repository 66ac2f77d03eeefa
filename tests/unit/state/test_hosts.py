from pathlib import Path

import pytest

from rp.domain.host import Failure, Host, Marks
from rp.errors import NotFound
from rp.state.hosts import Hosts
from rp.state.journal import Journal


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    return Hosts(Journal(tmp_path / "rp.db", tmp_path / "locks"))


def test_nothing_is_made_by_looking(tmp_path: Path, hosts: Hosts) -> None:
    assert hosts.all() == ()
    assert hosts.matching(Marks("192.0.2.1")) == ()
    assert list(tmp_path.iterdir()) == []


def test_a_machine_is_one_whatever_tells_it(hosts: Hosts) -> None:
    first = hosts.saw(Marks("192.0.2.1", "64411eb2"), "GPU", "EU-RO-1", 1.0)
    second = hosts.saw(Marks("192.0.2.7", "64411eb2", frozenset({"GPU-1"})), "GPU", "EU-RO-1", 2.0)
    third = hosts.saw(Marks(None, None, frozenset({"GPU-1", "GPU-2"})), "GPU", "EU-RO-1", 3.0)

    assert first is not None
    assert second is not None
    assert third is not None
    assert first.id == second.id == third.id
    assert hosts.all() == (third,)
    assert third.marks == Marks("192.0.2.7", "64411eb2", frozenset({"GPU-1", "GPU-2"}))
    assert third.seen_at == 3.0


def test_machines_behind_one_address_are_told_apart(hosts: Hosts) -> None:
    hosts.saw(Marks("192.0.2.1", "64411eb2"), "GPU", "EU-RO-1", 1.0)
    hosts.saw(Marks("192.0.2.1", "64411eb3"), "GPU", "EU-RO-1", 2.0)

    assert len(hosts.all()) == 2
    assert [host.marks.proxy for host in hosts.matching(Marks("192.0.2.1", "64411eb2"))] == ["64411eb2"]


def test_the_surest_match_is_the_machine(hosts: Hosts) -> None:
    """An address that was another machine's before says less than GPUs do."""
    hosts.saw(Marks("192.0.2.2", None, frozenset({"GPU-1"})), "GPU", "EU-RO-1", 1.0)
    hosts.saw(Marks("192.0.2.1"), "GPU", "EU-RO-1", 2.0)

    (found,) = hosts.matching(Marks("192.0.2.1", None, frozenset({"GPU-1"})))

    assert found.marks.gpus == {"GPU-1"}


def test_other_gpus_of_a_machine_do_not_hide_its_failure(hosts: Hosts) -> None:
    bad = hosts.saw(Marks(None, "64411eb2", frozenset({"GPU-0"})), "GPU", "EU-RO-1", 1.0)
    assert bad is not None
    hosts.failed(bad, Failure(1.0, "p1", "its GPU is gone"))

    hosts.saw(Marks(None, "64411eb2", frozenset({"GPU-3"})), "GPU", "EU-RO-1", 2.0)

    (found,) = hosts.matching(Marks(None, "64411eb2"))
    assert found.marks.gpus == {"GPU-0", "GPU-3"}
    assert len(found.recent(3.0)) == 1


def test_an_address_is_too_weak_to_give_a_machine_new_marks(hosts: Hosts) -> None:
    _failed(hosts)

    hosts.saw(Marks("192.0.2.1", None, frozenset({"GPU-1"})), "GPU", "EU-RO-1", 3.0)

    assert len(hosts.all()) == 2
    assert [host.recent(4.0) for host in hosts.matching(Marks("192.0.2.9", None, frozenset({"GPU-1"})))] == [()]


def test_a_pod_counts_once_however_often_it_is_looked_at(hosts: Hosts) -> None:
    host = _failed(hosts)
    hosts.failed(host, Failure(9.0, "p1", "still gone"))

    assert [failure.reason for failure in hosts.all()[0].failures] == ["still gone"]


def test_a_sight_of_nothing_is_no_machine(hosts: Hosts) -> None:
    assert hosts.saw(Marks(), "GPU", "EU-RO-1", 1.0) is None
    assert hosts.all() == ()


def _failed(hosts: Hosts, reason: str = "its GPU is gone") -> Host:
    host = hosts.saw(Marks("192.0.2.1"), "GPU", "EU-RO-1", 1.0)
    assert host is not None
    hosts.failed(host, Failure(2.0, "p1", reason))
    return host


def test_failures_are_kept(hosts: Hosts) -> None:
    _failed(hosts, "half a character: \ud800")

    (host,) = hosts.all()
    assert [failure.pod_id for failure in host.recent(3.0)] == ["p1"]
    assert host.failures[0].reason == "half a character: ?"


def test_trust_and_forget(hosts: Hosts) -> None:
    host = _failed(hosts)

    hosts.trust(host.id, 3.0)
    assert hosts.all()[0].recent(4.0) == ()
    assert len(hosts.all()[0].failures) == 1
    hosts.forget(host.id)
    assert hosts.all() == ()
    with pytest.raises(NotFound, match="no machine has the number"):
        hosts.trust(host.id, 5.0)
    with pytest.raises(NotFound, match="no machine has the number"):
        hosts.forget(host.id)
    # Its failures went with it: a new machine of that number starts clean.
    hosts.saw(Marks("192.0.2.1"), "GPU", "EU-RO-1", 6.0)
    assert hosts.all()[0].failures == ()
