from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.domain import template as template_module
from rp.domain import template_document
from rp.domain.template import Template
from rp.errors import UsageProblem
from rp.operations import template_check, template_create
from rp.operations.template_create import QUESTIONS, answered, build, default_of, missing, read_ports, read_tags

BASE: dict[str, Any] = {
    "gpuPreference": ["H100"],
    "container": {"imageName": "image", "env": {"A": "1", "B": "2"}, "args": "sleep", "zzz": 1},
    "networkVolumeId": "v1",
    "allowedCudaVersions": ["12.8"],
}
BY_PATH = {question.path: question for question in QUESTIONS}


def test_what_is_said_comes_before_the_base_and_the_base_stays_as_it_is() -> None:
    raw = build(BASE, {"gpuCount": 2, "container.env": {"B": "3", "C": "4"}, "health.smokeCommands": ["true"]})

    assert raw["container"]["env"] == {"A": "1", "B": "3", "C": "4"}
    assert raw["container"]["zzz"] == 1
    assert (raw["gpuCount"], raw["health"]) == (2, {"smokeCommands": ["true"]})
    assert BASE["container"]["env"] == {"A": "1", "B": "2"}


@pytest.mark.parametrize(
    ("said", "gone"),
    [
        ({"container.startScript": "echo"}, "container.args"),
        ({"container.volumeInGb": 20}, "networkVolumeId"),
        ({"minCudaVersion": "12.8"}, "allowedCudaVersions"),
    ],
)
def test_what_is_said_drops_what_it_excludes(said: dict[str, Any], gone: str) -> None:
    raw = build(BASE, said)

    assert template_create.value_at(raw, gone) is None
    template_module.parse("t", raw)


def test_no_volume_is_no_reason_to_drop_a_network_volume() -> None:
    assert build(BASE, {"container.volumeInGb": 0})["networkVolumeId"] == "v1"


def test_a_template_made_from_an_imported_one_is_still_asked_about() -> None:
    imported = template_document.marked(BASE, "https://example.com/x", "now")

    assert template_document.wants_consent(build(imported, {"gpuCount": 2}))


def test_what_a_template_must_have_is_missed() -> None:
    assert missing({}) == ("gpuPreference", "container.imageName")
    assert missing({"container": {"imageName": "i"}, "gpuPreference": []}) == ("gpuPreference",)
    assert missing(BASE) == ()


def test_ports_and_tags_are_read_as_people_write_them() -> None:
    assert read_ports(["22, 7860", "5000/tcp,"]) == [22, 7860, "5000/tcp"]
    assert read_ports(["²", "x"]) == ["²", "x"]
    assert read_tags(["a=b=c", " d =", "a=e"]) == {"a": "e", "d": ""}
    for wrong in ("a", "=b"):
        with pytest.raises(UsageProblem, match="--tag wants"):
            read_tags([wrong])


@pytest.mark.parametrize(
    ("path", "answer", "value"),
    [
        ("gpuPreference", "H100, A100 80gb", ["H100", "A100 80gb"]),
        ("gpuCount", " 2 ", 2),
        ("cloudPreference", "all", ["ALL"]),
        ("regionPreference", "EU,US", ["EU", "US"]),
        ("container.ports", "7860, 5000/tcp", [7860, "5000/tcp"]),
        ("maxPricePerHour", "$2.5", 2.5),
        ("health.smokeCommands", "python -c 'print(1, 2)'", ["python -c 'print(1, 2)'"]),
    ],
)
def test_an_answer_becomes_a_setting(path: str, answer: str, value: Any) -> None:
    raw = answered("t", {}, BY_PATH[path], answer)

    assert template_create.value_at(raw, path) == value


@pytest.mark.parametrize(
    ("path", "answer", "complaint"),
    [
        ("gpuCount", "two", "`two` is no number"),
        ("gpuCount", "0", "must be at least 1, is 0"),
        ("maxPricePerHour", "cheap", "`cheap` is no number"),
        ("cloudPreference", "private", "`PRIVATE` is none of SECURE, COMMUNITY, ALL"),
        ("container.ports", "http", "`http` is no port"),
        ("gpuPreference", ",", "needs at least one GPU"),
    ],
)
def test_a_wrong_answer_is_told_at_once(path: str, answer: str, complaint: str) -> None:
    with pytest.raises(UsageProblem, match=r".") as caught:
        answered("t", {}, BY_PATH[path], answer)

    assert complaint in caught.value.message


def _none_of(*unknown: str) -> Callable[[Template], list[str]]:
    """A catalog without these names."""

    def problems(template: Template) -> list[str]:
        names = (*template.gpu_preference, *template.region_preference)
        return [f"{template.name}: nothing is called `{name}`" for name in names if name in unknown]

    return problems


def test_a_name_that_nothing_has_is_told_at_its_question() -> None:
    """Not after the last of them, when all answers would be lost."""
    gpus, regions, image = (BY_PATH[path] for path in ("gpuPreference", "regionPreference", "container.imageName"))
    unknown = _none_of("H1OO", "Atlantis")

    for question, answer in ((gpus, "L4, H1OO"), (regions, "EU, Atlantis")):
        with pytest.raises(UsageProblem, match="nothing is called") as caught:
            answered("t", {}, question, answer, unknown)
        assert caught.value.message == f"nothing is called `{answer.split(', ')[1]}`"
    # What was said elsewhere is no business of this question.
    assert answered("t", {"gpuPreference": ["H1OO"]}, image, "i", unknown)
    assert answered("t", {"gpuPreference": ["H1OO"]}, regions, "EU", unknown)
    with pytest.raises(UsageProblem):
        template_create.check_names("t", {"gpuPreference": ["H1OO"]}, "gpuPreference", unknown)


def test_options_that_are_wrong_are_told_before_the_first_question() -> None:
    unknown = _none_of("Atlantis")

    template_create.check_said("t", {"gpuCount": 2, "regionPreference": ["EU"]}, unknown)
    with pytest.raises(UsageProblem, match="no valid template") as caught:
        template_create.check_said("t", {"minCudaVersion": "12", "regionPreference": ["Atlantis"]}, unknown)

    assert [problem.split(":")[0] for problem in caught.value.details] == ["t.minCudaVersion", "t.regionPreference"]


def test_the_smallest_volume_is_told_once_the_rest_is_there() -> None:
    with pytest.raises(UsageProblem, match="smallest volume is 10 GB"):
        answered("t", BASE, BY_PATH["container.volumeInGb"], "5")


@given(st.sampled_from(QUESTIONS), st.text(max_size=12))
def test_any_answer_is_a_setting_or_a_complaint(question: template_create.Question, answer: str) -> None:
    complaint = "none"
    try:
        answered("t", {}, question, answer)
    except UsageProblem as wrong:
        complaint = wrong.message

    assert complaint


def test_the_default_of_a_question_is_what_the_base_has() -> None:
    assert default_of(BY_PATH["gpuPreference"], {"gpuPreference": ["H100", "A40"]}) == "H100, A40"
    assert default_of(BY_PATH["gpuPreference"], {}) == ""
    assert default_of(BY_PATH["maxPricePerHour"], {}) == "no limit"


def test_the_defaults_that_are_shown_are_the_real_ones() -> None:
    raw = {"gpuPreference": ["H100"], "container": {"imageName": "i"}}
    for question in QUESTIONS:
        if question.otherwise in ("", "anywhere", "none", "no limit"):
            continue
        assert template_module.parse("t", answered("t", raw, question, question.otherwise)) == template_module.parse(
            "t", raw
        )


def test_a_secret_value_is_told_without_the_value() -> None:
    [note] = template_create.secret_notes({"HF_TOKEN": "hf_x", "A": "b", "API_KEY": "${env:API_KEY}"})

    assert "--env 'HF_TOKEN=${env:HF_TOKEN}'" in note
    assert "hf_x" not in note


def test_all_that_keeps_a_template_from_a_deploy_is_found() -> None:
    raw = {
        **BASE,
        "health": {"checks": {"nonsense": "off"}, "speedTest": {"enabled": True, "minMbps": 5}},
        "aliasPattern": "-{i}",
        "stopAfter": "1h",
        "zzz": 1,
    }

    found = template_check.check("sd", raw, lambda template: [f"{template.name}.gpuPreference: no such GPU"])

    assert [problem.split(":")[0] for problem in found.problems] == [
        "sd.health.checks",
        "sd.health.speedTest",
        "sd.aliasPattern",
        "sd.stopAfter",
        "sd.gpuPreference",
    ]
    assert found.warnings == ("sd.container.zzz: unknown key", "sd.zzz: unknown key")
    assert not found.is_valid


def test_names_are_not_looked_up_for_what_is_no_template() -> None:
    found = template_check.check("a b", {"gpuCount": 1}, lambda _: pytest.fail("asked"))

    assert len(found.problems) == 2
    assert "cannot be a template's name" in found.warnings[0]
