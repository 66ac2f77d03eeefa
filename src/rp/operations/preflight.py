"""Everything that can be known to be wrong before any money is spent: all of it at once, each with its remedy."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from rp.domain import candidate as candidates
from rp.domain import places
from rp.domain.candidate import Candidates
from rp.domain.catalog import Catalog
from rp.domain.clouds import SECURE
from rp.domain.identity import Identity
from rp.domain.network_volume import NetworkVolume
from rp.domain.pod import alias_taken
from rp.domain.spec import Spec
from rp.domain.template import Template
from rp.errors import ApiError, Busy, NoCapacity, RpError, UsageProblem
from rp.health.catalogue import override_problems
from rp.operations import drift, numbering, preflight_reads
from rp.operations.ports import Ports
from rp.operations.preflight_reads import Answers
from rp.operations.results import Plan

T = TypeVar("T")


class NotReady(RpError):
    """Several problems; the exit status is the first one's."""

    code = "preflight"

    def __init__(self, problems: list[RpError]) -> None:
        super().__init__(f"{len(problems)} things are in the way of this deploy", details=_lines(problems))
        self.exit_status = problems[0].exit_status


class Problems:
    """What was found so far, in order; the same thing found twice is one."""

    def __init__(self) -> None:
        self.found: list[RpError] = []

    def add(self, errors: Iterable[RpError]) -> None:
        known = {problem.message for problem in self.found}
        self.found += [error for error in errors if error.message not in known]

    def checked(self, call: Callable[[], T]) -> T | None:
        """What `call` returns; its error is one of the problems."""
        try:
            return call()
        except RpError as problem:
            self.add([problem])
            return None

    def raise_any(self, failures: Sequence[ApiError] = ()) -> None:
        """What RunPod did not answer comes first, with the problems as its details."""
        for first in failures:
            others = [failure for failure in failures if failure is not first]
            first.details = (*first.details, *_lines([*others, *self.found]))
            raise first
        if self.found:
            raise self.found[0] if len(self.found) == 1 else NotReady(self.found)


def prepare(spec: Spec, alias: str | None, *, force: bool, ports: Ports) -> Plan:
    """The plan, with nothing created yet; raises RpError with every problem found."""
    problems = Problems()
    problems.add(_template_problems(spec))
    deployment_id = ports.journal.fresh_id()
    chosen = problems.checked(lambda: _alias(spec.template, alias, deployment_id, ports)) or ""
    problems.checked(lambda: _check_free(chosen, force=force, ports=ports))
    identity = problems.checked(ports.remote.identity)
    problems.checked(ports.aliases.check_writable)
    answers = preflight_reads.ask(spec.template, ports)
    template, gone = _fitted(spec.template, answers, problems, ports)
    problems.raise_any(answers.failures)
    assert identity is not None, "a missing key is a problem"
    warnings = [*_not_done(template), *gone, *drift.warnings(template, answers.catalog, answers)]
    return Plan(
        deployment_id,
        Spec(template, {**spec.env, "PUBLIC_KEY": _public_keys(spec, identity, answers.keys)}),
        chosen,
        force,
        _expanded(template, answers.catalog),
        answers.catalog,
        identity,
        tuple(dict.fromkeys(warnings)),
        pattern=_pattern(spec.template, alias),
    )


def _fitted(template: Template, answers: Answers, problems: Problems, ports: Ports) -> tuple[Template, list[str]]:
    """The template as it can be deployed, and warnings; what stands in its way goes to the problems."""
    problems.add(answers.problems)
    known = _names(answers, ports)
    template, gone = drift.fitted(template, known, ports.templates)
    volume = answers.volume
    if volume is not None:
        problems.checked(lambda: _check_inside(volume, template, known))
    problems.add(_name_problems(template, known, is_whole=not answers.failures))
    if too_small := drift.disk_problem(template, answers.image):
        problems.add([too_small])
    if volume is not None:
        template = replace(template, region_preference=(volume.data_center,), cloud_preference=(SECURE,))
    return template, gone


def _names(answers: Answers, ports: Ports) -> Catalog:
    """The catalog; where it was not read, GPUs and data centers as they were told a while ago."""
    offered = answers.catalog
    if not answers.failures:
        return offered
    kept = ports.catalogs.names(ports.clock.now()) or Catalog()
    return replace(offered, gpus=offered.gpus or kept.gpus, data_centers=offered.data_centers or kept.data_centers)


def _name_problems(template: Template, known: Catalog, *, is_whole: bool) -> Iterator[RpError]:
    """Names that are unknown; where a part of the catalog is missing, what it would tell is not missed."""
    if not known.gpus and not is_whole:
        template = replace(template, gpu_preference=())
    if not known.data_centers and not is_whole:
        template = replace(template, region_preference=())
    return candidates.problems(template, known)


def _template_problems(spec: Spec) -> Iterator[RpError]:
    template = spec.template
    for name in spec.unset:
        yield UsageProblem(f"the template wants ${{env:{name}}}, and {name} is not set here", hint=f"export {name}=…")
    for wrong in override_problems(template.health.checks):
        yield UsageProblem(f"{template.name}.health.checks: {wrong}", hint=f"`rp template edit {template.name}`")
    test = template.health.speed_test
    if test.enabled and test.min_mbps and not test.url:
        yield UsageProblem(f"{template.name}.health.speedTest: minMbps needs a url to measure", hint="--speed-test-url")
    for key, value in (("stopAfter", template.stop_after), ("idleStopAfter", template.idle_stop_after)):
        if value:
            yield UsageProblem(
                f"{template.name}.{key}: this rp cannot stop a pod by itself yet",
                hint=f"take {key} out: `rp template edit {template.name}`",
            )
    if template.network_volume_id and SECURE not in template.clouds:
        yield UsageProblem("network volumes are on the secure cloud only", hint="--cloud SECURE")


def _not_done(template: Template) -> Iterator[str]:
    """What the template asks for and this program does not do."""
    if not template.network.allow_public_ip:
        yield f"{template.name}.network.allowPublicIp: rp needs SSH by a public port, so it stays open"


def _alias(template: Template, alias: str | None, deployment_id: str, ports: Ports) -> str:
    pattern = alias if alias is not None else template.alias_pattern or None
    return numbering.alias_for(template.name, deployment_id, pattern, numbering.taken(ports))


def _pattern(template: Template, alias: str | None) -> str | None:
    """What numbers the alias, where something does."""
    pattern = alias or template.alias_pattern or ""
    return pattern if "{i}" in pattern else None


def _check_free(alias: str, *, force: bool, ports: Ports) -> None:
    if alias in ports.journal.live_aliases():
        raise Busy(f"another rp is deploying `{alias}` right now", hint="choose another alias, or wait for it")
    pod_id = ports.aliases.get(alias)
    if pod_id and not force:
        raise alias_taken(alias, pod_id)


def _check_inside(volume: NetworkVolume, template: Template, known: Catalog) -> None:
    """A network volume binds its pod to its data center. Region names that are unknown are told by others."""
    try:
        regions = places.regions(template.region_preference, known.data_centers)
    except RpError:
        return
    if not any(region.holds(volume.data_center) for region in regions):
        wanted = ", ".join(template.region_preference)
        raise UsageProblem(
            f"network volume {volume.id} is in {volume.data_center}, outside the wanted regions {wanted}",
            hint=f"--region {volume.data_center}",
        )


def _expanded(template: Template, offered: Catalog) -> Candidates:
    expanded = candidates.expand(template, offered)
    if not expanded.ordered:
        lines = [f"{dropped.what}: {dropped.reason}" for dropped in expanded.dropped]
        raise NoCapacity("no placement fits this template", details=lines, hint="widen its GPUs, clouds or price")
    return expanded


def _public_keys(spec: Spec, identity: Identity, registered: tuple[str, ...]) -> str:
    """All who may log in: setting PUBLIC_KEY ourselves replaces the account's keys, so they go in too."""
    wanted = [*spec.env.get("PUBLIC_KEY", "").splitlines(), identity.public_key, *registered]
    return "\n".join(dict.fromkeys(key.strip() for key in wanted if key.strip()))


def _lines(problems: Iterable[RpError]) -> list[str]:
    return [problem.message + (f" ({problem.hint})" if problem.hint else "") for problem in problems]
