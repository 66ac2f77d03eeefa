import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.domain import wishes
from rp.domain.catalog import GpuType
from rp.errors import UsageProblem
from unit.samples import GPUS


@pytest.mark.parametrize(
    ("said", "name", "count"),
    [
        ("H100", "H100", None),
        (" 2xH100 ", "H100", 2),
        ("2 x H100", "H100", 2),
        ("2×H100", "H100", 2),
        ("8X a100 80gb", "a100 80gb", 8),
        ("H100:2", "H100", 2),
        ("A100-80GB : 8", "A100-80GB", 8),
        ("H100 x2", "H100", 2),
        ("H100 x 2", "H100", 2),
        ("H100x2", "H100", 2),
        ("4x4090", "4090", 4),
        ("4090x4", "4090", 4),
        ("4090 x 4", "4090", 4),
        ("2xany", "any", 2),
        ("MI300Xx2", "MI300X", 2),
        ("RTX4090x2", "RTX4090", 2),
    ],
)
def test_a_number_of_gpus_is_written_as_people_write_it(said: str, name: str, count: int | None) -> None:
    assert wishes.gpus(said) == (name, count)


@pytest.mark.parametrize(
    "said",
    [
        "RTX 2000 Ada",
        "RTX4090",
        "rtx 409",
        "rtx409",
        "RTX40",
        "GTX 10",
        "MI300X 192",
        "4090",
        "6000 Ada",
        "2 H100",
        "x",
    ],
)
def test_a_name_is_not_taken_for_a_number(said: str) -> None:
    assert wishes.gpus(said) == (said, None)


@pytest.mark.parametrize("said", ["0xH100", "H100:0", "H100 x 00"])
def test_no_gpu_at_all_is_refused(said: str) -> None:
    with pytest.raises(UsageProblem, match="no GPU at all"):
        wishes.gpus(said)


@pytest.mark.parametrize("gpu", GPUS, ids=lambda gpu: gpu.id)
def test_no_id_and_no_name_is_taken_for_a_number_and_each_may_have_one(gpu: GpuType) -> None:
    for name in (gpu.id, gpu.name, gpu.name.replace(" ", ""), gpu.name.lower()):
        assert wishes.gpus(name) == (name, None)
        for said in (f"2x{name}", f"2 x {name}", f"{name}:2", f"{name} x2", f"{name} x 2", f"{name}x2"):
            assert wishes.gpus(said) == (name, 2)


@given(st.text(max_size=30))
def test_whatever_is_said_a_name_and_a_possible_number_come_out(said: str) -> None:
    try:
        name, count = wishes.gpus(said)
    except UsageProblem:
        return
    assert name in said
    assert count is None or count > 0


def test_a_forbidden_place_has_a_mark_before_it() -> None:
    assert wishes.forbidden(" ! US-TX-3") == "US-TX-3"
    assert wishes.forbidden("!") == ""
    assert wishes.forbidden("US-TX-3") is None
