"""A template from a pod that is there."""

from urllib.parse import parse_qsl

from rp.domain import secrets, start_script
from rp.domain.pod import Pod
from rp.domain.request import cuda_floor
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
    env, env_notes = _env(pod, include_env)
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
            ports=tuple(_short_port(port) for port in pod.ports),
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
    return Derived(template, (*env_notes, *_unknown(pod)))


def _env(pod: Pod, include_env: bool | None) -> tuple[dict[str, str], list[str]]:
    own = {key: value for key, value in pod.env.items() if not secrets.MADE_BY_RUNPOD.fullmatch(key)}
    if include_env is False:
        return {}, [f"left out {len(own)} environment variables, as asked"] if own else []
    nameable = {key: value for key, value in own.items() if ENV_NAME.fullmatch(key)}
    notes = [f"left out {key}: no shell can have a variable of that name" for key in own if key not in nameable]
    if include_env:
        return nameable, notes
    scrubbed, secret = secrets.scrub(nameable)
    notes += [f"{key} looks like a secret: the template reads it from your environment at deploy" for key in secret]
    return scrubbed, notes


def _tags(pod: Pod) -> dict[str, str]:
    text = pod.env.get("RP_TAGS", "")
    return dict(parse_qsl(text, keep_blank_values=True)) if "=" in text else {}


def _short_port(port: str) -> int | str:
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
