"""What one create asks of RunPod."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rp.domain import start_script
from rp.domain.candidate import Candidate
from rp.domain.cuda import wanted_floor
from rp.domain.pod import Volume
from rp.domain.spec import Spec


@dataclass(frozen=True)
class PodRequest:
    """One pod on one candidate, under a name that no other attempt has."""

    name: str
    image: str
    gpu_id: str
    gpu_count: int
    cloud: str
    disk_gb: int
    ports: tuple[str, ...]
    args: str = ""
    data_center_ids: tuple[str, ...] = ()
    volume: Volume | None = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    min_cuda_version: str | None = None
    allowed_cuda_versions: tuple[str, ...] = ()
    registry_id: str | None = None
    global_networking: bool = False


def pod_request(name: str, spec: Spec, candidate: Candidate) -> PodRequest:
    """The request for `candidate`, with the CUDA floor that the image's tag implies where none is given."""
    template = spec.template
    return PodRequest(
        name=name,
        image=template.container.image_name,
        gpu_id=candidate.gpu.id,
        gpu_count=candidate.count,
        cloud=candidate.cloud,
        disk_gb=template.container.container_disk_in_gb,
        ports=template.ports,
        args=template.container.args or start_script.to_args(template.container.start_script),
        data_center_ids=candidate.data_center_ids,
        volume=_volume(spec),
        env=spec.env,
        min_cuda_version=wanted_floor(template),
        allowed_cuda_versions=template.allowed_cuda_versions,
        registry_id=template.registry_auth_id,
        global_networking=template.global_networking,
    )


def _volume(spec: Spec) -> Volume | None:
    template = spec.template
    if template.network_volume_id:
        return Volume(template.volume_mount_path, network_id=template.network_volume_id)
    if template.container.volume_in_gb:
        return Volume(template.volume_mount_path, size_gb=template.container.volume_in_gb)
    return None
