"""What a new template begins with: one of RunPod's own templates."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rp.domain import names, start_script, template_document
from rp.domain.cuda import cuda_floor
from rp.domain.runpod_template import RunPodTemplate
from rp.errors import NoSuchResource, NotFound, UsageProblem
from rp.operations.derive import own_env, short_port, told_secrets
from rp.operations.ports import Cloud

_OWN, _OFFICIAL, _VERIFIED, _COMMUNITY = "own", "official", "verified", "community"
_CATALOG = (_OFFICIAL, _VERIFIED, _COMMUNITY)
_SAID = {
    _OWN: "one of your account's",
    _OFFICIAL: "an official one of RunPod's",
    _VERIFIED: "a verified one, made by somebody else",
    _COMMUNITY: "one of the community's: anybody can publish there",
}
# As in a template of rp that says nothing of its disk.
_DISK_GB = 20


@dataclass(frozen=True)
class Base:
    """A template's document, still without a GPU, and what to say about it.

    One that neither the account nor RunPod made is marked as imported, so that its first deploy asks.
    """

    raw: dict[str, Any]
    notes: tuple[str, ...]


def from_runpod(wanted: str, cloud: Cloud, at: str) -> Base:
    """By id or name; `at` is the time, ISO 8601.

    Raises NotFound with the nearest, UsageProblem for several, or for one that makes no pod.
    """
    found, source = find(wanted, cloud)
    made = base(found)
    raw = made.raw
    if source not in (_OWN, _OFFICIAL):
        raw = template_document.marked(raw, f"RunPod's template {found.id} ({source})", at)
    return Base(raw, (f"begins with RunPod's template {found.id} ({found.name}), {_SAID[source]}", *made.notes))


def find(wanted: str, cloud: Cloud) -> tuple[RunPodTemplate, str]:
    """An id first; then a name: the account's own, the official, the verified, the community's ones; and which."""
    # Only what could be an id is asked for as one.
    if wanted and all(letter.isalnum() or letter in "_-" for letter in wanted) and wanted.isascii():
        try:
            found = _for_pods(cloud.template(wanted))
        except NoSuchResource:
            pass
        else:
            return found, _source_of(found.id, cloud)
    seen: list[RunPodTemplate] = []
    for source in (_OWN, *_CATALOG):
        listed = _listed(source, cloud)
        if candidates := _named(wanted, listed):
            return _only(wanted, candidates), source
        seen += listed
    raise NotFound(f"RunPod has no template with the id or name `{wanted}`", hint=_nearest(wanted, seen))


def _listed(source: str, cloud: Cloud) -> tuple[RunPodTemplate, ...]:
    return cloud.templates() if source == _OWN else cloud.catalog_templates(source)


def _source_of(template_id: str, cloud: Cloud) -> str:
    """RunPod tells a template without where it is from. What no other list has is the community's."""
    for source in (_OWN, _OFFICIAL, _VERIFIED):
        if any(one.id == template_id for one in _listed(source, cloud)):
            return source
    return _COMMUNITY


def _named(wanted: str, listed: Iterable[RunPodTemplate]) -> list[RunPodTemplate]:
    candidates = list(listed)
    exact = [one for one in candidates if one.name == wanted]
    return exact or [one for one in candidates if one.name.strip().lower() == wanted.strip().lower()]


def _only(wanted: str, found: list[RunPodTemplate]) -> RunPodTemplate:
    usable = [one for one in found if not one.serverless] or found[:1]
    if len(usable) > 1:
        raise UsageProblem(
            f"{len(usable)} of RunPod's templates are called `{wanted}`",
            details=[f"{one.id}: {one.image}" for one in usable],
            hint="give the id of one of them",
        )
    return _for_pods(usable[0])


def _for_pods(found: RunPodTemplate) -> RunPodTemplate:
    if found.serverless:
        raise UsageProblem(
            f"RunPod's template {found.id} ({found.name}) is for serverless workers, and makes no pod",
            hint="choose one for pods: https://console.runpod.io/explore lists them",
        )
    return found


def _nearest(wanted: str, seen: list[RunPodTemplate]) -> str:
    spelled: dict[str, RunPodTemplate] = {}
    for one in seen:
        if not one.serverless:
            # Of several with one name the own and the official ones were seen first.
            spelled.setdefault(one.name.lower(), one)
    near = [spelled[name] for name in names.nearest(wanted.lower(), spelled)]
    near += [one for name, one in spelled.items() if wanted.lower() in name and one not in near]
    if near:
        return "did you mean " + ", ".join(f"`{one.name}` ({one.id})" for one in near[:3]) + "?"
    return "https://console.runpod.io/explore lists the public ones; an id works for any that you may see"


def base(found: RunPodTemplate) -> Base:
    """Its image, arguments, disks, ports, variables, registry and CUDA versions; secrets become references."""
    env, notes = own_env(found.env, include_env=None)
    script = start_script.from_args(found.args)
    container = {
        "imageName": found.image,
        "containerDiskInGb": found.disk_gb or _DISK_GB,
        "volumeInGb": found.volume.size_gb if found.volume else 0,
        "ports": [short_port(port) for port in found.ports],
        "env": env,
        "startScript": script or "",
        "args": found.args if script is None else "",
    }
    raw: dict[str, Any] = {"container": {key: value for key, value in container.items() if value}}
    if found.volume and found.volume.path:
        raw["volumeMountPath"] = found.volume.path
    if found.registry_id:
        raw["registryAuthId"] = found.registry_id
    if found.allowed_cuda_versions:
        raw["allowedCudaVersions"] = list(found.allowed_cuda_versions)
    return Base(raw, (*notes, *told_secrets(raw), *_unknown(found)))


def _unknown(found: RunPodTemplate) -> Iterator[str]:
    if not found.disk_gb:
        yield f"RunPod's template tells no container disk: {_DISK_GB} GB it is, --container-disk changes that"
    if not found.allowed_cuda_versions and cuda_floor(found.image) is None:
        yield "neither RunPod's template nor the image's tag tells the CUDA floor: --min-cuda sets one"
    if found.category == "AMD":
        yield "RunPod's template is for AMD GPUs: choose --gpu accordingly"
    if found.category == "CPU":
        yield "RunPod's template is for pods without a GPU: its image may have no CUDA"
    if found.start_jupyter:
        yield "RunPod's template starts Jupyter: add --env 'JUPYTER_PASSWORD=${env:JUPYTER_PASSWORD}' for that"
