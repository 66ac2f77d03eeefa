import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from rp.domain import decode, template_schema
from rp.domain import template as template_module
from rp.domain.template import Template
from unit.samples import EXAMPLE, templates

SCHEMA = template_schema.schema()
VALIDATOR = Draft202012Validator(SCHEMA)
DOCS = (Path(__file__).parents[3] / "docs" / "templates.md").read_text("utf-8")
MINIMAL: dict[str, Any] = {"gpuPreference": ["H100"], "container": {"imageName": "image"}}


def _keys(schema: dict[str, Any] = SCHEMA, path: str = "") -> list[str]:
    """Dotted paths of all that is no object with keys of its own."""
    found: list[str] = []
    for key, inner in schema["properties"].items():
        found += _keys(inner, f"{path}{key}.") if "properties" in inner else [path + key]
    return found


def _both(raw: Any) -> tuple[bool, bool]:
    """(what rp says, what the schema says)"""
    try:
        template_module.parse("sd", raw)
        accepted = not list(decode.unknown_keys(Template, raw, "sd"))
    except decode.Invalid:
        accepted = False
    return accepted, VALIDATOR.is_valid(raw)


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == template_schema.DIALECT
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@given(templates())
def test_every_template_is_valid_against_it(template: Template) -> None:
    assert list(VALIDATOR.iter_errors(template_module.to_json(template))) == []


def test_the_documented_example_is_valid() -> None:
    [example] = json.loads(re.findall(r"```json\n(.*?)```", DOCS, re.DOTALL)[0]).values()

    assert _both(EXAMPLE) == (True, True)
    assert _both(example) == (True, True)


def test_every_key_has_a_description_and_no_description_is_left_over() -> None:
    def described(schema: dict[str, Any], path: str = "") -> list[str]:
        found = []
        for key, inner in schema["properties"].items():
            assert inner["description"], path + key
            found.append(path + key)
            if "properties" in inner:
                found += described(inner, f"{path}{key}.")
        return found

    assert sorted(described(SCHEMA)) == sorted(template_schema.DESCRIPTIONS)


def _documented() -> set[str]:
    """The keys in the first column of the docs' table; a second one in a row is a neighbour of the first."""
    found = set()
    table = DOCS.split("| key | meaning", 1)[1].split("\n\n", 1)[0]
    for line in table.splitlines()[2:]:
        first, *others = re.findall(r"`([\w.]+)`", line.split("|")[1])
        section = first.rpartition(".")[0]
        found |= {first, *(other if "." in other or not section else f"{section}.{other}" for other in others)}
    return found


def test_the_docs_table_has_the_keys_of_the_schema() -> None:
    table = _documented()
    sections = {path for path in template_schema.DESCRIPTIONS if any(key.startswith(f"{path}.") for key in _keys())}
    # A row for a section tells its keys; what has no effect, or is refused, is told below the table.
    told = {key for key in _keys() if f"`{key}`" in DOCS or key.rpartition(".")[0] in table}

    assert table <= set(_keys()) | sections
    assert set(_keys()) - table - told == {"name"}


@pytest.mark.parametrize("key", ["enabled", "url", "minMbps"])
def test_keys_without_a_row_are_named_in_the_row_of_their_section(key: str) -> None:
    [row] = [line for line in DOCS.splitlines() if line.startswith("| `health.speedTest`")]

    assert f"`{key}`" in row


_TRIED: list[tuple[str, tuple[Any, ...]]] = [
    ("gpuCount", (0, 1, -1, "1", True, None, 2.5)),
    ("gpuPreference", ([], ["H100"], [" "], "H100", [4], [None], ["a" * 100], ["a" * 101])),
    ("cloudPreference", ([], ["all"], ["Secure"], ["PRIVATE"], ["SECURE", 1])),
    ("regionPreference", ([], ["EU"], "EU", [1])),
    ("order", ("price", "prices", None)),
    ("minVramInGb", (0, 24, None, "24")),
    ("container.imageName", ("", "a", "a b", " ", 5, None)),
    ("container.containerDiskInGb", (0, 1, "20")),
    ("container.volumeInGb", (0, 1, 9, 10, -5)),
    (
        "container.ports",
        (
            [],
            [22],
            [0],
            ["0"],
            ["x"],
            ["7860/http"],
            ["53/udp"],
            [2.5],
            [True],
            ["²"],
            [10**9],
            ["9" * 10],
            ["5/"],
            ["022"],
        ),
    ),
    ("container.env", ({}, {"A": "1"}, {"A-B": "1"}, {"": "1"}, {"A": 1}, [], None)),
    (
        "container.env",
        tuple({"A": value} for value in ("${env:B}", "${env:}", "${env:B", "a ${env:B} c", "$HOME", "{}")),
    ),
    ("container.zzz", (1,)),
    ("container.$comment", ("mine",)),
    ("health.maxRetries", (0, -1, 1.5, True)),
    ("health.sshTimeoutSeconds", (0, 0.5, 1, 1.5, "3m")),
    ("health.level", ("basic", "thorough", 1)),
    ("health.smokeCommands", ([], ["a"], "a", [1])),
    ("health.speedTest.url", ("", "http://x/y", "ftp://x", "http://a b")),
    ("health.speedTest", ([], {}, {"minMbit": 1})),
    ("tags", ({}, {"a": "b"}, {"a": 1}, [])),
    ("volumeMountPath", ("/", "//", "/w", "w", "")),
    ("minCudaVersion", ("12.8", "12", None, 12.8)),
    ("allowedCudaVersions", ([], ["12.8"], ["x"], None)),
    ("maxPricePerHour", (0, -1, 2.5, None, "2")),
    ("globalNetworking", (True, 1, None)),
    ("postDeploy.runLocalSetup", (False, "no")),
    *((key, (1,)) for key in ("zzz", "$schema", "gpu", "name")),
    *((key, ("x", None, 1)) for key in ("aliasPattern", "networkVolumeId")),
]
MUTATIONS = [(path, value) for path, tried in _TRIED for value in tried]


@pytest.mark.parametrize(("path", "value"), MUTATIONS)
def test_the_schema_says_what_rp_says(path: str, value: Any) -> None:
    raw = _with(MINIMAL, path, value)
    if path == "name":
        # In the file the key is the name, and whatever stands here is ignored.
        assert _both(raw) == (True, False)
        return

    accepted, valid = _both(raw)

    assert accepted is valid


@pytest.mark.parametrize("missing", ["gpuPreference", "container"])
def test_what_must_be_there_must_be_there(missing: str) -> None:
    assert _both({key: value for key, value in MINIMAL.items() if key != missing}) == (False, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"container": {"imageName": "i", "startScript": "a", "args": "b"}},
        {"networkVolumeId": "v", "container": {"imageName": "i", "volumeInGb": 10}},
        {"minCudaVersion": "12.8", "allowedCudaVersions": ["12.8"]},
    ],
)
def test_what_excludes_each_other_does_so(changes: dict[str, Any]) -> None:
    assert _both({**MINIMAL, **changes}) == (False, False)


# Python's `$` ends before a line break, and 1.0 is a whole number to JSON Schema: there the two must differ.
_scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 100_000), st.sampled_from([-0.5, 0.5, 1.5]), st.text("aA/0 .", max_size=4)
)
_values = st.recursive(
    _scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("aB1"), inner, max_size=2)),
    max_leaves=3,
)


@given(st.sampled_from([key for key in _keys() if key not in ("name", "gpuPreference")]), _values)
def test_any_value_at_any_key_is_treated_alike(path: str, value: Any) -> None:
    accepted, valid = _both(_with(MINIMAL, path, value))

    assert accepted is valid


def _with(base: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    raw: dict[str, Any] = json.loads(json.dumps(base))
    *sections, key = path.split(".")
    inner = raw
    for section in sections:
        inner = inner.setdefault(section, {})
    inner[key] = value
    return raw
