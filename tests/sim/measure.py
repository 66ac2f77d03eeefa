"""Start time, memory with 200 running pods, and stop time: `PYTHONPATH=tests python tests/sim/measure.py [pods]`."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rp_sim import control
from sim.api import AT_ONCE, Api, wait_for
from sim.remote import Key, Remote


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        scenario = directory / "scenario.toml"
        scenario.write_text(AT_ONCE + "[account]\nbalance = 1e9\n[quota]\nexempt = true\n", encoding="utf-8")
        begin = time.monotonic()
        running = control.start(directory / "sim", scenario=scenario)
        print(f"start: {time.monotonic() - begin:.2f} s, {rss(running.pid)} MiB")
        try:
            measure_pods(Api(running), Key(directory), directory, count)
            print(f"memory: {rss(running.pid)} MiB")
        finally:
            begin = time.monotonic()
            control.stop(running.directory)
            print(f"stop: {time.monotonic() - begin:.2f} s, left behind: {list(running.directory.iterdir())}")


def measure_pods(api: Api, key: Key, directory: Path, count: int) -> None:
    begin = time.monotonic()
    for number in range(count):
        api.call("POST", "/v2/pods", body(number, key), check=False)
    pods = wait_for(lambda: found if len(found := listed(api)) == count else None, limit=60)
    print(f"{count} pods running: {time.monotonic() - begin:.2f} s")
    begin = time.monotonic()
    for pod in pods:
        assert Remote(key, pod, directory).out("nvidia-smi -L | wc -l").strip() == "1"
    print(f"one ssh command on each: {time.monotonic() - begin:.2f} s")
    begin = time.monotonic()
    api.call("GET", "/v2/pods", check=False)
    print(f"one list: {(time.monotonic() - begin) * 1000:.0f} ms")


def body(number: int, key: Key) -> dict[str, object]:
    return {
        "name": f"pod-{number}",
        "image": "runpod/pytorch:2.8.0",
        "gpu": {"id": "NVIDIA GeForce RTX 4090", "count": 1},
        "disk": 20,
        "ports": ["22/tcp"],
        "env": {"PUBLIC_KEY": key.public},
    }


def listed(api: Api) -> list[dict[str, object]]:
    pods = api.call("GET", "/v2/pods", check=False).json["pods"]
    return [pod for pod in pods if pod["status"] == "RUNNING"]


def rss(pid: int) -> int:
    """Resident memory in MiB; `ps` tells KiB on Linux and macOS."""
    done = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=True)
    return int(re.sub(rb"\D", b"", done.stdout)) // 1024


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
