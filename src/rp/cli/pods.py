"""`rp list`, `stop`, `terminate`, `add`, `remove`."""

import argparse
from collections.abc import Callable, Mapping
from types import MappingProxyType

from rp.cli import options, recovery
from rp.context import Context
from rp.errors import ExitStatus, RpError


def configure_list(parser: argparse.ArgumentParser) -> None:
    options.add_json(parser)
    options.examples(parser, "rp list", "rp list --json | jq -r '.[].alias'")
    parser.set_defaults(run=list_pods)


def list_pods(_args: argparse.Namespace, context: Context) -> None:
    from rp.operations import inventory
    from rp.output import pods as shown

    recovery.recover(context)
    entries = inventory.entries(context.ports)
    if context.wants_json:
        context.output.json([shown.document(entry, context.today()) for entry in entries])
    elif entries:
        context.output.table(shown.PODS, [shown.row(entry, context.today()) for entry in entries])
    else:
        context.output.note("no pods: `rp deploy <template>` gets one")
    if others := shown.unknown_to_aliases(entries):
        context.output.note(others)


def configure_stop(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pod", help="an alias or a pod id")
    options.examples(parser, "rp stop my-pod")
    parser.set_defaults(run=stop)


def stop(args: argparse.Namespace, context: Context) -> None:
    from rp.operations import inventory, lifecycle
    from rp.output import pods as shown

    recovery.recover(context)
    entry, pod = inventory.live(args.pod, context.ports)
    context.output.answer(shown.stopped(args.pod, lifecycle.stop(entry, pod, context.ports)))


def configure_terminate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pods", nargs="+", metavar="pod", help="an alias or a pod id")
    options.add_yes(parser)
    options.examples(parser, "rp terminate my-pod", "rp terminate my-pod 89qgenjznh5t2j --yes")
    parser.set_defaults(run=terminate)


def terminate(args: argparse.Namespace, context: Context) -> int:
    from rp.operations import inventory, lifecycle
    from rp.output import pods as shown

    recovery.recover(context)
    wanted = [inventory.find(target, context.ports) for target in dict.fromkeys(args.pods)]
    if not context.output.confirm(shown.terminate_question(wanted), yes=args.yes):
        return ExitStatus.FAILED
    failures = []
    for entry in wanted:
        try:
            lifecycle.terminate(entry, context.ports)
            context.output.answer(f"terminated {shown.called(entry)}")
        except RpError as failure:
            failures.append(failure)
            context.output.error(failure)
    return failures[0].exit_status if failures else ExitStatus.OK


def configure_add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("alias", help="the local name; also for ssh")
    parser.add_argument("pod_id", help="a pod of the account")
    options.add_force(parser, "let an alias that is taken mean this pod")
    options.examples(parser, "rp add my-pod 89qgenjznh5t2j")
    parser.set_defaults(run=add)


def add(args: argparse.Namespace, context: Context) -> None:
    from rp.operations import inventory, lifecycle

    recovery.recover(context)
    pod, before = inventory.add(args.alias, args.pod_id, force=args.force, ports=context.ports)
    context.output.answer(f"{args.alias} is pod {pod.id} ({pod.status})")
    if before:
        context.output.warn(f"{args.alias} was pod {before}, which is left as it is: `rp list` shows what it costs")
    if problem := lifecycle.connect_alias(args.alias, pod, context.ports):
        context.output.note(problem)


def configure_remove(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("alias", help="an alias of `rp list`")
    options.examples(parser, "rp remove my-pod")
    parser.set_defaults(run=remove)


def remove(args: argparse.Namespace, context: Context) -> None:
    from rp.operations import inventory

    pod_id = inventory.remove(args.alias, context.aliases, context.remote)
    context.output.answer(f"forgot {args.alias}; pod {pod_id} is left as it is: `rp terminate {pod_id}` would end it")


CONFIGURE: Mapping[str, Callable[[argparse.ArgumentParser], None]] = MappingProxyType(
    {
        "list": configure_list,
        "stop": configure_stop,
        "terminate": configure_terminate,
        "add": configure_add,
        "remove": configure_remove,
    }
)
