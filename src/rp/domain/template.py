"""A template: a reusable recipe for a pod, as `templates.json` holds it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rp.domain import decode, secrets, wishes
from rp.domain.clouds import ALL, COMMUNITY, SECURE
from rp.domain.order import ORDERS, PREFERENCE
from rp.domain.verdict import BASIC, LEVELS
from rp.errors import UsageProblem

ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_CUDA = re.compile(r"\d+\.\d+")
_PORT = re.compile(r"0{0,9}[1-9][0-9]{0,8}(?:/(?:tcp|http))?")
_WEB_ADDRESS = re.compile(r"https?://[^\s'\"\\`]+")


def _at_least(minimum: float) -> Any:
    return {"check": lambda value: None if value >= minimum else f"must be at least {minimum:g}, is {value:g}"}


def _check_clouds(clouds: tuple[str, ...]) -> str | None:
    if not clouds:
        return "needs at least one cloud"
    wrong = [cloud for cloud in clouds if cloud.upper() not in (SECURE, COMMUNITY, ALL)]
    return f"`{wrong[0]}` is none of SECURE, COMMUNITY, ALL" if wrong else None


def _check_gpus(gpus: tuple[str, ...]) -> str | None:
    if not gpus or not all(gpu.strip() for gpu in gpus):
        return "needs at least one GPU"
    try:
        for gpu in gpus:
            if len(gpu) > wishes.LONGEST_GPU:
                return f"`{gpu[:40]}…` is no GPU: it has more than {wishes.LONGEST_GPU} characters"
            wishes.gpus(gpu)
    except UsageProblem as wrong:
        return wrong.message
    return None


def _check_order(order: str) -> str | None:
    return None if order in ORDERS else f"`{order}` is none of {', '.join(ORDERS)}"


def _check_cuda(version: str) -> str | None:
    return None if _CUDA.fullmatch(version) else f"`{version}` is no CUDA version such as 12.8"


def _check_cudas(versions: tuple[str, ...]) -> str | None:
    return next((wrong for wrong in map(_check_cuda, versions) if wrong), None)


def _check_ports(ports: tuple[int | str, ...]) -> str | None:
    for port in ports:
        # Above 65535 a number asks for a symmetrical mapping (RunPod's expose-ports page).
        if not _PORT.fullmatch(str(port)):
            return f'`{port}` is no port such as 22, "7860/http" or "7860/tcp"'
    return None


def _check_env(env: Mapping[str, str]) -> str | None:
    for key in env:
        if not ENV_NAME.fullmatch(key):
            return f"`{key}` is no name of an environment variable"
        if "${env:" in secrets.LOCAL_REFERENCE.sub("", env[key]):
            return f"{key}: a reference is written ${{env:NAME}}"
    return None


def _check_level(level: str) -> str | None:
    return None if level in LEVELS else f"`{level}` is none of {', '.join(LEVELS)}"


def _check_url(url: str) -> str | None:
    return None if not url or _WEB_ADDRESS.fullmatch(url) else f"`{url[:80]}` is no http or https address"


def _check_mount_path(path: str) -> str | None:
    return None if path.startswith("/") and path.strip("/") else f"`{path}` is no absolute path of a folder"


@dataclass(frozen=True)
class Container:
    """Sizes are in GB. `args` replaces the image's command and excludes `start_script`."""

    image_name: str
    container_disk_in_gb: int = field(default=20, metadata=_at_least(1))
    volume_in_gb: int = field(default=0, metadata=_at_least(0))
    ports: tuple[int | str, ...] = field(default=(22,), metadata={"check": _check_ports})
    env: Mapping[str, str] = field(default_factory=dict, metadata={"check": _check_env})
    start_script: str = ""
    args: str = ""


@dataclass(frozen=True)
class Network:
    allow_public_ip: bool = True


@dataclass(frozen=True)
class SpeedTest:
    """`min_mbps` is in megabits per second."""

    enabled: bool = False
    url: str = field(default="", metadata={"check": _check_url})
    min_mbps: float = field(default=0.0, metadata=_at_least(0))


@dataclass(frozen=True)
class Health:
    """Times are in seconds; `ssh_timeout_seconds` counts from RUNNING.

    `checks` is one entry per check: "off", "warn", or its thresholds (docs/health.md).
    """

    ssh_timeout_seconds: float = field(default=180, metadata=_at_least(1))
    smoke_commands: tuple[str, ...] = ()
    speed_test: SpeedTest = field(default_factory=SpeedTest)
    max_retries: int = field(default=2, metadata=_at_least(0))
    retry_backoff_seconds: float = field(default=10, metadata=_at_least(0))
    level: str = field(default=BASIC, metadata={"check": _check_level})
    checks: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PostDeploy:
    run_local_setup: bool = True
    run_remote_setup: bool = True


@dataclass(frozen=True)
class Template:
    """See docs/templates.md for the meaning of each key.

    `max_price_per_hour` is in USD for the whole pod, `min_vram_in_gb` in GB for each GPU.
    """

    name: str
    gpu_preference: tuple[str, ...] = field(metadata={"check": _check_gpus})
    container: Container
    cloud_preference: tuple[str, ...] = field(default=(SECURE,), metadata={"check": _check_clouds})
    region_preference: tuple[str, ...] = ()
    gpu_count: int = field(default=1, metadata=_at_least(1))
    order: str = field(default=PREFERENCE, metadata={"check": _check_order})
    network: Network = field(default_factory=Network)
    health: Health = field(default_factory=Health)
    post_deploy: PostDeploy = field(default_factory=PostDeploy)
    tags: Mapping[str, str] = field(default_factory=dict)
    volume_mount_path: str = field(default="/workspace", metadata={"check": _check_mount_path})
    network_volume_id: str | None = None
    min_cuda_version: str | None = field(default=None, metadata={"check": _check_cuda})
    allowed_cuda_versions: tuple[str, ...] = field(default=(), metadata={"check": _check_cudas})
    registry_auth_id: str | None = None
    global_networking: bool = False
    max_price_per_hour: float | None = field(default=None, metadata=_at_least(0))
    min_vram_in_gb: int | None = field(default=None, metadata=_at_least(1))
    alias_pattern: str | None = None
    stop_after: str | None = None
    idle_stop_after: str | None = None

    @property
    def clouds(self) -> tuple[str, ...]:
        """The clouds in order, with ALL spelled out: secure first."""
        spelled = [
            cloud
            for wanted in self.cloud_preference
            for cloud in ((SECURE, COMMUNITY) if wanted.upper() == ALL else (wanted.upper(),))
        ]
        return tuple(dict.fromkeys(spelled))

    @property
    def ports(self) -> tuple[str, ...]:
        """The ports as RunPod wants them, `22/tcp` always among them."""
        spelled = [_spell_port(port) for port in self.container.ports]
        return tuple(dict.fromkeys([*spelled, "22/tcp"]))


def _spell_port(port: int | str) -> str:
    said, _, protocol = str(port).partition("/")
    number = int(said)
    return f"{number}/{protocol or ('tcp' if number == 22 else 'http')}"


def parse(name: str, raw: object) -> Template:
    """Return the template called `name`; raise Invalid with every problem in `raw`."""
    document = {**raw, "name": name} if isinstance(raw, Mapping) else raw
    what = f"template `{name}` is not valid"
    template = decode.decode(Template, document, name, what)
    problems = list(_contradictions(template))
    if problems:
        raise decode.Invalid(what, problems)
    return template


def _contradictions(template: Template) -> list[str]:
    name, container = template.name, template.container
    problems = []
    if not container.image_name or len(container.image_name.split()) != 1:
        problems.append(f"{name}.container.imageName: `{container.image_name}` is no image")
    if container.start_script and container.args:
        problems.append(f"{name}.container.args: excludes startScript; keep one of them")
    if 0 < container.volume_in_gb < 10:
        problems.append(f"{name}.container.volumeInGb: RunPod's smallest volume is 10 GB; 0 is none")
    if template.network_volume_id and container.volume_in_gb:
        problems.append(f"{name}.networkVolumeId: excludes container.volumeInGb; a pod has one volume")
    if template.min_cuda_version and template.allowed_cuda_versions:
        problems.append(f"{name}.minCudaVersion: excludes allowedCudaVersions; keep one of them")
    return problems


def to_json(template: Template) -> dict[str, Any]:
    """The object that `parse` gives back as an equal template."""
    return decode.encode(template)


def check_name(name: str) -> str:
    """Return `name`; raise UsageProblem where it could not be a file, host or environment name."""
    if not _NAME.fullmatch(name):
        raise UsageProblem(
            f"`{name}` cannot be a template's name",
            hint="use letters, digits, `.`, `_` and `-`; begin with a letter or a digit",
        )
    return name
