import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from rp.domain import template_document
from rp.domain.decode import Invalid
from rp.domain.template import Container, Template
from rp.errors import NotFound, RpError, StateUnreadable, UsageProblem
from rp.state.templates import Templates
from unit.samples import EXAMPLE
from unit.samples import templates as any_template

NEW = Template(name="new", gpu_preference=("H100",), container=Container("image"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "templates.json"


def _write(path: Path, **stored: object) -> None:
    path.write_text(json.dumps(stored))


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def test_a_template_is_stored_and_found(path: Path) -> None:
    Templates(path).put(NEW, replace=False)

    assert Templates(path).get("new") == NEW
    assert _read(path)["new"]["gpuPreference"] == ["H100"]


@given(any_template())
def test_any_template_survives_the_store(tmp_path_factory: pytest.TempPathFactory, template: Template) -> None:
    store = Templates(tmp_path_factory.mktemp("t") / "templates.json")
    store.put(template, replace=False)

    assert store.get(template.name) == template


def test_a_taken_name_needs_replace(path: Path) -> None:
    store = Templates(path)
    _write(path, new=EXAMPLE)

    with pytest.raises(UsageProblem, match="exists"):
        store.put(NEW, replace=False)

    assert _read(path)["new"] == EXAMPLE
    store.put(NEW, replace=True)
    assert store.get("new") == NEW


def test_unknown_keys_of_other_templates_survive(path: Path) -> None:
    odd = {"gpuPreference": ["A100"], "container": {"imageName": "i", "zzz": 1}, "fromTheFuture": {"a": [1]}}
    broken = {"gpuPreference": "no list"}
    _write(path, odd=odd, broken=broken, **{"$schema": "https://example.com/schema.json"})
    store = Templates(path)

    store.put(NEW, replace=False)
    store.delete("new")

    assert _read(path) == {"odd": odd, "broken": broken, "$schema": "https://example.com/schema.json"}


def test_unknown_keys_are_named(path: Path) -> None:
    _write(path, odd={**EXAMPLE, "gpuPreferences": []})

    assert Templates(path).unknown_keys("odd") == ("odd.gpuPreferences: unknown key; did you mean `gpuPreference`?",)


def test_one_broken_template_does_not_spoil_the_others(path: Path) -> None:
    _write(path, good=EXAMPLE, broken={"gpuCount": "two"})
    store = Templates(path)

    assert store.get("good").name == "good"
    with pytest.raises(Invalid) as caught:
        store.get("broken")
    assert 'broken.gpuCount: expected a whole number, got "two"' in caught.value.problems
    assert caught.value.hint == f"`rp template edit broken`, or mend it in {path}"


def test_an_unknown_name_gives_the_nearest(path: Path) -> None:
    _write(path, **{"sd-a100": EXAMPLE, "llm": EXAMPLE})

    for use in (Templates(path).get, Templates(path).delete, Templates(path).raw_of):
        with pytest.raises(NotFound) as caught:
            use("sd-a10")
        assert caught.value.hint == "did you mean `sd-a100`?"


def test_a_broken_file_is_never_overwritten(path: Path) -> None:
    path.write_text('{"a": ')

    with pytest.raises(StateUnreadable, match="line 1, column 7"):
        Templates(path).put(NEW, replace=True)
    with pytest.raises(StateUnreadable, match="line 1, column 7"):
        Templates(path).delete("a")

    assert path.read_text() == '{"a": '


def test_several_are_stored_together_or_not_at_all(path: Path) -> None:
    store = Templates(path)
    _write(path, b=EXAMPLE)

    for documents in ({"a": EXAMPLE, "b": EXAMPLE}, {"a": EXAMPLE, "../c": EXAMPLE}):
        with pytest.raises(UsageProblem):
            store.put_raw(documents, replace=False)
    with pytest.raises(Invalid, match="cannot be stored"):
        store.put_raw({"a": EXAMPLE, "c": {"gpuPreference": ["\ud800"]}}, replace=False)

    assert _read(path) == {"b": EXAMPLE}


def test_a_schema_beside_the_templates_is_none_of_them(path: Path) -> None:
    _write(path, **{"$schema": "x", "b": EXAMPLE, "a": EXAMPLE})
    store = Templates(path)

    assert store.names() == ("a", "b")
    for use in (store.raw_of, store.delete, lambda name: store.copy(name, "c", replace=False)):
        with pytest.raises(NotFound):
            use("$schema")


def test_a_template_is_swapped_only_for_what_it_was(path: Path) -> None:
    store = Templates(path)
    _write(path, a=EXAMPLE, b=7)

    with pytest.raises(RpError, match="changed meanwhile"):
        store.swap("a", {**EXAMPLE, "gpuCount": 9}, {})
    with pytest.raises(NotFound):
        store.swap("c", EXAMPLE, {})
    store.swap("a", EXAMPLE, {"new": 1})

    assert _read(path) == {"a": {"new": 1}, "b": 7}


def test_consent_is_asked_for_once_and_follows_a_copy(path: Path) -> None:
    store = Templates(path)
    imported = template_document.marked(EXAMPLE, "https://example.com/x", "2026-01-01T00:00:00+00:00")
    _write(path, own=EXAMPLE, imported=imported)
    store.copy("imported", "copy", replace=False)
    store.rename("imported", "renamed", replace=False)

    assert [name for name in store.names() if store.needs_consent(name)] == ["copy", "renamed"]
    with pytest.raises(RpError, match="changed meanwhile"):
        store.give_consent("copy", EXAMPLE)
    store.give_consent("copy", store.raw_of("copy"))
    assert [name for name in store.names() if store.needs_consent(name)] == ["renamed"]
    assert store.unknown_keys("renamed") == ()
