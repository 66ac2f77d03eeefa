"""`rp template`: `list`, `show`, `delete`, `rename`, `copy`, `derive`; the others have modules of their own."""

import argparse
from collections.abc import Callable, Mapping
from types import MappingProxyType

from rp.cli import options, template_checks, template_create, template_edit, template_share
from rp.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    options.examples(
        parser,
        "rp template create sd --gpu 'H100,A100 80gb' --image IMAGE",
        "rp template derive sd --from 89qgenjznh5t2j",
        "rp template edit sd",
    )
    options.add_verbs(parser, _VERBS)


def _add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="a template of `rp template list`")


def _configure_derive(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the template's name")
    parser.add_argument("--from", dest="source", required=True, metavar="POD", help="an alias or a pod id")
    parser.add_argument(
        "--include-env",
        type=options.true_or_false,
        metavar="true|false",
        help="true keeps every value, false drops all (default: all, with references in place of secrets)",
    )
    options.add_force(parser, "replace a template of that name")
    options.add_json(parser)
    options.examples(parser, "rp template derive sd --from my-pod", "rp template derive sd --from 89qgenjznh5t2j -f")
    parser.set_defaults(run=derive)


def derive(args: argparse.Namespace, context: Context) -> None:
    from rp.cli import recovery
    from rp.domain.template import to_json
    from rp.operations import derive as operation
    from rp.operations import inventory

    recovery.recover(context)
    _, pod = inventory.live(args.source, context.ports)
    derived = operation.derive(args.name, pod, include_env=args.include_env, force=args.force, ports=context.ports)
    context.output.result(to_json(derived.template), [f"template {args.name} is in {context.paths.templates}"])
    for note in derived.notes:
        context.output.note(f"- {note}")


def _configure_list(parser: argparse.ArgumentParser) -> None:
    options.add_json(parser)
    options.examples(parser, "rp template list")
    parser.set_defaults(run=list_templates)


def list_templates(_args: argparse.Namespace, context: Context) -> None:
    # A `$schema` for editors is no template.
    stored = {name: raw for name, raw in context.templates.raw().items() if not name.startswith("$")}
    if context.wants_json:
        context.output.json(stored)
    elif stored:
        from rp.output import templates as shown

        rows = [shown.row(name, stored[name]) for name in sorted(stored)]
        context.output.table(shown.TEMPLATES, rows)
    else:
        context.output.note(
            "no templates: `rp template create <name>` makes one, "
            "`rp template derive <name> --from <pod id>` makes one from a pod"
        )


def _configure_show(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    options.examples(parser, "rp template show sd")
    parser.set_defaults(run=show)


def show(args: argparse.Namespace, context: Context) -> None:
    context.output.json(context.templates.raw_of(args.name))
    context.templates.get(args.name)
    for unknown in context.templates.unknown_keys(args.name):
        context.output.warn(unknown)


def _configure_delete(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    options.add_yes(parser)
    options.examples(parser, "rp template delete sd --yes")
    parser.set_defaults(run=delete)


def delete(args: argparse.Namespace, context: Context) -> int:
    context.templates.raw_of(args.name)
    if not context.output.confirm(f"Delete template {args.name}?", yes=args.yes):
        return 1
    context.templates.delete(args.name)
    context.output.answer(f"deleted template {args.name}")
    return 0


def _configure_rename(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    parser.add_argument("new", help="its name from now on")
    options.add_force(parser, "replace a template of the new name")
    options.examples(parser, "rp template rename sd sd-old")
    parser.set_defaults(run=rename)


def rename(args: argparse.Namespace, context: Context) -> None:
    context.templates.rename(args.name, args.new, replace=args.force)
    context.output.answer(f"template {args.name} is called {args.new} now")


def _configure_copy(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    parser.add_argument("new", help="the copy's name")
    options.add_force(parser, "replace a template of the new name")
    options.examples(parser, "rp template copy sd sd-big && rp template edit sd-big")
    parser.set_defaults(run=copy)


def copy(args: argparse.Namespace, context: Context) -> None:
    context.templates.copy(args.name, args.new, replace=args.force)
    context.output.answer(f"template {args.new} is a copy of {args.name}")


_VERBS: Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = MappingProxyType(
    {
        "create": ("make a template from options or answers", template_create.configure),
        "derive": ("make a template from a pod", _configure_derive),
        "edit": ("change a template in your editor", template_edit.configure),
        "list": ("show the templates", _configure_list),
        "show": ("print a template as JSON", _configure_show),
        "rename": ("give a template another name", _configure_rename),
        "copy": ("make a template like another one", _configure_copy),
        "validate": ("say all that is wrong with templates", template_checks.configure_validate),
        "diff": ("compare two templates, or one with a pod", template_checks.configure_diff),
        "export": ("write a template that others can import", template_share.configure_export),
        "import": ("take templates from a file or an address", template_share.configure_import),
        "schema": ("print the JSON Schema of a template", template_checks.configure_schema),
        "delete": ("delete a template", _configure_delete),
    }
)
CONFIGURE: Mapping[str, Callable[[argparse.ArgumentParser], None]] = MappingProxyType({"template": configure})
