"""`rp demo`."""

import argparse
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from rp.cli import options
from rp.cli.sim import translated
from rp.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    options.examples(parser, "rp demo")
    parser.set_defaults(run=demo)


def demo(_args: argparse.Namespace, context: Context) -> None:
    from rp.demo import story

    began = context.clock.monotonic()
    with tempfile.TemporaryDirectory(prefix="rp-demo-") as folder, translated():
        from rp_sim import control

        home = Path(folder) / "home"
        home.mkdir()
        story.make_ssh_key(home)
        running = control.start(Path(folder) / "sim", scenario=story.SCENARIO, parent_pid=os.getpid())
        try:
            env = story.environment(home, running.url, running.key, context.env)
            story.Story(home, env, context.output.answer).tell()
        finally:
            control.stop(Path(folder) / "sim")
    took = context.clock.monotonic() - began
    context.output.answer(f"\nThat was rp, in {took:.0f} s, on a simulator that is stopped now. Next: rp login")


CONFIGURE: Mapping[str, Callable[[argparse.ArgumentParser], None]] = MappingProxyType({"demo": configure})
