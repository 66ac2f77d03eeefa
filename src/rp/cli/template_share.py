"""`rp template export` and `import`, and the question before the first deploy of an imported one."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rp.cli import options
from rp.context import Context
from rp.errors import ExitStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rp.domain.template import Template
    from rp.domain.template_diff import Difference
    from rp.operations.template_share import Incoming

_STDOUT = "-"


def configure_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="a template of `rp template list`")
    parser.add_argument("-o", dest="file", metavar="FILE", default=_STDOUT, help="default: stdout")
    parser.add_argument(
        "--include-env",
        type=options.true_or_false,
        metavar="true|false",
        help="true keeps every value, false drops all (default: all, with references in place of secrets)",
    )
    options.add_force(parser, "replace a file that is there")
    options.examples(
        parser, "rp template export sd -o sd.json", "rp template export sd | ssh other rp template import -y -"
    )
    parser.set_defaults(run=export)


def export(args: argparse.Namespace, context: Context) -> None:
    import json

    from rp.operations import template_share as operation

    exported = operation.export(args.name, context.templates.raw_of(args.name), include_env=args.include_env)
    if args.file == _STDOUT:
        context.output.json(exported.document)
    else:
        from rp.output import saved

        text = json.dumps(exported.document, indent=2, ensure_ascii=False)
        saved.save(Path(args.file), f"{text}\n".encode(), replace=args.force)
        context.output.answer(args.file)
    for note in exported.notes:
        context.output.quote(f"- {note}")


def configure_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="file|-|url", help="one exported template, or a whole templates.json")
    parser.add_argument("--as", dest="as_name", metavar="NAME", help="its name here")
    options.add_force(parser, "replace templates of those names")
    options.add_yes(parser)
    options.add_json(parser)
    options.examples(parser, "rp template import sd.json", "rp template import https://example.com/sd.json --as sd2")
    parser.set_defaults(run=import_templates)


def import_templates(args: argparse.Namespace, context: Context) -> int:
    from rp.operations import template_share as operation

    where = context.documents.called(args.source)
    found = operation.incoming(context.documents.read(args.source), where, args.as_name, context.name_problems)
    if not args.force:
        context.templates.check_free(one.name for one in found)
    for one in found:
        _show(one, where, context)
    names = ", ".join(one.name for one in found)
    question = f"Store {names}?" if len(found) == 1 else f"Store these {len(found)} templates?"
    if not context.output.confirm(question, yes=args.yes):
        return ExitStatus.FAILED
    documents = operation.to_store(found, where, context.today().isoformat(timespec="seconds"))
    context.templates.put_raw(documents, replace=args.force)
    context.output.result(
        documents, [f"imported {names} into {context.paths.templates}; the first deploy asks once more"]
    )
    return ExitStatus.OK


def _show(one: "Incoming", where: str, context: Context) -> None:
    context.output.quote(f"template {one.name}, from {where}:")
    tell(one.template, context)
    for warning in one.warnings:
        context.output.quote(f"  warning        {warning}")


def tell(template: "Template", context: Context) -> None:
    """Show what it runs."""
    from rp.output import consent

    for line in consent.will_run(template):
        context.output.quote(line)


def agreed(
    name: str, raw: Any, template: "Template", changes: "Sequence[Difference]", context: Context, *, yes: bool
) -> bool:
    """Whether `name` may be deployed: one that was imported is shown and asked about, until a deploy began.

    `raw` is the stored document, `template` the same, and `changes` what the command's options make of it. Raises
    UsageProblem where there is no terminal to ask on and no `yes`.
    """
    from rp.domain import template_document
    from rp.domain.template_diff import ABSENT
    from rp.output import templates as shown

    if not template_document.wants_consent(raw):
        return True
    origin = template_document.origin_of(raw) or "somewhere else"
    context.output.quote(f"template {name} was imported from {origin}, and not deployed yet:")
    tell(template, context)
    if changes:
        context.output.note("the options of this command change, for this deploy:")
    for line in shown.differences(changes, ABSENT):
        context.output.quote(f"  {line}")
    return context.output.confirm(f"Deploy what {name} says?", yes=yes)


def keep_agreement(name: str, raw: Any, context: Context) -> None:
    """The user said yes to everything: `raw` is not asked about again. Raises RpError where it has changed since."""
    from rp.domain import template_document

    if template_document.wants_consent(raw):
        context.templates.give_consent(name, raw)
