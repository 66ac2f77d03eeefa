"""`rp sim start`, `status`, `stop`, `scenario`, `ledger`. The only place that knows the simulator."""

import argparse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from rp.cli import options
from rp.context import Context
from rp.errors import NotFound, RpError

if TYPE_CHECKING:
    from rp_sim.control import Running


def configure(parser: argparse.ArgumentParser) -> None:
    options.examples(parser, "rp sim start", "rp sim scenario my-faults.toml", "rp sim ledger | jq .totalCost")
    verbs = parser.add_subparsers(title="commands", metavar="<command>", required=True)
    for name, (summary, run) in _VERBS.items():
        verb = verbs.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        verb.formatter_class = options.help_page
        options.examples(verb, f"rp sim {name}" + (" faults.toml" if name == "scenario" else ""))
        verb.set_defaults(run=run)
        if name == "start":
            verb.add_argument("--scenario", type=Path, metavar="FILE", help="a TOML file: stock, timing, faults, jank")
            verb.add_argument("--port", type=options.at_least(0), default=0, help="default: any that is free")
        if name == "scenario":
            verb.add_argument("file", type=Path, help="a TOML file: stock, timing, faults, jank")


def start(args: argparse.Namespace, context: Context) -> None:
    with translated():
        from rp_sim import control

        running = control.start(context.paths.simulator, scenario=args.scenario, port=args.port)
    context.output.answer(_exports(running))
    context.output.note("a simulated RunPod is running; `rp sim stop` ends it")


def status(_args: argparse.Namespace, context: Context) -> None:
    running = _running(context)
    context.output.answer(_exports(running))
    context.output.note(f"running as process {running.pid}, files in {running.directory}")


def stop(_args: argparse.Namespace, context: Context) -> None:
    with translated():
        from rp_sim import control

        stopped = control.stop(context.paths.simulator)
    context.output.answer("stopped" if stopped else "no simulator was running")


def scenario(args: argparse.Namespace, context: Context) -> None:
    with translated():
        from rp_sim import control

        control.apply_scenario(_running(context), args.file)
    context.output.answer(f"the simulator follows {args.file} now")


def ledger(_args: argparse.Namespace, context: Context) -> None:
    with translated():
        from rp_sim import control

        context.output.json(control.ledger(_running(context)))


def _exports(running: "Running") -> str:
    return f"export RP_API_URL={running.url}\nexport RUNPOD_API_KEY={running.key}"


def _running(context: Context) -> "Running":
    with translated():
        from rp_sim import control

        running = control.status(context.paths.simulator)
    if running is None:
        raise NotFound("no simulator is running", hint="`rp sim start` starts one")
    return running


@contextmanager
def translated() -> Iterator[None]:
    """The simulator's errors, and its absence, as rp's."""
    try:
        yield
    except ImportError as error:
        raise RpError(
            f"the simulator needs `{error.name}`, which is not installed", hint="install rp with its extra: rp[sim]"
        ) from error
    except Exception as error:
        from rp_sim.control import SimulatorError

        if isinstance(error, SimulatorError):
            raise RpError(str(error)) from error
        raise


_VERBS: Mapping[str, tuple[str, Callable[[argparse.Namespace, Context], None]]] = MappingProxyType(
    {
        "start": ("start a simulated RunPod and print the variables to export", start),
        "status": ("tell where it runs", status),
        "stop": ("stop it, with all of its pods", stop),
        "scenario": ("let it follow another scenario file", scenario),
        "ledger": ("print every pod, its cost, and every call", ledger),
    }
)
CONFIGURE: Mapping[str, Callable[[argparse.ArgumentParser], None]] = MappingProxyType({"sim": configure})
