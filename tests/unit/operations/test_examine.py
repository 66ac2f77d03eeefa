"""What a session brings is judged; silence, half a line and a second try."""

from pathlib import Path

import pytest

from rp.domain.pod import Pod, Volume
from rp.domain.remote import Completed
from rp.domain.verdict import BASIC, PASSIVE, Verdict
from rp.health.asked import Asked
from rp.operations.examine import NoAnswer, asked_of_pod, examine

WHOLE = "@@ probe 0 5\n v=1\n level=passive\n@@ sys 0 5\n now=1000\n nofile=20000\n@@ smi {smi} 5\n@@ end 0 9"


class Clock:
    def now(self) -> float:
        return 1000.0

    def monotonic(self) -> float:
        return 5.0

    slept = 0.0

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


class Session:
    """Answers in turn; keeps what it was sent."""

    def __init__(self, *answers: Completed) -> None:
        self.answers = list(answers)
        self.sent: list[bytes] = []

    def run(self, command: str, *, timeout: float, stdin: bytes = b"", most: int = 0) -> Completed:
        assert command == "exec sh -s"
        self.sent.append(stdin)
        return self.answers.pop(0)

    def run_script(self, script: Path) -> object:
        raise AssertionError("no script")

    def close(self) -> None:
        raise AssertionError("not ours to close")


def _examined(*answers: Completed) -> tuple[dict[str, Verdict], Session]:
    session = Session(*answers)
    report = examine(session, PASSIVE, Asked(), Clock())  # type: ignore[arg-type]
    return {check.id: check.verdict for check in report.checks}, session


def test_a_broken_connection_is_tried_again() -> None:
    verdicts, session = _examined(Completed(255, "Connection reset"), Completed(0, WHOLE.format(smi="127")))

    assert len(session.sent) == 2
    assert session.sent[0] == session.sent[1]
    assert verdicts["limits"] is Verdict.PASS


def test_what_a_lost_probe_left_on_the_gpus_is_waited_for() -> None:
    """Its CUDA part may live for some seconds, and its memory would pass for a neighbour's."""
    clock = Clock()
    session = Session(Completed(255, "Connection reset"), Completed(0, WHOLE.format(smi="127")))

    examine(session, BASIC, Asked(), clock)  # type: ignore[arg-type]

    assert clock.slept >= 8


def test_silence_is_no_verdict() -> None:
    lost = Completed(255, "client_loop: send disconnect: \x1b[31mBroken pipe")

    with pytest.raises(NoAnswer, match="Broken pipe") as caught:
        _examined(lost, lost)

    assert "\x1b" not in str(caught.value)


def test_what_timed_out_is_asked_once_more_with_more_time() -> None:
    _, session = _examined(Completed(0, WHOLE.format(smi="timeout")), Completed(0, WHOLE.format(smi="127")))

    first, second = session.sent
    assert b"RP_LIMIT=8\n" in first
    assert b"RP_LIMIT=40\n" in second
    assert b"RP_PARTS=smi\n" in second


def test_half_a_line_says_nothing() -> None:
    """`nofile=20000` that was cut to `nofile=2` would be a fault."""
    cut = Completed(255, "@@ probe 0 5\n v=1\n level=passive\n@@ sys 0 5\n now=1000\n nofile=2")

    verdicts, session = _examined(cut, cut, cut)

    assert verdicts.get("limits") in (None, Verdict.UNKNOWN)
    # All of it once more, then what good machines may stumble over.
    assert [b"RP_LIMIT=8\n" in script for script in session.sent] == [True, True, False]


def test_a_pod_at_work_is_held_against_what_runpod_says_of_it() -> None:
    pod = Pod(
        "p1",
        "name",
        "RUNNING",
        gpu_id="NVIDIA L4",
        gpu_count=2,
        disk_gb=20,
        volume=Volume("/data", size_gb=50),
        ports=("22/tcp", "8888/http", "70000/tcp"),
        env={"PUBLIC_KEY": "key", "HF_TOKEN": "secret"},
    )

    asked = asked_of_pod(pod)

    assert (asked.gpu_id, asked.gpu_count, asked.disk_gb) == ("NVIDIA L4", 2, 20)
    assert (asked.volume_path, asked.volume_gb) == ("/data", 50)
    assert (asked.ports, asked.env, asked.fresh) == ((8888,), ("HF_TOKEN",), False)
