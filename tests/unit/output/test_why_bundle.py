import io
import json
import os
import stat
import tarfile
from pathlib import Path

import pytest

from rp.domain.redact import Private
from rp.errors import StateUnwritable, UsageProblem
from rp.output import bundle, saved, why_ticket
from rp.state.journal import Journal
from rp.state.looks import Looks
from unit.output import stories

PRIVATE = Private(("worker line 7",), "/home/alice", ("alice",), for_others=True)
FOLDER = "rp-why-mxeshdgr"


def _archive(state: Path) -> tuple[bytes, dict[str, str]]:
    """(the archive, name → text of its files)."""
    data = bundle.archive(stories.told(state, private=PRIVATE))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        files = {one.name: tar.extractfile(one) for one in tar.getmembers()}
        return data, {name: file.read().decode() for name, file in files.items() if file}


def test_it_has_the_report_and_what_each_pod_said(tmp_path: Path) -> None:
    stories.write(tmp_path)

    _, files = _archive(tmp_path)

    pod = f"{FOLDER}/pods/2-{stories.BAD}"
    assert list(files) == [
        f"{FOLDER}/README.txt",
        f"{FOLDER}/report.html",
        f"{FOLDER}/report.json",
        f"{pod}/checks.json",
        f"{pod}/probe-output.txt",
        f"{pod}/log-system.txt",
        f"{pod}/log-container.txt",
        f"{FOLDER}/pods/3-{stories.GOOD}/checks.json",
    ]
    assert json.loads(files[f"{pod}/checks.json"])[0]["checks"][2]["measured"] == "3 errors"
    assert "@@ smi 0 310" in files[f"{pod}/probe-output.txt"]
    assert files[f"{pod}/log-system.txt"].startswith("worker line 0\n")
    assert json.loads(files[f"{FOLDER}/report.json"])["deployment"] == "mxeshdgr"
    assert all(name.removeprefix(f"{FOLDER}/") in files[f"{FOLDER}/README.txt"] for name in files)


def test_no_secret_and_no_person_is_in_it_but_the_machine_is(tmp_path: Path) -> None:
    stories.write(tmp_path, alias="alice-pod")

    data, files = _archive(tmp_path)

    text = "\n".join([*files, *files.values()])
    for gone in (stories.SECRET, "worker line 7", "alice", "203.0.113.9", "\x1b"):
        assert gone not in text
    for kept in ("194.68.245.17", "64410d2f", stories.GPU, stories.BAD, "2026-11-24 09:12:03 UTC"):
        assert kept in files[f"{FOLDER}/README.txt"]
    assert os.environ.get("USER", "no-user-here").encode() not in data


def test_the_same_history_gives_the_same_bytes(tmp_path: Path) -> None:
    stories.write(tmp_path)

    data, _ = _archive(tmp_path)

    assert data == _archive(tmp_path)[0]
    # The time in gzip's own head.
    assert int.from_bytes(data[4:8], "little") == int(stories.START)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        entries = tar.getmembers()
    assert {(one.uid, one.gid, one.uname, one.gname, one.mode, one.mtime) for one in entries} == {
        (0, 0, "", "", 0o644, int(stories.START))
    }


def test_the_ticket_names_the_bad_pod_its_machine_and_its_cost(tmp_path: Path) -> None:
    stories.write(tmp_path)

    said = why_ticket.paragraph(stories.told(tmp_path))

    assert said.startswith(f"Pod {stories.BAD} (A100 PCIe, EU, secure) was created at 2026-11-24 09:12:03 UTC")
    assert "3 memory errors that could not be corrected (measured 3 errors, expected 0 errors)" in said
    assert f"public address 194.68.245.17; proxy 64410d2f; {stories.GPU}" in said
    assert "Please refund what it cost, $0.0103, and check this machine." in said
    assert stories.GOOD not in said


def test_ids_from_outside_name_no_other_folder(tmp_path: Path) -> None:
    Looks(Journal(tmp_path / "rp.db", tmp_path / "locks")).add("../../x/y", stories.BAD_REPORT, 1000.0)

    data = bundle.archive(stories.told(tmp_path, "../../x/y"))

    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert all(".." not in name and not name.startswith("/") for name in tar.getnames())


def test_a_file_that_is_there_is_replaced_by_force_alone(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("mine")

    with pytest.raises(UsageProblem, match="is there already"):
        saved.save(path, b"new", replace=False)
    assert path.read_text() == "mine"
    saved.save(path, b"new", replace=True)

    assert path.read_text() == "new"
    assert [one.name for one in tmp_path.iterdir()] == ["x"]


def test_a_new_file_is_the_users_alone(tmp_path: Path) -> None:
    saved.save(tmp_path / "x", b"new", replace=False)

    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o600


def test_a_link_is_followed_by_force_and_a_folder_never(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")

    with pytest.raises(UsageProblem):
        saved.save(tmp_path / "link", b"new", replace=False)
    saved.save(tmp_path / "link", b"new", replace=True)

    assert (tmp_path / "target").read_bytes() == b"new"
    assert (tmp_path / "link").is_symlink()
    with pytest.raises(UsageProblem, match="no ordinary file"):
        saved.save(tmp_path, b"new", replace=True)


@pytest.mark.parametrize("replace", [True, False])
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replace: bool) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(StateUnwritable, match="No space left"):
        saved.save(tmp_path / "x", b"new", replace=replace)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StateUnwritable, match=r"cannot write .*No such file"):
        saved.save(tmp_path / "no" / "x", b"new", replace=False)
