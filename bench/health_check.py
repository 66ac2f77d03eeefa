"""One look at a healthy simulated pod against a bare `ssh host true`, without and with 100 ms of latency added.

Both begin with a connection of their own. The simulated driver's GPU time passes on no real clock: what is measured
is the probe's own work, the connection and the judging, and not how long a real GPU is kept busy.
"""

import json
import queue
import socket
import socketserver
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from home import RP, home
from rp.context import SystemClock
from rp.domain.pod import Endpoint
from rp.domain.verdict import BASIC, PASSIVE, STANDARD, Verdict
from rp.health.asked import Asked
from rp.operations.examine import examine
from rp.remote.ssh import Session
from rp_sim import control

RUNS = 9
LATENCIES = (0.0, 0.1)
LEVELS = (PASSIVE, BASIC, STANDARD)
GPU = "NVIDIA GeForce RTX 4090"
TEMPLATE = {
    "gpuPreference": [GPU],
    "container": {"imageName": "runpod/pytorch:2.8.0-py3.11-cuda12.8.1-cudnn-devel-ubuntu22.04"},
    "health": {"level": "off"},
}
SCENARIO = '[images."runpod/*"]\ntorch = true\nfingerprints = true\n'
# Chunks on their way in one direction, of at most 64 KiB each.
IN_FLIGHT = 256


def measure() -> None:
    with home() as (path, env), tempfile.TemporaryDirectory(prefix="rp-bench-sim-") as folder:
        config = path / ".config" / "rp"
        config.mkdir(parents=True)
        (config / "templates.json").write_text(json.dumps({"t": TEMPLATE}))
        scenario = path / "scenario.toml"
        scenario.write_text(SCENARIO)
        running = control.start(Path(folder) / "sim", scenario=scenario)
        try:
            env |= {"RP_API_URL": running.url, "RUNPOD_API_KEY": running.key}
            deployed = subprocess.run(
                [RP, "deploy", "t", "--alias", "a", "--json"], env=env, capture_output=True, check=True
            )
            [pod] = control.ledger(running)["pods"]
            print(f"a look at a healthy pod, {RUNS} runs each, medians (connection included)")
            for latency in LATENCIES:
                _report(latency, pod["port"], json.loads(deployed.stdout)["id"], path)
        finally:
            control.stop(running.directory)


def _report(latency: float, pod_port: int, pod_id: str, path: Path) -> None:
    with delayed(pod_port, latency / 2) as port:
        found = _medians({"ssh host true": _bare(port, path), **_looks(port, pod_id, path)})
    bare = found["ssh host true"]
    print(f"  {latency * 1000:.0f} ms of latency added")
    for name, seconds in found.items():
        more = "" if seconds is bare else f"  (+{seconds - bare:.2f} s)"
        print(f"    {name:<15} {seconds:5.2f} s{more}")


def _medians(actions: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Interleaved, so that a machine that gets slower does so for all of them."""
    spent: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(RUNS):
        for name, action in actions.items():
            began = time.monotonic()
            action()
            spent[name].append(time.monotonic() - began)
    return {name: statistics.median(found) for name, found in spent.items()}


def _bare(port: int, path: Path) -> Callable[[], None]:
    words = ["ssh", "-F", str(path / ".ssh" / "config"), "-p", str(port), "-o", "BatchMode=yes", "a", "true"]

    def one() -> None:
        subprocess.run(words, check=True, capture_output=True)

    return one


def _looks(port: int, pod_id: str, path: Path) -> dict[str, Callable[[], None]]:
    known_hosts, key = path / ".local" / "state" / "rp" / "known_hosts", path / ".ssh" / "id_ed25519"

    def look(level: str) -> Callable[[], None]:
        def one() -> None:
            with closing(Session(pod_id, Endpoint("127.0.0.1", port), known_hosts, key, path)) as session:
                report = examine(session, level, Asked(gpu_id=GPU, gpu_count=1), SystemClock())
            if report.verdict is not Verdict.PASS:
                raise SystemExit(f"the pod is not healthy: {report.of(Verdict.FAIL) + report.of(Verdict.WARN)}")

        return one

    return {level: look(level) for level in LEVELS}


@contextmanager
def delayed(target: int, seconds: float) -> Iterator[int]:
    """The port of a loopback proxy that passes everything on that much later, in each direction."""

    class Both(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", target)) as pod:
                back = threading.Thread(target=_pass_on, args=(pod, self.request, seconds), daemon=True)
                back.start()
                _pass_on(self.request, pod, seconds)
                back.join(timeout=10)

    class Proxy(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Proxy(("127.0.0.1", 0), Both) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield proxy.server_address[1]
        proxy.shutdown()


def _pass_on(source: socket.socket, target: socket.socket, seconds: float) -> None:
    """Until the source has no more; an empty chunk is its end."""
    chunks: queue.Queue[tuple[float, bytes]] = queue.Queue(IN_FLIGHT)

    def read() -> None:
        chunk = b"-"
        while chunk:
            try:
                chunk = source.recv(1 << 16)
            except OSError:
                chunk = b""
            chunks.put((time.monotonic() + seconds, chunk))

    for one in (source, target):
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    threading.Thread(target=read, daemon=True).start()
    try:
        while True:
            due, chunk = chunks.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not chunk:
                target.shutdown(socket.SHUT_WR)
                return
            target.sendall(chunk)
    except OSError:
        return


if __name__ == "__main__":
    measure()
