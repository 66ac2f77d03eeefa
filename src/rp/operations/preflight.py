"""Everything that can be known to be wrong before any money is spent: all of it at once, each with its remedy."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from rp.domain import candidate as candidates
from rp.domain import places
from rp.domain.candidate import Candidates
from rp.domain.catalog import Catalog
from rp.domain.clouds import SECURE
from rp.domain.identity import Identity
from rp.domain.pod import alias_from_pattern, alias_taken, check_alias
from rp.domain.spec import Spec
from rp.domain.template import Template
from rp.errors import ApiError, Busy, NoCapacity, NoSuchResource, NotFound, RpError, UsageProblem
from rp.health.catalogue import override_problems
from rp.operations import catalog
from rp.operations.ports import Ports
from rp.operations.results import Plan

T = TypeVar("T")


class NotReady(RpError):
    """Several problems; the exit status is the first one's."""

    code = "preflight"

    def __init__(self, problems: list[RpError]) -> None:
        super().__init__(f"{len(problems)} things are in the way of this deploy", details=_lines(problems))
        self.exit_status = problems[0].exit_status


def prepare(spec: Spec, alias: str | None, *, force: bool, ports: Ports) -> Plan:
    """The plan, with nothing created yet; raises RpError with every problem found."""
    problems: list[RpError] = list(_template_problems(spec))
    deployment_id = ports.journal.fresh_id()
    chosen = _checked(problems, lambda: _alias(spec.template, alias, deployment_id, ports)) or ""
    _checked(problems, lambda: _check_free(chosen, force=force, ports=ports))
    identity = _checked(problems, ports.remote.identity)
    _checked(problems, ports.aliases.check_writable)
    try:
        keys = ports.cloud.ssh_keys()
        offered = _catalog(spec.template, ports)
        template = _checked(problems, lambda: _bound_to_volume(spec.template, offered, ports)) or spec.template
    except ApiError as failure:
        failure.details = (*failure.details, *_lines(problems))
        raise
    problems += candidates.problems(template, offered)
    if problems or identity is None:
        raise problems[0] if len(problems) == 1 else NotReady(problems)
    env = {**spec.env, "PUBLIC_KEY": _public_keys(spec, identity, keys)}
    return Plan(
        deployment_id,
        Spec(template, env),
        chosen,
        force,
        _expanded(template, offered),
        offered,
        identity,
        tuple(_warnings(template)),
    )


def _template_problems(spec: Spec) -> Iterator[RpError]:
    template = spec.template
    for name in spec.unset:
        yield UsageProblem(f"the template wants ${{env:{name}}}, and {name} is not set here", hint=f"export {name}=…")
    for wrong in override_problems(template.health.checks):
        yield UsageProblem(f"{template.name}.health.checks: {wrong}")
    test = template.health.speed_test
    if test.enabled and test.min_mbps and not test.url:
        yield UsageProblem(f"{template.name}.health.speedTest: minMbps needs a url to measure", hint="--speed-test-url")
    for key, value in (("stopAfter", template.stop_after), ("idleStopAfter", template.idle_stop_after)):
        if value:
            yield UsageProblem(
                f"{template.name}.{key}: this rp cannot stop a pod by itself yet",
                hint=f"take {key} out of the template",
            )


def _warnings(template: Template) -> Iterator[str]:
    """What the template asks for and this program does not do."""
    name = template.name
    if not template.network.allow_public_ip:
        yield f"{name}.network.allowPublicIp: rp needs SSH by a public port, so it stays open"


def _checked(problems: list[RpError], call: Callable[[], T]) -> T | None:
    """What `call` returns; its error goes to the others, but for the API's own: those end the preflight."""
    try:
        return call()
    except ApiError:
        raise
    except RpError as problem:
        problems.append(problem)
        return None


def _alias(template: Template, alias: str | None, deployment_id: str, ports: Ports) -> str:
    if alias is not None:
        return check_alias(alias)
    if template.alias_pattern:
        taken = frozenset(ports.aliases.all()) | ports.journal.live_aliases()
        return alias_from_pattern(template.alias_pattern, taken)
    return check_alias(f"rp-{template.name[:50]}-{deployment_id[:4]}")


def _check_free(alias: str, *, force: bool, ports: Ports) -> None:
    if alias in ports.journal.live_aliases():
        raise Busy(f"another rp is deploying `{alias}` right now", hint="choose another alias, or wait for it")
    pod_id = ports.aliases.get(alias)
    if pod_id and not force:
        raise alias_taken(alias, pod_id)


def _catalog(template: Template, ports: Ports) -> Catalog:
    return catalog.read(catalog.Wanted(template.clouds, (template.gpu_count,)), ports)


def _bound_to_volume(template: Template, offered: Catalog, ports: Ports) -> Template:
    """A network volume binds its pod to its data center, on the secure cloud."""
    if not template.network_volume_id:
        return template
    try:
        volume = ports.cloud.network_volume(template.network_volume_id)
    except NoSuchResource as gone:
        raise NotFound(
            f"{template.name}.networkVolumeId: there is no network volume `{template.network_volume_id}`",
            hint="https://console.runpod.io/user/storage lists yours",
        ) from gone
    regions = template.region_preference
    if regions and not any(volume.data_center in places.data_centers_in(one, offered.data_centers) for one in regions):
        raise UsageProblem(
            f"network volume {volume.id} is in {volume.data_center}, outside the wanted regions {', '.join(regions)}",
            hint=f"--region {volume.data_center}",
        )
    if SECURE not in template.clouds:
        raise UsageProblem("network volumes are on the secure cloud only", hint="--cloud SECURE")
    return replace(template, region_preference=(volume.data_center,), cloud_preference=(SECURE,))


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


def _lines(problems: list[RpError]) -> list[str]:
    return [problem.message + (f" ({problem.hint})" if problem.hint else "") for problem in problems]
