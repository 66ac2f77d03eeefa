"""What a template of somebody else runs, for the people who are asked to agree to it.

Each line has to be printed with `Output.quote`: a value must not look like a line of its own.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rp.domain import secrets
from rp.domain.template_risks import risks
from rp.output.text import one_line

if TYPE_CHECKING:
    from rp.domain.template import Template

_LABEL = 14


def will_run(template: "Template") -> list[str]:
    """All that a deploy of it runs, opens and takes along: what to read before agreeing to somebody else's template."""
    lines = [*_on_the_pod(template), *_placement(template), *_here(template)]
    if found := risks(template):
        lines += ["careful:", *(f"  ! {one_line(risk)}" for risk in found)]
    return lines


def _on_the_pod(template: "Template") -> Iterator[str]:
    container, test = template.container, template.health.speed_test
    yield "on the pod:"
    yield _line("image", container.image_name)
    yield from _script("start script", container.start_script)
    yield from _script("args", container.args)
    for command in template.health.smoke_commands:
        yield from _script("smoke command", command)
    if test.enabled and test.url:
        yield _line("downloads", test.url)
    if template.post_deploy.run_remote_setup:
        yield _line("runs", "your own setup_remote.sh, if there is one: that image sees all that is in it")
    yield _line("ports", ", ".join(template.ports))
    yield from _env(template)
    yield _line("registry", template.registry_auth_id or "none")


def _env(template: "Template") -> Iterator[str]:
    env = template.container.env
    if not env:
        yield _line("env", "none")
        return
    yield f"  env, {len(env)} variable{'s' if len(env) != 1 else ''}:"
    for key, value in env.items():
        yield f"    | {key}={one_line(secrets.shown(key, value))}"


def _placement(template: "Template") -> Iterator[str]:
    container = template.container
    yield "where, and for how much:"
    yield _line("GPUs", f"{template.gpu_count}x {', '.join(template.gpu_preference)}")
    yield _line("clouds", ", ".join(template.clouds))
    yield _line("regions", ", ".join(template.region_preference) or "anywhere")
    yield _line("disk", f"{container.container_disk_in_gb} GB, lost at each stop")
    if container.volume_in_gb:
        yield _line("volume", f"{container.volume_in_gb} GB at {template.volume_mount_path}, billed until terminated")
    if template.network_volume_id:
        yield _line("mounts", f"network volume {template.network_volume_id} at {template.volume_mount_path}")
    yield _line("bad pods", f"up to {template.health.max_retries} are put up with, each paid for until its end")
    yield _line("price cap", _cap(template))


def _cap(template: "Template") -> str:
    cap = template.max_price_per_hour
    return "none: you pay what the pod costs" if cap is None else f"${cap:g} per hour"


def _here(template: "Template") -> Iterator[str]:
    env = template.container.env
    yield "of yours:"
    yield _line("reads", _reads(secrets.local_references(env)))
    if names := secrets.runpod_references(env):
        yield _line("reads", f"{', '.join(names)} of your secrets at RunPod, and gives it to the pod")
    if template.post_deploy.run_local_setup:
        yield _line("runs", "your own setup_local.sh, if there is one, on this machine")
    if template.alias_pattern:
        yield _line("alias", template.alias_pattern)


def _reads(references: Sequence[str]) -> str:
    if not references:
        return "no variable of your environment"
    return f"{', '.join(references)} of your environment, and gives it to the pod"


def _line(label: str, value: str) -> str:
    return f"  {label:{_LABEL}} {one_line(value)}"


def _script(label: str, text: str) -> list[str]:
    """Whole: what is left out of it would be the line that matters."""
    if not text:
        return []
    # Shells know one end of a line, so nothing else is shown as one.
    lines = text.removesuffix("\n").split("\n")
    if len(lines) == 1:
        return [_line(label, lines[0])]
    return [f"  {label}, {len(lines)} lines:", *(f"    | {one_line(line)}" for line in lines)]
