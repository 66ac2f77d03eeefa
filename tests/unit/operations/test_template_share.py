import json
from typing import Any

import pytest
from hypothesis import given

from rp.domain import secrets
from rp.domain import template as template_module
from rp.domain import template_document as documents
from rp.domain.decode import Invalid
from rp.domain.template import Template
from rp.errors import UsageProblem
from rp.operations import template_share as share
from unit.samples import templates

RAW: dict[str, Any] = {
    "$schema": "s.json",
    "$imported": {"agreed": True},
    "gpuPreference": ["H100"],
    "container": {"imageName": "i", "env": {"HF_TOKEN": "hf_x", "A": "b"}, "zzz": [1]},
    "zzz": 1,
}


def _text(document: Any) -> str:
    return json.dumps(document)


@given(templates())
def test_what_was_exported_with_all_its_values_comes_in_as_it_was(template: Template) -> None:
    try:
        exported = share.export(template.name, template_module.to_json(template), include_env=True)
    except Invalid:
        # What no deploy accepts, such as `stopAfter`, is not handed on.
        return

    [found] = share.incoming(_text(exported.document), "x.json", None)

    assert found.template == template


@pytest.mark.parametrize(
    ("include_env", "env", "note"),
    [
        (None, {"HF_TOKEN": "${env:HF_TOKEN}", "A": "b"}, "in its place"),
        (True, {"HF_TOKEN": "hf_x", "A": "b"}, "as asked"),
        (False, None, "left out 2"),
    ],
)
def test_secrets_go_out_only_when_asked_for(include_env: bool | None, env: Any, note: str) -> None:
    exported = share.export("sd", RAW, include_env=include_env)

    assert exported.document["container"].get("env") == env
    assert note in exported.notes[0]
    assert "hf_x" not in " ".join(exported.notes)


def test_secrets_that_are_no_variables_go_out_only_when_asked_for() -> None:
    raw = {
        **RAW,
        "container": {"imageName": "i"},
        "tags": {"api_key": "sk-geheim", "purpose": "sd"},
        "health": {"speedTest": {"url": "https://me:geheim@example.com/x"}},
        "zzz": {"deep": [{"hfToken": "geheim", "n": 1}]},
        "registryAuthId": "reg1",
    }

    exported, whole = (share.export("sd", raw, include_env=include) for include in (None, True))

    assert "geheim" not in json.dumps(exported.document)
    assert exported.document["tags"]["purpose"] == "sd"
    assert exported.document["registryAuthId"] == "reg1"
    assert exported.document["zzz"]["deep"][0]["n"] == 1
    paths = ["health.speedTest.url", "tags.api_key", "zzz.deep[0].hfToken"]
    assert sorted(note.split()[0] for note in exported.notes if "[redacted]" in note) == paths
    assert share.incoming(_text(exported.document), "x.json", None)[0].name == "sd"
    assert whole.document["tags"] == raw["tags"]
    assert sorted(note.split()[0] for note in whole.notes if "as asked" in note) == paths


def test_an_export_has_its_name_and_what_rp_does_not_know_and_no_mark() -> None:
    document = share.export("sd", RAW, include_env=None).document

    assert list(document)[:2] == ["$schema", "name"]
    assert document["name"] == "sd"
    assert (document["zzz"], document["container"]["zzz"]) == (1, [1])
    assert documents.IMPORTED not in document
    assert RAW["container"]["env"]["HF_TOKEN"] == "hf_x"


def test_what_only_a_person_can_judge_is_pointed_out() -> None:
    raw = {
        **RAW,
        "container": {"imageName": "i", "startScript": "export HF_TOKEN=hf_abcdefghijklmnop\n"},
        "networkVolumeId": "v1",
        "registryAuthId": "r1",
        "health": {"smokeCommands": ["true", "curl -H 'Authorization: Bearer abcdef123456' http://x"]},
    }

    notes = share.export("sd", raw, include_env=None).notes

    assert [note.split()[0] for note in notes] == [
        "networkVolumeId",
        "registryAuthId",
        "container.startScript",
        "health.smokeCommands[1]",
    ]


def test_a_whole_file_comes_in_at_once_or_not_at_all() -> None:
    good = {key: RAW[key] for key in ("gpuPreference", "container")}

    found = share.incoming(_text({"$schema": "x", "a": good, "b": {**good, "name": "other"}}), "x.json", None)

    assert [(one.name, one.raw.get("name")) for one in found] == [("a", None), ("b", "b")]
    assert found[0].warnings == ("a.container.zzz: unknown key",)
    with pytest.raises(Invalid) as caught:
        share.incoming(_text({"a": good, "b": {**good, "gpuCount": 0}, "c": {"container": {}}}), "x.json", None)
    assert caught.value.problems == [
        "b.gpuCount: must be at least 1, is 0",
        "c.gpuPreference: is missing",
        "c.container.imageName: is missing",
    ]


@pytest.mark.parametrize(
    ("document", "as_name", "name"),
    [(RAW, None, "sd"), (RAW, "new", "new"), ({**RAW, "name": "own"}, None, "own"), ({"a": RAW}, "new", "new")],
)
def test_a_template_is_called_as_wanted_or_as_it_says_or_as_its_file(document: Any, as_name: str, name: str) -> None:
    [found] = share.incoming(_text(document), "https://example.com/x/sd.json", as_name)

    assert found.name == name


@pytest.mark.parametrize("name", ["../x", "a b", "x" * 64, "-x", "a\n"])
def test_a_name_that_could_be_something_else_is_refused(name: str) -> None:
    with pytest.raises(UsageProblem, match="cannot be a template's name") as caught:
        share.incoming(_text({**RAW, "name": name}), "x.json", None)
    assert "--as" in (caught.value.hint or "")
    with pytest.raises(UsageProblem):
        share.incoming(_text({name: RAW, "ok": RAW}), "x.json", None)
    with pytest.raises(UsageProblem):
        share.incoming(_text(RAW), "x.json", name)


def test_one_name_does_not_fit_many() -> None:
    with pytest.raises(UsageProblem, match="--as names one template"):
        share.incoming(_text({"a": RAW, "b": RAW}), "x.json", "c")


def test_what_comes_in_is_marked_whatever_it_says_of_itself() -> None:
    found = share.incoming(_text(RAW), "x.json", "sd")

    stored = share.to_store(found, "https://example.com/x.json", "2026-01-01T00:00:00+00:00")

    assert documents.wants_consent(stored["sd"])
    assert documents.origin_of(stored["sd"]) == "https://example.com/x.json"


def test_the_variables_that_are_read_here_are_known() -> None:
    env = {"A": "${env:AWS_SECRET} ${env:B}", "C": "${env:B}", "D": "x"}
    template = template_module.parse("t", {"gpuPreference": ["x"], "container": {"imageName": "i", "env": env}})

    assert secrets.local_references(template.container.env) == ("AWS_SECRET", "B")
