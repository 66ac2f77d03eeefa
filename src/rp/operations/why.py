"""`rp why`: what the journal knows of one deployment. Needs neither a key nor the network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rp.domain import names, redact
from rp.domain.history import History
from rp.domain.host import Marks
from rp.domain.story import Story, story
from rp.errors import NotFound

if TYPE_CHECKING:
    from rp.domain.history import Look
    from rp.domain.host import Host
    from rp.domain.redact import Private
    from rp.operations.ports import Aliases, Hosts, Journal, LooksKept

# Deployments that are named where none was asked for, and those whose names are compared with a wrong one.
OTHERS = 5
_COMPARED = 30


def newest(journal: Journal) -> tuple[str, tuple[tuple[str, str, str, float], ...]]:
    """The id of the newest deployment, and (id, alias, outcome, start) of those before it. Raises NotFound."""
    known = journal.deployments(OTHERS + 1)
    if not known:
        raise NotFound("there is no deployment to tell of yet", hint="`rp deploy <template>` makes the first")
    return known[0][0], known[1:]


def tell(target: str, private: Private, *, journal: Journal, looks: LooksKept, hosts: Hosts, aliases: Aliases) -> Story:
    """The newest deployment that an alias, a deployment's id or a pod id means, without what is private.

    A pod that was deployed elsewhere is told by the looks at it. Raises NotFound with the nearest names.
    """
    pod_id = None
    found = journal.history(target)
    if found is None and (pod_id := aliases.get(target)):
        found = journal.history(pod_id)
    if found is None:
        seen = looks.of(pod_id or target)
        if not seen:
            raise _unknown(target, journal, aliases)
        # No id, template or outcome: nothing was deployed here.
        found = History("", "", target if pod_id else "", "", seen[0].at, None, looks=seen)
    else:
        pods = dict.fromkeys(attempt.pod_id for attempt in found.attempts if attempt.pod_id)
        found = replace(found, looks=tuple(look for pod in pods for look in looks.of(pod)))
    return story(redact.history(found, private), _marks(found, hosts.all()))


def _marks(told: History, hosts: Iterable[Host]) -> dict[str, Marks]:
    """What is known of the machine of each pod, by its id."""
    known = tuple(hosts)
    by_pod: dict[str, list[Look]] = {}
    for look in told.looks:
        by_pod.setdefault(look.pod_id, []).append(look)
    pods = {attempt.pod_id for attempt in told.attempts if attempt.pod_id} | by_pod.keys()
    return {pod_id: _marks_of(pod_id, by_pod.get(pod_id, ()), known) for pod_id in pods}


def _marks_of(pod_id: str, looks: Iterable[Look], hosts: tuple[Host, ...]) -> Marks:
    """The GPUs that were seen in the pod, and what the record of its machine adds."""
    gpus = frozenset(uuid for look in looks for uuid in look.report.gpu_uuids)
    for host in hosts:
        if gpus & host.marks.gpus or any(failure.pod_id == pod_id for failure in host.failures):
            return Marks(host.marks.address, host.marks.proxy, gpus or host.marks.gpus)
    return Marks(gpus=gpus)


def known_private(
    key: str | None, envs: Iterable[Mapping[str, object]], users: Iterable[str], home: str, *, for_others: bool
) -> Private:
    """The key, and what looks like a secret in these environments; the user's own names only go `for_others`."""
    secrets = (*((str(key),) if key else ()), *redact.secrets_of(*envs))
    return redact.Private(secrets, home, tuple(dict.fromkeys(filter(None, users))), for_others=for_others)


def envs(templates: Mapping[str, Any]) -> list[Mapping[str, object]]:
    """The environments in templates as their file has them, valid or not."""
    containers = [template.get("container") for template in templates.values() if isinstance(template, Mapping)]
    found = [container.get("env") for container in containers if isinstance(container, Mapping)]
    return [env for env in found if isinstance(env, Mapping)]


def _unknown(target: str, journal: Journal, aliases: Aliases) -> NotFound:
    known = dict(aliases.all())
    candidates = [*known, *known.values()]
    for deployment_id, alias, _, _ in journal.deployments(_COMPARED):
        told = journal.history(deployment_id)
        candidates += [alias, deployment_id, *(one.pod_id for one in told.attempts if one.pod_id)] if told else []
    near = names.nearest(target, dict.fromkeys(candidates))
    hint = names.did_you_mean(near) if near else "`rp why` alone tells of the newest deployment"
    return NotFound(f"the journal knows no deployment, alias or pod called `{target}`", hint=hint)
