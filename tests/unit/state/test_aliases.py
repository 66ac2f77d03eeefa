import json
from pathlib import Path
from typing import Any

import pytest

from rp.errors import NotFound, StateUnreadable, UsageProblem
from rp.state.aliases import Aliases
from rp.state.migrations import from_0_4
from unit import processes

NESTED: dict[str, Any] = {
    "aliases": {"old": "pod-old"},
    "pod_metadata": {"my-pod": {"pod_id": "pod-my", "config": {"path": "/workspace/x"}}},
    "scheduled_tasks": [],
    "pod_templates": {"ml": {"identifier": "ml", "alias_template": "ml-{i}", "gpu_spec": "2xA100"}},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pods.json"


def test_no_file_is_no_alias(path: Path) -> None:
    assert Aliases(path).all() == {}
    assert Aliases(path).get("a") is None
    assert not path.exists()


def test_an_alias_is_kept_in_a_flat_sorted_object(path: Path) -> None:
    aliases = Aliases(path)
    aliases.put("b", "pod-b")
    aliases.put("a", "pod-a")

    assert aliases.all() == {"a": "pod-a", "b": "pod-b"}
    assert path.read_text() == '{\n  "a": "pod-a",\n  "b": "pod-b"\n}\n'


def test_a_taken_alias_is_not_given_away_by_mistake(path: Path) -> None:
    aliases = Aliases(path)
    aliases.put("a", "one")
    aliases.put("a", "one")

    with pytest.raises(UsageProblem, match="taken by pod one"):
        aliases.put("a", "two")

    assert aliases.get("a") == "one"
    aliases.put("a", "two", replace=True)
    assert aliases.get("a") == "two"


def test_remove_tells_the_pod(path: Path) -> None:
    aliases = Aliases(path)
    aliases.put("a", "one")

    assert aliases.remove("a") == "one"
    assert aliases.all() == {}
    with pytest.raises(NotFound):
        aliases.remove("a")


def test_an_alias_that_means_another_pod_by_now_is_not_removed(path: Path) -> None:
    aliases = Aliases(path)
    aliases.put("a", "new")

    with pytest.raises(NotFound):
        aliases.remove("a", only_if="old")

    assert aliases.get("a") == "new"
    assert aliases.remove("a", only_if="new") == "new"


def test_the_nested_form_of_an_older_rp_is_made_flat_and_a_backup_kept(path: Path) -> None:
    path.write_text(json.dumps(NESTED))

    from_0_4.carry_over(path, path.with_name("templates.json"))
    from_0_4.carry_over(path, path.with_name("templates.json"))

    assert Aliases(path).all() == {"old": "pod-old", "my-pod": "pod-my"}
    assert json.loads(path.read_text()) == {"old": "pod-old", "my-pod": "pod-my"}
    assert json.loads(path.with_name("pods.json.0.4").read_text()) == NESTED
    assert json.loads(path.with_name("templates.json").read_text())["ml"]["gpuPreference"] == ["A100"]


@pytest.mark.parametrize(
    "document",
    [
        {"aliases": {"a": 1}},
        {"aliases": ["a"], "pod_metadata": {}},
        {"aliases": {}, "pod_metadata": ["a"]},
        {"pod_metadata": {"a": {"config": {}}}},
        {"pod_metadata": {"a": "pod"}},
    ],
)
def test_a_nested_file_that_is_odd_is_refused_and_left_alone(path: Path, document: object) -> None:
    path.write_text(json.dumps(document))

    with pytest.raises(StateUnreadable, match=str(path)):
        from_0_4.carry_over(path, path.with_name("templates.json"))

    assert json.loads(path.read_text()) == document
    assert sorted(one.name for one in path.parent.iterdir() if not one.name.startswith(".")) == ["pods.json"]


def test_an_alias_may_be_called_like_a_section_of_the_nested_form(path: Path) -> None:
    aliases = Aliases(path)
    aliases.put("aliases", "one")
    aliases.put("pod_metadata", "two")

    assert aliases.all() == {"aliases": "one", "pod_metadata": "two"}


@pytest.mark.parametrize(
    "document",
    [
        {"a": 1},
        {"a": None},
        {"a": ["pod"]},
        {"a": {"pod_id": "p"}},
        {"aliases": {"a": 1}},
        [],
        "pods",
    ],
)
def test_a_file_of_another_form_is_refused_and_left_alone(path: Path, document: object) -> None:
    text = json.dumps(document)
    path.write_text(text)
    aliases = Aliases(path)

    for use in (aliases.all, lambda: aliases.put("b", "p"), lambda: aliases.remove("a"), aliases.check_writable):
        with pytest.raises(StateUnreadable) as caught:
            use()
        assert str(path) in caught.value.message

    assert path.read_text() == text


def test_the_check_changes_nothing(path: Path) -> None:
    Aliases(path).check_writable()

    assert not path.exists()


PUTTER = """
import sys
from pathlib import Path
from rp.state.aliases import Aliases
sys.stdin.readline()
aliases = Aliases(Path(sys.argv[1]))
for number in range(30):
    aliases.put(f"{sys.argv[2]}-{number}", f"pod-{sys.argv[2]}-{number}")
"""


def test_eight_processes_at_once_lose_nothing(path: Path) -> None:
    started = [processes.start(PUTTER, str(path), str(number)) for number in range(8)]
    for process in started:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    processes.finish(started)

    expected = {f"{process}-{number}": f"pod-{process}-{number}" for process in range(8) for number in range(30)}
    assert Aliases(path).all() == expected
