import os
import random
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp import files
from rp.errors import StateUnreadable, StateUnwritable
from unit import processes


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_is_the_users_alone(tmp_path: Path) -> None:
    files.write_atomic(tmp_path / "f", b"new")

    assert (tmp_path / "f").read_bytes() == b"new"
    assert _mode(tmp_path / "f") == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o400])
def test_the_mode_of_a_file_is_kept(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    path.chmod(mode)

    files.write_atomic(path, b"new")

    assert path.read_bytes() == b"new"
    assert _mode(path) == mode


def test_a_symbolic_link_stays_and_its_target_is_written(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    target = tmp_path / "dotfiles" / "real"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link = tmp_path / "f"
    link.symlink_to("dotfiles/real")

    files.write_atomic(link, b"new")

    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert _mode(target) == 0o640


def test_a_dangling_link_gets_its_target(tmp_path: Path) -> None:
    (tmp_path / "f").symlink_to(tmp_path / "later")

    files.write_atomic(tmp_path / "f", b"new")

    assert (tmp_path / "later").read_bytes() == b"new"


def test_what_a_crash_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".f.new").write_bytes(b"half")

    files.write_atomic(tmp_path / "f", b"new")

    assert (tmp_path / "f").read_bytes() == b"new"
    assert not (tmp_path / ".f.new").exists()


def test_a_reader_who_has_the_old_file_open_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")

    with path.open("rb") as reader:
        files.write_atomic(path, b"new")

        assert reader.read() == b"old"


def test_a_path_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    for write in (lambda path: files.write_atomic(path, b"x"), files.check_writable):
        with pytest.raises(StateUnwritable) as caught:
            write(tmp_path / "file" / "f")
        assert str(tmp_path / "file" / "f") in caught.value.message
        assert caught.value.hint


def test_a_missing_folder_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(StateUnwritable):
        files.write_atomic(tmp_path / "no" / "f", b"x")


def test_a_folder_in_the_files_place_is_told_and_nothing_stays_behind(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()

    with pytest.raises(StateUnwritable):
        files.write_atomic(tmp_path / "f", b"x")

    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_folder_in_the_files_place_is_seen_beforehand(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()

    with pytest.raises(StateUnwritable):
        files.check_writable(tmp_path / "f")


def test_the_check_leaves_no_trace(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")

    files.check_writable(tmp_path / "f")
    files.check_writable(tmp_path / "g")

    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f").read_bytes() == b"old"


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from rp import files
from rp.errors import StateUnwritable
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
path = Path(sys.argv[1])
for attempt in (lambda: files.check_writable(path), lambda: files.write_atomic(path, b"x" * 5000)):
    try:
        attempt()
    except StateUnwritable as error:
        print(error.message)
"""


def test_a_full_disk_is_told_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")

    (printed,) = processes.finish([processes.start(FULL_DISK, str(path))])

    assert printed == f"cannot write {path}: File too large\n" * 2
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["f"]


WRITER = """
import sys
from pathlib import Path
from rp import files
path = Path(sys.argv[1])
print("ready", flush=True)
number = 0
while True:
    number += 1
    with files.locked(path):
        files.write_json(path, {"number": number, "filler": "x" * 20_000})
"""


def test_a_file_is_whole_after_kill_9_in_the_middle_of_a_write(tmp_path: Path) -> None:
    path = tmp_path / "f"
    chance = random.Random(7)
    for _ in range(8):
        writer = processes.start(WRITER, str(path))
        assert processes.next_line(writer) == "ready"
        _wait_for(path)
        with pytest.raises(TimeoutError):
            _wait_for(tmp_path / "never", limit=chance.uniform(0.001, 0.05))
        processes.kill(writer)

        assert len(files.read_json_object(path)["filler"]) == 20_000
        with files.locked(path):
            files.write_json(path, {"filler": "y" * 20_000})
        assert sorted(one.name for one in tmp_path.iterdir()) == [".f.lock", "f"]


def _wait_for(path: Path, limit: float = 10.0) -> None:
    import time

    deadline = time.monotonic() + limit
    while not path.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(path)
        time.sleep(0.001)


def test_the_lock_makes_its_folder(tmp_path: Path) -> None:
    with files.locked(tmp_path / "a" / "b" / "f"):
        assert _mode(tmp_path / "a" / "b") == 0o700


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    holder = processes.start(
        "import sys, pathlib\nfrom rp import files\n"
        "with files.locked(pathlib.Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()",
        str(tmp_path / "f"),
    )
    assert processes.next_line(holder) == "held"
    processes.kill(holder)

    with files.locked(tmp_path / "f"):
        pass


def test_a_lock_that_cannot_be_made_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(StateUnwritable, match="file/f"), files.locked(tmp_path / "file" / "f"):
        pass


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("{", "line 1, column 2"),
        ('{\n  "a": 1,\n  "b" 2\n}', "line 3, column 7"),
        ("", "line 1, column 1"),
        ("[]", "line 1, column 1: expected an object"),
        ("null", "line 1, column 1: expected an object"),
        ('{"a": 1} x', "line 1, column 10"),
        (f'{{"a": {"9" * 5000}}}', "a number in it has thousands of digits"),
    ],
)
def test_broken_json_is_told_by_line_and_column_and_stays(tmp_path: Path, text: str, where: str) -> None:
    path = tmp_path / "f.json"
    path.write_text(text)

    with pytest.raises(StateUnreadable) as caught:
        files.read_json_object(path)

    assert caught.value.message.startswith(f"cannot read {path}: {where}")
    assert caught.value.hint == f"mend it, or move it aside: mv {path} {path}.broken"
    assert path.read_text() == text


def test_bytes_that_are_no_text_are_told_of(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b'{"a": "\xff"}')

    with pytest.raises(StateUnreadable, match="byte 7 is no UTF-8"):
        files.read_json_object(tmp_path / "f")


def test_a_folder_in_place_of_a_file_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(StateUnreadable, match="Is a directory"):
        files.read_text(tmp_path)


def test_no_file_is_an_empty_object(tmp_path: Path) -> None:
    assert files.read_json_object(tmp_path / "f") == {}
    assert files.read_text(tmp_path / "f") is None


json_objects = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers() | st.booleans())


@given(json_objects)
def test_what_is_written_is_read_back_sorted(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, int]
) -> None:
    path = tmp_path_factory.getbasetemp() / f"json-{os.getpid()}"
    files.write_json(path, document)

    assert files.read_json_object(path) == document
    assert list(files.read_json_object(path)) == sorted(document)


def test_half_of_a_surrogate_pair_is_written_as_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_text('{"a": "\\ud800 ü"}')

    files.write_json(path, files.read_json_object(path))

    assert path.read_text("utf-8") == '{\n  "a": "\\ud800 ü"\n}\n'
