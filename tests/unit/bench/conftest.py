"""The benchmarks are programs beside the package: their folder is put on the path."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3] / "bench"))
