"""The command tree, and the one place where errors become messages and exit statuses."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from types import MappingProxyType

from rp import __version__
from rp.cli import interrupts
from rp.cli.options import Parser, help_page
from rp.errors import ExitStatus, Interrupted, RpError, UsageProblem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rp.context import Context

# command → (module, what it does). A module is imported when its command runs, and no other.
COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "deploy": ("rp.cli.deploy", "get a pod that works, from a template"),
        "list": ("rp.cli.pods", "show your pods, with or without an alias"),
        "gpus": ("rp.cli.gpus", "show which GPUs can be had now, and where"),
        "health": ("rp.cli.health", "look at running pods from inside"),
        "why": ("rp.cli.why", "tell what happened in a deploy"),
        "stop": ("rp.cli.pods", "stop a pod; its volume is kept and billed"),
        "terminate": ("rp.cli.pods", "end a pod for good"),
        "add": ("rp.cli.pods", "give a pod of the account an alias"),
        "remove": ("rp.cli.pods", "forget an alias; its pod stays as it is"),
        "hosts": ("rp.cli.hosts", "machines that new pods are kept away from"),
        "template": ("rp.cli.templates", "make, change, check and share templates"),
        "cleanup": ("rp.cli.cleanup", "end what interrupted commands left behind"),
        "login": ("rp.cli.login", "store a RunPod API key, and check it"),
        "notify": ("rp.cli.notify", "send a test message to where rp reports"),
        "demo": ("rp.cli.demo", "see it all on a simulator: no key, no cost"),
        "sim": ("rp.cli.sim", "run a simulated RunPod on this machine"),
        "completion": ("rp.cli.completion", "let Tab complete names in your shell"),
    }
)
_FIRST_STEPS = """\
examples:
  rp demo                            see it work, offline
  rp login                           store your API key
  rp template derive sd --from POD   keep its configuration
  rp deploy sd --alias my-pod        and then: ssh my-pod

exit status: 0 done, 1 failed, 2 usage, 3 no capacity,
  4 key or balance, 5 no good pod, 6 not found,
  7 another rp is busy, 130 interrupted
"""


def run(argv: Sequence[str]) -> int:
    """Run one command; return its exit status."""
    if "_ARGCOMPLETE" in os.environ and "COMP_LINE" in os.environ:
        return _complete()
    _open_missing_streams()
    interrupts.install()
    wants_json = "--json" in argv
    try:
        status = _dispatch(argv)
        sys.stdout.flush()
        return status
    except (RpError, Interrupted) as error:
        with suppress(OSError):
            _context(wants_json=wants_json).output.error(error)
        return error.exit_status
    except BrokenPipeError:
        # The reader has gone, as in `rp list | head -1`: what it wanted it has.
        _forget_stdout()
        return ExitStatus.OK
    except OSError as error:
        _forget_stdout()
        with suppress(OSError):
            print(f"error: {error.strerror or error}", file=sys.stderr)
        return ExitStatus.FAILED
    except Exception:  # noqa: BLE001 - a bug in rp: show it whole
        import traceback

        traceback.print_exc()
        print("this is a bug in rp: please report it with the lines above", file=sys.stderr)
        return ExitStatus.FAILED


def _dispatch(argv: Sequence[str]) -> int:
    if not argv:
        _top_parser().print_help(sys.stderr)
        return ExitStatus.USAGE
    if argv[0].startswith("-"):
        _top_parser().parse_args(argv)
    options = _command_parser(argv[0]).parse_args(argv[1:])
    status: int | None = options.run(options, _context(wants_json=getattr(options, "json", False)))
    return ExitStatus.OK if status is None else status


def _complete() -> int:
    """What a shell asks at each Tab."""
    from rp.cli import completion

    summaries = {name: summary for name, (_, summary) in COMMANDS.items()}
    return completion.answer(_top_parser(), summaries, _configure, _context(wants_json=False), os.environ)


def _open_missing_streams() -> None:
    """A stream that the caller closed is like one that leads nowhere."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - as long as the process
        elif mode == "w":
            stream.reconfigure(errors="backslashreplace")


def _forget_stdout() -> None:
    """What could not be written must not fail once more at the end of the process."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _context(*, wants_json: bool) -> "Context":
    from rp.context import Context

    return Context(dict(os.environ), sys.stdin, sys.stdout, sys.stderr, wants_json=wants_json)


def _top_parser() -> argparse.ArgumentParser:
    """What `rp` itself understands: everything else is a command's."""
    width = max(map(len, COMMANDS))
    listed = "".join(f"  {name:{width}}  {summary}\n" for name, (_, summary) in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="rp",
        usage="rp <command> [options]",
        description="GPU pods on RunPod that are proved healthy,\nand never one too many.",
        epilog=f"commands (each has a --help of its own):\n{listed}\n{_FIRST_STEPS}",
        formatter_class=help_page,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"rp {__version__}")
    return parser


def _command_parser(name: str) -> argparse.ArgumentParser:
    """The options of one command; raises UsageProblem with the nearest where there is none of that name."""
    if name not in COMMANDS:
        from rp.domain import names

        near = names.nearest(name, COMMANDS, most=1, cutoff=0.6)
        hint = f"did you mean `rp {near[0]}`?" if near else "`rp --help` lists the commands"
        raise UsageProblem(f"there is no command `{name}`", hint=hint)
    _, summary = COMMANDS[name]
    parser = Parser(
        prog=f"rp {name}",
        description=summary[0].upper() + summary[1:] + ".",
        formatter_class=help_page,
        allow_abbrev=False,
    )
    _configure(name, parser)
    return parser


def _configure(name: str, parser: argparse.ArgumentParser) -> None:
    import_module(COMMANDS[name][0]).CONFIGURE[name](parser)
