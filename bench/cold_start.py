"""Start-up of rp as a ratio to `python -c pass` on the same interpreter: medians of interleaved runs."""

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from home import RP, home

RUNS = 31
GOAL, GOAL_WITH_HTTP = 4.0, 8.0


class NoPods(BaseHTTPRequestHandler):
    """Answers every question with an empty list of pods."""

    def do_GET(self) -> None:
        body = b'{"pods": []}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def no_pods() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), NoPods) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def measure() -> None:
    with home() as (path, env), no_pods() as server:
        config = path / ".config" / "rp"
        config.mkdir(parents=True)
        template = {"gpuPreference": ["H100"], "container": {"imageName": "runpod/pytorch:1"}}
        (config / "templates.json").write_text(json.dumps({f"t{number}": template for number in range(10)}))
        online = env | {"RP_API_URL": f"http://127.0.0.1:{server.server_port}", "RUNPOD_API_KEY": "x"}
        commands = {
            "python -c pass": ([sys.executable, "-c", "pass"], env, 1.0),
            "rp --version": ([RP, "--version"], env, GOAL),
            "rp --help": ([RP, "--help"], env, GOAL),
            "rp template list": ([RP, "template", "list"], env, GOAL),
            "import httpx2": ([sys.executable, "-c", "import httpx2"], env, GOAL_WITH_HTTP),
            "rp list": ([RP, "list"], online, GOAL_WITH_HTTP),
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(RUNS):
            for name, (argv, variables, _) in commands.items():
                began = time.perf_counter()
                subprocess.run(argv, env=variables, check=True, capture_output=True)
                times[name].append(time.perf_counter() - began)
    base = statistics.median(times["python -c pass"])
    print(f"cold start, medians of {RUNS} interleaved runs")
    for name, (_, _, goal) in commands.items():
        median = statistics.median(times[name])
        print(f"  {name:24} {median * 1000:6.1f} ms  {median / base:5.2f}x  (goal: at most {goal:g}x)")


if __name__ == "__main__":
    measure()
