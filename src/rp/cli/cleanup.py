"""`rp cleanup`."""

import argparse
from collections.abc import Callable, Mapping
from types import MappingProxyType

from rp.cli import options, recovery
from rp.context import Context
from rp.errors import ExitStatus


def configure(parser: argparse.ArgumentParser) -> None:
    options.examples(parser, "rp cleanup")
    parser.set_defaults(run=cleanup)


def cleanup(_args: argparse.Namespace, context: Context) -> int:
    still_open = recovery.recover(context, everything=True)
    if still_open:
        context.output.warn(f"{still_open} deployment(s) are still open: run `rp cleanup` again in a minute or two")
        return ExitStatus.FAILED
    context.output.answer("nothing is left behind")
    return ExitStatus.OK


CONFIGURE: Mapping[str, Callable[[argparse.ArgumentParser], None]] = MappingProxyType({"cleanup": configure})
