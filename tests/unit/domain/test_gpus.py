import re
import time
from collections.abc import Iterator

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
        ("H200 NVL 141GB", ("NVIDIA H200 NVL",)),
        ("H200 141gb", ("NVIDIA H200",)),
        ("H100 96 GB", ("NVIDIA H100 NVL",)),
        ("H100 NVL 94GB", ("NVIDIA H100 NVL",)),
        ("H100 HBM3", H100[:1]),
        ("h 100 80 gib", (H100[0], H100[2])),
        ("A100-80GB", A100),
        ("A100 80", A100),
        ("a10080gb", A100),
        ("a100sxm80gb", A100[1:]),
        ("A100 GPU", (*A100, "NVIDIA A100-SXM4-40GB")),
        ("RTX 3090Ti", ("NVIDIA GeForce RTX 3090 Ti",)),
        ("3090", ("NVIDIA GeForce RTX 3090",)),
        ("RTX 3080", ("NVIDIA GeForce RTX 3080",)),
        ("GeForce 4080", ("NVIDIA GeForce RTX 4080",)),
        ("4080 super", ("NVIDIA GeForce RTX 4080 SUPER",)),
        ("rtx-4090", ("NVIDIA GeForce RTX 4090",)),
        ("GeForce 4090", ("NVIDIA GeForce RTX 4090",)),
        ("6000 Ada", ("NVIDIA RTX 6000 Ada Generation",)),
        ("rtx6000ada", ("NVIDIA RTX 6000 Ada Generation",)),
        ("RTX PRO 6000 Max-Q", ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition",)),
        ("B200", ("NVIDIA B200",)),
        ("amd mi300x", ("AMD Instinct MI300X OAM",)),
        ("V100", ("Tesla V100-PCIE-16GB", "Tesla V100-SXM2-16GB", "Tesla V100-SXM2-32GB")),
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


# A model by the marks that tell it from every other; what is told apart by form or memory alone is one model.
_MODEL = re.compile(
    r"MI300X|A100|A30|A40(?!\d)|B[23]00|[HV][12]00|L40S|L40|L4|T4|PRO (?:4500|6000)|[345]0[789]0(?: ?(?:Ti|SUPER))?"
    r"|A(?:2000|4000|4500|6000)|A5000(?: Ada)?|(?:2000|4000|5000|6000)(?= (?:SFF )?Ada)",
    re.IGNORECASE,
)


def _model(gpu: GpuType) -> str:
    found = _MODEL.search(gpu.id)
    assert found, gpu.id
    return found[0].upper().replace(" ", "") + (" MIG" if "MIG" in gpu.id else "")


def _short_forms(gpu: GpuType) -> Iterator[str]:
    for name in (gpu.id, gpu.name):
        without = re.sub(r"NVIDIA|AMD|Tesla|GeForce|Instinct", "", name).strip()
        for spelled in dict.fromkeys([name, without, without.removeprefix("RTX ")]):
            yield spelled
            yield spelled.lower()
            for separator in ("", "-", "_", "  "):
                yield separator.join(re.split(r"[\s-]+", spelled))


@pytest.mark.parametrize("gpu", GPUS, ids=lambda gpu: gpu.id)
def test_a_short_form_means_its_type_or_the_family_of_it_and_no_other_model(gpu: GpuType) -> None:
    for said in _short_forms(gpu):
        if any(said == other.id for other in GPUS if other is not gpu):
            continue
        found = gpus.match(said, GPUS)
        # Rows without memory are misspelt twins and leftovers: the type that they stand for comes in their place.
        assert gpu in found or not gpu.memory_gb, said
        if said.isdigit():
            # 4000, 5000, 6000 are every card of that number.
            assert {_model(one).removeprefix("PRO") for one in found} == {_model(gpu).removeprefix("PRO")}, said
        else:
            assert {_model(one) for one in found} == {_model(gpu)}, said


def test_any_is_every_type_but_slices() -> None:
    found = gpus.match(" ANY ", NAMED_GPUS)

    assert {gpu.id for gpu in found} == {gpu.id for gpu in NAMED_GPUS if "MIG" not in gpu.id}
    assert found[0].cheapest == min(gpu.cheapest for gpu in NAMED_GPUS)


def test_the_cheapest_comes_first() -> None:
    found = [gpu.cheapest for gpu in gpus.match("A100", NAMED_GPUS)]

    assert found == sorted(found)
    assert len(found) == 3


@pytest.mark.parametrize(
    ("typo", "name"),
    [
        ("H10O", "H100"),
        ("RTX 409", "RTX 4090"),
        ("rtx409", "RTX 4090"),
        ("4900", "RTX 4090"),
        ("4O90", "RTX 4090"),
        ("MI300", "MI300X"),
        ("L40X", "L40S"),
        ("L4OS", "L40S"),
        ("A10080", "A100 80GB"),
        ("H100s", "H100"),
    ],
)
def test_a_typing_mistake_gives_the_nearest_names(typo: str, name: str) -> None:
    with pytest.raises(NotFound) as caught:
        gpus.match(typo, NAMED_GPUS)

    assert f"`{typo}`" in caught.value.message
    assert (caught.value.hint or "").startswith("did you mean ")
    assert f"`{name}`" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("H100 24gb", "there are H100 NVL (94 GB), H100 PCIe (80 GB), H100 SXM (80 GB)"),
        ("A100 nvlink", "there are A100 PCIe (80 GB), A100 SXM (80 GB), A100 SXM 40GB (40 GB)"),
        ("4090 12gb", "there is RTX 4090 (24 GB)"),
        (
            "Blackwell",
            "there are RTX PRO 4500 (32 GB), RTX PRO 6000 (96 GB), RTX PRO 6000 MaxQ (96 GB), RTX PRO 6000 WK (96 GB)",
        ),
        ("2 H100", "a number of GPUs is written `2xH100`"),
    ],
)
def test_a_name_that_is_nearly_right_gets_what_there_is(said: str, hint: str) -> None:
    with pytest.raises(NotFound) as caught:
        gpus.match(said, NAMED_GPUS)

    assert caught.value.hint == hint


@given(st.data())
def test_every_name_that_is_suggested_is_one(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMED_GPUS)).name
    at = data.draw(st.integers(0, len(name)))
    typo = name[:at] + data.draw(st.sampled_from("0Oxq7-")) + name[at + data.draw(st.integers(0, 1)) :]
    try:
        gpus.match(typo, NAMED_GPUS)
    except NotFound as unknown:
        for suggested in re.findall("`([^`]+)`", unknown.hint or "") if "did you mean" in (unknown.hint or "") else ():
            assert gpus.match(suggested, NAMED_GPUS)


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "   ",
        "nvidia",
        "gpu",
        "###",
        "xylophone",
        "80gbb",
        "H100 24gb",
        "rtx",
        "sxm",
        "sxm4",
        "80",
        "H100+",
        "h100é",
    ],
)
def test_nonsense_fits_nothing_and_gets_a_hint(nonsense: str) -> None:
    with pytest.raises(NotFound) as caught:
        gpus.match(nonsense, NAMED_GPUS)

    assert caught.value.hint


@pytest.mark.parametrize(
    "nonsense", ["nvidia mi300x", "amd h100", "GeForce A100", "H100 or A100", "Quadro 6000", "3080 12gb", "H100 H200"]
)
def test_what_contradicts_itself_is_not_guessed_at(nonsense: str) -> None:
    with pytest.raises(NotFound) as caught:
        gpus.match(nonsense, NAMED_GPUS)

    assert caught.value.hint


def test_memory_that_is_not_told_is_not_guessed() -> None:
    with pytest.raises(NotFound):
        gpus.match("T4 0gb", GPUS)


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


@pytest.mark.parametrize("said", ["rtx" * 10_000, "rtx " * 24, "9" * 5000 + "gb", "9" * 95 + "gb", "a" * 101])
def test_a_text_that_is_long_on_purpose_is_refused_at_once(said: str) -> None:
    began = time.monotonic()

    with pytest.raises(NotFound) as caught:
        gpus.match(said, NAMED_GPUS)

    assert time.monotonic() - began < 2
    assert len(caught.value.message) < 150


@pytest.mark.parametrize(
    ("said", "is_any"), [("any", True), ("Any GPU", True), (" any gpus", True), ("any 80gb", False), ("", False)]
)
def test_any_is_any_with_words_that_say_nothing(said: str, is_any: bool) -> None:
    assert gpus.is_any(said) is is_any
