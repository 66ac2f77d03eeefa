"""What a probe printed → a report: every judge looks at its own part, and only what was seen counts."""

from __future__ import annotations

from rp.domain.verdict import Report
from rp.health.asked import Asked
from rp.health.judges import (
    amd,
    cpu_memory,
    cuda,
    dcgm,
    disk,
    gpu,
    gpu_faults,
    gpu_state,
    kernel_log,
    machine,
    network,
    nvlink,
    torch,
)
from rp.health.judges import asked as asked_for
from rp.health.judges.seen import Seen
from rp.health.judges.sheet import Sheet
from rp.health.stream import Stream

# Later judges may ask what earlier ones found.
_JUDGES = (
    machine.judge,
    amd.judge,
    gpu.judge,
    gpu_faults.judge,
    gpu_state.judge,
    cuda.judge,
    torch.judge,
    dcgm.judge,
    nvlink.judge,
    kernel_log.judge,
    cpu_memory.judge,
    disk.judge,
    network.judge,
    asked_for.judge,
)


def judge(stream: Stream, level: str, asked: Asked, *, at: float, seconds: float) -> Report:
    """Judge one look at a pod. `at` is the local time at the middle of the probe's run of `seconds`."""
    seen = Seen(stream, level, asked, at, seconds)
    sheet = Sheet(level, asked)
    # Without a folder for results no part could run, and silence says nothing.
    for part in (machine.judge,) if stream.get("fatal") else _JUDGES:
        part(seen, sheet)
    return Report(level, sheet.checks(), seconds=seconds, gpu_uuids=seen.uuids, raw=stream.rendered())
