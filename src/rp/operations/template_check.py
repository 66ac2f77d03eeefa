"""Everything that is wrong with a template and can be known without asking RunPod."""

from collections.abc import Callable, Iterator
from typing import Any

from rp.domain import decode, template_document
from rp.domain import template as templates
from rp.domain.pod import alias_from_pattern
from rp.domain.template import Template, check_name
from rp.domain.template_checked import Checked
from rp.errors import UsageProblem
from rp.health.catalogue import override_problems

# What a catalog at hand has against the GPUs and regions of a template, as `path: what is wrong` lines.
NameProblems = Callable[[Template], list[str]]


def check(name: str, raw: Any, name_problems: NameProblems | None = None) -> Checked:
    """Every problem, unknown keys as warnings; `name_problems` is asked about templates that are valid so far."""
    warnings = list(decode.unknown_keys(Template, raw, name))
    try:
        check_name(name)
    except UsageProblem as impossible:
        warnings.append(f"{impossible.message}: `rp template rename` gives it another")
    try:
        template_document.check(raw, name)
        template = templates.parse(name, raw)
    except decode.Invalid as invalid:
        return Checked(name, tuple(invalid.problems), tuple(warnings))
    problems = list(_in_the_way(template))
    if name_problems is not None:
        problems += name_problems(template)
    return Checked(name, tuple(problems), tuple(warnings))


def checked(name: str, raw: Any, name_problems: NameProblems | None = None) -> Template:
    """The template; raises Invalid with every problem."""
    found = check(name, raw, name_problems)
    if found.problems:
        raise decode.Invalid(f"template `{name}` is not valid", list(found.problems))
    return templates.parse(name, raw)


def _in_the_way(template: Template) -> Iterator[str]:
    """What is a template, and what no deploy accepts."""
    name = template.name
    for wrong in override_problems(template.health.checks):
        yield f"{name}.{wrong}"
    test = template.health.speed_test
    if test.enabled and test.min_mbps and not test.url:
        yield f"{name}.health.speedTest: minMbps needs a url to measure"
    if template.alias_pattern:
        try:
            alias_from_pattern(template.alias_pattern, frozenset())
        except UsageProblem as wrong:
            yield f'{name}.aliasPattern: {wrong.message}; a good one is "sd-{{i}}"'
    for key, value in (("stopAfter", template.stop_after), ("idleStopAfter", template.idle_stop_after)):
        if value:
            yield f"{name}.{key}: this rp cannot stop a pod by itself yet; take it out"


def read(name: str, text: str, where: str, name_problems: NameProblems | None = None) -> dict[str, Any]:
    """The template in `text` as it is written, unknown keys included; raises Invalid with every problem."""
    raw = template_document.load(text, where)
    checked(name, raw, name_problems)
    return dict(raw)
