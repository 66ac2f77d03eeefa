"""The user's own editor, and the folder that its file is in."""

from pathlib import Path

import pytest

from rp.editor import Editor
from rp.errors import RpError
from rp.operations import template_edit


@pytest.fixture
def drafts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def _editor(program: str = "true") -> Editor:
    return Editor({"EDITOR": program, "PATH": "/usr/bin:/bin"}, on_terminal=False)


def test_a_draft_goes_with_its_folder_and_with_nothing_else(drafts: Path) -> None:
    (drafts / "mine").write_text("kept")

    draft = _editor().open("{}")
    (draft.path.with_name("template.json~")).write_text("a copy of the editor's")
    assert draft.path.parent.parent == drafts
    # Wherever the file is said to be, the folder is the one that was made for it.
    draft.path = drafts / "elsewhere" / "template.json"
    draft.discard()

    assert [path.name for path in drafts.iterdir()] == ["mine"]


def test_what_was_typed_is_offered_as_ones_own_text_again(drafts: Path) -> None:
    draft = _editor().open("{}")
    draft.path.write_text("typed")
    problem = RpError("not valid")

    template_edit.keep(draft, "{}", problem, "my sd")

    assert problem.details == (f"your text is in {draft.path}",)
    assert problem.hint == f"go on with it: `rp template edit 'my sd' --file {draft.path}`"


def test_a_file_that_the_editor_took_away_is_not_promised(drafts: Path) -> None:
    draft = _editor().open("{}")
    draft.path.unlink()
    problem = RpError("cannot read it", hint="as before")

    template_edit.keep(draft, "{}", problem, "sd")

    assert (problem.details, problem.hint) == ((), "as before")


def test_half_of_a_character_can_be_edited(drafts: Path) -> None:
    text = template_edit.text_of({"a": "\ud800", "b": "ü"})

    assert _editor().open(text).text() == text
    assert "\\ud800" in text
    assert "ü" in template_edit.text_of({"b": "ü"})
