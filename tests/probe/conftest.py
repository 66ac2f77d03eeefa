from collections.abc import Iterator
from pathlib import Path

import pytest

from probe.pod import SHELLS, Pod, nothing_left


@pytest.fixture(params=list(SHELLS))
def any_shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pod]:
    pod = Pod(tmp_path / "pod", request.param)
    with nothing_left(pod):
        yield pod


@pytest.fixture
def pod(tmp_path: Path) -> Iterator[Pod]:
    pod = Pod(tmp_path / "pod")
    with nothing_left(pod):
        yield pod
