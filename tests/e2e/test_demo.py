"""What a newcomer sees first."""

import os
from pathlib import Path

import pytest

from conftest import User


@pytest.mark.slow
def test_the_demo_tells_the_whole_story_and_leaves_nothing(user: User, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()

    result = user.rp("demo", TMPDIR=str(temporary))

    told = result.out + result.err
    for part in (
        "$ rp template derive",
        "no capacity",
        "MHz under load",
        "$ rp why my-pod",
        "cuda.clock",
        "is terminated",
        "$ ssh my-pod",
        "NVIDIA A100",
        "rp list",
    ):
        assert part in told
    assert list(temporary.iterdir()) == []
    assert not user.config.exists()
    assert not user.state.exists()
    assert not _mentions(str(temporary))


def _mentions(text: str) -> list[str]:
    """The processes whose command line has `text` in it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line and entry.parent.name != str(os.getpid()):
            found.append(line)
    return found
