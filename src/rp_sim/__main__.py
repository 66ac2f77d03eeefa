"""`python -m rp_sim serve`: the simulator in the foreground."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="rp_sim", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    serve_ = verbs.add_parser("serve", help="run a simulator until it is told to stop")
    serve_.add_argument("--directory", type=Path, required=True, help="where its state lies")
    serve_.add_argument("--port", type=int, default=0, help="0 takes a free one")
    serve_.add_argument("--scenario", type=Path, help="a TOML file; see docs/simulator.md")
    serve_.add_argument("--parent-pid", type=int, help="end when this process is gone")
    options = parser.parse_args(argv)
    return _serve(options)


def _serve(options: argparse.Namespace) -> int:
    try:
        from rp_sim.scenario import ScenarioError
        from rp_sim.serve import serve
    except ImportError as error:
        return _fail(f"the simulator needs {error.name}: install rp with its extra `sim`")
    try:
        serve(options.directory, options.scenario, options.port, options.parent_pid)
    except ScenarioError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"cannot serve on port {options.port}: {error.strerror or error}")
    return 0


def _fail(message: str) -> int:
    print(f"rp_sim: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
