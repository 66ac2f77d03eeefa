"""`rp login`."""

import argparse
from collections.abc import Callable, Mapping
from types import MappingProxyType

from rp.cli import options
from rp.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Store a RunPod API key, and check it.\nIt is asked for, or read from a pipe; never an argument."
    )
    options.examples(parser, "rp login", "pass show runpod | rp login")
    parser.set_defaults(run=login)


def login(_args: argparse.Namespace, context: Context) -> None:
    from rp.domain.key import KEY_VARIABLE, checked

    interactive = context.output.is_interactive
    text = context.output.ask_secret("RunPod API key") if interactive else context.stdin.readline()
    key = checked(text, "what was typed" if interactive else "standard input")
    registered = context.cloud_with(key).ssh_keys()
    context.output.answer(f"the key works; stored in {context.credentials.store(key)}")
    if not registered:
        context.output.note("the account has no SSH key registered: rp sends your own along with each pod")
    if context.env.get(KEY_VARIABLE):
        context.output.warn(f"{KEY_VARIABLE} is set here and comes before the stored key")


CONFIGURE: Mapping[str, Callable[[argparse.ArgumentParser], None]] = MappingProxyType({"login": configure})
