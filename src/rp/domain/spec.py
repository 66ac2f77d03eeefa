"""A spec: a template merged with the command line's overrides, complete and validated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from rp.domain import secrets, wishes
from rp.domain import template as templates
from rp.domain.decode import Invalid
from rp.domain.template import Template
from rp.errors import UsageProblem


@dataclass(frozen=True)
class Overrides:
    """What the command line says; None and empty mean: as the template has it.

    `max_price` is in USD per hour for the whole pod; `min_vram`, `container_disk` and `volume` are in GB.
    """

    gpus: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    clouds: tuple[str, ...] = ()
    count: int | None = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    retries: int | None = None
    retry_backoff_seconds: float | None = None
    local_setup: bool | None = None
    remote_setup: bool | None = None
    level: str | None = None
    speed_test_url: str | None = None
    min_mbps: float | None = None
    order: str | None = None
    max_price: float | None = None
    min_vram: int | None = None
    min_cuda: str | None = None
    image: str | None = None
    container_disk: int | None = None
    volume: int | None = None


@dataclass(frozen=True)
class Spec:
    """`env` is what the pod gets, references resolved; `unset` are local variables that were asked for."""

    template: Template
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    unset: tuple[str, ...] = ()


def merge(template: Template, overrides: Overrides, local_env: Mapping[str, str]) -> Spec:
    """Raise UsageProblem where an override breaks the template's rules."""
    raw = templates.to_json(template)
    _apply(raw, overrides)
    try:
        merged = templates.parse(template.name, raw)
    except Invalid as invalid:
        raise UsageProblem("the options do not fit the template", details=invalid.problems) from invalid
    env, unset = secrets.resolve({**merged.container.env, **overrides.env}, local_env)
    if merged.tags:
        # Official images write each value between double quotes into a shell file: no quote may be in it.
        env["RP_TAGS"] = urlencode(sorted(merged.tags.items()))
    return Spec(merged, env, unset)


def _apply(raw: dict[str, Any], overrides: Overrides) -> None:
    said = {
        "gpuPreference": list(overrides.gpus) or None,
        "regionPreference": list(overrides.regions) or None,
        "cloudPreference": list(overrides.clouds) or None,
        "gpuCount": overrides.count,
        "order": overrides.order,
        "maxPricePerHour": overrides.max_price,
        "minVramInGb": overrides.min_vram,
        "minCudaVersion": overrides.min_cuda,
    }
    if overrides.count is not None:
        # The command line's number counts for GPUs that the template lists with a number of their own, too.
        raw["gpuPreference"] = [wishes.without_count(gpu) for gpu in raw["gpuPreference"]]
    if overrides.min_cuda is not None:
        raw.pop("allowedCudaVersions", None)
    raw.update({key: value for key, value in said.items() if value is not None})
    for section, key, setting in (
        ("health", "maxRetries", overrides.retries),
        ("health", "retryBackoffSeconds", overrides.retry_backoff_seconds),
        ("health", "level", overrides.level),
        ("postDeploy", "runLocalSetup", overrides.local_setup),
        ("postDeploy", "runRemoteSetup", overrides.remote_setup),
        ("container", "imageName", overrides.image),
        ("container", "containerDiskInGb", overrides.container_disk),
        ("container", "volumeInGb", overrides.volume),
    ):
        if setting is not None:
            raw.setdefault(section, {})[key] = setting
    if overrides.speed_test_url is not None or overrides.min_mbps is not None:
        test = raw.setdefault("health", {}).setdefault("speedTest", {})
        test |= {"enabled": True}
        test |= {"url": overrides.speed_test_url} if overrides.speed_test_url is not None else {}
        test |= {"minMbps": overrides.min_mbps} if overrides.min_mbps is not None else {}


def parse_env(assignments: list[str]) -> dict[str, str]:
    """`KEY=VAL` words → a mapping; raises UsageProblem, without the value, for anything else."""
    env = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals or not templates.ENV_NAME.fullmatch(key):
            raise UsageProblem(f"--env wants KEY=VALUE, and `{key[:40]}` is no such thing")
        env[key] = value
    return env
