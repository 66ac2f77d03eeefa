"""config.toml: what is set, and what is odd in it."""

from pathlib import Path

import pytest

from rp.errors import StateUnreadable
from rp.state.config import Config, read


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_no_file_sets_nothing(tmp_path: Path) -> None:
    assert read(tmp_path / "config.toml") == Config()
    assert read(written(tmp_path, "")) == Config()


@pytest.mark.parametrize("text", ['notify = ["desktop", "ntfy://t"]', 'notify = [\n  "desktop",\n  "ntfy://t",\n]\n'])
def test_targets(tmp_path: Path, text: str) -> None:
    assert read(written(tmp_path, text)) == Config(("desktop", "ntfy://t"))


def test_one_target_needs_no_list(tmp_path: Path) -> None:
    assert read(written(tmp_path, 'notify = "desktop"')).notify == ("desktop",)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a = 1\nnotify = [\n", "line 3, column 1: Invalid value"),
        ("a = 1\nnotify desktop", "line 2, column 8: Expected '=' after a key"),
        ("notify = 5", 'notify: expected a list of texts, as in notify = ["desktop"]'),
        ("notify = [1]", "notify: expected a list of texts"),
        ('notify = [" "]', "notify: expected a list of texts"),
        ("[notify]", "notify: expected a list of texts"),
        (f"a = {'9' * 5000}", "a number in it has thousands of digits"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(tmp_path: Path, text: str, why: str) -> None:
    path = written(tmp_path, text)

    with pytest.raises(StateUnreadable) as told:
        read(path)

    assert told.value.message.startswith(f"cannot read {path}: {why}")
    assert told.value.hint


def test_an_unknown_key_is_a_warning(tmp_path: Path) -> None:
    path = written(tmp_path, 'notfy = ["desktop"]\nqqqqqqqq = 1\n')

    assert read(path) == Config(
        (), (f"{path}: rp knows no `notfy`; did you mean `notify`?", f"{path}: rp knows no `qqqqqqqq`; known is notify")
    )


@pytest.mark.parametrize(
    ("target", "mode", "warns"),
    [
        ("slack://a/b/c", 0o644, True),
        ("slack://a/b/c", 0o640, True),
        ("slack://a/b/c", 0o600, False),
        ("${env:SLACK_URL}", 0o644, False),
        ("slack://${env:TOKENS}", 0o644, False),
        ("desktop", 0o644, False),
    ],
)
def test_tokens_that_others_may_read_are_a_warning(tmp_path: Path, target: str, mode: int, warns: bool) -> None:
    path = written(tmp_path, f'notify = ["{target}"]', mode)

    found = read(path).warnings

    assert found == (
        (f"{path} holds addresses of your services, and others may read it: chmod 600 {path}",) if warns else ()
    )
