"""Why a pod will not come up, by the words of docker, RunPod's agent and the container."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from rp.domain.verdict import Owner

# What is looked at of one line. docker puts the cause at the end of long lines.
MOST_CHARACTERS = 2000
_MOST_QUOTED = 200
_MOST_LINES = 5000
# An error that may pass has to come that often.
_AGAIN, _OFTEN = 2, 3
# Told where a pod is given up for another reason; no reason by itself.
_NEVER = 1 << 30

_PREAMBLE = re.compile(
    r"(?:(?:error (?:pulling image|creating container|starting container)|failed to pull image"
    r"|Error response from daemon|failed to create (?:shim )?task(?: for container)?|OCI runtime create failed"
    r"|runc create failed|unable to start container process): ?)+"
)


@dataclass(frozen=True)
class Cause:
    """`final`: it would fail in the same way on each machine. `remember`: later deploys should avoid this machine."""

    sentence: str
    owner: Owner = Owner.MACHINE
    final: bool = False
    remember: bool = True

    @classmethod
    def of_image(cls, sentence: str, *, final: bool = False) -> "Cause":
        return cls(sentence, Owner.IMAGE, final, remember=False)


@dataclass(frozen=True)
class Symptom:
    """A line that tells of an error. `rank`: the lowest tells most; it counts once it came `times` times."""

    rank: int
    cause: Cause
    times: int
    is_pull: bool
    told: str


@dataclass(frozen=True)
class _Rule:
    pattern: re.Pattern[str]
    cause: Callable[[re.Match[str], str], Cause]
    times: int = 1
    is_pull: bool = False


def quoted(text: str) -> str:
    """The part of a log line that a person wants, on one line, without what could steer a terminal."""
    core = _PREAMBLE.sub("", text[:MOST_CHARACTERS], count=1).strip() or text[:MOST_CHARACTERS]
    plain = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in " ".join(core.split()))
    return plain if len(plain) <= _MOST_QUOTED else plain[: _MOST_QUOTED - 1] + "…"


def _rule(pattern: str, sentence: str, *, times: int = 1, is_pull: bool = False, remember: bool = True) -> _Rule:
    """The machine's fault. `{}` in the sentence is what the log says."""
    return _Rule(
        re.compile(pattern, re.IGNORECASE),
        lambda _, told: Cause(sentence.format(told), remember=remember),
        times,
        is_pull,
    )


def _image(pattern: str, sentence: str, *, final: bool = False, times: int = 1, is_pull: bool = True) -> _Rule:
    return _Rule(
        re.compile(pattern, re.IGNORECASE),
        lambda _, told: Cause.of_image(sentence.format(told), final=final),
        times,
        is_pull,
    )


def _old_driver(found: re.Match[str], told: str) -> Cause:
    if found[1] is None:
        return Cause(f"its GPU or driver is none that the image allows: {told}", remember=False)
    advice = f'`"minCudaVersion": "{found[1]}"` in the template avoids such machines'
    return Cause(f"its driver is too old for the image, which needs CUDA {found[1]}: {advice}", remember=False)


# Where the line is about the container's start, words like `denied` are not the registry's.
_START = re.compile(r"error starting container|OCI runtime|nvidia-container-cli|\bexec:", re.IGNORECASE)

# The first that matches holds. RunPod's own list of fatal words: RUNTIME_ERROR_RE in runpod/containers tests.
_RULES = (
    # Docker Hub counts pulls by address, for six hours; RunPod's machines share few addresses.
    _rule(
        r"toomanyrequests|too many requests|rate limit",
        "the registry gives this machine nothing more for now: {}; pulls with an account (`registryAuthId`) are"
        " counted apart",
        is_pull=True,
        remember=False,
    ),
    _image(
        r"manifest unknown|manifest for .{1,300} not found|manifest not found|name unknown"
        r"|failed to resolve reference .{1,300} not found",
        "the registry has no such image: {}; check its name and its tag",
        final=True,
    ),
    _image(
        r"access denied|access to the resource is denied|(?<!permission )\bdenied:|repository does not exist"
        r"|no basic auth credentials|\bunauthorized\b|authentication required|403 forbidden",
        "the registry does not hand out the image: {}; check its name, and `registryAuthId` if it is private",
        final=True,
    ),
    _image(
        r"invalid reference format|repository name must be|no matching manifest|unsupported manifest",
        "the image can be pulled nowhere: {}",
        final=True,
    ),
    _image(r"pull.{0,300}no such image", "the registry has no such image: {}; check its name and its tag", final=True),
    # What follows every failed pull, whatever that failed from.
    _image(r"no such image", "the image is not there: {}", times=_OFTEN),
    _rule(r"no space left on device", "its disk is full: {}"),
    _image(r"cannot be mapped to a host id", "the image's files belong to users that the machine cannot have: {}"),
    _rule(
        r"failed to register layer|layer does not exist|layer verification failed",
        "it cannot unpack the image: {}",
        is_pull=True,
    ),
    _Rule(re.compile(r"unsatisfied condition: (?:cuda ?>= ?(\d{1,3}\.\d{1,2}))?", re.IGNORECASE), _old_driver),
    _rule(
        r"nvidia-container-cli: |could not select device driver|CDI device|nvidia-smi: ",
        "its GPU does not reach the container: {}",
        times=_AGAIN,
    ),
    _image(
        r"exec format error|exec: .{1,300}(?:no such file|not found|permission denied|is a directory)",
        "the start command cannot run: {}",
        is_pull=False,
    ),
    _rule(r"(?:error|failed).{0,12}\bpull", "it cannot pull the image: {}", times=_OFTEN, is_pull=True),
    _rule(r"error (?:creating|starting) container", "it cannot start the container: {}", times=_OFTEN),
    _rule(r"^(?:error|failed)\b", "{}", times=_NEVER),
)


def symptom(line: str) -> Symptom | None:
    """What a line of the system log says went wrong; None for a line that tells of no error."""
    about_start = _START.search(line) is not None
    for rank, rule in enumerate(_RULES):
        if not (rule.is_pull and about_start) and (found := rule.pattern.search(line)):
            told = quoted(line)
            return Symptom(rank, rule.cause(found, told), rule.times, rule.is_pull, told)
    return None


_IN_CONTAINER = (
    _image(
        r"\bsshd?: (?:command )?not found|\bsshd?: unrecognized service|unit sshd?\.service.{0,20} not"
        r"|\bsshd: no such file|exec: \"?(?:/\S{0,100}/)?sshd\b",
        "there is no sshd in the image: {}",
    ),
    _image(
        r"exec format error|\bexec /\S{1,300}: |^\S{0,100}(?:sh|tini): .{0,300}/start\.sh: (?:no such|not found)",
        "the start command cannot run: {}",
    ),
    # What rp's simulator prints, and shells and process managers in nearly the same words.
    _image(r"start command failed|exited with (?:exit )?(?:code|status) [1-9]", "its start command failed: {}"),
)


def container_cause(lines: Iterable[str]) -> Cause | None:
    """Why nothing listens, in the container's own words."""
    for raw in islice(lines, _MOST_LINES):
        line = str(raw)[:MOST_CHARACTERS]
        for rule in _IN_CONTAINER:
            if found := rule.pattern.search(line):
                return rule.cause(found, quoted(line))
    return None
