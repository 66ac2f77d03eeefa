import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.domain import decode
from rp.domain import template as template_module
from rp.domain.template import Container, Health, SpeedTest, Template
from rp.errors import UsageProblem
from unit.samples import EXAMPLE, templates

MINIMAL: dict[str, Any] = {"gpuPreference": ["H100"], "container": {"imageName": "image"}}


def _problems(raw: object, name: str = "sd") -> list[str]:
    with pytest.raises(decode.Invalid) as caught:
        template_module.parse(name, raw)
    assert caught.value.message == f"template `{name}` is not valid"
    assert list(caught.value.details) == caught.value.problems
    return caught.value.problems


def _with(path: str, value: object) -> dict[str, Any]:
    """The minimal template with `value` at `path`, as `health.maxRetries`."""
    raw: dict[str, Any] = json.loads(json.dumps(MINIMAL))
    *sections, key = path.split(".")
    inner = raw
    for section in sections:
        inner = inner.setdefault(section, {})
    inner[key] = value
    return raw


def test_the_documented_example_is_understood() -> None:
    template = template_module.parse("sd-a100", EXAMPLE)

    assert template.cloud_preference == ("SECURE", "COMMUNITY")
    assert template.gpu_preference == ("NVIDIA H100 80GB", "NVIDIA A100 80GB", "NVIDIA A5000 24GB")
    assert template.container == Container(
        image_name="runpod/pytorch:latest",
        container_disk_in_gb=20,
        volume_in_gb=50,
        ports=(22, 7860),
        env={"HF_HOME": "/root/.cache/huggingface"},
        start_script="#!/bin/bash\nset -euo pipefail\necho booting...",
    )
    assert template.health == Health(
        ssh_timeout_seconds=180,
        smoke_commands=("echo OK",),
        speed_test=SpeedTest(enabled=False, url="https://speed.hetzner.de/100MB.bin", min_mbps=100),
        max_retries=2,
        retry_backoff_seconds=10,
    )
    assert template.tags == {"rp": "true", "purpose": "sd"}
    assert list(decode.unknown_keys(Template, EXAMPLE, "sd-a100")) == []


def test_a_gpu_and_an_image_are_enough() -> None:
    template = template_module.parse("sd", MINIMAL)

    assert template.clouds == ("SECURE",)
    assert template.region_preference == ()
    assert template.gpu_count == 1
    assert template.ports == ("22/tcp",)
    assert template.volume_mount_path == "/workspace"
    assert template.network.allow_public_ip
    assert template.post_deploy.run_local_setup
    assert template.post_deploy.run_remote_setup
    assert (template.health.ssh_timeout_seconds, template.health.max_retries) == (180, 2)


def test_the_name_is_the_key_in_the_file() -> None:
    assert template_module.parse("new", {**MINIMAL, "name": "old"}).name == "new"


@given(templates())
def test_a_template_survives_a_file(template: Template) -> None:
    text = json.dumps(template_module.to_json(template), ensure_ascii=False)

    assert template_module.parse(template.name, json.loads(text)) == template


@given(templates())
def test_what_is_written_has_no_unknown_key(template: Template) -> None:
    assert list(decode.unknown_keys(Template, template_module.to_json(template), "t")) == []


def test_what_equals_the_default_is_not_written() -> None:
    assert template_module.to_json(template_module.parse("sd", MINIMAL)) == {"name": "sd", **MINIMAL}


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("health.maxRetries", "two", 'sd.health.maxRetries: expected a whole number, got "two"'),
        ("health.maxRetries", 1.5, "sd.health.maxRetries: expected a whole number, got 1.5"),
        ("health.maxRetries", True, "sd.health.maxRetries: expected a whole number, got true"),
        ("health.maxRetries", None, "sd.health.maxRetries: expected a whole number, got null"),
        ("health.maxRetries", -1, "sd.health.maxRetries: must be at least 0, is -1"),
        ("health.sshTimeoutSeconds", "3m", 'sd.health.sshTimeoutSeconds: expected a number, got "3m"'),
        ("health.sshTimeoutSeconds", 0, "sd.health.sshTimeoutSeconds: must be at least 1, is 0"),
        ("health.retryBackoffSeconds", -0.5, "sd.health.retryBackoffSeconds: must be at least 0, is -0.5"),
        ("health.smokeCommands", "echo OK", 'sd.health.smokeCommands: expected a list, got "echo OK"'),
        ("health.smokeCommands", ["a", 1], "sd.health.smokeCommands[1]: expected a text, got 1"),
        ("health.speedTest.minMbps", [], "sd.health.speedTest.minMbps: expected a number, got a list"),
        ("health.speedTest.enabled", "yes", 'sd.health.speedTest.enabled: expected true or false, got "yes"'),
        ("health", 3, "sd.health: expected an object, got 3"),
        ("health.speedTest", [], "sd.health.speedTest: expected an object, got a list"),
        ("gpuCount", "1", 'sd.gpuCount: expected a whole number, got "1"'),
        ("gpuCount", 0, "sd.gpuCount: must be at least 1, is 0"),
        ("gpuPreference", [], "sd.gpuPreference: needs at least one GPU"),
        ("gpuPreference", ["H100", " "], "sd.gpuPreference: needs at least one GPU"),
        ("gpuPreference", ["H100", "0xA100"], "sd.gpuPreference: `0xA100` is no GPU at all"),
        ("gpuPreference", ["A100:0"], "sd.gpuPreference: `A100:0` is no GPU at all"),
        ("order", "cheapest", "sd.order: `cheapest` is none of preference, price, stock"),
        ("order", None, "sd.order: expected a text, got null"),
        ("minVramInGb", 0, "sd.minVramInGb: must be at least 1, is 0"),
        ("minVramInGb", 1.5, "sd.minVramInGb: expected a whole number, got 1.5"),
        ("gpuPreference", "H100", 'sd.gpuPreference: expected a list, got "H100"'),
        ("gpuPreference", ["H100", 4090], "sd.gpuPreference[1]: expected a text, got 4090"),
        ("cloudPreference", ["PRIVATE"], "sd.cloudPreference: `PRIVATE` is none of SECURE, COMMUNITY, ALL"),
        ("cloudPreference", [1], "sd.cloudPreference[0]: expected a text, got 1"),
        ("regionPreference", [None], "sd.regionPreference[0]: expected a text, got null"),
        ("container", [], "sd.container: expected an object, got a list"),
        ("container", None, "sd.container: expected an object, got null"),
        ("container.imageName", "", "sd.container.imageName: `` is no image"),
        ("container.imageName", 5, "sd.container.imageName: expected a text, got 5"),
        ("container.containerDiskInGb", "20GB", 'sd.container.containerDiskInGb: expected a whole number, got "20GB"'),
        ("container.containerDiskInGb", 0, "sd.container.containerDiskInGb: must be at least 1, is 0"),
        ("container.volumeInGb", -5, "sd.container.volumeInGb: must be at least 0, is -5"),
        ("container.volumeInGb", 9, "sd.container.volumeInGb: RunPod's smallest volume is 10 GB; 0 is none"),
        ("container.ports", ["x"], 'sd.container.ports: `x` is no port such as 22, "7860/http" or "7860/tcp"'),
        ("container.ports", ["5000/"], 'sd.container.ports: `5000/` is no port such as 22, "7860/http" or "7860/tcp"'),
        (
            "gpuPreference",
            ["H100", "a" * 101],
            f"sd.gpuPreference: `{'a' * 40}…` is no GPU: it has more than 100 characters",
        ),
        ("container.ports", [0], 'sd.container.ports: `0` is no port such as 22, "7860/http" or "7860/tcp"'),
        (
            "container.ports",
            ["53/udp"],
            'sd.container.ports: `53/udp` is no port such as 22, "7860/http" or "7860/tcp"',
        ),
        ("container.ports", [2.5], "sd.container.ports[0]: expected a whole number or a text, got 2.5"),
        ("container.env", [], "sd.container.env: expected an object, got a list"),
        ("container.env", {"A": 1}, "sd.container.env.A: expected a text, got 1"),
        ("container.env", {"A-B": "1"}, "sd.container.env: `A-B` is no name of an environment variable"),
        ("container.env", {"": "1"}, "sd.container.env: `` is no name of an environment variable"),
        ("network.allowPublicIp", 1, "sd.network.allowPublicIp: expected true or false, got 1"),
        ("postDeploy.runLocalSetup", "no", 'sd.postDeploy.runLocalSetup: expected true or false, got "no"'),
        ("tags", {"a": None}, "sd.tags.a: expected a text, got null"),
        ("volumeMountPath", "workspace", "sd.volumeMountPath: `workspace` is no absolute path of a folder"),
        ("minCudaVersion", 12.8, "sd.minCudaVersion: expected a text, got 12.8"),
        ("minCudaVersion", "12", "sd.minCudaVersion: `12` is no CUDA version such as 12.8"),
        ("allowedCudaVersions", ["12.8", "x"], "sd.allowedCudaVersions: `x` is no CUDA version such as 12.8"),
        ("allowedCudaVersions", [12.8], "sd.allowedCudaVersions[0]: expected a text, got 12.8"),
        ("maxPricePerHour", "1", 'sd.maxPricePerHour: expected a number, got "1"'),
        ("maxPricePerHour", -1, "sd.maxPricePerHour: must be at least 0, is -1"),
        ("globalNetworking", "true", 'sd.globalNetworking: expected true or false, got "true"'),
        ("networkVolumeId", 7, "sd.networkVolumeId: expected a text, got 7"),
    ],
)
def test_a_wrong_value_is_named_by_its_path(path: str, value: object, problem: str) -> None:
    assert _problems(_with(path, value)) == [problem]


@pytest.mark.parametrize(
    ("raw", "problems"),
    [
        ({}, ["sd.gpuPreference: is missing", "sd.container: is missing"]),
        ({"gpuPreference": ["H100"]}, ["sd.container: is missing"]),
        ({"gpuPreference": ["H100"], "container": {}}, ["sd.container.imageName: is missing"]),
        ([], ["sd: expected an object, got a list"]),
        ("text", ['sd: expected an object, got "text"']),
        (None, ["sd: expected an object, got null"]),
        (True, ["sd: expected an object, got true"]),
    ],
)
def test_what_is_missing_is_named(raw: object, problems: list[str]) -> None:
    assert _problems(raw) == problems


def test_all_problems_are_told_at_once() -> None:
    raw = {
        "gpuPreference": [],
        "gpuCount": "many",
        "container": {"ports": [22, "x"], "env": {"A": 1, "B": None}},
        "health": {"maxRetries": "two", "speedTest": {"minMbps": "fast"}},
    }

    assert set(_problems(raw)) == {
        "sd.gpuPreference: needs at least one GPU",
        'sd.gpuCount: expected a whole number, got "many"',
        "sd.container.imageName: is missing",
        'sd.container.ports: `x` is no port such as 22, "7860/http" or "7860/tcp"',
        "sd.container.env.A: expected a text, got 1",
        "sd.container.env.B: expected a text, got null",
        'sd.health.maxRetries: expected a whole number, got "two"',
        'sd.health.speedTest.minMbps: expected a number, got "fast"',
    }


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"container": {"imageName": "i", "startScript": "a", "args": "b"}},
            "sd.container.args: excludes startScript; keep one of them",
        ),
        (
            {"networkVolumeId": "v", "container": {"imageName": "i", "volumeInGb": 10}},
            "sd.networkVolumeId: excludes container.volumeInGb; a pod has one volume",
        ),
        (
            {"minCudaVersion": "12.8", "allowedCudaVersions": ["12.8"]},
            "sd.minCudaVersion: excludes allowedCudaVersions; keep one of them",
        ),
    ],
)
def test_settings_that_exclude_each_other_are_refused(changes: dict[str, Any], problem: str) -> None:
    assert _problems({**MINIMAL, **changes}) == [problem]


def test_the_value_of_a_variable_is_not_repeated_in_an_error() -> None:
    problems = _problems(_with("container.env", {"A B": "hf_secret"}))

    assert "hf_secret" not in " ".join(problems)


@pytest.mark.parametrize("optional", ["minCudaVersion", "networkVolumeId", "maxPricePerHour", "stopAfter"])
def test_null_means_not_set(optional: str) -> None:
    assert template_module.parse("sd", _with(optional, None)) == template_module.parse("sd", MINIMAL)


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("gpuPreferences", "sd.gpuPreferences: unknown key; did you mean `gpuPreference`?"),
        ("health.maxRetry", "sd.health.maxRetry: unknown key; did you mean `maxRetries`?"),
        ("health.speedTest.minMbit", "sd.health.speedTest.minMbit: unknown key; did you mean `minMbps`?"),
        ("container.image", "sd.container.image: unknown key; did you mean `imageName`?"),
        ("zzz", "sd.zzz: unknown key"),
    ],
)
def test_an_unknown_key_is_no_error_and_is_named_with_a_suggestion(key: str, told: str) -> None:
    raw = _with(key, 1)

    assert template_module.parse("sd", raw) == template_module.parse("sd", MINIMAL)
    assert list(decode.unknown_keys(Template, raw, "sd")) == [told]


def test_a_schema_reference_is_no_unknown_key() -> None:
    assert list(decode.unknown_keys(Template, _with("$schema", "https://example.com"), "sd")) == []


@pytest.mark.parametrize("name", ["name", "env", "tags"])
def test_free_names_are_no_unknown_keys(name: str) -> None:
    raw = {**_with("container.env", {name: "1"}), "tags": {name: "1"}}

    assert list(decode.unknown_keys(Template, raw, "sd")) == []


@pytest.mark.parametrize(
    ("said", "clouds"),
    [
        (["ALL"], ("SECURE", "COMMUNITY")),
        (["all"], ("SECURE", "COMMUNITY")),
        (["community"], ("COMMUNITY",)),
        (["COMMUNITY", "ALL"], ("COMMUNITY", "SECURE")),
        (["SECURE", "SECURE"], ("SECURE",)),
    ],
)
def test_all_is_both_clouds_secure_first(said: list[str], clouds: tuple[str, ...]) -> None:
    assert template_module.parse("sd", _with("cloudPreference", said)).clouds == clouds


@pytest.mark.parametrize(
    ("said", "ports"),
    [
        ([], ("22/tcp",)),
        ([22], ("22/tcp",)),
        (["22"], ("22/tcp",)),
        ([22, 7860], ("22/tcp", "7860/http")),
        ([8888, "9000/tcp"], ("8888/http", "9000/tcp", "22/tcp")),
        ([7860, "7860/http"], ("7860/http", "22/tcp")),
        (["22/tcp", 22], ("22/tcp",)),
        (["70000/tcp"], ("70000/tcp", "22/tcp")),
        (["022"], ("22/tcp",)),
        (["0022/tcp", "05000"], ("22/tcp", "5000/http")),
    ],
)
def test_a_bare_port_is_http_and_22_is_always_there(said: list[object], ports: tuple[str, ...]) -> None:
    assert template_module.parse("sd", _with("container.ports", said)).ports == ports


@pytest.mark.parametrize("name", ["sd", "sd-a100", "A.b_c", "1", "x" * 63])
def test_a_plain_name_is_good(name: str) -> None:
    assert template_module.check_name(name) == name


@pytest.mark.parametrize("name", ["", "-x", ".x", "a b", "a/b", "../x", "x" * 64, "a\n", "é", "$HOME", "*"])
def test_a_name_that_could_be_something_else_is_refused(name: str) -> None:
    with pytest.raises(UsageProblem):
        template_module.check_name(name)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


@given(st.sampled_from(sorted(EXAMPLE)), json_values)
def test_any_json_is_a_template_or_a_list_of_problems(key: str, value: object) -> None:
    problems: list[str] | None = None
    try:
        template_module.parse("sd", {**EXAMPLE, key: value})
    except decode.Invalid as invalid:
        problems = invalid.problems

    assert problems != []
    assert all(problem.startswith("sd.") for problem in problems or ())
