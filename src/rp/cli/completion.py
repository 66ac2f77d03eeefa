"""`rp completion`, and what a shell asks at each Tab: from what is on the disk, without a word of its own."""

import argparse
import json
import os
import re
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rp.cli import options
from rp.context import Context
from rp.errors import ExitStatus, RpError

if TYPE_CHECKING:
    from rp.domain.catalog import Catalog

_SHELLS = ("bash", "zsh", "fish")
# `8 x ` of a GPU, the `!` of a region.
_COUNT = re.compile(r"\d{1,3}\s*[x×*]\s*", re.IGNORECASE)
_SIZE = re.compile(r"\d+gb?", re.IGNORECASE)

# What has been typed of a word → the words that it may become, each with what it is.
Completer = Callable[[str, Context], Mapping[str, str]]


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=_SHELLS, metavar="shell", help="bash, zsh or fish")
    parser.description = "Print what makes Tab complete commands, options, templates,\naliases, GPUs and regions."
    options.examples(
        parser,
        "rp completion bash > ~/.local/share/bash-completion/completions/rp",
        "rp completion zsh > ~/.zfunc/_rp   # a folder of $fpath",
        "rp completion fish > ~/.config/fish/completions/rp.fish",
        'eval "$(rp completion bash)"       # for this shell only',
    )
    parser.set_defaults(run=completion)


def completion(args: argparse.Namespace, context: Context) -> None:
    from argcomplete.shell_integration import shellcode

    context.output.answer(shellcode(["rp"], use_defaults=False, shell=args.shell).strip())


def answer(
    parser: argparse.ArgumentParser,
    commands: Mapping[str, str],
    configured: Callable[[str, argparse.ArgumentParser], None],
    context: Context,
    env: MutableMapping[str, str],
) -> int:
    """Tell the shell how the word at the cursor may go on. Does not return where that went well."""
    with suppress(Exception):
        words = env["COMP_LINE"].split()
        first = next(number for number, word in enumerate(words) if Path(word).name == "rp")
        # zsh tells the whole line, with what comes before: `cd there && RP_API_URL=… rp deploy`.
        env["_ARGCOMPLETE"] = str(first + 1)
        named = parser.add_subparsers()
        for name, summary in commands.items():
            is_it = name in words[first + 1 : first + 2]
            one = named.add_parser(name, help=summary, allow_abbrev=False, add_help=is_it)
            if is_it:
                configured(name, one)
        _attach(parser, "", context)
        from argcomplete.completers import SuppressCompleter
        from argcomplete.finders import CompletionFinder

        CompletionFinder()(parser, always_complete_options=False, default_completer=SuppressCompleter())
    return ExitStatus.FAILED


def _attach(parser: argparse.ArgumentParser, path: str, context: Context) -> None:
    """Give each option and positional of `parser` the completer that the table has for it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, verb in action.choices.items():
                _attach(verb, f"{path} {name}".strip(), context)
        elif found := COMPLETERS.get((path, action.dest)) or COMPLETERS.get(("*", action.dest)):
            vars(action)["completer"] = _quietly(found, context)


def _quietly(completer: Completer, context: Context) -> Callable[..., Mapping[str, str]]:
    def complete(*, prefix: str, **_: object) -> Mapping[str, str]:
        try:
            found = completer(prefix, context)
        except (RpError, OSError, ValueError):
            return {}
        # Whatever stands in a file must not steer the terminal.
        return {word: what for word, what in found.items() if word.isprintable() and what.isprintable()}

    return complete


def _gpus(prefix: str, context: Context) -> Mapping[str, str]:
    """Names of GPU types; after a first letter also what people call them for short."""
    return _listed(prefix, lambda said: _gpu_names(_catalog(context), is_short=bool(said)), _COUNT)


def _gpu_names(catalog: "Catalog", *, is_short: bool) -> Mapping[str, str]:
    offered = [gpu for gpu in catalog.gpus if gpu.offers]
    found = {gpu.name: f"{gpu.memory_gb} GB, from ${gpu.cheapest:.2f}/h" for gpu in offered}
    for gpu in offered if is_short else ():
        for word in gpu.name.split():
            if any(letter.isdigit() for letter in word) and len(word) > 2 and not _SIZE.fullmatch(word):
                found.setdefault(word, "GPUs of this name")
    return found


def _regions(prefix: str, context: Context) -> Mapping[str, str]:
    return _listed(prefix, lambda _: _region_names(_catalog(context)), re.compile("!"))


def _region_names(catalog: "Catalog") -> Mapping[str, str]:
    from rp.domain.places import CONTINENTS, country

    there = {place.continent for place in catalog.data_centers}
    codes = {code: name.replace("_", " ").title() for code, name in CONTINENTS.items() if name in there}
    countries = {country(place.id): "a country" for place in catalog.data_centers}
    ids = {place.id: "a data center" for place in catalog.data_centers}
    return {**{code: what for code, what in countries.items() if code}, **codes, **ids}


def _clouds(prefix: str, _: Context) -> Mapping[str, str]:
    known = {"SECURE": "machines in data centers", "COMMUNITY": "machines of hosts", "ALL": "both"}
    return _listed(prefix, lambda _: known, re.compile(""))


def _listed(prefix: str, names: Callable[[str], Mapping[str, str]], lead: re.Pattern[str]) -> Mapping[str, str]:
    """The last of a list with commas is completed; `lead` may come before each name. As small as it is typed."""
    before, comma, last = prefix.rpartition(",")
    found = lead.match(last)
    start = before + comma + (found[0] if found else "")
    said = prefix[len(start) :]
    taken = {word.strip().lower() for word in before.split(",")}
    spelled = str.lower if said and said == said.lower() else str
    return {start + spelled(name): what for name, what in names(said).items() if name.lower() not in taken}


def _catalog(context: Context) -> "Catalog":
    """Names do not age: what was read at any time will do."""
    from rp.domain.catalog import Catalog

    return context.catalogs.names(context.clock.now(), within=float("inf")) or Catalog()


def _templates(_: str, context: Context) -> Mapping[str, str]:
    # A `$schema` for editors is no template.
    return dict.fromkeys([name for name in _object(context.paths.templates) if not name.startswith("$")], "")


def _aliases(_: str, context: Context) -> Mapping[str, str]:
    return {alias: pod for alias, pod in _object(context.paths.aliases).items() if isinstance(pod, str)}


def _object(path: Path) -> Mapping[str, Any]:
    """Read without the care of `rp.state`, which brings older files up to date: a Tab changes nothing."""
    found = json.loads(path.read_bytes())
    return found if isinstance(found, dict) else {}


def _files(prefix: str, _: Context) -> Mapping[str, str]:
    folder, slash, begun = prefix.rpartition("/")
    with os.scandir(Path(folder + slash).expanduser() if folder + slash else ".") as entries:
        shown = [entry for entry in entries if begun.startswith(".") or not entry.name.startswith(".")]
        return {folder + slash + entry.name + ("/" if entry.is_dir() else ""): "" for entry in shown}


# (command and verb, or `*` for all; name of the option or positional) → what completes it. Choices need no entry.
COMPLETERS: Mapping[tuple[str, str], Completer] = MappingProxyType(
    {
        ("*", "gpu"): _gpus,
        ("*", "region"): _regions,
        ("*", "cloud"): _clouds,
        ("*", "file"): _files,
        ("gpus", "gpus"): _gpus,
        ("gpus", "template"): _templates,
        ("deploy", "template"): _templates,
        ("health", "pods"): _aliases,
        ("why", "target"): _aliases,
        ("stop", "pod"): _aliases,
        ("terminate", "pods"): _aliases,
        ("remove", "alias"): _aliases,
        ("template create", "base"): _templates,
        ("template create", "start_script"): _files,
        ("template derive", "source"): _aliases,
        ("template show", "name"): _templates,
        ("template edit", "name"): _templates,
        ("template rename", "name"): _templates,
        ("template copy", "name"): _templates,
        ("template validate", "names"): _templates,
        ("template diff", "first"): _templates,
        ("template diff", "second"): _templates,
        ("template export", "name"): _templates,
        ("template import", "source"): _files,
        ("template delete", "name"): _templates,
        ("sim start", "scenario"): _files,
    }
)
CONFIGURE: Mapping[str, Callable[[argparse.ArgumentParser], None]] = MappingProxyType({"completion": configure})
