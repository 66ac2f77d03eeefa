"""`rp template export` and `import`, and the question before the first deploy of an imported one."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rp.cli import options
from rp.context import Context
from rp.errors import ExitStatus

if TYPE_CHECKING:
    from rp.domain.template import Template
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
        parser, "rp template export sd -o sd.json", "rp template export sd | ssh other rp template import -"
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
        context.output.note(f"- {note}")


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
    context.output.note(f"template {one.name}, from {where}:")
    _tell(one.template, context)
    for warning in one.warnings:
        context.output.warn(warning)


def _tell(template: "Template", context: Context) -> None:
    from rp.operations.template_share import local_variables
    from rp.output import templates as shown

    for line in shown.will_run(template, local_variables(template)):
        context.output.note(line)


def agreed(name: str, template: "Template", context: Context, *, yes: bool) -> bool:
    """Whether `name` may be deployed: one that was imported is shown and asked about, once.

    `template` is what will be deployed. Raises UsageProblem where there is no terminal to ask on and no `yes`.
    """
    from rp.domain import template_document

    raw: Any = context.templates.raw_of(name)
    if not template_document.wants_consent(raw):
        return True
    origin = template_document.origin_of(raw) or "somewhere else"
    context.output.note(f"template {name} was imported from {origin}, and not deployed yet:")
    _tell(template, context)
    if not context.output.confirm(f"Deploy what {name} says?", yes=yes):
        return False
    context.templates.give_consent(name, raw)
    return True
