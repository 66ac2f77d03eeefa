import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.domain import template_document as documents
from rp.domain.decode import Invalid
from rp.errors import UsageProblem

ONE = {"gpuPreference": ["H100"], "container": {"imageName": "i"}}
_leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False)
)
_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
values = st.recursive(
    st.one_of(_leaves, _texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_texts, inner, max_size=3)),
    max_leaves=8,
)


@given(values)
def test_ordinary_json_is_what_json_says(value: Any) -> None:
    assert documents.load(json.dumps(value), "x") == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1, column 1"),
        ('{"a": }', "line 1, column 7"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 40 + "1" + "}" * 40, "nested too deeply"),
        ("[" + "9" * 5000 + "]", "too large a number"),
        ("[-9007199254740993]", "too large a number"),
        ("[1e999]", "too large a number"),
        ("[NaN]", "NaN is no number in JSON"),
        ("[-Infinity]", "-Infinity is no number in JSON"),
        ('{"a": 1, "a": 2}', "`a` is there twice"),
        ('["\\ud800"]', "[0]: has half of a character"),
        ('{"\\ud800": 1}', "half of a character"),
        ('["a\\u0000b"]', "NUL"),
        (json.dumps(["x" * 70_000]), "[0]: has 70000 characters, at most 65536"),
        (json.dumps({"container": {"ports": list(range(1001))}}), "container.ports: has 1001 entries"),
    ],
)
def test_what_no_template_needs_is_refused(text: str, problem: str) -> None:
    with pytest.raises(Invalid) as caught:
        documents.load(text, "sd.json")

    assert caught.value.message == "sd.json is no JSON that rp can use"
    assert problem in caught.value.problems[0]
    assert len(caught.value.problems[0]) < 200


def test_a_key_that_is_there_twice_among_very_many_is_found_at_once() -> None:
    text = "{" + ",".join(f'"{number}":0' for number in (*range(40_000), 39_999)) + "}"
    before = time.process_time()

    with pytest.raises(Invalid) as caught:
        documents.load(text, "x")

    assert "`39999` is there twice" in caught.value.problems[0]
    assert time.process_time() - before < 3


@given(st.text(max_size=40))
def test_any_text_is_a_value_or_a_problem(text: str) -> None:
    problems = ["none"]
    try:
        documents.load(text, "x")
    except Invalid as invalid:
        problems = invalid.problems

    assert problems


@pytest.mark.parametrize(
    ("document", "names"),
    [
        (ONE, ["file"]),
        ({**ONE, "name": "sd"}, ["sd"]),
        ({**ONE, "name": 7}, ["file"]),
        ({"a": ONE, "b": ONE}, ["a", "b"]),
        ({"$schema": "x", "a": ONE}, ["a"]),
        # Names of templates that are keys of templates, too.
        ({"health": ONE, "tags": ONE}, ["health", "tags"]),
        ({"a": ONE, "b": {}}, ["a", "b"]),
        ({}, ["file"]),
        ({"gpuCount": 1}, ["file"]),
    ],
)
def test_one_template_is_told_from_a_file_of_them(document: dict[str, Any], names: list[str]) -> None:
    assert sorted(documents.split(document, "file")) == names


@pytest.mark.parametrize("document", [[], "x", 7, None])
def test_what_is_no_object_is_no_template(document: Any) -> None:
    with pytest.raises(UsageProblem):
        documents.split(document, "file")


@pytest.mark.parametrize("mark", [{}, None, "yes", {"agreed": "true"}, {"agreed": False}])
def test_a_mark_of_somebody_else_is_no_agreement(mark: Any) -> None:
    assert documents.wants_consent({**ONE, documents.IMPORTED: mark})


def test_an_imported_template_wants_consent_until_it_has_it() -> None:
    evil = {**ONE, documents.IMPORTED: {"agreed": True, "from": "home"}}
    marked = documents.marked(evil, "https://example.com/x", "2026-01-01")

    assert not documents.wants_consent(ONE)
    assert documents.wants_consent(marked)
    assert documents.origin_of(marked) == "https://example.com/x"
    assert not documents.wants_consent(documents.agreed(marked))
    assert documents.unmarked(documents.agreed(marked)) == ONE
