"""`rp gpus`."""

import argparse
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TextIO

from rp.cli import options, recovery
from rp.context import Context
from rp.errors import ExitStatus, Unclear, UsageProblem

if TYPE_CHECKING:
    from rp.domain.offers import Asked
    from rp.operations import offers
    from rp.operations.catalog import Wanted
    from rp.output.gpus import View

_WATCH_SECONDS = 20
_ORDERS = ("price", "name", "vram", "stock")
# Of a template: it lists what it prefers.
_PREFERENCE = "preference"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "gpus", nargs="*", type=options.words, metavar="gpu", help="as H100, 'A100 80gb', 2xH100 (default: all)"
    )
    parser.add_argument("--count", type=options.at_least(1), metavar="N", help="GPUs of the pod (1)")
    parser.add_argument(
        "--region", type=options.words, default=[], metavar="REGION,…", help="stock there only: EU, US-TX-3, !US"
    )
    parser.add_argument("--cloud", type=options.words, default=[], metavar="CLOUD,…", help="SECURE, COMMUNITY or ALL")
    parser.add_argument("--min-vram", type=options.at_least(1), metavar="GB", help="memory of each GPU")
    parser.add_argument("--max-price", type=options.amount, metavar="USD", help="per hour, for all GPUs of the pod")
    parser.add_argument("--min-cuda", metavar="VERSION", help="machines whose driver has CUDA 12.8, say")
    parser.add_argument(
        "--order",
        choices=(*_ORDERS, _PREFERENCE),
        metavar="BY",
        help=f"{', '.join(_ORDERS)} (price); with --for also {_PREFERENCE}",
    )
    parser.add_argument("--available", action="store_true", help="only what is in stock")
    parser.add_argument("--places", action="store_true", help="a row for each data center")
    parser.add_argument(
        "--for", dest="template", metavar="TEMPLATE", help="what its deploy would try, in order; other options override"
    )
    parser.add_argument("--watch", action="store_true", help="again and again, until Ctrl-C")
    parser.add_argument(
        "--every", type=options.at_least(1), default=_WATCH_SECONDS, metavar="S", help="seconds between looks (20)"
    )
    options.add_json(parser)
    options.examples(
        parser,
        "rp gpus H100 'A100 80gb' --region EU",
        "rp gpus --min-vram 48 --max-price 1 --available",
        "rp gpus 8xH100 --watch",
        "rp gpus --for sd",
    )
    parser.set_defaults(run=gpus)


def gpus(args: argparse.Namespace, context: Context) -> int:
    _check(args)
    # Without a network nothing can be settled, and what is known can still be shown.
    with suppress(Unclear):
        recovery.recover(context)
    look = _matrix_of(args, context) if args.template else _listing_of(args, context)
    if args.watch:
        _watch(look, args, context)
    from rp.output import gpus as shown

    view = look()
    shown.show(view, context.output, context.stdout)
    return ExitStatus.OK if view.rows or not args.template else ExitStatus.NO_CAPACITY


def _check(args: argparse.Namespace) -> None:
    """Raises UsageProblem for what argparse cannot see."""
    import re

    from rp.domain.clouds import ALL, COMMUNITY, SECURE

    args.gpus = [name for names in args.gpus for name in names]
    args.cloud = [cloud.upper() for cloud in args.cloud]
    for cloud in args.cloud:
        if cloud not in (SECURE, COMMUNITY, ALL):
            raise UsageProblem(f"`{cloud}` is no cloud", hint="they are SECURE and COMMUNITY; ALL is both")
    if args.min_cuda and not re.fullmatch(r"\d+\.\d+", args.min_cuda):
        raise UsageProblem(f"`{args.min_cuda}` is no CUDA version such as 12.8")
    if args.template and (args.places or args.available or args.order in ("name", "vram")):
        raise UsageProblem("--for shows candidates: --places, --available and this order are for GPU types")
    if args.order == _PREFERENCE and not args.template:
        raise UsageProblem("only a template has a preference", hint="--for TEMPLATE, or --order price")


def _listing_of(args: argparse.Namespace, context: Context) -> "Callable[[], View]":
    from rp.domain.offers import listing
    from rp.operations import offers
    from rp.output import gpus as shown

    asked = _asked(args)
    wanted = offers.wanted(asked)

    def look() -> "View":
        seen = _seen(wanted, args, context)
        found = listing(asked, seen.catalog)
        if args.places:
            return shown.by_place(found, asked.clouds, seen.catalog.data_centers, available=args.available)
        return shown.listing(found, asked.clouds)

    return look


def _asked(args: argparse.Namespace) -> "Asked":
    from rp.domain.clouds import ALL, COMMUNITY, SECURE
    from rp.domain.offers import PRICE, Asked

    both = (SECURE, COMMUNITY)
    return Asked(
        names=tuple(args.gpus),
        count=args.count or 1,
        regions=tuple(args.region),
        clouds=both if not args.cloud or ALL in args.cloud else tuple(one for one in both if one in args.cloud),
        min_vram=args.min_vram,
        max_price=args.max_price,
        min_cuda=args.min_cuda,
        order=args.order or PRICE,
        available=args.available,
    )


def _matrix_of(args: argparse.Namespace, context: Context) -> "Callable[[], View]":
    from rp.domain import candidate
    from rp.domain.spec import Overrides, merge
    from rp.operations import drift, offers
    from rp.output import gpus as shown

    overrides = Overrides(
        gpus=tuple(args.gpus),
        regions=tuple(args.region),
        clouds=tuple(args.cloud),
        count=args.count,
        order=args.order,
        max_price=args.max_price,
        min_vram=args.min_vram,
        min_cuda=args.min_cuda,
    )
    template = merge(context.templates.get(args.template), overrides, context.env).template
    template = offers.bound(template, context.ports)
    wanted = offers.wanted_by(template)

    def look() -> "View":
        catalog = _seen(wanted, args, context).catalog
        fitted, gone = drift.fitted(template, catalog, context.ports.templates)
        view = shown.matrix(template.name, candidate.expand(fitted, catalog))
        return replace(view, notes=(*gone, *drift.doubts(fitted, catalog), *view.notes))

    return look


def _seen(wanted: "Wanted", args: argparse.Namespace, context: Context) -> "offers.Seen":
    from rp.operations import offers
    from rp.output import gpus as shown

    seen = offers.read(wanted, context.ports, context.catalogs, fresh=args.watch)
    if seen.age is not None:
        context.output.warn(shown.remembered(seen.trouble, seen.age))
    return seen


def _watch(look: "Callable[[], View]", args: argparse.Namespace, context: Context) -> None:
    """Until a signal ends it."""
    from rp.errors import RpError
    from rp.operations import offers
    from rp.output import gpus as shown

    output = context.output
    is_live = output.on_terminal and not output.wants_json and context.env.get("TERM") != "dumb"
    with shown.Board(output, context.stdout) if is_live else shown.Log(output) as screen:
        for found in offers.watch(look, args.every, context.ports):
            if has_no_reader(context.stdout):
                raise BrokenPipeError
            if isinstance(found, RpError):
                screen.trouble(found.message)
            else:
                screen.show(found, context.today())


def has_no_reader(stream: TextIO) -> bool:
    """Whether who read it has gone, as `head -1` does: while nothing changes, nothing is written that would tell."""
    import select

    poll = select.poll()
    with suppress(OSError, ValueError):
        poll.register(stream.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    return False


CONFIGURE: Mapping[str, Callable[[argparse.ArgumentParser], None]] = MappingProxyType({"gpus": configure})
