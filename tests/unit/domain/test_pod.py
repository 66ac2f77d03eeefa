import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.domain import pod as pods
from rp.domain.pod import Pod, Volume
from rp.errors import UsageProblem


@pytest.mark.parametrize(
    ("taken", "alias"),
    [
        (frozenset(), "sd-1"),
        (frozenset({"sd-1"}), "sd-2"),
        (frozenset({"sd-1", "sd-3"}), "sd-2"),
        (frozenset({"sd-2"}), "sd-1"),
    ],
)
def test_a_pattern_takes_the_lowest_free_number(taken: frozenset[str], alias: str) -> None:
    assert pods.alias_from_pattern("sd-{i}", taken) == alias


def test_a_pattern_without_a_number_is_the_alias_even_where_it_is_taken() -> None:
    assert pods.alias_from_pattern("sd", frozenset({"sd"})) == "sd"


def test_a_pattern_may_repeat_its_number() -> None:
    assert pods.alias_from_pattern("a{i}b{i}", frozenset()) == "a1b1"


@given(st.frozensets(st.integers(1, 30).map(lambda number: f"x{number}")))
def test_the_number_is_free_and_no_lower_one_is(taken: frozenset[str]) -> None:
    number = int(pods.alias_from_pattern("x{i}", taken)[1:])

    assert f"x{number}" not in taken
    assert all(f"x{lower}" in taken for lower in range(1, number))


@pytest.mark.parametrize("alias", ["a", "my-pod", "A.b_c-9", "1", "x" * 63])
def test_a_plain_alias_is_good(alias: str) -> None:
    assert pods.check_alias(alias) == alias


@pytest.mark.parametrize(
    "alias", ["", "-oProxyCommand=x", "*", "!a", "a b", "a\nHost *", "a/b", "a,b", "a?", ".a", "x" * 64, "a\n", "ä"]
)
def test_an_alias_that_ssh_could_misread_is_refused(alias: str) -> None:
    with pytest.raises(UsageProblem):
        pods.check_alias(alias)
    with pytest.raises(UsageProblem):
        pods.alias_from_pattern(alias, frozenset())


def test_a_stopped_pod_costs_its_host_volume() -> None:
    stopped = Pod("p", "n", pods.EXITED, volume=Volume("/workspace", size_gb=730), cost_per_hour=0.0)

    assert stopped.price_per_hour == pytest.approx(0.20)


@pytest.mark.parametrize(
    "pod",
    [
        Pod("p", "n", pods.RUNNING, volume=Volume("/w", size_gb=730), cost_per_hour=0.44),
        Pod("p", "n", pods.EXITED, volume=Volume("/w", network_id="v"), cost_per_hour=0.44),
        Pod("p", "n", pods.EXITED, cost_per_hour=0.44),
        Pod("p", "n", "A_NEW_WORD", cost_per_hour=0.44),
    ],
)
def test_any_other_pod_costs_what_runpod_says(pod: Pod) -> None:
    assert pod.price_per_hour == 0.44


def test_only_a_terminated_pod_is_gone() -> None:
    assert Pod("p", "n", pods.TERMINATED).is_gone
    assert not Pod("p", "n", pods.EXITED).is_gone
    assert not Pod("p", "n", "A_NEW_WORD").is_gone


def test_a_gpu_is_told_by_its_name() -> None:
    pod = Pod("p", "n", pods.RUNNING, gpu_id="NVIDIA GeForce RTX 4090", gpu_count=2)

    assert pod.gpu_text() == "2x RTX 4090"
    assert pod.gpu_text({"NVIDIA GeForce RTX 4090": "The 4090"}) == "2x The 4090"
    assert Pod("p", "n", pods.RUNNING).gpu_text() == "CPU"


def test_no_value_of_a_variable_is_in_the_repr() -> None:
    assert "sesame" not in repr(Pod("p", "n", pods.RUNNING, env={"A": "sesame"}))
