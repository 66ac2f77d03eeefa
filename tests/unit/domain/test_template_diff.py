from typing import Any

from hypothesis import given

from rp.domain import template as template_module
from rp.domain.secrets import HIDDEN
from rp.domain.template import Template
from rp.domain.template_diff import ABSENT, Difference, Side, compare
from unit.samples import templates

MINIMAL: dict[str, Any] = {"gpuPreference": ["H100"], "container": {"imageName": "image"}}


def _side(raw: dict[str, Any], *, is_pod: bool = False) -> Side:
    return Side(template_module.parse("sd", raw), raw, is_pod)


def _compared(left: dict[str, Any], right: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    return [(one.key, one.left, one.right) for one in compare(_side(left), _side(right))]


def _with(**container: Any) -> dict[str, Any]:
    return {**MINIMAL, "container": {"imageName": "image", **container}}


@given(templates(), templates())
def test_equal_templates_have_no_difference_and_others_do(one: Template, other: Template) -> None:
    sides = [Side(template, template_module.to_json(template)) for template in (one, other)]

    assert compare(sides[0], sides[0]) == ()
    assert [(found.key, found.right, found.left) for found in compare(*sides)] == [
        (found.key, found.left, found.right) for found in compare(sides[1], sides[0])
    ]


def test_a_default_that_is_spelled_out_is_no_difference() -> None:
    explicit = {
        **MINIMAL,
        "name": "other",
        "gpuCount": 1,
        "cloudPreference": ["secure"],
        "health": {"maxRetries": 2, "sshTimeoutSeconds": 180.0, "speedTest": {}},
        "networkVolumeId": None,
        "$schema": "x",
    }

    assert _compared(MINIMAL, explicit) == []
    assert _compared(_with(ports=[7860, 22]), _with(ports=["22/tcp", "7860/http"])) == []
    assert (
        _compared({**MINIMAL, "cloudPreference": ["ALL"]}, {**MINIMAL, "cloudPreference": ["SECURE", "COMMUNITY"]})
        == []
    )


def test_each_key_that_differs_is_told_with_its_path() -> None:
    other = {
        **_with(env={"A": "1"}, volumeInGb=10),
        "gpuPreference": ["A40"],
        "tags": {"a": "b"},
        "networkVolumeId": None,
    }

    assert _compared(MINIMAL, other) == [
        ("container.env.A", ABSENT, "1"),
        ("container.volumeInGb", 0, 10),
        ("gpuPreference", ["H100"], ["A40"]),
        ("tags.a", ABSENT, "b"),
    ]


def test_keys_that_rp_does_not_know_are_compared() -> None:
    assert _compared({**MINIMAL, "zzz": 1}, {**_with(zzz=[2]), "zzz": True}) == [
        ("container.zzz", ABSENT, [2]),
        ("zzz", 1, True),
    ]


def test_secrets_are_compared_and_not_shown() -> None:
    assert _compared(_with(env={"HF_TOKEN": "hf_a"}), _with(env={"HF_TOKEN": "hf_b"})) == [
        ("container.env.HF_TOKEN", HIDDEN, HIDDEN)
    ]
    assert _compared(_with(env={"HF_TOKEN": "hf_a"}), _with(env={"HF_TOKEN": "hf_a"})) == []


def test_secrets_outside_of_the_variables_are_not_shown_either() -> None:
    told = _compared(
        MINIMAL,
        {
            **_with(startScript="export HF_TOKEN=hf_geheimgeheim\n", zzz={"apiKey": "geheim", "a": ["b"]}),
            "tags": {"api_key": "geheim", "purpose": "sd"},
            "health": {"speedTest": {"url": "https://me:geheim@example.com/x?token=geheim"}},
            "registryAuthId": "reg1",
        },
    )

    assert "geheim" not in str(told)
    assert ("tags.purpose", ABSENT, "sd") in told
    assert ("registryAuthId", ABSENT, "reg1") in told
    assert [right for key, _, right in told if key == "container.zzz"] == [{"apiKey": "[redacted]", "a": ["b"]}]


def test_a_pod_is_compared_by_what_is_told_of_pods() -> None:
    template = {
        **_with(env={"HF_TOKEN": "${env:HF_TOKEN}"}),
        "health": {"maxRetries": 5},
        "maxPricePerHour": 3,
        "volumeMountPath": "/elsewhere",
        "zzz": 1,
    }
    pod = {**_with(env={"HF_TOKEN": "hf_secret"}), "gpuCount": 2}

    found = compare(_side(template), _side(pod, is_pod=True))

    assert found == (Difference("gpuCount", 1, 2),)
