"""`rp template edit`."""

import argparse
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rp.cli import options
from rp.context import Context
from rp.errors import Interrupted, RpError

if TYPE_CHECKING:
    from rp.operations.template_edit import Draft


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = "Change a template in $VISUAL or $EDITOR. What is not valid\nis not stored, and not lost."
    parser.add_argument("name", help="a template of `rp template list`")
    parser.add_argument("--file", help="begin with the text of this file, as with one that was kept")
    options.examples(parser, "rp template edit sd", "EDITOR='code --wait' rp template edit sd")
    parser.set_defaults(run=edit)


def edit(args: argparse.Namespace, context: Context) -> None:
    from rp.operations import template_edit as operation

    before = context.templates.raw_of(args.name)
    text = operation.text_of(before) if args.file is None else context.documents.read(args.file)
    draft = context.editor.open(text)
    try:
        after = _edited(args.name, draft, context)
        if after != before:
            context.templates.swap(args.name, before, after)
    except (RpError, Interrupted) as problem:
        operation.keep(draft, text, problem, args.name)
        raise
    draft.discard()
    if after == before:
        context.output.answer(f"nothing changed in template {args.name}")
        return
    context.output.answer(f"changed template {args.name}")
    for unknown in context.templates.unknown_keys(args.name):
        context.output.warn(unknown)


def _edited(name: str, draft: "Draft", context: Context) -> dict[str, Any]:
    """What the user saved, once it is valid; raises RpError where they give up."""
    from rp.operations import template_edit as operation

    while True:
        with _signals_for_the_editor():
            draft.edit()
        try:
            return operation.read(name, draft, context.name_problems)
        except RpError as problem:
            if not context.output.is_interactive:
                raise
            context.output.error(problem)
            if not context.output.confirm("Edit it again?", yes=False, default=True):
                raise RpError("nothing was stored") from problem


@contextmanager
def _signals_for_the_editor() -> Iterator[None]:
    """Ctrl-C and Ctrl-\\ in an editor are keys of the editor."""
    # Not SIG_IGN: programs that rp starts would inherit that.
    kept = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGQUIT)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
