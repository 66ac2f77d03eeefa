"""A template from a pod that is there."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from rp.domain import decode, secrets, start_script, template_secrets
from rp.domain import template as templates
from rp.domain.cuda import cuda_floor
from rp.domain.pod import Pod
from rp.domain.template import ENV_NAME, Container, Template, check_name
from rp.errors import UsageProblem
from rp.operations.ports import Ports
from rp.operations.results import Derived


def derive(name: str, pod: Pod, *, include_env: bool | None, force: bool, ports: Ports) -> Derived:
    """Store `pod`'s configuration as template `name`; raises UsageProblem where the name is taken or impossible."""
    check_name(name)
    if not pod.gpu_id:
        raise UsageProblem(f"pod {pod.id} has no GPU, and a template needs one")
    derived = from_pod(name, pod, include_env=include_env)
    ports.templates.put(derived.template, replace=force)
    return derived


def from_pod(name: str, pod: Pod, *, include_env: bool | None) -> Derived:
    """`include_env` False drops all variables, True keeps all values, None puts references for secrets."""
    env, env_notes = own_env(pod.env, include_env=include_env)
    script = start_script.from_args(pod.args)
    template = Template(
        name=name,
        gpu_preference=(pod.gpu_id or "",),
        gpu_count=max(1, pod.gpu_count),
        cloud_preference=(pod.cloud,) if pod.cloud else ("SECURE",),
        region_preference=(pod.data_center,) if pod.data_center else (),
        container=Container(
            image_name=pod.image,
            container_disk_in_gb=pod.disk_gb or 20,
            volume_in_gb=pod.volume.size_gb if pod.volume else 0,
            ports=tuple(short_port(port) for port in pod.ports),
            env=env,
            start_script=script or "",
            args="" if script is not None else pod.args,
        ),
        volume_mount_path=pod.volume.path if pod.volume else "/workspace",
        network_volume_id=pod.volume.network_id if pod.volume else None,
        registry_auth_id=pod.registry_id,
        global_networking=pod.global_networking,
        tags=_tags(pod),
    )
    return Derived(
        template, (*env_notes, *told_secrets(templates.to_json(template)), *_unknown(pod), *_wrong(template))
    )


def told_secrets(raw: Mapping[str, Any]) -> list[str]:
    """What may be a secret outside of the variables, and is in the template as it was found."""
    cleaned = template_secrets.clean(raw)
    return [
        f"{path} may hold a secret, and is in the template as it is; a variable of container.env can keep it out"
        for path in (*cleaned.left, *cleaned.replaced)
    ]


def _wrong(template: Template) -> list[str]:
    """RunPod accepts in a pod what it, or rp, would not in a create."""
    try:
        templates.parse(template.name, templates.to_json(template))
    except decode.Invalid as invalid:
        return [f"mend this before a deploy: {problem}" for problem in invalid.problems]
    return []


def own_env(env: Mapping[str, str], *, include_env: bool | None) -> tuple[dict[str, str], list[str]]:
    """The variables that a template can have, without RunPod's own, and what to say of the others.

    `include_env` as in `from_pod`.
    """
    own = {key: value for key, value in env.items() if not secrets.MADE_BY_RUNPOD.fullmatch(key)}
    if include_env is False:
        return {}, [f"left out {len(own)} environment variables, as asked"] if own else []
    kept, notes = {}, []
    for key, value in own.items():
        if not ENV_NAME.fullmatch(key):
            notes.append(f"left out {key}: no shell can have a variable of that name")
        elif "${env:" in secrets.LOCAL_REFERENCE.sub("", value):
            notes.append(f"left out {key}: its value has `${{env:` in it, which templates take for a reference")
        else:
            kept[key] = value
            if secrets.LOCAL_REFERENCE.search(value):
                notes.append(f"{key} has `${{env:…}}` in its value: a deploy puts your own variable there")
    if include_env:
        return kept, notes
    scrubbed, secret = secrets.scrub(kept)
    notes += [f"{key} looks like a secret: the template reads it from your environment at deploy" for key in secret]
    return scrubbed, notes


def _tags(pod: Pod) -> dict[str, str]:
    text = pod.env.get("RP_TAGS", "")
    return dict(parse_qsl(text, keep_blank_values=True)) if "=" in text else {}


def short_port(port: str) -> int | str:
    """`22/tcp` → 22, `7860/http` → 7860, as people write them in a template."""
    number, _, protocol = port.partition("/")
    usual = "tcp" if number == "22" else "http"
    return int(number) if protocol == usual and number.isdigit() else port


def _unknown(pod: Pod) -> list[str]:
    """What RunPod does not tell of a pod, and what to do about it."""
    notes = []
    if cuda_floor(pod.image) is None:
        notes.append("RunPod does not tell the CUDA floor, nor does the image's tag: add minCudaVersion")
    if pod.data_center:
        notes.append(f"regionPreference is {pod.data_center} alone: widen it for a better chance to find a GPU")
    else:
        notes.append("RunPod does not tell where the pod is: the template says anywhere")
    if "JUPYTER_PASSWORD" in pod.env:
        notes.append("RunPod does not tell whether Jupyter was asked for: add JUPYTER_PASSWORD to env to start it")
    return notes
