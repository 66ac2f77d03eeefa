"""The script that looks at a pod from inside: one text for the standard input of `sh -s` there."""

from __future__ import annotations

import re
import shlex
from importlib import resources

from rp.domain.verdict import BASIC, DEEP, PASSIVE, STANDARD
from rp.health.asked import Asked

# What each level runs more than the one before it.
_PARTS = {
    PASSIVE: ("sys", "asked", "dev", "smi", "nvlink", "kmsg", "space"),
    BASIC: ("cuda", "disk", "net_hub", "net_code", "net_index", "dl_own", "dl_1", "dl_2", "smi2"),
    STANDARD: ("torch",),
    DEEP: ("dcgm", "smi3"),
}
# Seconds until the script ends by itself, whatever hangs.
_LIMITS = {PASSIVE: 8.0, BASIC: 8.0, STANDARD: 90.0, DEEP: 960.0}
# What `dd` writes, in MiB, and how often the GPUs' memory is written and compared.
_DISK_MIB = {PASSIVE: 0, BASIC: 64, STANDARD: 1024, DEEP: 1024}
_PASSES = {PASSIVE: 1, BASIC: 1, STANDARD: 2, DEEP: 8}
# The program that a part runs on the pod, where it is not part of the shell script.
_PROGRAMS = {"cuda": ("lock.py", "driver.py", "gpu.py", "cuda.py"), "torch": ("lock.py", "torch_probe.py")}
_FETCH = "fetch"
_FUTURE = "from __future__ import annotations"
_IMPORT_OF_OURS = re.compile(r"^from rp\..* import (\([^)]*\)|.*)$", re.MULTILINE)


def time_limit(level: str) -> float:
    """Seconds after which the script of this level has ended by itself."""
    return _LIMITS[level]


def parts_of(level: str) -> tuple[str, ...]:
    """The parts that a level runs, in the order in which they are started."""
    found: list[str] = []
    for each, more in _PARTS.items():
        found += more
        if each == level:
            return tuple(found)
    raise ValueError(f"no script for the level {level!r}")


def probe_script(level: str, asked: Asked, *, parts: tuple[str, ...] = (), limit: float | None = None) -> bytes:
    """The whole script. `parts` are names of sections, all those of the level when empty; `limit` is in seconds.

    Nothing runs before all of it has arrived: a connection that breaks half-way leaves no half of a check behind.
    """
    wanted = tuple(part for part in parts_of(level) if part in parts or not parts)
    values = {
        "RP_LEVEL": level,
        "RP_LIMIT": str(max(2, round(time_limit(level) if limit is None else limit))),
        "RP_PARTS": " ".join(wanted),
        "RP_DISK_MIB": str(_DISK_MIB[level]),
        "RP_PASSES": str(_PASSES[level]),
        "RP_MOUNT": asked.volume_path or "",
        "RP_ENV_NAMES": " ".join(asked.env),
        "RP_PORTS": " ".join(map(str, asked.ports)),
        "RP_SPEED_URL": asked.speed_test_url,
    }
    programs = {"RP_PART_common": _text("common.sh"), "RP_PART_runner": _text("runner.sh")}
    for part in wanted:
        code = _code(part)
        programs[f"RP_PART_{code}"] = _text(f"{code}.sh")
        if files := _PROGRAMS.get(part):
            programs[f"RP_PROGRAM_{part}"] = program(*files)
        if part == "cuda":
            programs["RP_PTX"] = _text("kernels.ptx")
        if code == _FETCH:
            programs["RP_PROGRAM_fetch"] = program("fetch.py")
    lines = [f"{name}={shlex.quote(value)}" for name, value in (values | programs).items()]
    return "\n".join(["{", *lines, _text("probe.sh"), "}", ""]).encode()


def program(*names: str) -> str:
    """Files of the probe as one Python program: there, they cannot import one another."""
    first, *others = (_text(name) for name in names)
    lines = first.splitlines()
    for other in others:
        lines += [line for line in _IMPORT_OF_OURS.sub("", other).splitlines() if line != _FUTURE]
    return "\n".join([*lines, ""])


def _code(part: str) -> str:
    """The file that holds the part's shell code; some parts differ in their arguments only."""
    if part.startswith(("net_", "dl_")):
        return _FETCH
    return "smi" if part.startswith("smi") else part


def _text(name: str) -> str:
    return resources.files("rp.health").joinpath("probe", name).read_text(encoding="utf-8")
