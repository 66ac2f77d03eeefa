from dataclasses import replace

import pytest
from hypothesis import given

from rp.domain import spec
from rp.domain.spec import Overrides
from rp.domain.template import Container, Health, Template
from rp.errors import UsageProblem
from unit.samples import templates

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
