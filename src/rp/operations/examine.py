"""One look at a pod from inside: the probe, sent over a session that is open, and judged here."""

from collections.abc import Mapping
from dataclasses import replace

from rp.domain.candidate import Candidate
from rp.domain.pod import Pod
from rp.domain.remote import Completed
from rp.domain.request import pod_request
from rp.domain.spec import Spec
from rp.domain.verdict import PASSIVE, Report
from rp.health import again, judge, script, stream
from rp.health.asked import Asked
from rp.health.stream import Stream
from rp.operations.ports import Clock, Session

# Seconds beyond the probe's own limit: the connection, and what it prints at the end.
_GRACE = 15.0
# A machine without persistence mode takes 25 to 30 s for its first nvidia-smi (aks-gpu PR 105).
_SECOND_LIMIT = 40.0
_LONGEST = 4_000_000
_LAST_WORDS = 200
# Seconds after which a CUDA part that lost its probe has ended itself, at `basic`.
_LEFTOVERS = 8.0
# What OpenSSH ends with when it is its own connection that failed.
_LOST = 255


class NoAnswer(Exception):
    """The pod did not say a word, twice; the text is the last that came instead."""


def examine(session: Session, level: str, asked: Asked, clock: Clock) -> Report:
    """What did not answer in time, or stumbled as good machines do once in a while, is asked once more.

    Raises NoAnswer.
    """
    began, at = clock.monotonic(), clock.now()
    seen, done = _probe(session, level, asked)
    seconds = clock.monotonic() - began
    if done.status == _LOST or not seen.sections:
        # The connection broke, or the shell is none. What it left behind must not pass for a neighbour's work.
        if level != PASSIVE:
            clock.sleep(_LEFTOVERS)
        second, done = _probe(session, level, asked)
        seen = stream.merged(seen, second)
        if not seen.sections:
            raise NoAnswer(stream.clean(done.output)[-_LAST_WORDS:].strip() or "nothing")
    if parts := again.again(seen):
        seen = stream.merged(seen, _probe(session, level, asked, parts)[0])
    report = judge.judge(seen, level, asked, at=at + seconds / 2, seconds=seconds)
    return replace(report, seconds=clock.monotonic() - began)


def _probe(session: Session, level: str, asked: Asked, parts: tuple[str, ...] = ()) -> tuple[Stream, Completed]:
    limit = max(_SECOND_LIMIT, script.time_limit(level)) if parts else script.time_limit(level)
    text = script.probe_script(level, asked, parts=parts, limit=limit if parts else None)
    done = session.run("exec sh -s", timeout=limit + _GRACE, stdin=text, most=_LONGEST)
    # The end of the last line was stripped; where the probe did not come to its end, that line may be half of one.
    return stream.parse(done.output if done.status else done.output + "\n"), done


def asked_of_spec(spec: Spec, candidate: Candidate) -> Asked:
    """What a new pod is held against."""
    request, health = pod_request("", spec, candidate), spec.template.health
    floor = request.min_cuda_version or min(request.allowed_cuda_versions, key=_numbers, default=None)
    test = health.speed_test
    return Asked(
        gpu_id=request.gpu_id,
        gpu_count=request.gpu_count,
        memory_gb=candidate.gpu.memory_gb,
        image=request.image,
        disk_gb=request.disk_gb,
        volume_path=request.volume.path if request.volume else None,
        volume_gb=request.volume.size_gb if request.volume else 0,
        env=_names(request.env),
        ports=_listening(request.ports),
        min_cuda=floor,
        speed_test_url=test.url if test.enabled else "",
        min_mbps=test.min_mbps if test.enabled else 0.0,
        overrides=health.checks,
        fresh=True,
    )


def asked_of_pod(pod: Pod, asked: Asked | None = None) -> Asked:
    """What a pod at work is held against: what RunPod says of it, as strictly as `asked` says."""
    return replace(
        asked or Asked(),
        gpu_id=pod.gpu_id,
        gpu_count=pod.gpu_count,
        image=pod.image,
        disk_gb=pod.disk_gb,
        volume_path=pod.volume.path if pod.volume else None,
        volume_gb=pod.volume.size_gb if pod.volume else 0,
        env=_names(pod.env),
        ports=_listening(pod.ports),
        fresh=False,
    )


def _names(env: Mapping[str, str]) -> tuple[str, ...]:
    """PUBLIC_KEY has done its work once somebody could log in, and images may drop it."""
    return tuple(name for name in env if name != "PUBLIC_KEY")


def _listening(ports: tuple[str, ...]) -> tuple[int, ...]:
    """What something in the pod should listen on. Numbers above 65535 only ask RunPod for a symmetrical mapping."""
    numbers = {int(port.partition("/")[0]) for port in ports if port.partition("/")[0].isdigit()}
    return tuple(sorted(number for number in numbers if number != 22 and 0 < number < 65536))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
