"""Stop and terminate a pod that the user names."""

from rp import errors
from rp.domain.pod import EXITED, RUNNING, Pod
from rp.domain.remote import NoSession
from rp.errors import PodLeft, RpError
from rp.operations import ending, readiness
from rp.operations.ports import Ports
from rp.operations.results import Entry, Stopped


def stop(entry: Entry, pod: Pod, ports: Ports) -> Stopped:
    """Stop a pod: its volume stays and is billed, its container disk is lost, its address is dead."""
    if pod.status == EXITED:
        return Stopped(pod, already=True)
    if pod.locked:
        raise RpError(
            f"pod {pod.id} is locked, so RunPod refuses to stop it",
            hint="unlock it in RunPod's console first",
        )
    try:
        stopped = ports.cloud.stop(pod.id)
    except errors.Conflict:
        stopped = ports.cloud.pod(pod.id)
        if stopped.status != EXITED:
            raise
    if entry.alias:
        ports.remote.withdraw(entry.alias)
    return Stopped(stopped, already=False)


def terminate(entry: Entry, ports: Ports) -> None:
    """Terminate for certain, then forget every alias of the pod. Raises PodLeft where it cannot be confirmed.

    Also where the list leaves the pod out: lists lag, and the user said so.
    """
    end = ending.end_pod(entry.pod_id, ports.cloud, ports.clock)
    if not end.gone:
        raise PodLeft(
            f"pod {entry.pod_id} could not be terminated and is still billed: {end.why}",
            hint=f"try again, or end it at {ending.CONSOLE}",
        )
    for alias, pod_id in ports.aliases.all().items():
        if pod_id == entry.pod_id:
            ports.aliases.remove(alias, only_if=pod_id)
            ports.remote.withdraw(alias)
    ports.remote.forget(entry.pod_id)


def connect_alias(alias: str, pod: Pod, ports: Ports) -> str | None:
    """Make `ssh alias` work for a running pod; return what keeps it from working, or is worth knowing."""
    # Whatever it meant before, it does not mean that any more.
    ports.remote.withdraw(alias)
    if pod.status != RUNNING or pod.ssh is None:
        return f"`ssh {alias}` does not work yet: the pod is {pod.status} and has no SSH address"
    key = ports.remote.identity()
    ports.remote.prepare()
    try:
        note = readiness.pin(pod, pod.ssh, ports)
    except NoSession as refusal:
        return f"`ssh {alias}` does not work yet: {refusal}"
    ports.remote.publish(alias, pod.id, pod.ssh, key)
    return note
