from pathlib import Path

from rp.domain.verdict import Check, Owner, Report, Verdict
from rp.state.journal import Journal
from rp.state.looks import Looks

DAY = 86_400.0
REPORT = Report(
    level="basic",
    checks=(
        Check("gpu.model", Verdict.PASS, "It is the GPU that was asked for.", "H100", "H100"),
        Check("cuda.clock", Verdict.FAIL, "GPU 1 is slow.", "510 MHz", "1386 MHz", 1, Owner.MACHINE),
    ),
    seconds=3.5,
    gpu_uuids=("GPU-1",),
    raw="@@ probe 0 1\n ünïcode\n",
)


def _looks(folder: Path) -> Looks:
    return Looks(Journal(folder / "rp.db", folder / "locks"))


def test_a_report_comes_back_as_it_was(tmp_path: Path) -> None:
    assert _looks(tmp_path).of("p1") == ()

    _looks(tmp_path).add("p1", REPORT, 5.0)

    (look,) = _looks(tmp_path).of("p1")
    assert (look.at, look.pod_id, look.report) == (5.0, "p1", REPORT)
    assert _looks(tmp_path).of("p2") == ()


def test_old_looks_make_way(tmp_path: Path) -> None:
    looks = _looks(tmp_path)
    looks.add("p1", REPORT, 0.0)
    looks.add("p1", REPORT, 80 * DAY)
    looks.add("p1", REPORT, 100 * DAY)

    assert [look.at for look in looks.of("p1")] == [80 * DAY, 100 * DAY]


def test_half_a_character_is_no_obstacle(tmp_path: Path) -> None:
    _looks(tmp_path).add("p1", Report("basic", (), raw="\ud800"), 1.0)

    assert _looks(tmp_path).of("p1")[0].report.raw == "?"
