"""The proof that a pod works: rp's own checks of its machine, then the template's smoke commands."""

from collections.abc import Generator
from contextlib import suppress
from dataclasses import replace

from rp.domain.candidate import Candidate
from rp.domain.pod import Pod
from rp.domain.redact import Private, redacted, secrets_of
from rp.domain.template import Health
from rp.domain.units import duration
from rp.domain.verdict import OFF, Check, Owner, Report, Verdict
from rp.health.script import time_limit
from rp.operations.ending import NO_JOURNAL
from rp.operations.events import Checked, Event, Phase
from rp.operations.examine import NoAnswer, asked_of_spec, examine
from rp.operations.looks import BadPod
from rp.operations.machines import Machines
from rp.operations.ports import Ports, Session
from rp.operations.results import Plan

SMOKE_LIMIT = 60.0
# How much of a smoke command's output the report keeps, in lines.
_TAIL = 20


def prove(
    pod: Pod, candidate: Candidate, session: Session, plan: Plan, machines: Machines, ports: Ports
) -> Generator[Event, None, Report]:
    """Raises BadPod, and KnownBad where the GPUs tell that the machine failed before."""
    health = plan.spec.template.health
    report = Report(health.level, ())
    if health.level != OFF:
        yield Phase(f"checking the machine ({health.level}, at most {duration(time_limit(health.level))})")
        try:
            report = examine(session, health.level, asked_of_spec(plan.spec, candidate), ports.clock)
        except NoAnswer as silence:
            # A connection may break for reasons that are not the machine's.
            raise BadPod(f"the check of its machine got no answer: {silence}", remember=False) from silence
    if not report.of(Verdict.FAIL):
        smoke = yield from _smoke(session, health, Private(secrets_of(plan.spec.env)))
        report = replace(report, checks=(*report.checks, *smoke))
    with suppress(*NO_JOURNAL):
        ports.looks.add(pod.id, report, ports.clock.now())
    yield Checked(report)
    if failed := report.of(Verdict.FAIL):
        raise _bad(failed, report)
    yield from machines.check(pod, report.gpu_uuids)
    return report


def _bad(failed: tuple[Check, ...], report: Report) -> BadPod:
    """The machine's faults before the image's: another machine may cure those."""
    first = min(failed, key=lambda check: check.owner is not Owner.MACHINE)
    more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    remember = any(check.owner is Owner.MACHINE and not check.id.startswith("smoke.") for check in failed)
    return BadPod(f"{first.sentence}{more}", owner=first.owner, remember=remember, gpus=report.gpu_uuids)


def _smoke(session: Session, health: Health, private: Private) -> Generator[Event, None, tuple[Check, ...]]:
    """Run the template's own commands up to the first that fails."""
    checks: list[Check] = []
    for number, wanted in enumerate(health.smoke_commands, 1):
        command = redacted(wanted, private)
        yield Phase(f"checking: {command}")
        done = session.run(wanted, timeout=SMOKE_LIMIT)
        lines = redacted(done.output, private).splitlines()
        tail = "\n".join(lines[-_TAIL:])
        if done.status:
            last = lines[-1] if lines else "no output"
            sentence = f"smoke command `{command}` ended with status {done.status}: {last}"
            return (*checks, Check(f"smoke.{number}", Verdict.FAIL, sentence, tail, "status 0"))
        checks.append(Check(f"smoke.{number}", Verdict.PASS, f"smoke command `{command}` passed", tail, "status 0"))
    return tuple(checks)
