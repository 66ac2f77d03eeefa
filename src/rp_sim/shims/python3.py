"""Runs a Python program that asks for a GPU or for the network, in a pod that has neither.

`python python3.py hardware.json INTERPRETER SHIM [arguments of python3]`: `ctypes` finds a pretended libcuda.so.1, and
no connection leaves this machine. A program that needs none of this is given to the real interpreter.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import sys
import tempfile
import traceback
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rp_sim.shims.own_time import Clock

PACKAGES = Path(__file__).parents[2]
NETWORK = re.compile(r"urlopen|http\.client|getaddrinfo|create_connection")
NEEDS_US = re.compile(rf"libcuda|{NETWORK.pattern}|\btorch\b")
WITH_VALUE = ("-W", "-X")


def main(argv: list[str]) -> None:
    facts_file, interpreter, shim, *words = argv
    options, rest = split(words)
    name, source, arguments = program(rest)
    if source is None or not NEEDS_US.search(source):
        if name == "<stdin>" and source is not None:
            give_back_input(source)
        os.execv(interpreter, [interpreter, *options, *rest])  # noqa: S606
    sys.argv = arguments
    sys.executable = shim
    folder = Path(facts_file).parent
    facts: dict[str, Any] = json.loads(Path(facts_file).read_text(encoding="utf-8"))
    install(facts, folder, source)
    module = types.ModuleType("__main__")
    module.__dict__["__builtins__"] = __builtins__
    if name not in ("<string>", "<stdin>"):
        module.__file__ = name
        sys.path.insert(0, str(Path(name).parent))
    sys.modules["__main__"] = module
    try:
        exec(compile(source, name, "exec"), module.__dict__)  # noqa: S102  that is what an interpreter is for
    except Exception as error:  # noqa: BLE001  told as an interpreter tells it, without this file
        trace = error.__traceback__
        traceback.print_exception(type(error), error, trace.tb_next if trace else None)
        raise SystemExit(1) from None


def split(words: list[str]) -> tuple[list[str], list[str]]:
    """The interpreter's own flags, and what follows them."""
    index = 0
    while index < len(words) and re.fullmatch(r"-[bBdEhiIOPqsSuvVWxX?]+", words[index]):
        index += 2 if words[index] in WITH_VALUE else 1
    return words[:index], words[index:]


def program(rest: list[str]) -> tuple[str, str | None, list[str]]:
    """(file name, text, sys.argv) of what is to be run; no text: the real interpreter will know what to do."""
    if rest and rest[0].startswith("-c"):
        attached = rest[0][2:]
        text = attached or (rest[1] if len(rest) > 1 else None)
        return "<string>", text, ["-c", *(rest[1:] if attached else rest[2:])]
    if not rest or rest[0] == "-":
        text = None if sys.stdin.isatty() else sys.stdin.read()
        return "<stdin>", text, rest or [""]
    try:
        return rest[0], Path(rest[0]).read_text(encoding="utf-8"), rest
    except (OSError, UnicodeDecodeError):
        return rest[0], None, rest


def give_back_input(source: str) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(source.encode("utf-8", "surrogateescape"))
        file.seek(0)
        os.dup2(file.fileno(), 0)


def install(facts: dict[str, Any], folder: Path, source: str) -> None:
    sys.path.insert(0, str(PACKAGES))
    from rp_sim.shims.own_time import Clock

    clock = Clock()
    if facts["torch"] and re.search(r"\btorch\b", source):
        from rp_sim.shims import torch_answers

        torch_answers.install(facts, source)
    if "libcuda" in source:
        install_driver(facts, folder, clock)
    if NETWORK.search(source):
        from rp_sim.shims import fake_net

        fake_net.install(facts["net"], clock)
    sys.path.remove(str(PACKAGES))
    clock.install()


def install_driver(facts: dict[str, Any], folder: Path, clock: Clock) -> None:
    from rp_sim.shims.cuda_driver import Driver

    real = ctypes.CDLL
    missing = not facts["nvidia"] or any(fault["fault"] == "no_library" for fault in facts["cuda_faults"])

    def load(name: str | None, *more: Any, **options: Any) -> Any:
        if not name or not re.fullmatch(r"libcuda\.so(\.\d+)*", Path(str(name)).name):
            return real(name, *more, **options)
        if missing:
            raise OSError(f"{name}: cannot open shared object file: No such file or directory")
        return Driver(facts, folder, clock)

    vars(ctypes)["CDLL"] = load
    vars(ctypes.cdll)["_dlltype"] = load


if __name__ == "__main__":
    main(sys.argv[1:])
