import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.domain import gpus
from rp.domain.catalog import GpuType
from rp.errors import NotFound
from unit.samples import GPUS, NAMED_GPUS

A100 = ("NVIDIA A100 80GB PCIe", "NVIDIA A100-SXM4-80GB")
H100 = ("NVIDIA H100 80GB HBM3", "NVIDIA H100 NVL", "NVIDIA H100 PCIe")


def _ids(text: str) -> set[str]:
    return {gpu.id for gpu in gpus.match(text, NAMED_GPUS)}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("H100", H100),
        ("h100", H100),
        ("NVIDIA H100", H100),
        ("H100 SXM", H100[:1]),
        ("h100-sxm", H100[:1]),
        ("H100 PCIe", H100[2:]),
        ("NVIDIA H100 80GB", (H100[0], H100[2])),
        ("h100 94gb", H100[1:2]),
        ("A100", (*A100, "NVIDIA A100-SXM4-40GB")),
        ("A100 80gb", A100),
        ("A100 80g", A100),
        ("NVIDIA A100 80GB", A100),
        ("A100 40gb", ("NVIDIA A100-SXM4-40GB",)),
        ("A100 SXM", ("NVIDIA A100-SXM4-80GB",)),
        ("a100 sxm4", ("NVIDIA A100-SXM4-80GB", "NVIDIA A100-SXM4-40GB")),
        ("4090", ("NVIDIA GeForce RTX 4090",)),
        ("RTX4090", ("NVIDIA GeForce RTX 4090",)),
        ("GeForce RTX 4090", ("NVIDIA GeForce RTX 4090",)),
        ("rtx5090", ("NVIDIA GeForce RTX 5090",)),
        ("3080 ti", ("NVIDIA GeForce RTX 3080 Ti",)),
        ("L4", ("NVIDIA L4",)),
        ("L40", ("NVIDIA L40",)),
        ("L40S", ("NVIDIA L40S",)),
        ("A40", ("NVIDIA A40",)),
        ("H200", ("NVIDIA H200", "NVIDIA H200 NVL")),
        ("NVIDIA A5000 24GB", ("NVIDIA RTX A5000",)),
        ("a5000", ("NVIDIA RTX A5000",)),
        ("MI300X", ("AMD Instinct MI300X OAM",)),
        ("B300", ("NVIDIA B300 SXM6 AC",)),
        ("RTX PRO 6000", ("NVIDIA RTX PRO 6000 Blackwell Server Edition",)),
        ("V100 32gb", ("Tesla V100-SXM2-32GB",)),
    ],
)
def test_what_people_say_is_understood(said: str, meant: tuple[str, ...]) -> None:
    assert _ids(said) == set(meant)


def test_6000_is_every_card_of_that_number_and_no_slice_of_one() -> None:
    found = _ids("6000")

    assert "NVIDIA RTX 6000 Ada Generation" in found
    assert "NVIDIA RTX PRO 6000 Blackwell Workstation Edition" in found
    assert "NVIDIA RTX A6000" not in found
    assert not any("MIG" in gpu for gpu in found)


def test_a_slice_comes_where_it_is_asked_for() -> None:
    assert _ids("pro 6000 mig") == {gpu.id for gpu in NAMED_GPUS if "MIG" in gpu.id}


@pytest.mark.parametrize("gpu", NAMED_GPUS, ids=lambda gpu: gpu.id)
def test_an_id_and_a_display_name_mean_that_type_alone(gpu: GpuType) -> None:
    assert _ids(gpu.id) == {gpu.id}
    assert _ids(gpu.name) == {gpu.id}
    assert _ids(f"  {gpu.id.lower()} ") == {gpu.id}


@pytest.mark.parametrize("gpu", GPUS, ids=lambda gpu: gpu.id)
def test_an_exact_id_comes_first_beside_its_misspelt_twin(gpu: GpuType) -> None:
    # RunPod lists `NVIDIA A30` and `NVIDIA  A30`, with two spaces, as two types.
    assert gpus.match(gpu.id, GPUS)[0].id == gpu.id


def test_the_cheapest_comes_first() -> None:
    found = [gpu.cheapest for gpu in gpus.match("A100", NAMED_GPUS)]

    assert found == sorted(found)
    assert len(found) == 3


@pytest.mark.parametrize(
    ("typo", "name"),
    [("H10O", "H100 SXM"), ("RTX 409", "RTX 4090"), ("4900", "RTX 4090"), ("MI300", "MI300X"), ("L40X", "L40S")],
)
def test_a_typing_mistake_gives_the_nearest_names(typo: str, name: str) -> None:
    with pytest.raises(NotFound) as caught:
        gpus.match(typo, NAMED_GPUS)

    assert f"`{typo}`" in caught.value.message
    assert "did you mean" in (caught.value.hint or "")
    assert name.split()[0][:3] in (caught.value.hint or "")


@pytest.mark.parametrize("nonsense", ["", "   ", "nvidia", "gpu", "###", "xylophone", "80gbb", "H100 24gb"])
def test_nonsense_fits_nothing_and_gets_a_hint(nonsense: str) -> None:
    with pytest.raises(NotFound) as caught:
        gpus.match(nonsense, NAMED_GPUS)

    assert caught.value.hint


def test_an_empty_catalog_knows_no_gpu() -> None:
    with pytest.raises(NotFound):
        gpus.match("H100", ())


@given(st.text(max_size=40))
def test_any_text_is_matched_or_refused(text: str) -> None:
    try:
        found = gpus.match(text, NAMED_GPUS)
    except NotFound:
        return

    assert found
    assert len(set(found)) == len(found)
    assert [gpu.cheapest for gpu in found] == sorted(gpu.cheapest for gpu in found)


@given(st.data())
def test_the_words_of_a_name_find_its_type_in_any_order(data: st.DataObject) -> None:
    gpu = data.draw(st.sampled_from(NAMED_GPUS))
    words = data.draw(st.permutations(gpu.name.split()))

    assert gpu.id in _ids(" ".join(words))
