"""From an SSH port that answers to the end of `rp deploy`, and the API calls of a first try; the pod is not probed."""

import collections
import json
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from home import RP, home
from rp_sim import control

RUNS = 15
GOAL_SECONDS, GOAL_CALLS = 1.5, 8
TEMPLATE = {
    "gpuPreference": ["RTX 4090"],
    "regionPreference": ["EU"],
    "cloudPreference": ["ALL"],
    "container": {"imageName": "runpod/pytorch:2.8.0-py3.11-cuda12.8.1-cudnn-devel-ubuntu22.04"},
    # What the probe of the machine costs is measured by health_check.py.
    "health": {"smokeCommands": ["echo OK"], "level": "off"},
}


def measure() -> None:
    delays, calls = [], []
    for _ in range(RUNS):
        with home() as (path, env), tempfile.TemporaryDirectory(prefix="rp-bench-sim-") as folder:
            config = path / ".config" / "rp"
            config.mkdir(parents=True)
            (config / "templates.json").write_text(json.dumps({"t": TEMPLATE}))
            running = control.start(Path(folder))
            try:
                delays.append(_one(running, env | {"RP_API_URL": running.url, "RUNPOD_API_KEY": running.key}))
                calls.append([str(call["operation"]) for call in control.ledger(running)["calls"]])
            finally:
                control.stop(Path(folder))
    print(f"deploy of a healthy pod (default boot, health level off), {RUNS} runs")
    print(
        f"  'SSH port answers' to 'deploy returns': median {statistics.median(delays):.2f} s,"
        f" longest {max(delays):.2f} s  (goal: under {GOAL_SECONDS} s)"
    )
    most = max(calls, key=len)
    print(f"  API calls of a first try: {len(most)} at most  (goal: at most {GOAL_CALLS})")
    print(f"    {dict(collections.Counter(most))}")


def _one(running: control.Running, env: dict[str, str]) -> float:
    process = subprocess.Popen(
        [RP, "deploy", "t", "--alias", "a"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    answered = _port_answers(running)
    if process.wait(timeout=60):
        raise SystemExit("the deploy failed")
    return time.monotonic() - answered


def _port_answers(running: control.Running) -> float:
    """When the pod's port sent an SSH banner, found by asking for it every 10 ms."""
    while not (pods := control.ledger(running)["pods"]) or not pods[0]["port"]:
        time.sleep(0.01)
    while True:
        try:
            with socket.create_connection(("127.0.0.1", pods[0]["port"]), timeout=1) as connection:
                if connection.recv(4) == b"SSH-":
                    return time.monotonic()
        except OSError:
            pass
        time.sleep(0.01)


if __name__ == "__main__":
    measure()
