"""`rp deploy`."""

import argparse
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from rp.cli import interrupts, options, recovery
from rp.context import Context
from rp.domain.verdict import LEVELS
from rp.errors import ExitStatus

if TYPE_CHECKING:
    from rp.domain.spec import Overrides
    from rp.operations.results import Plan


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("template", help="a template of `rp template list`")
    parser.add_argument("--alias", help="the pod's local name (default: rp-<template>-<short id>)")
    parser.add_argument("--gpu", type=options.words, default=[], metavar="GPU,…", help="as `H100,A100 80gb,4090`")
    parser.add_argument("--region", type=options.words, default=[], metavar="REGION,…", help="as EU, US, US-TX-3")
    parser.add_argument("--cloud", type=options.words, default=[], metavar="CLOUD,…", help="SECURE, COMMUNITY or ALL")
    parser.add_argument("--count", type=options.at_least(1), metavar="N", help="GPUs of the pod")
    parser.add_argument("--env", action="append", default=[], metavar="KEY=VALUE", help="may be repeated")
    parser.add_argument("--no-local-setup", action="store_true", help="do not run setup_local.sh here")
    parser.add_argument("--no-remote-setup", action="store_true", help="do not run setup_remote.sh on the pod")
    parser.add_argument("--retries", type=options.at_least(0), metavar="N", help="bad pods to put up with")
    parser.add_argument("--retry-backoff-seconds", type=options.amount, metavar="S", help="pause after a bad pod")
    parser.add_argument("--health", choices=LEVELS, metavar="LEVEL", help=f"{', '.join(LEVELS)} (docs/health.md)")
    parser.add_argument("--speed-test-url", metavar="URL", help="what to download as a test, http or https")
    parser.add_argument("--min-mbps", type=options.amount, metavar="N", help="megabits per second it should reach")
    parser.add_argument("--dry-run", action="store_true", help="show what would be tried, and create nothing")
    options.add_force(parser, "let an alias that is taken point to the new pod; the old pod keeps running")
    options.add_json(parser)
    options.add_yes(parser)
    options.examples(
        parser,
        "rp deploy sd --alias my-pod",
        "rp deploy sd --gpu 'H100,A100 80gb' --region EU,US --cloud ALL --dry-run",
    )
    parser.set_defaults(run=deploy)


def deploy(args: argparse.Namespace, context: Context) -> int:
    from rp.domain.spec import merge
    from rp.operations import deploy as operation
    from rp.operations import preflight
    from rp.output import deploys

    spec = merge(context.templates.get(args.template), _overrides(args), context.env)
    for unknown in context.templates.unknown_keys(args.template):
        context.output.warn(unknown)
    recovery.recover(context)
    plan = preflight.prepare(spec, args.alias, force=args.force, ports=context.ports)
    for warning in plan.warnings:
        context.output.warn(warning)
    if args.dry_run:
        return _show(plan, context)
    if context.output.is_interactive and not context.output.confirm(deploys.question(plan), yes=args.yes, default=True):
        return ExitStatus.FAILED
    interrupts.announce_cleaning()
    deployed = context.output.follow(operation.deploy(plan, context.ports), context.clock.monotonic)
    context.output.result(deploys.document(deployed, context.today()), deploys.summary(deployed, plan.catalog.names()))
    return ExitStatus.FAILED if deployed.left else ExitStatus.OK


def _overrides(args: argparse.Namespace) -> "Overrides":
    from rp.domain.spec import Overrides, parse_env

    return Overrides(
        gpus=tuple(args.gpu),
        regions=tuple(args.region),
        clouds=tuple(cloud.upper() for cloud in args.cloud),
        count=args.count,
        env=parse_env(args.env),
        retries=args.retries,
        retry_backoff_seconds=args.retry_backoff_seconds,
        local_setup=False if args.no_local_setup else None,
        remote_setup=False if args.no_remote_setup else None,
        level=args.health,
        speed_test_url=args.speed_test_url,
        min_mbps=args.min_mbps,
    )


def _show(plan: "Plan", context: Context) -> int:
    from rp.output import deploys

    if context.wants_json:
        context.output.json(deploys.plan_document(plan.alias, plan.candidates))
        return ExitStatus.OK
    rows = [deploys.row(number, one) for number, one in enumerate(plan.candidates.ordered, 1)]
    context.output.table(deploys.CANDIDATES, rows)
    for dropped in plan.candidates.dropped:
        context.output.note(f"not tried: {dropped.what}: {dropped.reason}")
    return ExitStatus.OK


CONFIGURE: Mapping[str, Callable[[argparse.ArgumentParser], None]] = MappingProxyType({"deploy": configure})
