"""A health check of a pod that is running already."""

from contextlib import closing

from rp.domain.pod import RUNNING, Pod
from rp.domain.remote import NoSession
from rp.domain.verdict import Owner, Verdict
from rp.errors import RpError
from rp.health.asked import Asked
from rp.operations import readiness
from rp.operations.examine import NoAnswer, asked_of_pod, examine
from rp.operations.machines import note_failure, note_sight
from rp.operations.ports import Ports, Session
from rp.operations.results import Checkup


def look_at(called: str, pod: Pod, level: str, asked: Asked, ports: Ports) -> Checkup:
    """One look; what keeps it from happening is told in `trouble`.

    Touches no journal, so that many pods may be looked at side by side; `keep` is for afterwards.
    """
    try:
        with closing(_session(pod, ports)) as session:
            return Checkup(called, pod, examine(session, level, asked, ports.clock))
    except RpError as error:
        return Checkup(called, pod, trouble=error.message)
    except NoAnswer as silence:
        return Checkup(called, pod, trouble=f"it gave no answer: {silence}")


def asked_of(pod: Pod, ports: Ports) -> Asked:
    """What the pod is held against, as strictly as the template it was made from says."""
    return asked_of_pod(pod, _strictness(pod, ports))


def keep(checkup: Checkup, ports: Ports) -> None:
    """Into the journal: the report, and what it tells about the machine."""
    report = checkup.report
    if report is None:
        return
    ports.looks.add(checkup.pod.id, report, ports.clock.now())
    blamed = [check for check in report.of(Verdict.FAIL) if check.owner is Owner.MACHINE]
    if blamed:
        note_failure(checkup.pod, report.gpu_uuids, blamed[0].sentence, ports)
    else:
        note_sight(checkup.pod, report.gpu_uuids, ports)


def _strictness(pod: Pod, ports: Ports) -> Asked:
    history = ports.journal.history(pod.id)
    if history is None:
        return Asked()
    try:
        template = ports.templates.get(history.template)
    except RpError:
        # The template is gone, or broken: the pod is there all the same.
        return Asked()
    return Asked(overrides=template.health.checks, min_cuda=template.min_cuda_version)


def _session(pod: Pod, ports: Ports) -> Session:
    if pod.status != RUNNING or pod.ssh is None:
        raise RpError(f"pod {pod.id} is {pod.status} and has no SSH address")
    key = ports.remote.identity()
    try:
        return ports.remote.open_session(pod.id, pod.ssh, key)
    except NoSession:
        # Its host keys may not be known here yet.
        try:
            readiness.pin(pod, pod.ssh, ports)
            return ports.remote.open_session(pod.id, pod.ssh, key)
        except NoSession as refusal:
            raise RpError(f"cannot log in to pod {pod.id}: {refusal}") from refusal
