"""A new template, from what the command line and the user's answers say."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rp.domain import decode, secrets
from rp.domain import template as templates
from rp.domain.template import Template
from rp.errors import UsageProblem
from rp.operations import template_check
from rp.operations.ports import Templates
from rp.operations.template_check import NameProblems

# Dotted path → value, as in docs/templates.md.
Settings = Mapping[str, Any]

GPUS = "gpuPreference"
IMAGE = "container.imageName"
REGIONS = "regionPreference"
REQUIRED = (GPUS, IMAGE)
# Names that RunPod gives.
_NAMED = (GPUS, REGIONS)
# Keys that exclude each other: what is said now comes before what the base has.
_EXCLUDES = {
    "container.startScript": "container.args",
    "container.volumeInGb": "networkVolumeId",
    "networkVolumeId": "container.volumeInGb",
    "minCudaVersion": "allowedCudaVersions",
}


def build(base: Mapping[str, Any], said: Settings) -> dict[str, Any]:
    """`base` with what was said: variables and tags are added to the base's, everything else replaces it."""
    raw: dict[str, Any] = _copied(base)
    for path, value in said.items():
        if path in _EXCLUDES and value:
            _drop(raw, _EXCLUDES[path])
        *sections, key = path.split(".")
        inner = raw
        for section in sections:
            if not isinstance(inner.get(section), dict):
                inner[section] = {}
            inner = inner[section]
        before = inner.get(key)
        inner[key] = {**before, **value} if isinstance(value, Mapping) and isinstance(before, Mapping) else value
    return raw


def _copied(value: Any) -> Any:
    return {key: _copied(inner) for key, inner in value.items()} if isinstance(value, Mapping) else value


def value_at(raw: Any, path: str) -> Any:
    """None where nothing is there."""
    for key in path.split("."):
        raw = raw.get(key) if isinstance(raw, Mapping) else None
    return raw


def _drop(raw: dict[str, Any], path: str) -> None:
    *sections, key = path.split(".")
    inner: Any = raw
    for section in sections:
        inner = inner.get(section)
    if isinstance(inner, dict):
        inner.pop(key, None)


def missing(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """What a template must have, and this one has not yet."""
    return tuple(path for path in REQUIRED if not value_at(raw, path))


def store(
    name: str, raw: Mapping[str, Any], store: Templates, *, replace: bool, name_problems: NameProblems | None = None
) -> Template:
    """Validate and store; raises UsageProblem with every problem, or where the name is taken or impossible."""
    templates.check_name(name)
    try:
        template = template_check.checked(name, raw, name_problems)
    except decode.Invalid as invalid:
        raise UsageProblem("that makes no valid template", details=invalid.problems) from None
    store.put_raw({name: {**raw, "name": name}}, replace=replace)
    return template


def read_ports(words: Iterable[str]) -> list[int | str]:
    """`7860,5000/tcp` → 7860 and `5000/tcp`, as they are written in a template."""
    found = [part.strip() for word in words for part in word.split(",") if part.strip()]
    return [int(part) if part.isascii() and part.isdigit() and len(part) < 8 else part for part in found]


def read_tags(words: Iterable[str]) -> dict[str, str]:
    """`purpose=sd` words; raises UsageProblem for anything else."""
    tags = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key.strip():
            raise UsageProblem(f"--tag wants KEY=VALUE, and `{word[:40]}` is no such thing")
        tags[key.strip()] = value
    return tags


def secret_notes(env: Mapping[str, str]) -> list[str]:
    """What to say of values that should not be in a file."""
    return [
        f"{key} looks like a secret, and is in the template now; better is a reference, which each deploy reads "
        f"from your environment: --env '{key}=${{env:{key}}}'"
        for key, value in env.items()
        if secrets.looks_secret(key, value)
    ]


@dataclass(frozen=True)
class Question:
    """`read` makes the value for `path` out of an answer; raises ValueError for what it cannot be."""

    path: str
    text: str
    read: Callable[[str], Any]
    otherwise: str = ""


def _words(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _clouds(text: str) -> list[str]:
    return [word.upper() for word in _words(text)]


def _price(text: str) -> float:
    return float(text.removeprefix("$"))


def _one(text: str) -> list[str]:
    return [text]


QUESTIONS = (
    Question(GPUS, "GPUs, the best first, as H100, A100 80gb", _words),
    Question("gpuCount", "GPUs per pod", int, "1"),
    Question(IMAGE, "image", str),
    Question("cloudPreference", "cloud: SECURE, COMMUNITY or ALL", _clouds, "SECURE"),
    Question(REGIONS, "regions, as EU, US, US-TX-3", _words, "anywhere"),
    Question("container.containerDiskInGb", "container disk in GB", int, "20"),
    Question("container.volumeInGb", "volume in GB, 0 for none", int, "0"),
    Question("container.ports", "ports, as 7860, 5000/tcp", lambda text: read_ports([text]), "22"),
    Question("health.smokeCommands", "a command that proves the pod works", _one, "none"),
    Question("maxPricePerHour", "most USD per hour", _price, "no limit"),
)


def default_of(question: Question, raw: Mapping[str, Any]) -> str:
    """What no answer means, in words."""
    value = value_at(raw, question.path)
    if value in (None, [], "", {}):
        return question.otherwise
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)


def answered(
    name: str, raw: Mapping[str, Any], question: Question, answer: str, name_problems: NameProblems | None = None
) -> dict[str, Any]:
    """`raw` with the answer in it; raises UsageProblem with what is wrong with this answer."""
    try:
        value = question.read(answer.strip())
    except ValueError:
        raise UsageProblem(f"`{answer.strip()[:40]}` is no number") from None
    asked = build(raw, {question.path: value})
    try:
        templates.parse(name, asked)
    except decode.Invalid as invalid:
        # What is missing may still be asked for.
        where = f"{name}.{question.path}"
        wrong = [problem.removeprefix(f"{where}: ") for problem in invalid.problems if problem.startswith(where)]
        if wrong:
            raise UsageProblem("; ".join(wrong)) from None
    check_names(name, asked, question.path, name_problems)
    return asked


def check_names(name: str, raw: Mapping[str, Any], path: str, name_problems: NameProblems | None) -> None:
    """Raises UsageProblem for GPUs or regions at `path` that nothing is called; what else is there does not matter."""
    value = value_at(raw, path)
    if name_problems is None or path not in _NAMED or not value:
        return
    alone = {GPUS: ["any"], "container": {"imageName": "image"}, path: value}
    try:
        problems = name_problems(templates.parse(name, alone))
    except decode.Invalid:
        # That is told where the template is read.
        return
    if problems:
        raise UsageProblem("; ".join(problem.removeprefix(f"{name}: ") for problem in problems))


def check_said(name: str, said: Settings, name_problems: NameProblems | None) -> None:
    """Raises UsageProblem for options that are wrong whatever the answers will be: not after a dozen of them."""
    filled = build({GPUS: ["any"], "container": {"imageName": "image"}}, said)
    problems = list(template_check.check(name, filled).problems)
    for path in said:
        try:
            check_names(name, filled, path, name_problems)
        except UsageProblem as wrong:
            problems.append(f"{name}.{path}: {wrong.message}")
    if problems:
        raise UsageProblem("that makes no valid template", details=problems)
