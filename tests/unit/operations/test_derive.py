import json
from urllib.parse import urlencode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rp.domain import secrets, start_script
from rp.domain import template as templates
from rp.domain.candidate import Candidate
from rp.domain.catalog import Stock
from rp.domain.pod import RUNNING, Pod, Volume
from rp.domain.request import PodRequest, pod_request
from rp.domain.spec import Overrides, merge
from rp.operations import derive
from unit.samples import NAMED_GPUS, paths, ports, texts, variables, words

volumes = st.one_of(
    st.none(),
    st.builds(Volume, path=paths, size_gb=st.integers(10, 9999)),
    st.builds(Volume, path=paths, network_id=words),
)
# What shells, JSON and templates all have an opinion on.
values = st.one_of(
    texts,
    st.sampled_from(
        ['it\'s "so"', "$HOME `id` $(id) ${A}", "a\nb\r\n\n", " \t ", "\\", "ü λ 🙂", "{{ RUNPOD_SECRET_x }}", "#!"]
    ),
)
tags = st.dictionaries(texts, texts, max_size=2).map(lambda found: urlencode(sorted(found.items())))


@st.composite
def pods(draw: st.DrawFn) -> Pod:
    """A pod as RunPod tells of it, the variables that RunPod makes included."""
    env = draw(st.dictionaries(variables, values, max_size=4))
    env |= draw(st.dictionaries(st.sampled_from(["PUBLIC_KEY", "RUNPOD_POD_ID", "JUPYTER_PASSWORD"]), texts))
    if found := draw(tags):
        env["RP_TAGS"] = found
    return Pod(
        id=draw(words),
        name=draw(texts),
        status=RUNNING,
        image=draw(words),
        args=draw(st.one_of(values, values.map(start_script.to_args))),
        disk_gb=draw(st.integers(1, 9999)),
        volume=draw(volumes),
        ports=("22/tcp", *draw(st.lists(ports, max_size=4, unique=True).map(_without_ssh))),
        env=env,
        cloud=draw(st.sampled_from(["SECURE", "COMMUNITY"])),
        data_center=draw(st.sampled_from(["EU-RO-1", "US-TX-3", None])),
        gpu_id=draw(st.sampled_from(NAMED_GPUS)).id,
        gpu_count=draw(st.integers(1, 10)),
        registry_id=draw(st.one_of(st.none(), words)),
        global_networking=draw(st.booleans()),
    )


def _without_ssh(found: list[str]) -> list[str]:
    return [port for port in found if port != "22/tcp"]


def _again(pod: Pod, *, include_env: bool | None, local: dict[str, str]) -> PodRequest:
    """The request for the pod's twin: derived, stored, read again, merged, and placed where the pod is."""
    derived = derive.from_pod("t", pod, include_env=include_env).template
    stored = json.loads(json.dumps(templates.to_json(derived)))
    spec = merge(templates.parse("t", stored), Overrides(), local)
    gpu = next(gpu for gpu in NAMED_GPUS if gpu.id == pod.gpu_id)
    assert spec.template.gpu_preference == (pod.gpu_id,)
    assert spec.template.region_preference == ((pod.data_center,) if pod.data_center else ())
    assert spec.template.clouds == (pod.cloud,)
    places = spec.template.region_preference
    count = spec.template.gpu_count
    return pod_request("n", spec, Candidate(pod.cloud, "r", places, gpu, count, 1.0, Stock.HIGH))


@given(pods())
def test_a_derived_template_asks_for_the_same_pod(pod: Pod) -> None:
    # A value that looks like a reference to a local variable is one: templates have no escape for it.
    assume(not any("${env:" in value for value in pod.env.values()))

    request = _again(pod, include_env=True, local={})

    own = {key: value for key, value in pod.env.items() if not secrets.MADE_BY_RUNPOD.fullmatch(key)}
    if pod.env.get("RP_TAGS", "{}") != "{}":
        own["RP_TAGS"] = pod.env["RP_TAGS"]
    assert request.image == pod.image
    assert (request.gpu_id, request.gpu_count, request.cloud) == (pod.gpu_id, pod.gpu_count, pod.cloud)
    assert request.data_center_ids == ((pod.data_center,) if pod.data_center else ())
    assert request.disk_gb == pod.disk_gb
    assert request.volume == pod.volume
    assert request.ports == pod.ports
    assert request.args == pod.args
    assert request.env == own
    assert request.registry_id == pod.registry_id
    assert request.global_networking == pod.global_networking


@given(pods())
def test_secrets_come_from_the_users_environment_and_not_from_the_file(pod: Pod) -> None:
    assume(not any("${env:" in value for value in pod.env.values()))
    own = {key: value for key, value in pod.env.items() if not secrets.MADE_BY_RUNPOD.fullmatch(key)}

    derived = derive.from_pod("t", pod, include_env=None)
    request = _again(pod, include_env=None, local=own)

    assert own.items() <= request.env.items()
    for key, value in derived.template.container.env.items():
        assert not secrets.looks_secret(key, value)
    assert [note.split()[0] for note in derived.notes if "looks like a secret" in note] == [
        key for key, value in own.items() if secrets.looks_secret(key, value)
    ]


@given(pods())
def test_no_variable_is_kept_where_none_is_wanted(pod: Pod) -> None:
    assert derive.from_pod("t", pod, include_env=False).template.container.env == {}


@given(pods(), st.sampled_from([None, True, False]))
def test_whatever_a_pod_has_the_template_is_valid(pod: Pod, include_env: bool | None) -> None:
    derived = derive.from_pod("t", pod, include_env=include_env)

    assert templates.parse("t", json.loads(json.dumps(templates.to_json(derived.template)))) == derived.template
    assert not any("mend this" in note for note in derived.notes)


def test_a_value_that_would_be_taken_for_a_reference_is_said() -> None:
    env = {"BROKEN": "a ${env:b-c} d", "MEANT": "x ${env:HOME}", "PLAIN": "${HOME}"}

    derived = derive.from_pod("t", _with(env=env), include_env=True)

    assert derived.template.container.env == {"MEANT": "x ${env:HOME}", "PLAIN": "${HOME}"}
    assert derived.notes[0].startswith("left out BROKEN")
    assert derived.notes[1].startswith("MEANT has `${env:…}` in its value")


def test_a_secret_that_is_no_variable_is_told() -> None:
    pod = _with(
        args="serve --api-key geheim",
        env={"RP_TAGS": "api_key=geheim", "HOOK": "https://hooks.slack.com/services/T/B/x"},
    )

    derived = derive.from_pod("t", pod, include_env=None)

    assert derived.template.container.env["HOOK"] == "${env:HOOK}"
    notes = [note for note in derived.notes if "may hold a secret" in note]
    assert [note.split()[0] for note in notes] == ["container.args", "tags.api_key"]
    assert "geheim" not in str(notes)


def test_what_a_pod_has_and_no_create_accepts_is_said() -> None:
    derived = derive.from_pod("t", _with(volume=Volume("/w", size_gb=5), ports=("53/udp",)), include_env=None)

    assert any("mend this before a deploy: t.container.ports" in note for note in derived.notes)


def test_a_start_script_comes_back_as_one() -> None:
    template = derive.from_pod("t", _with(args=start_script.to_args("echo hi")), include_env=None).template

    assert template.container.start_script == "echo hi"
    assert template.container.args == ""


def test_broken_tags_are_no_tags() -> None:
    assert derive.from_pod("t", _with(env={"RP_TAGS": "no tags"}), include_env=None).template.tags == {}


@pytest.mark.parametrize(
    ("port", "stored"),
    [("22/tcp", 22), ("8888/http", 8888), ("8888/tcp", "8888/tcp"), ("22/http", "22/http"), ("x/http", "x/http")],
)
def test_a_usual_port_is_written_short(port: str, stored: object) -> None:
    assert derive.from_pod("t", _with(ports=(port,)), include_env=None).template.container.ports == (stored,)


def test_a_pod_that_runpod_tells_little_of_still_gives_a_valid_template() -> None:
    bare = Pod("p", "", RUNNING, image="image", gpu_id="NVIDIA L4")

    derived = derive.from_pod("t", bare, include_env=None)

    assert templates.parse("t", templates.to_json(derived.template)) == derived.template
    assert any("anywhere" in note for note in derived.notes)


def _with(**changes: object) -> Pod:
    values = {"id": "p", "name": "n", "status": RUNNING, "image": "image", "gpu_id": "NVIDIA L4", "cloud": "SECURE"}
    return Pod(**{**values, **changes})  # type: ignore[arg-type]
