"""`rp deploy`."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from rp.cli import interrupts, options, recovery
from rp.context import Context
from rp.domain.order import ORDERS
from rp.domain.verdict import LEVELS
from rp.errors import ExitStatus, UsageProblem

if TYPE_CHECKING:
    from rp.domain.spec import Overrides
    from rp.operations.results import Plan


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("template", help="a template of `rp template list`")
    parser.add_argument("--alias", help="the pod's local name, or `sd-{i}` (default: rp-<template>-<short id>)")
    _configure_placement(parser)
    _configure_pod(parser)
    _configure_patience(parser)
    parser.add_argument("--dry-run", action="store_true", help="show what would be tried, and create nothing")
    options.add_force(parser, "let an alias that is taken point to the new pod; the old pod keeps running")
    options.add_json(parser)
    options.add_yes(parser)
    options.examples(
        parser,
        "rp deploy sd --alias my-pod",
        "rp deploy sd --gpu 'H100,2x4090' --region EU,US --cloud ALL --dry-run",
        "rp deploy sd --wait 8h --notify desktop --max-price 3",
        "rp deploy sd --replicas 4 --alias 'sd-{i}'",
    )
    parser.set_defaults(run=deploy)


def _configure_placement(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gpu", type=options.words, default=[], metavar="GPU,…", help="as `H100,A100 80gb,2x4090`")
    parser.add_argument("--region", type=options.words, default=[], metavar="REGION,…", help="as EU, US, '!US-TX-3'")
    parser.add_argument("--cloud", type=options.words, default=[], metavar="CLOUD,…", help="SECURE, COMMUNITY or ALL")
    parser.add_argument("--count", type=options.at_least(1), metavar="N", help="GPUs of the pod")
    parser.add_argument("--order", choices=ORDERS, metavar="ORDER", help=f"what is tried first: {', '.join(ORDERS)}")
    parser.add_argument("--max-price", type=options.amount, metavar="USD", help="an hour of the whole pod, at most")
    parser.add_argument("--min-vram", type=options.at_least(1), metavar="GB", help="of each GPU")
    parser.add_argument("--min-cuda", metavar="VERSION", help="that the machine's driver supports, as 12.8")


def _configure_pod(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--image", help="another image")
    parser.add_argument("--container-disk", type=options.at_least(1), metavar="GB", help="lost at each stop")
    parser.add_argument("--volume", type=options.at_least(0), metavar="GB", help="kept over a stop; 0 is none")
    parser.add_argument("--env", action="append", default=[], metavar="KEY=VALUE", help="may be repeated")
    parser.add_argument("--no-local-setup", action="store_true", help="do not run setup_local.sh here")
    parser.add_argument("--no-remote-setup", action="store_true", help="do not run setup_remote.sh on the pod")
    parser.add_argument("--retries", type=options.at_least(0), metavar="N", help="bad pods to put up with")
    parser.add_argument("--retry-backoff-seconds", type=options.amount, metavar="S", help="pause after a bad pod")
    parser.add_argument("--health", choices=LEVELS, metavar="LEVEL", help=f"{', '.join(LEVELS)} (docs/health.md)")
    parser.add_argument("--speed-test-url", metavar="URL", help="what to download as a test, http or https")
    parser.add_argument("--min-mbps", type=options.amount, metavar="N", help="megabits per second it should reach")


def _configure_patience(parser: argparse.ArgumentParser) -> None:
    options.add_optional(
        parser,
        "--wait",
        options.is_duration,
        type=options.patience,
        metavar="[DURATION]",
        help="for capacity, as 8h; without end if none is given",
    )
    options.add_optional(
        parser,
        "--notify",
        options.is_target,
        action="append",
        default=[],
        metavar="[TARGET]",
        help="tell when it is done: desktop, a web hook, ntfy://… (see `rp notify`)",
    )
    parser.add_argument("--race", type=options.at_least(1), default=1, metavar="N", help="pods that boot at once")
    parser.add_argument("--replicas", type=options.at_least(1), metavar="N", help="pods to deploy side by side")


def deploy(args: argparse.Namespace, context: Context) -> int:
    from rp.cli.template_share import agreed, keep_agreement
    from rp.domain import template_document
    from rp.domain.spec import merge
    from rp.operations import preflight, preflight_reads, replicas, template_share

    if args.replicas and args.race > 1:
        raise UsageProblem("--race and --replicas exclude each other", hint="replicas boot side by side already")
    targets = _targets(args, context)
    # Read once: what is shown, agreed to and deployed is the same.
    raw = context.templates.raw_of(args.template)
    stored, overrides = template_share.stored(args.template, raw), _overrides(args)
    spec = merge(stored, overrides, context.env)
    for unknown in context.templates.unknown_keys(args.template):
        context.output.warn(unknown)
    recovery.recover(context)
    is_strange = template_document.wants_consent(raw)
    ports = preflight_reads.without_registries(context.ports) if is_strange else context.ports
    plan = preflight.prepare(spec, args.alias, force=args.force, ports=ports)
    plan = replace(plan, race=args.race, wait=args.wait)
    for warning in plan.warnings:
        context.output.warn(warning)
    plans = replicas.plans_of(plan, args.replicas, args.alias, context.ports) if args.replicas else (plan,)
    if args.dry_run:
        return _show(plan, context)
    changes = template_share.changes(stored, spec, overrides) if is_strange else ()
    if not agreed(args.template, raw, stored, changes, context, yes=args.yes) or not _agreed(plans, args, context):
        return ExitStatus.FAILED
    keep_agreement(args.template, raw, context)
    if args.replicas:
        return _deploy_all(plans, targets, context)
    return _deploy_one(plan, targets, context)


def _deploy_one(plan: "Plan", targets: tuple[str, ...], context: Context) -> int:
    from rp.operations import announce
    from rp.operations import deploy as operation
    from rp.output import deploys

    interrupts.announce_cleaning()
    steps = operation.deploy(plan, context.ports)
    if targets:
        steps = announce.announced(steps, plan.alias, announce.of_one, targets, context.notifier)
    deployed = context.output.follow(steps, context.clock.monotonic)
    context.output.result(deploys.document(deployed, context.today()), deploys.summary(deployed, plan.catalog.names()))
    return ExitStatus.FAILED if deployed.left else ExitStatus.OK


def _deploy_all(plans: "tuple[Plan, ...]", targets: tuple[str, ...], context: Context) -> int:
    from rp.operations import announce
    from rp.operations import replicas as operation
    from rp.output import replicas as shown

    interrupts.announce_cleaning()
    steps = operation.deploy_all(plans, context.ports)
    if targets:
        name = plans[0].spec.template.name
        steps = announce.announced(steps, name, announce.of_several, targets, context.notifier)
    aliases = [one.alias for one in plans]
    replicas = context.output.follow_all(aliases, steps, context.clock.monotonic)
    lines = shown.summary(replicas, plans[0].catalog.names())
    context.output.result(shown.document(replicas, context.today()), lines)
    if bug := next((one.bug for one in replicas.all if one.bug), None):
        raise bug
    return replicas.exit_status


def _agreed(plans: "tuple[Plan, ...]", args: argparse.Namespace, context: Context) -> bool:
    from rp.output import deploys, replicas

    question = replicas.question(plans) if args.replicas else deploys.question(plans[0])
    return not context.output.is_interactive or context.output.confirm(question, yes=args.yes, default=True)


def _targets(args: argparse.Namespace, context: Context) -> tuple[str, ...]:
    """Where the message goes; a target that cannot work is told before the wait, not after it."""
    if not args.notify:
        return ()
    targets = context.notify_targets([target for target in args.notify if target]) or ("desktop",)
    for target in targets:
        if problem := context.notifier.problem(target):
            raise UsageProblem(f"--notify: {problem}")
    return targets


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
        order=args.order,
        max_price=args.max_price,
        min_vram=args.min_vram,
        min_cuda=args.min_cuda,
        image=args.image,
        container_disk=args.container_disk,
        volume=args.volume,
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
