"""The questions of `rp template create`."""

import io
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rp.cli import template_create as command
from rp.context import Context
from rp.domain.template import Template
from rp.errors import UsageProblem
from rp.output.output import Output


def _asked(typed: str, raw: dict[str, Any], said: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """What the answers make of `raw`, and what was shown; RunPod has no GPU `H1OO` and no region `Atlantis`."""

    def problems(template: Template) -> list[str]:
        names = (*template.gpu_preference, *template.region_preference)
        return [f"{template.name}: nothing is called {name}" for name in names if name in ("H1OO", "Atlantis")]

    stdin, err = io.StringIO(typed), io.StringIO()
    output = Output(stdin, io.StringIO(), err, {})
    context = SimpleNamespace(stdin=stdin, stderr=err, output=output, name_problems=problems)
    return command._ask("sd", raw, said, cast("Context", context)), err.getvalue()


def test_a_name_with_a_typing_mistake_costs_one_answer_and_not_all_of_them() -> None:
    raw, shown = _asked("H1OO\nH100\n1\nimage\n\nAtlantis\nEU\n\n\n\n\n\n", {}, {})

    assert (raw["gpuPreference"], raw["regionPreference"]) == (["H100"], ["EU"])
    assert "  nothing is called H1OO\n" in shown
    assert "  nothing is called Atlantis\n" in shown


def test_what_the_base_has_is_not_taken_where_nothing_is_called_that() -> None:
    raw, shown = _asked("\nL4\n" + "\n" * 9, {"gpuPreference": ["H1OO"], "container": {"imageName": "i"}}, {})

    assert raw["gpuPreference"] == ["L4"]
    assert "  nothing is called H1OO\n" in shown


def test_a_wrong_option_is_told_before_the_first_question() -> None:
    with pytest.raises(UsageProblem, match="no valid template"):
        _asked("", {}, {"gpuPreference": ["H1OO"]})
