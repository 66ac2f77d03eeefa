"""`rp hosts list`, `trust`, `forget`."""

import argparse
from collections.abc import Callable, Mapping
from types import MappingProxyType

from rp.cli import options
from rp.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    options.examples(parser, "rp hosts list", "rp hosts trust 3")
    options.add_verbs(parser, _VERBS)


def _configure_list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="also machines with nothing against them")
    options.add_json(parser)
    options.examples(parser, "rp hosts list", "rp hosts list --all --json | jq '.[].marks'")
    parser.set_defaults(run=list_hosts)


def list_hosts(args: argparse.Namespace, context: Context) -> None:
    from rp.output import hosts as shown

    now = context.clock.now()
    hosts = [host for host in context.hosts.all() if args.all or args.json or host.recent(now)]
    if context.wants_json:
        context.output.json([shown.document(host, now) for host in hosts])
    elif hosts:
        context.output.table(shown.HOSTS, [shown.row(host, now) for host in hosts])
    else:
        context.output.note("no machine has anything against it; --all shows all that were seen")


def _configure_trust(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("number", type=options.at_least(1), help="as in `rp hosts list`")
    options.examples(parser, "rp hosts trust 3")
    parser.set_defaults(run=trust)


def trust(args: argparse.Namespace, context: Context) -> None:
    context.hosts.trust(args.number, context.clock.now())
    context.output.answer(f"machine {args.number} is trusted again: what failed there so far does not count any more")


def _configure_forget(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("number", type=options.at_least(1), help="as in `rp hosts list`")
    options.examples(parser, "rp hosts forget 3")
    parser.set_defaults(run=forget)


def forget(args: argparse.Namespace, context: Context) -> None:
    context.hosts.forget(args.number)
    context.output.answer(f"machine {args.number} is forgotten, with all that was seen of it")


_VERBS: Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = MappingProxyType(
    {
        "list": ("show the machines that new pods are kept away from", _configure_list),
        "trust": ("let new pods onto a machine again", _configure_trust),
        "forget": ("drop all that is known of a machine", _configure_forget),
    }
)
CONFIGURE: Mapping[str, Callable[[argparse.ArgumentParser], None]] = MappingProxyType({"hosts": configure})
