"""`rp why`."""

import argparse
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from rp.cli import options
from rp.context import Context
from rp.errors import NotAllowed, StateUnreadable, UsageProblem

if TYPE_CHECKING:
    from rp.domain.redact import Private
    from rp.domain.story import Story

_STDOUT = "-"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", nargs="?", metavar="pod", help="an alias, a pod id or a deployment's id")
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="print one JSON document on stdout: everything")
    forms.add_argument("--html", action="store_true", help="write one page with the timeline drawn")
    forms.add_argument("--bundle", action="store_true", help="write a .tar.gz for RunPod's support, without secrets")
    parser.add_argument("-o", dest="file", metavar="FILE", help="where --html or --bundle goes; - is stdout")
    options.add_force(parser, "replace a file that is there")
    options.examples(parser, "rp why", "rp why my-pod", "rp why my-pod --html", "rp why 89qgenjznh5t2j --bundle")
    parser.set_defaults(run=why)


def why(args: argparse.Namespace, context: Context) -> None:
    from rp.operations import why as operation
    from rp.output import why as shown

    is_file = args.html or args.bundle
    if (args.file is not None or args.force) and not is_file:
        raise UsageProblem("-o and --force go with --html or --bundle", hint="`rp why my-pod --html -o page.html`")
    story = operation.tell(
        args.target or _newest(context),
        _private(context, for_others=is_file),
        journal=context.journal,
        looks=context.looks,
        hosts=context.hosts,
        aliases=context.aliases,
    )
    if is_file:
        _write(story, args, context)
    elif context.wants_json:
        context.output.json(shown.document(story))
    else:
        shown.show(story, context.stdout, context.env, colour=context.output.colour(context.stdout))


def _newest(context: Context) -> str:
    """Of the newest deployment; the others are named."""
    from datetime import UTC, datetime

    from rp.operations import why as operation

    newest, others = operation.newest(context.journal)
    if others:
        context.output.note("the newest deployment; those before it:")
    for deployment_id, alias, outcome, began in others:
        day = datetime.fromtimestamp(began, UTC)
        context.output.note(f"  rp why {deployment_id}   {alias}, {outcome}, {day:%Y-%m-%d %H:%M} UTC")
    return newest


def _private(context: Context, *, for_others: bool) -> "Private":
    """All that is known to be private. What cannot be read now is no reason to tell nothing."""
    from rp.operations import why as operation

    key, templates = None, {}
    with suppress(NotAllowed, StateUnreadable):
        key = context.credentials.find()
    with suppress(StateUnreadable):
        templates = context.templates.raw()
    home = str(context.paths.home)
    users = (context.env.get("USER", ""), context.env.get("LOGNAME", ""), context.paths.home.name)
    return operation.known_private(key, [context.env, *operation.envs(templates)], users, home, for_others=for_others)


def _write(story: "Story", args: argparse.Namespace, context: Context) -> None:
    from rp.output import bundle, saved, why_page

    data = bundle.archive(story) if args.bundle else why_page.page(story).encode()
    if args.file == _STDOUT:
        if args.bundle and context.stdout.isatty():
            raise UsageProblem("an archive is nothing for a terminal", hint="-o FILE, or a pipe")
        context.stdout.buffer.write(data)
        context.stdout.buffer.flush()
        return
    path = Path(args.file or bundle.name(story) + (".tar.gz" if args.bundle else ".html"))
    saved.save(path, data, replace=args.force)
    context.output.answer(str(path))
    if args.bundle:
        context.output.note(
            f"Before you send it: `tar xzf {path}`, then read README.txt, which has a text for the ticket, and look"
            " through the logs and probe-output.txt: secrets of known forms are left out, others may be in there."
        )


CONFIGURE: Mapping[str, Callable[[argparse.ArgumentParser], None]] = MappingProxyType({"why": configure})
