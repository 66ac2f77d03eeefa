from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.domain import spec
from rp.domain.decode import key_of
from rp.domain.order import ORDERS
from rp.domain.spec import Overrides
from rp.domain.template import Container, Health, Template, parse, to_json
from rp.domain.verdict import LEVELS
from rp.errors import UsageProblem
from unit.samples import amounts, cuda_versions, gpu_wishes, region_wishes, templates, words

BASE = Template(name="sd", gpu_preference=("H100",), container=Container("image", env={"A": "1", "B": "2"}))


def test_without_overrides_the_template_is_the_spec() -> None:
    merged = spec.merge(BASE, Overrides(), {})

    assert merged.template == BASE
    assert merged.env == {"A": "1", "B": "2"}
    assert merged.unset == ()


@given(templates())
def test_no_template_changes_without_overrides(template: Template) -> None:
    assert spec.merge(template, Overrides(), {}).template == template


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (Overrides(gpus=("A100", "4090")), replace(BASE, gpu_preference=("A100", "4090"))),
        (Overrides(regions=("EU",)), replace(BASE, region_preference=("EU",))),
        (Overrides(clouds=("COMMUNITY",)), replace(BASE, cloud_preference=("COMMUNITY",))),
        (Overrides(count=4), replace(BASE, gpu_count=4)),
        (Overrides(order="price"), replace(BASE, order="price")),
        (Overrides(max_price=0), replace(BASE, max_price_per_hour=0)),
        (Overrides(min_vram=24), replace(BASE, min_vram_in_gb=24)),
        (Overrides(min_cuda="12.8"), replace(BASE, min_cuda_version="12.8")),
        (Overrides(image="me/other:1"), replace(BASE, container=replace(BASE.container, image_name="me/other:1"))),
        (Overrides(container_disk=99), replace(BASE, container=replace(BASE.container, container_disk_in_gb=99))),
        (Overrides(volume=50), replace(BASE, container=replace(BASE.container, volume_in_gb=50))),
        (Overrides(retries=0), replace(BASE, health=Health(max_retries=0))),
        (Overrides(retry_backoff_seconds=0), replace(BASE, health=Health(retry_backoff_seconds=0))),
    ],
)
def test_the_command_line_wins(overrides: Overrides, expected: Template) -> None:
    assert spec.merge(BASE, overrides, {}).template == expected


def test_one_override_of_a_section_keeps_the_rest_of_it() -> None:
    template = replace(BASE, health=Health(smoke_commands=("a",), max_retries=5))

    merged = spec.merge(template, Overrides(retry_backoff_seconds=1), {}).template

    assert merged.health == Health(smoke_commands=("a",), max_retries=5, retry_backoff_seconds=1)


@pytest.mark.parametrize("wanted", [True, False])
def test_setup_can_be_switched_both_ways(wanted: bool) -> None:
    merged = spec.merge(BASE, Overrides(local_setup=wanted, remote_setup=not wanted), {}).template

    assert merged.post_deploy.run_local_setup is wanted
    assert merged.post_deploy.run_remote_setup is not wanted


def test_variables_are_added_and_replaced_in_the_pod_alone() -> None:
    merged = spec.merge(BASE, Overrides(env={"B": "3", "C": "4"}), {})

    assert merged.env == {"A": "1", "B": "3", "C": "4"}
    assert merged.template.container.env == {"A": "1", "B": "2"}


def test_a_reference_is_read_here_and_one_of_runpod_stays() -> None:
    env = {"T": "${env:TOKEN}", "U": "x-${env:TOKEN}-${env:NO}", "V": "{{ RUNPOD_SECRET_a }}", "W": "$TOKEN"}

    merged = spec.merge(replace(BASE, container=Container("image", env=env)), Overrides(), {"TOKEN": "t"})

    assert merged.env == {"T": "t", "U": "x-t-", "V": "{{ RUNPOD_SECRET_a }}", "W": "$TOKEN"}
    assert merged.unset == ("NO",)


def test_a_resolved_secret_stays_out_of_the_template_and_out_of_the_repr() -> None:
    template = replace(BASE, container=Container("image", env={"T": "${env:TOKEN}"}))

    merged = spec.merge(template, Overrides(env={"X": "sesame"}), {"TOKEN": "sesame"})

    assert merged.template.container.env == {"T": "${env:TOKEN}"}
    assert "sesame" not in repr(merged)
    assert "sesame" not in repr(Overrides(env={"X": "sesame"}))


def test_tags_reach_the_pod_as_one_variable() -> None:
    merged = spec.merge(replace(BASE, tags={"b": "2", "a": "é"}), Overrides(), {})

    assert merged.env["RP_TAGS"] == "a=%C3%A9&b=2"
    assert "RP_TAGS" not in spec.merge(BASE, Overrides(), {}).env


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        (Overrides(count=0), "sd.gpuCount: must be at least 1, is 0"),
        (Overrides(min_vram=0), "sd.minVramInGb: must be at least 1, is 0"),
        (Overrides(order="cheap"), "sd.order: `cheap` is none of preference, price, stock"),
        (Overrides(min_cuda="12"), "sd.minCudaVersion: `12` is no CUDA version such as 12.8"),
        (Overrides(gpus=("0xH100",)), "sd.gpuPreference: `0xH100` is no GPU at all"),
        (Overrides(container_disk=0), "sd.container.containerDiskInGb: must be at least 1, is 0"),
        (Overrides(volume=5), "sd.container.volumeInGb: RunPod's smallest volume is 10 GB; 0 is none"),
        (Overrides(retries=-1), "sd.health.maxRetries: must be at least 0, is -1"),
        (Overrides(clouds=("MINE",)), "sd.cloudPreference: `MINE` is none of SECURE, COMMUNITY, ALL"),
    ],
)
def test_an_override_obeys_the_rules_of_a_template(overrides: Overrides, problem: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        spec.merge(BASE, overrides, {})

    assert caught.value.details == (problem,)


def test_assignments_are_parsed() -> None:
    assert spec.parse_env(["A=1", "B=", "_c=x=y", "A=2"]) == {"A": "2", "B": "", "_c": "x=y"}


@pytest.mark.parametrize("word", ["", "A", "=x", "A B=x", "1A=x", "A-B=x", "é=x"])
def test_what_is_no_assignment_is_refused(word: str) -> None:
    with pytest.raises(UsageProblem):
        spec.parse_env([word])


def test_a_refused_assignment_does_not_show_its_value() -> None:
    with pytest.raises(UsageProblem) as caught:
        spec.parse_env(["MY-TOKEN=sesame"])

    assert "sesame" not in f"{caught.value} {caught.value.hint}"


# field → (the keys of a template's JSON that it may touch, values that it may have)
_CHANGES: dict[str, tuple[tuple[str, ...], st.SearchStrategy[Any]]] = {
    "gpus": (("gpuPreference",), st.lists(gpu_wishes, min_size=1, max_size=3).map(tuple)),
    "regions": (("regionPreference",), st.lists(region_wishes, min_size=1, max_size=3).map(tuple)),
    "clouds": (("cloudPreference",), st.sampled_from([("SECURE",), ("COMMUNITY", "SECURE"), ("ALL",), ("MINE",)])),
    # The command line's number also takes the place of numbers beside the names.
    "count": (("gpuCount", "gpuPreference"), st.integers(0, 16)),
    "order": (("order",), st.sampled_from([*ORDERS, "fastest"])),
    "max_price": (("maxPricePerHour",), amounts),
    "min_vram": (("minVramInGb",), st.integers(0, 300)),
    "min_cuda": (("minCudaVersion", "allowedCudaVersions"), st.one_of(cuda_versions, st.just("new"))),
    "image": (("container.imageName",), st.one_of(words, st.just("two words"))),
    "container_disk": (("container.containerDiskInGb",), st.integers(0, 5000)),
    "volume": (("container.volumeInGb",), st.integers(-1, 5000)),
    "retries": (("health.maxRetries",), st.integers(-1, 20)),
    "retry_backoff_seconds": (("health.retryBackoffSeconds",), amounts),
    "level": (("health.level",), st.sampled_from([*LEVELS, "extreme"])),
    "local_setup": (("postDeploy.runLocalSetup",), st.booleans()),
    "remote_setup": (("postDeploy.runRemoteSetup",), st.booleans()),
    "speed_test_url": (("health.speedTest.url", "health.speedTest.enabled"), st.just("https://example.com/file")),
    "min_mbps": (("health.speedTest.minMbps", "health.speedTest.enabled"), amounts),
}


def _flat(template: Template) -> dict[str, object]:
    """Every key with its path, defaults included."""
    flat: dict[str, object] = {}

    def walk(value: Any, path: str) -> None:
        for field in fields(value):
            item, where = getattr(value, field.name), f"{path}{key_of(field.name)}"
            if is_dataclass(item):
                walk(item, f"{where}.")
            else:
                flat[where] = item

    walk(template, "")
    return flat


def test_every_override_is_looked_at() -> None:
    assert {field.name for field in fields(Overrides)} - {"env"} == set(_CHANGES)


@given(template=templates(), data=st.data())
def test_an_override_changes_its_own_key_or_is_refused(template: Template, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(sorted(_CHANGES)), min_size=1, max_size=3, unique=True))
    said = {name: data.draw(_CHANGES[name][1], label=name) for name in chosen}
    try:
        merged = spec.merge(template, Overrides(**said), {}).template
    except UsageProblem:
        return

    may_change = {key for name in chosen for key in _CHANGES[name][0]}
    before, after = _flat(template), _flat(merged)
    assert {key for key in after if after[key] != before[key]} <= may_change
    for name, value in said.items():
        assert after[_CHANGES[name][0][0]] == value
    # What was merged is a template by itself.
    assert parse(merged.name, to_json(merged)) == merged


def test_a_number_on_the_command_line_takes_the_place_of_those_beside_names() -> None:
    template = replace(BASE, gpu_preference=("2xH100", "A100:8", "4090"))

    assert spec.merge(template, Overrides(count=4), {}).template == replace(
        template, gpu_preference=("H100", "A100", "4090"), gpu_count=4
    )
    said = spec.merge(template, Overrides(count=4, gpus=("2xL40S", "A40")), {}).template
    assert (said.gpu_preference, said.gpu_count) == (("2xL40S", "A40"), 4)


def test_a_cuda_floor_takes_the_place_of_a_list() -> None:
    template = replace(BASE, allowed_cuda_versions=("12.4",))

    merged = spec.merge(template, Overrides(min_cuda="12.8"), {}).template

    assert merged == replace(template, allowed_cuda_versions=(), min_cuda_version="12.8")


def test_a_volume_beside_a_network_volume_is_refused() -> None:
    with pytest.raises(UsageProblem) as caught:
        spec.merge(replace(BASE, network_volume_id="v"), Overrides(volume=50), {})

    assert caught.value.details == ("sd.networkVolumeId: excludes container.volumeInGb; a pod has one volume",)
