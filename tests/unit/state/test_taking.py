"""Of several lanes that want to end one pod, one does."""

from pathlib import Path

from rp.state.journal import Journal


def test_one_lane_at_a_time_may_end_a_pod(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "rp.db", tmp_path / "locks")
    deployment = journal.begin("abcdefgh", "mine", "t", "my-pod", {}, 1.0)
    one, two = deployment.lane(), deployment.lane()

    assert one.take("rp-t-1")
    assert not two.take("rp-t-1")
    assert not deployment.take("rp-t-1")
    assert two.take("rp-t-2")
    one.put_back("rp-t-1")
    assert deployment.take("rp-t-1")

    deployment.close()
    journal.close()
