"""The names in a template, held against what RunPod told of its catalog lately: nobody is asked."""

from rp.domain import candidate as candidates
from rp.domain.template import Template
from rp.operations.ports import CatalogCache, Clock
from rp.operations.template_check import NameProblems


def name_problems(catalogs: CatalogCache, clock: Clock) -> NameProblems:
    """A line for each unknown GPU or region; none where no catalog of the last day is kept."""

    def problems(template: Template) -> list[str]:
        known = catalogs.names(clock.now())
        if known is None:
            return []
        unknown = candidates.problems(template, known)
        return [f"{template.name}: {one.message}" + (f" ({one.hint})" if one.hint else "") for one in unknown]

    return problems
