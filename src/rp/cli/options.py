"""Options that several commands share."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping


def help_page(prog: str) -> argparse.HelpFormatter:
    """Help as wide as the terminal, at most 100 columns; argparse itself would load shutil to find out."""
    try:
        columns = int(os.environ.get("COLUMNS") or os.get_terminal_size(sys.stdout.fileno()).columns)
    except (OSError, ValueError, AttributeError):
        columns = 80
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=28, width=min(columns, 102) - 2)


def examples(parser: argparse.ArgumentParser, *lines: str) -> None:
    """What to type, under the options of `--help`."""
    parser.epilog = "examples:\n" + "\n".join(f"  {line}" for line in lines)


def add_verbs(
    parser: argparse.ArgumentParser, verbs: Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None]]]
) -> None:
    """Commands under a command: name → (what it does, its options)."""
    commands = parser.add_subparsers(title="commands", metavar="<command>", required=True)
    for name, (summary, configure) in verbs.items():
        verb = commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            formatter_class=help_page,
            allow_abbrev=False,
        )
        configure(verb)


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")


def add_yes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-y", "--yes", action="store_true", help="answer every question with yes")


def add_force(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("-f", "--force", action="store_true", help=what)


def words(text: str) -> list[str]:
    """`H100, A100 80gb` → its parts."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise argparse.ArgumentTypeError("it is empty")
    return parts


def true_or_false(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"`{text}` is neither true nor false")
    return text.lower() == "true"


def at_least(minimum: int) -> Callable[[str], int]:
    """A reader of whole numbers that are not below `minimum`."""

    def whole_number(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"`{text}` is no whole number") from None
        if number < minimum:
            raise argparse.ArgumentTypeError(f"{text} is below {minimum}")
        return number

    return whole_number


def amount(text: str) -> float:
    """A number, not below 0."""
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"`{text}` is no number") from None
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is below 0, or endless")
    return number
