"""A simulator for the length of a test. It ends with the test process, however that ends."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from rp_sim import control

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rp_sim.control import Running


@contextlib.contextmanager
def simulator(tmp_dir: Path, scenario_toml: str = "") -> Iterator[Running]:
    """Its state lies in `tmp_dir/simulator`, which is empty when it has stopped."""
    tmp_dir.mkdir(parents=True, exist_ok=True)
    scenario = None
    if scenario_toml:
        scenario = tmp_dir / "scenario.toml"
        scenario.write_text(scenario_toml, encoding="utf-8")
    running = control.start(tmp_dir / "simulator", scenario=scenario, parent_pid=os.getpid())
    try:
        yield running
    finally:
        control.stop(running.directory)
