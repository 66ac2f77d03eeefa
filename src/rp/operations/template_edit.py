"""A template changed in the user's editor: only what is valid comes back, and nothing typed is lost."""

import json
import shlex
from pathlib import Path
from typing import Any, Protocol

from rp.errors import Interrupted, RpError
from rp.operations import template_check
from rp.operations.template_check import NameProblems


class Draft(Protocol):
    """A text in a file of its own."""

    path: Path

    def edit(self) -> None: ...
    def text(self) -> str: ...
    def discard(self) -> None: ...


def text_of(raw: Any) -> str:
    """What the editor gets: the template as the file has it, in the order of the file."""
    text = json.dumps(raw, indent=2, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        # Half of a character, which no file can have: as an escape it can be found and mended.
        text = json.dumps(raw, indent=2)
    return f"{text}\n"


def read(name: str, draft: Draft, name_problems: NameProblems | None = None) -> dict[str, Any]:
    """The template that was saved; raises Invalid with every problem, RpError for what is no text."""
    return template_check.read(name, draft.text(), "what was saved", name_problems)


def keep(draft: Draft, before: str, problem: RpError | Interrupted, name: str) -> None:
    """Leave what was typed where it is and say so in `problem`; a text that nobody changed is not worth it."""
    if not draft.path.exists():
        # What an editor put beside it may be all that is left.
        return
    try:
        is_changed = draft.text() != before
    except RpError:
        is_changed = True
    if not is_changed:
        draft.discard()
        return
    problem.details = (*problem.details, f"your text is in {draft.path}")
    problem.hint = f"go on with it: `rp template edit {shlex.quote(name)} --file {shlex.quote(str(draft.path))}`"
