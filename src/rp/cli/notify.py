"""`rp notify`."""

import argparse
from collections.abc import Callable, Mapping
from types import MappingProxyType

from rp.cli import options
from rp.context import Context
from rp.errors import RpError, UsageProblem


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "targets",
        nargs="*",
        metavar="TARGET",
        help="desktop, ntfy://…, slack://…, https://…; '${env:NAME}' is replaced. Default: RP_NOTIFY, config.toml",
    )
    parser.add_argument(
        "--message", default="This is how rp tells that something is done.", metavar="TEXT", help="what to say"
    )
    options.examples(
        parser, "rp notify desktop", "rp notify ntfy://my-topic", "rp notify '${env:SLACK_URL}' --message hello"
    )
    parser.set_defaults(run=notify)


def notify(args: argparse.Namespace, context: Context) -> None:
    wanted = context.notify_targets(args.targets)
    if not wanted:
        raise UsageProblem(
            "nobody is named to be notified",
            hint=f'name a target, export RP_NOTIFY=desktop, or put notify = ["desktop"] into {context.paths.settings}',
        )
    if problems := context.notifier.send(wanted, "rp", args.message):
        if len(wanted) == 1:
            raise RpError(problems[0])
        raise RpError(f"{len(problems)} of {len(wanted)} notifications failed", details=problems)
    context.output.answer(f"sent to {len(wanted)} {'target' if len(wanted) == 1 else 'targets'}")


CONFIGURE: Mapping[str, Callable[[argparse.ArgumentParser], None]] = MappingProxyType({"notify": configure})
