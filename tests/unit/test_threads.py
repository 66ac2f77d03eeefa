"""Jobs side by side in real threads."""

import resource
import threading
from collections.abc import Iterator

import pytest

from rp.threads import Threads


@pytest.fixture
def limits() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_results_come_in_the_order_of_the_jobs() -> None:
    first_may_go = threading.Event()

    def first() -> str:
        assert first_may_go.wait(10)
        return "first"

    def second() -> str:
        first_may_go.set()
        return "second"

    assert Threads().together([first, second]) == ["first", "second"]


def test_the_first_error_in_order_is_raised() -> None:
    def fails(text: str) -> None:
        raise ValueError(text)

    with pytest.raises(ValueError, match="one"):
        Threads().together([lambda: None, lambda: fails("one"), lambda: fails("two")])


def test_whoever_waits_is_woken_by_a_ring() -> None:
    threads = Threads()

    threads.start(threads.ring)

    # Ten minutes, or at once.
    threads.wait(600)


def test_many_deploys_get_more_open_files(limits: None) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))

    Threads().make_room(32)

    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert soft == (640 if hard == resource.RLIM_INFINITY else min(640, hard))
