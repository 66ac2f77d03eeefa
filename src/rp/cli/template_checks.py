"""`rp template validate`, `diff`, `schema`."""

import argparse
from typing import TYPE_CHECKING

from rp.cli import options
from rp.context import Context
from rp.errors import ExitStatus, RpError, UsageProblem

if TYPE_CHECKING:
    from rp.domain.template_checked import Checked
    from rp.domain.template_diff import Side

_POD = "pod:"


def configure_validate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="name", help="a template (default: all of them)")
    parser.add_argument("--file", help="a file with one template or many instead; - is stdin")
    options.add_json(parser)
    options.examples(parser, "rp template validate", "rp template validate sd", "rp template validate --file sd.json")
    parser.set_defaults(run=validate)


def validate(args: argparse.Namespace, context: Context) -> int:
    from rp.output import templates as shown

    if args.names and args.file is not None:
        raise UsageProblem("give names, or --file, not both")
    found = _checked_file(args.file, context) if args.file is not None else _checked(args.names, context)
    document = {"templates": [shown.verdict_document(one) for one in found]}
    lines = [line for one in found for line in shown.verdict(one)]
    if found:
        context.output.result(document, lines)
    else:
        context.output.result(document, ["no templates"])
    return ExitStatus.OK if all(one.is_valid for one in found) else ExitStatus.FAILED


def _checked(names: list[str], context: Context) -> "list[Checked]":
    from rp.operations import template_check

    wanted = dict.fromkeys(names or context.templates.names())
    return [template_check.check(name, context.templates.raw_of(name), context.name_problems) for name in wanted]


def _checked_file(file: str, context: Context) -> "list[Checked]":
    from rp.domain import template_document
    from rp.operations import template_check, template_share

    where = context.documents.called(file)
    loaded = template_document.load(context.documents.read(file), where)
    documents = template_document.split(loaded, template_share.name_of(where))
    return [template_check.check(name, raw, context.name_problems) for name, raw in documents.items()]


def configure_diff(parser: argparse.ArgumentParser) -> None:
    what = "a template, a file (has a / or ends in .json), or pod:<alias or id>"
    parser.add_argument("first", metavar="a", help=what)
    parser.add_argument("second", metavar="b", help="as a")
    options.add_json(parser)
    options.examples(
        parser, "rp template diff sd sd-big", "rp template diff sd pod:my-pod", "rp template diff sd ./sd.json"
    )
    parser.epilog = f"{parser.epilog}\n\nexit status: 0 equal, 1 different, others: not compared"
    parser.set_defaults(run=diff)


def diff(args: argparse.Namespace, context: Context) -> int:
    from rp.domain.template_diff import ABSENT, compare
    from rp.output import templates as shown

    try:
        sides = [_side(said, context) for said in (args.first, args.second)]
        found = compare(*sides)
    except RpError as problem:
        # 1 is what differs.
        if problem.exit_status == ExitStatus.FAILED:
            problem.exit_status = ExitStatus.USAGE
        raise
    context.output.result(
        shown.differences_document(found, ABSENT), shown.differences(found, ABSENT) or ["no difference"]
    )
    if any(side.is_pod for side in sides):
        context.output.note("compared is what RunPod tells of a pod: health, price cap and the like are not in it")
    return ExitStatus.FAILED if found else ExitStatus.OK


def _side(said: str, context: Context) -> "Side":
    from rp.domain import template
    from rp.domain.template_diff import Side

    if said.startswith(_POD):
        return _pod_side(said.removeprefix(_POD), context)
    if "/" in said or said.endswith(".json"):
        name, raw = _in_file(said, context)
        return Side(template.parse(name, raw), raw)
    return Side(context.templates.get(said), context.templates.raw_of(said))


def _in_file(file: str, context: Context) -> tuple[str, object]:
    from rp.domain import template_document
    from rp.operations import template_share

    where = context.documents.called(file)
    loaded = template_document.load(context.documents.read(file), where)
    documents = template_document.split(loaded, template_share.name_of(where))
    if len(documents) > 1:
        raise UsageProblem(f"{where} has {len(documents)} templates", hint="`rp template export` writes one to a file")
    [(name, raw)] = documents.items()
    return name, raw


def _pod_side(target: str, context: Context) -> "Side":
    from rp.cli import recovery
    from rp.domain.template import to_json
    from rp.domain.template_diff import Side
    from rp.operations import derive, inventory

    recovery.recover(context)
    _, pod = inventory.live(target, context.ports)
    template = derive.from_pod(target, pod, include_env=True).template
    return Side(template, to_json(template), is_pod=True)


def configure_schema(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Print the JSON Schema of a template: editors complete and\ncheck a file whose `$schema` names it."
    )
    options.examples(parser, "rp template schema > rp-template.schema.json")
    parser.set_defaults(run=schema)


def schema(_args: argparse.Namespace, context: Context) -> None:
    from rp.domain.template_schema import schema as made

    context.output.json(made())
