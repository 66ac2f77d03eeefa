"""`rp health`."""

import argparse
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from rp.cli import options, recovery
from rp.context import Context
from rp.domain.verdict import LEVELS, OFF, PASSIVE
from rp.errors import ExitStatus, RpError, UsageProblem

if TYPE_CHECKING:
    from rp.domain.pod import Pod
    from rp.operations.results import Checkup

_WATCH_SECONDS = 60


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pods", nargs="*", metavar="pod", help="an alias or a pod id")
    parser.add_argument("--all", action="store_true", help="every running pod that has an alias")
    parser.add_argument(
        "--level",
        choices=[level for level in LEVELS if level != OFF],
        default=PASSIVE,
        metavar="LEVEL",
        help="passive (default: no load), basic, standard, deep",
    )
    parser.add_argument("--watch", action="store_true", help="look again and again, until Ctrl-C")
    parser.add_argument(
        "--every", type=options.at_least(1), default=_WATCH_SECONDS, metavar="S", help="seconds between looks (60)"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="show each check that passed, too")
    options.add_json(parser)
    options.examples(parser, "rp health my-pod", "rp health my-pod --level standard", "rp health --all --watch")
    parser.set_defaults(run=health)


def health(args: argparse.Namespace, context: Context) -> int:
    if bool(args.pods) == args.all:
        raise UsageProblem("name a pod, or say --all", hint="`rp list` shows what there is")
    recovery.recover(context)
    if not args.watch:
        return _round(args, context)
    while True:
        try:
            _round(args, context)
        except RpError as trouble:
            # A network that comes and goes does not end a watch.
            context.output.warn(trouble.message)
        context.clock.sleep(args.every)


def _round(args: argparse.Namespace, context: Context) -> int:
    """One look at each pod; the exit status."""
    from rp.operations import checkup
    from rp.output import health as shown

    found = _looked(_wanted(args, context), args.level, context)
    if context.wants_json:
        context.output.json([shown.document(one, context.today()) for one in found])
    for one in () if context.wants_json else found:
        if args.watch:
            context.output.answer(shown.line(one, context.today()))
        else:
            _show(one, context, verbose=args.verbose)
    try:
        for one in found:
            checkup.keep(one, context.ports)
    except RpError as trouble:
        context.output.warn(f"this look is not remembered: {trouble.message}")
    if any(one.report is None for one in found):
        return ExitStatus.FAILED
    return ExitStatus.NO_GOOD_POD if any(shown.is_bad(one) for one in found) else ExitStatus.OK


def _wanted(args: argparse.Namespace, context: Context) -> list[tuple[str, "Pod"]]:
    from rp.domain.pod import RUNNING
    from rp.operations import inventory

    if not args.all:
        named = [(target, inventory.live(target, context.ports)[1]) for target in args.pods]
        # One pod may be named twice, by its alias and its id.
        return list({pod.id: (target, pod) for target, pod in reversed(named)}.values())[::-1]
    entries = inventory.entries(context.ports)
    found = [(one.alias, one.pod) for one in entries if one.alias and one.pod and one.pod.status == RUNNING]
    if not found:
        context.output.note("no running pod has an alias here")
    return found


def _looked(pods: list[tuple[str, "Pod"]], level: str, context: Context) -> list["Checkup"]:
    from rp.operations import checkup

    ports = context.ports
    asked = [checkup.asked_of(pod, ports) for _, pod in pods]
    if context.output.is_interactive and pods:
        context.output.note(f"looking at {', '.join(called for called, _ in pods)} ({level})")
    jobs = [
        partial(checkup.look_at, called, pod, level, one, ports) for (called, pod), one in zip(pods, asked, strict=True)
    ]
    return ports.workers.together(jobs)


def _show(one: "Checkup", context: Context, *, verbose: bool) -> None:
    from rp.output import health as shown

    context.output.note(shown.heading(one))
    if one.report is not None:
        # A pipe gets everything, as in all tables.
        is_short = context.output.on_terminal and not verbose
        context.output.table(shown.CHECKS, shown.short_rows(one.report) if is_short else shown.rows(one.report))
        for sentence in shown.sentences(one.report):
            context.output.note(f"- {sentence}")


CONFIGURE: Mapping[str, Callable[[argparse.ArgumentParser], None]] = MappingProxyType({"health": configure})
