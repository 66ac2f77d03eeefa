"""Two templates, key by key, with every default filled in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rp.domain import secrets, template_secrets
from rp.domain.secrets import HIDDEN
from rp.domain.template import Template
from rp.domain.template_whole import whole

# What RunPod tells of a pod, and a template made from one therefore has; all else is this machine's business.
_TOLD_OF_PODS = (
    "cloudPreference", "container", "globalNetworking", "gpuCount", "gpuPreference", "networkVolumeId",
    "regionPreference", "registryAuthId", "tags", "volumeMountPath",
)  # fmt: skip
_ENV = "container.env."
_TAGS = "tags."


class _Absent:
    """JSON has no value for this."""


ABSENT = _Absent()


@dataclass(frozen=True)
class Difference:
    """Of one key, as `container.env.HF_HOME`; ABSENT on the side that does not have it."""

    key: str
    left: Any
    right: Any


@dataclass(frozen=True)
class Side:
    """One of the two: the template, and the document it came from, which may have keys that rp does not know."""

    template: Template
    raw: Any
    is_pod: bool = False


def compare(left: Side, right: Side) -> tuple[Difference, ...]:
    """What differs, sorted by key; for a pod only what RunPod tells of pods. Values of secrets are hidden."""
    of_pod = left.is_pod or right.is_pod
    sides = [dict(_entries(side, of_pod=of_pod)) for side in (left, right)]
    strange = {key for side in (left, right) for key, _ in _unknown(whole(side.template), side.raw, "")}
    found = []
    for key in sorted(sides[0].keys() | sides[1].keys()):
        before, after = (side.get(key, ABSENT) for side in sides)
        # In Python, though not in JSON, 1 equals true.
        if before != after or isinstance(before, bool) is not isinstance(after, bool):
            found.append(Difference(key, *(_shown(key, value, strange) for value in (before, after))))
    return tuple(found)


def _entries(side: Side, *, of_pod: bool) -> Iterator[tuple[str, Any]]:
    template = side.template
    document = whole(template)
    # `22` is `22/tcp`, and `ALL` is both clouds: the same said in another way is no difference.
    document["container"]["ports"] = sorted(template.ports)
    document["cloudPreference"] = list(template.clouds)
    if of_pod:
        document["container"]["env"] = secrets.scrub(template.container.env)[0]
        has_volume = template.network_volume_id or template.container.volume_in_gb
        if not has_volume:
            del document["volumeMountPath"]
        document = {key: document[key] for key in _TOLD_OF_PODS if key in document}
    yield from _flat(document, "")
    if not of_pod:
        yield from _unknown(document, side.raw, "")


def _flat(document: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for key, value in document.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{key}.")
        elif value is not None:
            yield f"{path}{key}", value


def _unknown(known: Mapping[str, Any], raw: Any, path: str) -> Iterator[tuple[str, Any]]:
    """What rp does not know is kept in the file: so it is compared, too."""
    for key, value in raw.items() if isinstance(raw, Mapping) else ():
        if key in known:
            if isinstance(known[key], Mapping):
                yield from _unknown(known[key], value, f"{path}{key}.")
        elif not key.startswith("$") and (path or key != "name"):
            yield f"{path}{key}", value


def _shown(key: str, value: Any, strange: set[str]) -> Any:
    """Of keys that rp gave their names only the values can be secrets."""
    if key.startswith(_ENV) and isinstance(value, str):
        return HIDDEN if secrets.looks_secret(key.removeprefix(_ENV), value) else value
    called = key.rpartition(".")[2] if key in strange else ""
    if key.startswith(_TAGS):
        called = key.removeprefix(_TAGS)
    return template_secrets.without(value, key, called)
