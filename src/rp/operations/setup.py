"""The user's setup scripts: the local one here, the remote one on the pod."""

from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

from rp.domain.attempt import facts
from rp.domain.identity import Identity
from rp.domain.pod import Pod
from rp.domain.remote import CommandFailed, NoSession
from rp.domain.template import PostDeploy
from rp.errors import Interrupted, RpError
from rp.operations.events import Event, Phase, SetupLine
from rp.operations.lanes import Cancelled
from rp.operations.ports import Ports
from rp.operations.results import Deployed


def set_up(deployed: Deployed, wanted: PostDeploy, key: Identity, ports: Ports) -> Generator[Event, None, None]:
    """Run what there is and is wanted. The pod is kept whatever happens; the error says so."""
    pod, alias = deployed.pod, deployed.alias
    local, remote = ports.remote.setup_scripts()
    try:
        if local and wanted.run_local_setup:
            yield from _shown(local, ports.remote.run_local_setup(local, alias), alias, ports)
        if remote and wanted.run_remote_setup:
            yield from _remote(pod, alias, remote, key, ports)
    except (RpError, Interrupted, Cancelled) as error:
        error.details = (*error.details, _kept(alias, pod))
        error.facts |= {"alias": alias, "id": pod.id, "attempts": [facts(attempt) for attempt in deployed.attempts]}
        raise


def _remote(pod: Pod, alias: str, script: Path, key: Identity, ports: Ports) -> Generator[Event, None, None]:
    if pod.ssh is None:
        raise AssertionError("a ready pod has an address")
    try:
        session = ports.remote.open_session(pod.id, pod.ssh, key)
    except NoSession as refusal:
        raise RpError(f"cannot run {script.name} on {alias}: {refusal}") from refusal
    with closing(session):
        yield from _shown(script, session.run_script(script), alias, ports)


def _shown(script: Path, lines: Iterator[str | None], alias: str, ports: Ports) -> Generator[Event, None, None]:
    yield Phase(f"running {script.name}")
    try:
        for line in lines:
            if line is None:
                # This is where one of several deploys hears that the command was interrupted.
                ports.clock.sleep(0)
            else:
                yield SetupLine(script.name, line)
    except CommandFailed as failed:
        raise RpError(
            f"{script.name} ended with status {failed.status}",
            hint=f"mend {script}, and run it again on {alias}",
        ) from failed


def _kept(alias: str, pod: Pod) -> str:
    return f"pod {pod.id} is healthy and keeps running as `{alias}`; `rp terminate {alias}` ends it"
