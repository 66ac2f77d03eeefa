"""Options that several commands share."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def help_page(prog: str) -> argparse.HelpFormatter:
    """Help as wide as the terminal, at most 100 columns; argparse itself would load shutil to find out."""
    try:
        columns = int(os.environ.get("COLUMNS") or os.get_terminal_size(sys.stdout.fileno()).columns)
    except (OSError, ValueError, AttributeError):
        columns = 80
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=28, width=min(columns, 102) - 2)


class Parser(argparse.ArgumentParser):
    """Knows options whose value may be left out, also right before an argument: `rp deploy --wait sd`."""

    def __init__(self, *args: "Any", **keywords: "Any") -> None:
        super().__init__(*args, **keywords)
        self.may_lack_value: dict[str, Callable[[str], bool]] = {}

    def parse_known_args(self, args: "Any" = None, namespace: "Any" = None) -> "Any":
        """argparse's own `?` would take the argument for the value."""
        return super().parse_known_args(_with_values(list(args or ()), self.may_lack_value), namespace)


def _with_values(words: list[str], may_lack_value: Mapping[str, Callable[[str], bool]]) -> list[str]:
    options_end = words.index("--") if "--" in words else len(words)
    spelled = []
    for index, word in enumerate(words[:options_end]):
        following = words[index + 1] if index + 1 < options_end else ""
        lacks_it = word in may_lack_value and not may_lack_value[word](following)
        spelled.append(f"{word}=" if lacks_it else word)
    return spelled + words[options_end:]


def add_optional(parser: argparse.ArgumentParser, flag: str, fits: Callable[[str], bool], **keywords: "Any") -> None:
    """An option whose value may be left out, which its `type` gets as an empty text; `fits` tells what is a value."""
    if isinstance(parser, Parser):
        parser.may_lack_value[flag] = fits
    parser.add_argument(flag, **keywords)


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


def patience(text: str) -> float:
    """`2h` → its seconds; without a value, without end."""
    from rp.domain.units import parse_duration

    try:
        return parse_duration(text) if text else float("inf")
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def is_duration(text: str) -> bool:
    return text[:1].isdigit()


def is_target(text: str) -> bool:
    """Whether it can be something that `--notify` sends to, and not the name of a template."""
    return text == "desktop" or "://" in text or text.startswith("${")


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
