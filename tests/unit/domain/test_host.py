from hypothesis import given
from hypothesis import strategies as st

from rp.domain.host import FADE_DAYS, Failure, Host, Marks, is_same, merged

A, B = frozenset({"GPU-a1", "GPU-a2"}), frozenset({"GPU-b1"})
DAY = 86_400.0
marks = st.builds(
    Marks,
    st.none() | st.sampled_from(["192.0.2.1", "192.0.2.2"]),
    st.none() | st.sampled_from(["64411eb2", "64411eb3"]),
    st.frozensets(st.sampled_from(["GPU-a1", "GPU-a2", "GPU-b1"])),
)


def test_a_gpu_decides_before_all_else() -> None:
    assert is_same(Marks("192.0.2.1", "64411eb2", A), Marks("192.0.2.9", "ffffffff", frozenset({"GPU-a2"})))


def test_two_pods_may_have_other_gpus_of_one_machine() -> None:
    assert is_same(Marks("192.0.2.1", "64411eb2", A), Marks("192.0.2.1", "64411eb2", B))
    # Where the address is all that is left, it says too little against other GPUs.
    assert not is_same(Marks("192.0.2.1", None, A), Marks("192.0.2.1", "64411eb2", B))


def test_the_proxy_decides_before_the_address() -> None:
    assert is_same(Marks("192.0.2.1", "64411eb2", A), Marks("192.0.2.9", "64411eb2"))
    assert not is_same(Marks("192.0.2.1", "64411eb2"), Marks("192.0.2.1", "64411eb3"))


def test_an_address_decides_where_nothing_better_is_known() -> None:
    assert is_same(Marks("192.0.2.1"), Marks("192.0.2.1", "64411eb2"))
    assert not is_same(Marks("192.0.2.1"), Marks("192.0.2.2"))
    assert not is_same(Marks(), Marks())


@given(marks, marks)
def test_sameness_has_no_direction(one: Marks, other: Marks) -> None:
    assert is_same(one, other) == is_same(other, one)


@given(marks, marks)
def test_what_is_merged_is_known_again(older: Marks, newer: Marks) -> None:
    together = merged(older, newer)

    assert is_same(together, newer) or not newer
    assert together.gpus == older.gpus | newer.gpus


def test_failures_fade_and_trust_wipes_them() -> None:
    old, new = Failure(0.0, "p1", "long ago"), Failure(40 * DAY, "p2", "yesterday")
    host = Host(1, Marks(), "GPU", "EU-RO-1", 41 * DAY, failures=(old, new))

    assert host.recent(41 * DAY) == (new,)
    assert host.recent((40 + FADE_DAYS) * DAY - 1) == (new,)
    assert host.recent((40 + FADE_DAYS) * DAY) == ()
    trusted = Host(1, Marks(), "GPU", "EU-RO-1", 41 * DAY, trusted_at=40.5 * DAY, failures=(old, new))
    assert trusted.recent(41 * DAY) == ()
