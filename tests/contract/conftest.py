"""A server that gives the answers it is told to give, and rp's client that talks to it."""

from collections.abc import Iterator

import pytest

from rp.runpod.client import RunPod
from unit.runpod.server import Clock, Server, serving


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[RunPod]:
    clock = Clock()
    made = RunPod(server.address, "key", sleep=clock.sleep, monotonic=clock.monotonic)
    yield made
    made.close()
