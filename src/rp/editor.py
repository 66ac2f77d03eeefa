"""The user's own editor, on a file that nobody else can read."""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rp.errors import RpError, UsageProblem

_USUAL = ("vi", "nano")
# Never a name from elsewhere: it could lead out of the folder.
_FILE = "template.json"
_SAY_WHICH = "export EDITOR=nano, or whatever you write with"


class Draft:
    """A text in a file of `folder`, until `discard`: whatever happens before, what was typed can be found there.

    `folder` is the draft's own, and goes with it.
    """

    def __init__(self, folder: Path, argv: list[str], env: Mapping[str, str]) -> None:
        self.path = folder / _FILE
        self._folder = folder
        self._argv = argv
        self._env = env

    def edit(self) -> None:
        """Let the user at it, with the terminal that rp has. Raises RpError where the editor fails."""
        try:
            done = subprocess.run([*self._argv, str(self.path)], env=dict(self._env), check=False)
        except OSError as error:
            raise RpError(f"cannot start `{self._argv[0]}`: {error.strerror or error}", hint=_SAY_WHICH) from error
        if done.returncode:
            how = (
                f"ended with status {done.returncode}"
                if done.returncode > 0
                else f"was ended by signal {-done.returncode}"
            )
            raise RpError(f"the editor {how}: nothing was stored")

    def text(self) -> str:
        """Raises RpError for what is no UTF-8, or no longer there."""
        try:
            return self.path.read_text("utf-8-sig")
        except UnicodeDecodeError as error:
            raise RpError(f"what was saved is no text: byte {error.start} is no UTF-8") from error
        except OSError as error:
            raise RpError(f"cannot read {self.path}: {error.strerror or error}") from error

    def discard(self) -> None:
        # Editors leave copies beside the file.
        shutil.rmtree(self._folder, ignore_errors=True)


class Editor:
    """`$VISUAL`, `$EDITOR`, vi, nano: the first that there is; the last two on a terminal only."""

    def __init__(self, env: Mapping[str, str], *, on_terminal: bool) -> None:
        self._env = env
        self._on_terminal = on_terminal

    def open(self, text: str) -> Draft:
        """A draft with `text` in it; raises UsageProblem where there is no editor."""
        argv = self._argv()
        try:
            draft = Draft(Path(tempfile.mkdtemp(prefix="rp-edit-")), argv, self._env)
            descriptor = os.open(draft.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise RpError(
                f"cannot write a temporary file: {error.strerror or error}", hint="TMPDIR names another folder"
            ) from error
        return draft

    def _argv(self) -> list[str]:
        for variable in ("VISUAL", "EDITOR"):
            said = self._env.get(variable, "").strip()
            if not said:
                continue
            try:
                words = shlex.split(said)
            except ValueError as error:
                raise UsageProblem(f"{variable} is `{said}`: {error}", hint=_SAY_WHICH) from None
            if not self._finds(words[0]):
                raise UsageProblem(f"{variable} is `{said}`, and there is no program `{words[0]}`", hint=_SAY_WHICH)
            return words
        if self._on_terminal:
            for usual in _USUAL:
                if self._finds(usual):
                    return [usual]
        raise UsageProblem("no editor is set", hint=_SAY_WHICH)

    def _finds(self, program: str) -> bool:
        return shutil.which(program, path=self._env.get("PATH")) is not None
