"""A template as RunPod keeps it: one of the account's, or one of the public catalog."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rp.domain.pod import Volume


@dataclass(frozen=True)
class RunPodTemplate:
    """`disk_gb` is 0 where RunPod tells none. One that is `serverless` makes workers of an endpoint, never a pod."""

    id: str
    name: str
    image: str = ""
    args: str = ""
    disk_gb: int = 0
    volume: Volume | None = None
    ports: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    registry_id: str | None = None
    serverless: bool = False
    category: str = ""
    start_jupyter: bool = False
    allowed_cuda_versions: tuple[str, ...] = ()
