"""Reads a scenario file and checks what types alone cannot."""

from __future__ import annotations

import difflib
import re
import tomllib
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, get_args

from rp_sim.inventory import data_centers, gpu_types
from rp_sim.operations import OPERATIONS
from rp_sim.scenario.jank import CudaFault, TorchFault, fixtures, missing
from rp_sim.scenario.model import Scenario
from rp_sim.scenario.read import ScenarioError, read_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from rp_sim.scenario.model import Jank, Landing, Refuse, Stock

__all__ = ["ScenarioError", "load", "loads"]


NO_PATTERN = str.maketrans("*?[", "___")


def load(path: Path) -> Scenario:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: {error}") from error
    return loads(text, name=path.name)


def loads(text: str, *, name: str = "scenario.toml") -> Scenario:
    try:
        scenario = read_table(Scenario, tomllib.loads(text), "")
        _check(scenario)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{name}: {error}") from error
    except ScenarioError as error:
        raise ScenarioError(f"{name}: {error}") from error
    return scenario


def _check(scenario: Scenario) -> None:
    for path, pattern in _gpu_patterns(scenario):
        _known(path, pattern, [gpu.id for gpu in gpu_types()], "GPU type")
    for path, pattern in _data_center_patterns(scenario):
        _known(path, pattern, [center.id for center in data_centers()], "data center")
    for index, fault in enumerate(scenario.fault):
        _known(f"fault[{index}].operation", fault.operation, list(OPERATIONS), "operation")
    for path, version in _cuda_versions(scenario):
        if not re.fullmatch(r"\d+\.\d+", version):
            raise ScenarioError(f"{path}: expected major.minor, got {version!r}")
    for path, name in _ids(scenario):
        if not re.fullmatch(r"[a-z0-9]*", name):
            raise ScenarioError(f"{path}: expected lower-case letters and digits, got {name!r}")
    _check_spans(scenario)
    _check_volumes(scenario)
    _check_jank(scenario)


def _check_spans(scenario: Scenario) -> None:
    spans: tuple[tuple[str, Sequence[Stock | Refuse]], ...] = (("stock", scenario.stock), ("refuse", scenario.refuse))
    for section, rows in spans:
        for index, row in enumerate(rows):
            if row.until_s and row.until_s <= row.from_s:
                raise ScenarioError(f"{section}[{index}].until_s: must be above from_s, got {row.until_s:g}")


def _check_volumes(scenario: Scenario) -> None:
    """RunPod makes no volume below 10 GB; 0 is none."""
    for index, row in enumerate(scenario.account.template):
        if 0 < row.volume < 10:
            raise ScenarioError(f"account.template[{index}].volume: must be 0 or at least 10, got {row.volume}")


def _ids(scenario: Scenario) -> Iterator[tuple[str, str]]:
    yield from ((f"account.volume[{i}].id", row.id) for i, row in enumerate(scenario.account.volume))
    yield from ((f"account.pod[{i}].id", row.id) for i, row in enumerate(scenario.account.pod))
    yield from ((f"account.template[{i}].id", row.id) for i, row in enumerate(scenario.account.template))


def _check_jank(scenario: Scenario) -> None:
    for index, jank in enumerate(scenario.jank):
        if gap := missing(jank):
            raise ScenarioError(f"jank[{index}].{gap[0]}: missing: {gap[1]}")
        if jank.fixture:
            name = jank.fixture.removesuffix(".xml")
            _known(f"jank[{index}].fixture", name.translate(NO_PATTERN), fixtures(), "fixture")
        _check_words(index, jank)
        for number, command in enumerate(jank.command):
            try:
                re.compile(command.match)
            except re.error as error:
                raise ScenarioError(f"jank[{index}].command[{number}].match: {error}") from error


def _check_words(index: int, jank: Jank) -> None:
    """These end up in shell scripts."""
    if not re.fullmatch(r"[\w.*?\[\]-]+", jank.site):
        raise ScenarioError(f"jank[{index}].site: expected a pattern of host names, got {jank.site!r}")
    for name in jank.names:
        if not re.fullmatch(r"[\w.+-]+", name):
            raise ScenarioError(f"jank[{index}].names: expected names, got {name!r}")
    allowed = {"cuda": get_args(CudaFault), "torch": get_args(TorchFault)}.get(jank.kind, ("",))
    if jank.fault not in allowed:
        words = ", ".join(repr(word) for word in allowed if word) or "none: only cuda and torch have faults"
        raise ScenarioError(f"jank[{index}].fault: expected one of {words}, got {jank.fault!r}")


def _placed(scenario: Scenario) -> tuple[tuple[str, Sequence[Stock | Refuse | Landing | Jank]], ...]:
    return (
        ("stock", scenario.stock),
        ("refuse", scenario.refuse),
        ("landing", scenario.landing),
        ("jank", scenario.jank),
    )


def _gpu_patterns(scenario: Scenario) -> Iterator[tuple[str, str]]:
    for section, rows in _placed(scenario):
        yield from ((f"{section}[{index}].gpu", row.gpu) for index, row in enumerate(rows))
    yield from ((f"account.pod[{index}].gpu", pod.gpu) for index, pod in enumerate(scenario.account.pod))


def _data_center_patterns(scenario: Scenario) -> Iterator[tuple[str, str]]:
    for section, rows in _placed(scenario):
        for index, row in enumerate(rows):
            # An empty one means the hosts without a place, where a create can land.
            yield f"{section}[{index}].data_center", row.data_center or ("*" if section == "landing" else "")
    for index, volume in enumerate(scenario.account.volume):
        yield f"account.volume[{index}].data_center", volume.data_center
    for index, pod in enumerate(scenario.account.pod):
        yield f"account.pod[{index}].data_center", pod.data_center or "*"


def _cuda_versions(scenario: Scenario) -> Iterator[tuple[str, str]]:
    yield from ((f"hosts.cuda_versions[{i}]", v) for i, v in enumerate(scenario.hosts.cuda_versions))
    for index, row in enumerate(scenario.stock):
        yield from ((f"stock[{index}].cuda[{i}]", v) for i, v in enumerate(row.cuda))
    for index, template in enumerate(scenario.account.template):
        yield from ((f"account.template[{index}].allowed_cuda[{i}]", v) for i, v in enumerate(template.allowed_cuda))


def _known(path: str, pattern: str, known: Iterable[str], what: str) -> None:
    names = list(known)
    if any(fnmatchcase(name, pattern) for name in names):
        return
    close = difflib.get_close_matches(pattern, names, n=3, cutoff=0.4)
    hint = f" (did you mean {', '.join(repr(name) for name in close)}?)" if close else ""
    raise ScenarioError(f"{path}: no {what} matches {pattern!r}{hint}")
