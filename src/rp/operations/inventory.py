"""What there is: the account's pods and the local aliases, brought together with one call."""

from rp import errors
from rp.domain import names
from rp.domain.pod import Pod, check_alias
from rp.errors import NotFound, UsageProblem
from rp.operations.ports import Aliases, Ports, Remote
from rp.operations.results import Entry


def entries(ports: Ports) -> tuple[Entry, ...]:
    """Aliases first, by name; then the pods that no alias knows."""
    live = {pod.id: pod for pod in ports.cloud.pods()}
    aliases = ports.aliases.all()
    in_flight = ports.journal.in_flight()
    named = [Entry(alias, pod_id, live.get(pod_id)) for alias, pod_id in sorted(aliases.items())]
    others = [
        Entry(None, pod.id, pod, in_flight.get(pod.name))
        for pod in live.values()
        if pod.id not in aliases.values() and not pod.is_gone
    ]
    return (*named, *sorted(others, key=lambda entry: entry.pod_id))


def find(target: str, ports: Ports) -> Entry:
    """The pod that an alias or a pod id means; raises NotFound with the nearest aliases."""
    known = entries(ports)
    named = [entry for entry in known if target == entry.alias]
    meant = named or [entry for entry in known if target == entry.pod_id]
    others = [entry for entry in known if entry.pod_id == target and meant and entry.pod_id != meant[0].pod_id]
    if others:
        raise UsageProblem(
            f"`{target}` is the alias of pod {meant[0].pod_id} and the id of another pod",
            hint=f"`rp add <new alias> {meant[0].pod_id}` and `rp remove {target}` undo that",
        )
    if meant:
        return meant[0]
    hint = _nearest(target, [entry.alias or entry.pod_id for entry in known])
    raise NotFound(f"no alias or pod is called `{target}`", hint=hint)


def live(target: str, ports: Ports) -> tuple[Entry, Pod]:
    """Like `find`; raises NotFound for an alias whose pod is gone."""
    entry = find(target, ports)
    if entry.pod is None:
        raise NotFound(
            f"pod {entry.pod_id} of alias `{target}` is gone", hint=f"`rp remove {target}` forgets the alias"
        )
    return entry, entry.pod


def add(alias: str, pod_id: str, *, force: bool, ports: Ports) -> tuple[Pod, str | None]:
    """Let `alias` mean a pod of the account; return the pod, and the pod id that the alias had before."""
    check_alias(alias)
    try:
        pod = ports.cloud.pod(pod_id)
    except errors.NoSuchResource as gone:
        raise NotFound(f"the account has no pod `{pod_id}`", hint="`rp list` shows what there is") from gone
    before = ports.aliases.get(alias)
    ports.aliases.put(alias, pod.id, replace=force)
    return pod, before if before != pod.id else None


def remove(alias: str, aliases: Aliases, remote: Remote) -> str:
    """Forget `alias`; return the id of its pod, which is left as it is. Raises NotFound with the nearest."""
    try:
        pod_id = aliases.remove(alias)
    except NotFound as unknown:
        unknown.hint = _nearest(alias, list(aliases.all()))
        raise
    remote.withdraw(alias)
    return pod_id


def _nearest(target: str, known: list[str]) -> str:
    near = names.nearest(target, known)
    return names.did_you_mean(near) if near else "`rp list` shows what there is"
