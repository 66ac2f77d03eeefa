"""The one place that prints. Answers go to stdout; progress, notes, questions and errors to stderr."""

import json
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from rp.errors import Interrupted, RpError, UsageProblem
from rp.output import table
from rp.output.table import Column, Rows
from rp.output.text import folded, one_line, printable

if TYPE_CHECKING:
    from rp.operations.events import Event

T = TypeVar("T")

# Columns before what a quoted line goes on with: more than any line of ours begins with.
_QUOTED = 17
_STYLES = {"error": "1;31", "warning": "1;33", "hint": "1;36"}


class Output:
    """`wants_json`: stdout carries one JSON document and nothing else."""

    def __init__(
        self,
        stdin: TextIO,
        stdout: TextIO,
        stderr: TextIO,
        env: Mapping[str, str],
        *,
        wants_json: bool = False,
    ) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._stderr = stderr
        self._env = env
        self.wants_json = wants_json

    @property
    def is_interactive(self) -> bool:
        """Whether a person can be asked."""
        return self._stdin.isatty() and self._stderr.isatty()

    def colour(self, stream: TextIO) -> bool:
        """https://no-color.org and https://bixense.com/clicolors, for each stream by itself."""
        if self._env.get("NO_COLOR") or self._env.get("TERM") == "dumb":
            return False
        return bool(self._env.get("FORCE_COLOR")) or stream.isatty()

    def answer(self, text: str) -> None:
        """A result in words; nothing in JSON mode."""
        if not self.wants_json:
            print(printable(text), file=self._stdout, flush=True)

    def result(self, document: Any, lines: Sequence[str]) -> None:
        """The answer of a command: one document for a program, lines for a person."""
        if self.wants_json:
            self.json(document)
        else:
            self.answer("\n".join(lines))

    def json(self, document: Any) -> None:
        # Escaped to ASCII, so that nothing in it can steer a terminal.
        print(json.dumps(document, indent=2), file=self._stdout, flush=True)

    @property
    def on_terminal(self) -> bool:
        """Whether answers go to a person's terminal."""
        return self._stdout.isatty()

    def table(self, columns: Sequence[Column], rows: Rows) -> None:
        if not self.on_terminal:
            table.plain(rows, self._stdout)
            self._stdout.flush()
            return
        cut = table.pretty(columns, rows, self._stdout, self._width(self._stdout), colour=self.colour(self._stdout))
        if cut:
            self.note("some columns do not fit here; `--json`, a pipe or a wider terminal shows them")

    def note(self, text: str) -> None:
        self._say(printable(text))

    def quote(self, text: str) -> None:
        """One line that somebody else wrote, or a part of it: it cannot look like several, nor like another one."""
        line = one_line(text)
        pieces = folded(line, max(40, self._width(self._stderr)), _QUOTED) if self._stderr.isatty() else [line]
        print("\n".join(pieces), file=self._stderr, flush=True)

    def warn(self, text: str) -> None:
        self._say(f"{self._label('warning')} {printable(text)}")

    def hint(self, text: str) -> None:
        self._say(f"{self._label('hint')} {printable(text)}")

    def error(self, error: RpError | Interrupted) -> None:
        """The message, its details and its remedy on stderr; in JSON mode the same as an object on stdout."""
        self._say(f"{self._label('error')} {printable(error.message)}")
        for detail in error.details:
            self._say(f"  {printable(detail)}", indent="    ")
        if error.hint:
            self.hint(error.hint)
        if self.wants_json:
            told = {
                "code": error.code,
                "message": error.message,
                "hint": error.hint,
                "details": list(error.details),
            }
            self.json({"error": told, **error.facts})

    def confirm(self, question: str, *, yes: bool, default: bool = False) -> bool:
        """Ask on a terminal; elsewhere `--yes` has to be there. Raises UsageProblem without either."""
        if yes:
            return True
        if not self.is_interactive:
            raise UsageProblem(f"{question} There is no terminal to ask on", hint="--yes answers with yes")
        self._stderr.write(f"{printable(question)} [{'Y/n' if default else 'y/N'}] ")
        self._stderr.flush()
        said = self._stdin.readline()
        # Ctrl-D is no answer, so it is no.
        return said.strip().lower() in ("y", "yes") or (default and said.strip() == "" and said != "")

    def ask_secret(self, question: str) -> str:
        """Ask without showing what is typed."""
        import getpass

        try:
            return getpass.getpass(f"{question}: ", stream=self._stderr)
        except EOFError:
            raise UsageProblem("no answer") from None

    def follow(self, events: Generator["Event", None, T], now: Callable[[], float]) -> T:
        """Show an operation's events as they come; return its result."""
        from rp.output.progress import Lines, Live

        if self._is_live:
            with Live(self._stderr, self._width(self._stderr), now, colour=self.colour(self._stderr)) as live:
                return _drain(events, live.show)
        return _drain(events, Lines(self._stderr, now).show)

    def follow_all(self, aliases: Sequence[str], events: Generator["Event", None, T], now: Callable[[], float]) -> T:
        """Show the events of several deploys side by side: one table on a terminal; return their result."""
        from rp.output.progress import Lines
        from rp.output.replicas import LiveTable

        if self._is_live:
            width, colour = self._width(self._stderr), self.colour(self._stderr)
            with LiveTable(self._stderr, width, aliases, now, colour=colour) as live:
                return _drain(events, live.show)
        return _drain(events, Lines(self._stderr, now).show)

    @property
    def _is_live(self) -> bool:
        return self._stderr.isatty() and self._env.get("TERM") != "dumb"

    def _width(self, stream: TextIO) -> int:
        try:
            return int(self._env.get("COLUMNS") or os.get_terminal_size(stream.fileno()).columns) or 80
        except (OSError, ValueError):
            return 80

    def _label(self, name: str) -> str:
        return f"\x1b[{_STYLES[name]}m{name}:\x1b[0m" if self.colour(self._stderr) else f"{name}:"

    def _say(self, text: str, indent: str = "  ") -> None:
        if self._stderr.isatty():
            text = "\n".join(self._wrapped(line, indent) for line in text.splitlines())
        print(text, file=self._stderr, flush=True)

    def _wrapped(self, line: str, indent: str) -> str:
        import textwrap

        return textwrap.fill(
            line,
            max(20, self._width(self._stderr)),
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _drain(events: Generator["Event", None, T], show: Callable[["Event"], None]) -> T:
    while True:
        try:
            event = next(events)
        except StopIteration as end:
            result: T = end.value
            return result
        try:
            show(event)
        except OSError:
            # Whoever watched has gone, as in `rp deploy 2>&1 | head -2`: what is in flight is ended.
            events.throw(Interrupted("a closed output"))
        except BaseException as error:  # noqa: BLE001 - handed on to the operation, which cleans up
            events.throw(error)
