import re
import sqlite3
from pathlib import Path

import pytest

from rp.domain.attempt import OPEN, State
from rp.domain.candidate import Candidate
from rp.domain.catalog import GpuType, Stock
from rp.domain.history import Step
from rp.errors import Busy, StateUnreadable, StateUnwritable
from rp.state import schema
from rp.state.hosts import Hosts
from rp.state.journal import Journal
from rp.state.looks import Looks
from unit import processes

CANDIDATE = Candidate("SECURE", "EU", ("EU-RO-1",), GpuType("NVIDIA H", "H", 80), 2, 6.5, Stock.LOW)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return _journal(tmp_path)


def _journal(folder: Path) -> Journal:
    return Journal(folder / "rp.db", folder / "locks")


def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    assert _journal(tmp_path).unfinished() == ()
    assert _journal(tmp_path).live_aliases() == frozenset()
    assert list(tmp_path.iterdir()) == []


def test_an_attempt_is_open_from_its_intent_to_its_end(journal: Journal) -> None:
    deployment = journal.begin("d1", "account", "sd", "my-pod", {"a": "b"}, 100.0)
    deployment.intend("rp-d1-1", CANDIDATE, 101.0)

    (attempt,) = deployment.attempts()
    assert (attempt.name, attempt.deployment_id, attempt.state) == ("rp-d1-1", "d1", State.CREATING)
    assert (attempt.cloud, attempt.region, attempt.gpu, attempt.count) == ("SECURE", "EU", "H", 2)
    assert (attempt.price_per_hour, attempt.started_at, attempt.ended_at) == (6.5, 101.0, None)
    assert (attempt.pod_id, attempt.reason) == (None, "")
    assert journal.unfinished() == ("d1",)
    deployment.record("rp-d1-1", State.CREATED, 102.0, pod_id="p1")
    deployment.record("rp-d1-1", State.TERMINATING, 103.0, reason="SSH never came")
    deployment.record("rp-d1-1", State.TERMINATED, 104.0)

    (attempt,) = deployment.attempts()
    assert (attempt.pod_id, attempt.reason, attempt.state) == ("p1", "SSH never came", State.TERMINATED)
    assert attempt.ended_at == 104.0
    assert journal.unfinished() == ("d1",)
    deployment.finish("ready", 105.0)
    assert journal.unfinished() == ()
    deployment.close()
    journal.close()


@pytest.mark.parametrize("state", State)
def test_exactly_the_open_states_are_unfinished(journal: Journal, state: State) -> None:
    deployment = journal.begin("d1", "account", "sd", "my-pod", {}, 1.0)
    deployment.intend("rp-d1-1", CANDIDATE, 1.0)
    deployment.record("rp-d1-1", state, 2.0)
    deployment.finish("failed", 3.0)

    assert journal.unfinished() == (("d1",) if state in OPEN else ())
    assert [one.state for one in deployment.open_attempts()] == ([state] if state in OPEN else [])
    assert (deployment.attempts()[0].ended_at is None) is (state in OPEN)
    deployment.close()
    journal.close()


def test_attempts_come_in_the_order_in_which_they_were_begun(journal: Journal) -> None:
    deployment = journal.begin("d1", "account", "sd", "my-pod", {}, 1.0)
    for name in ("rp-d1-2", "rp-d1-10", "rp-d1-1"):
        deployment.intend(name, CANDIDATE, 1.0)

    assert [one.name for one in deployment.attempts()] == ["rp-d1-2", "rp-d1-10", "rp-d1-1"]
    deployment.close()
    journal.close()


def test_the_alias_of_a_deployment_is_taken_until_its_end(journal: Journal) -> None:
    deployment = journal.begin("d1", "account", "sd", "my-pod", {}, 1.0)
    assert journal.live_aliases() == {"my-pod"}

    deployment.finish("ready", 2.0)

    assert journal.live_aliases() == frozenset()
    deployment.close()
    journal.close()


def test_only_a_live_process_holds_an_alias(journal: Journal) -> None:
    deployment = journal.begin("d1", "account", "sd", "my-pod", {}, 1.0)
    deployment.close()

    assert journal.live_aliases() == frozenset()
    assert journal.unfinished() == ("d1",)
    journal.close()


def test_another_account_has_nothing_to_do_with_it(journal: Journal) -> None:
    journal.begin("d1", "mine", "sd", "my-pod", {}, 1.0).close()

    assert journal.unfinished("theirs") == ()
    assert journal.unfinished("mine") == ("d1",)
    journal.close()


def test_the_first_word_on_a_deployment_stays(journal: Journal) -> None:
    deployment = journal.begin("d1", "account", "sd", "my-pod", {}, 1.0)
    deployment.finish("ready", 2.0)
    deployment.finish("interrupted", 3.0)

    assert journal.read("SELECT outcome, ended_at FROM deployments") == [("ready", 2.0)]
    deployment.close()
    journal.close()


def test_facts_are_there_for_another_process_at_once(journal: Journal, tmp_path: Path) -> None:
    deployment = journal.begin("d1", "account", "sd", "my-pod", {}, 1.0)
    deployment.intend("rp-d1-1", CANDIDATE, 1.0)
    other = _journal(tmp_path)

    assert other.unfinished() == ("d1",)
    deployment.close()
    journal.close()
    other.close()


def test_a_running_deployment_cannot_be_claimed_or_begun_again(journal: Journal, tmp_path: Path) -> None:
    deployment = journal.begin("d1", "account", "sd", "my-pod", {}, 1.0)
    other = _journal(tmp_path)

    assert other.claim("d1") is None
    with pytest.raises(Busy):
        other.begin("d1", "account", "sd", "my-pod", {}, 1.0)
    deployment.close()
    claimed = other.claim("d1")
    assert claimed is not None
    assert (claimed.id, claimed.account) == ("d1", "account")
    claimed.close()
    journal.close()
    other.close()


def test_close_twice_is_close_once(journal: Journal) -> None:
    deployment = journal.begin("d1", "account", "sd", "my-pod", {}, 1.0)
    deployment.close()
    claimed = journal.claim("d1")
    deployment.close()

    assert claimed is not None
    assert journal.claim("d1") is None
    claimed.close()
    journal.close()


PRELUDE = """
import sys
from pathlib import Path
from rp.domain.candidate import Candidate
from rp.domain.catalog import GpuType, Stock
from rp.state.journal import Journal
folder = Path(sys.argv[1])
journal = Journal(folder / "rp.db", folder / "locks")
candidate = Candidate("SECURE", "EU", (), GpuType("G", "G", 80), 1, 1.0, Stock.LOW)
"""
DEPLOYER = """
deployment = journal.begin("d1", "account", "sd", "my-pod", {}, 1.0)
deployment.intend("rp-d1-1", candidate, 1.0)
print("locked", flush=True)
sys.stdin.read()
"""


def test_kill_9_leaves_the_intent_and_drops_the_lock(journal: Journal, tmp_path: Path) -> None:
    deployer = processes.start(PRELUDE + DEPLOYER, str(tmp_path))
    assert processes.next_line(deployer) == "locked"
    assert journal.unfinished() == ("d1",)
    assert journal.claim("d1") is None

    processes.kill(deployer)

    claimed = journal.claim("d1")
    assert claimed is not None
    assert [(one.name, one.state) for one in claimed.open_attempts()] == [("rp-d1-1", State.CREATING)]
    claimed.close()
    journal.close()


CLAIMER = """
sys.stdin.readline()
mine = []
for number in range(40):
    deployment = journal.claim(f"d{number}")
    if deployment and deployment.open_attempts():
        deployment.record(f"rp-d{number}-1", "terminated", 2.0)
        mine.append(number)
    if deployment:
        deployment.close()
print(*mine)
"""


def test_no_attempt_is_ever_recovered_twice(journal: Journal, tmp_path: Path) -> None:
    for number in range(40):
        deployment = journal.begin(f"d{number}", "account", "sd", f"a{number}", {}, 1.0)
        deployment.intend(f"rp-d{number}-1", CANDIDATE, 1.0)
        deployment.close()
    journal.close()
    claimers = [processes.start(PRELUDE + CLAIMER, str(tmp_path)) for _ in range(4)]
    for claimer in claimers:
        assert claimer.stdin
        claimer.stdin.write("go\n")
        claimer.stdin.flush()

    taken = [int(number) for printed in processes.finish(claimers) for number in printed.split()]

    assert len(taken) == len(set(taken))
    # One that another held for a moment is left to it; what nobody took stays open for the next rp.
    assert {f"d{number}" for number in range(40)} == {f"d{number}" for number in taken} | set(journal.unfinished())
    journal.close()


CREATOR = """
print("ready", flush=True)
sys.stdin.readline()
deployment = journal.begin(sys.argv[2], "account", "sd", "a-" + sys.argv[2], {}, 1.0)
deployment.intend(f"rp-{sys.argv[2]}-1", candidate, 1.0)
"""


@pytest.mark.parametrize("round_", range(8))
def test_eight_processes_may_make_the_journal_at_once(journal: Journal, tmp_path: Path, round_: int) -> None:
    creators = [processes.start(PRELUDE + CREATOR, str(tmp_path), f"d{number}") for number in range(8)]
    for creator in creators:
        assert processes.next_line(creator) == "ready"
    for creator in creators:
        assert creator.stdin
        creator.stdin.write("go\n")
        creator.stdin.flush()
    processes.finish(creators)

    assert sorted(journal.unfinished()) == [f"d{number}" for number in range(8)]
    journal.close()


def test_a_newer_journal_is_refused_and_left_alone(journal: Journal, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "rp.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(StateUnreadable, match="newer rp") as caught:
        journal.unfinished()

    assert caught.value.hint == "upgrade rp"
    connection = sqlite3.connect(tmp_path / "rp.db")
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()


@pytest.mark.parametrize("use", ["unfinished", "begin"])
def test_a_garbage_file_is_unreadable_and_stays(journal: Journal, tmp_path: Path, use: str) -> None:
    garbage = b"this is no database" * 100
    (tmp_path / "rp.db").write_bytes(garbage)

    with pytest.raises(StateUnreadable) as caught:
        journal.unfinished() if use == "unfinished" else journal.begin("d", "account", "t", "a", {}, 1.0)

    assert str(tmp_path / "rp.db") in caught.value.message
    assert f"mv {tmp_path / 'rp.db'}" in (caught.value.hint or "")
    assert (tmp_path / "rp.db").read_bytes() == garbage


def test_a_journal_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(StateUnwritable):
        _journal(tmp_path / "file").begin("d", "account", "t", "a", {}, 1.0)


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "rp.db").mkdir()

    with pytest.raises((StateUnwritable, StateUnreadable), match=r"rp\.db"):
        _journal(tmp_path).unfinished()


def test_fresh_ids_are_short_plain_and_new(journal: Journal) -> None:
    ids = {journal.fresh_id() for _ in range(200)}

    assert len(ids) == 200
    assert all(re.fullmatch(r"[a-z2-9]{8}", one) for one in ids)


def test_a_journal_of_the_first_form_gets_what_it_lacks(tmp_path: Path) -> None:
    """Form 1 is what rp wrote before it remembered health checks and machines."""
    connection = sqlite3.connect(tmp_path / "rp.db")
    connection.executescript(schema.FORMS[0])
    connection.execute("PRAGMA user_version = 1")
    connection.execute("INSERT INTO deployments VALUES ('d1', 'account', 'sd', 'my-pod', '{}', 1.0, NULL, 'running')")
    connection.commit()
    connection.close()

    journal = _journal(tmp_path)

    assert journal.unfinished() == ("d1",)
    history = journal.history("my-pod")
    assert history is not None
    assert (history.deployment_id, history.outcome, history.steps) == ("d1", "running", ())
    assert Hosts(journal).all() == ()
    assert Looks(journal).of("p1") == ()


def test_the_newest_deployment_of_an_alias_is_told(journal: Journal) -> None:
    assert journal.history("my-pod") is None
    for number in (1, 2):
        deployment = journal.begin(f"d{number}", "account", "sd", "my-pod", {}, float(number))
        deployment.intend(f"rp-d{number}-1", CANDIDATE, 3.0)
        deployment.record(f"rp-d{number}-1", State.CREATED, 4.0, pod_id=f"p{number}")
        deployment.tell(deployment.latest, "phase", "starting \ud800", 5.0)
        deployment.tell("", "note", "x" * 30_000, 6.0)
        deployment.close()

    told = {target: journal.history(target) for target in ("my-pod", "d1", "p1", "p2")}

    assert [found and found.deployment_id for found in told.values()] == ["d2", "d1", "d1", "d2"]
    newest = told["my-pod"]
    assert newest is not None
    assert newest.steps[0] == Step(5.0, "rp-d2-1", "phase", "starting ?")
    assert len(newest.steps[1].text) == 20_000
    assert [attempt.pod_id for attempt in newest.attempts] == ["p2"]
    assert [row[0] for row in journal.deployments(5)] == ["d2", "d1"]
