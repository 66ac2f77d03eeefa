from dataclasses import replace

import pytest

from rp.domain import start_script
from rp.domain.candidate import Candidate
from rp.domain.catalog import GpuType, Stock
from rp.domain.cuda import cuda_floor
from rp.domain.pod import Volume
from rp.domain.request import pod_request
from rp.domain.spec import Spec
from rp.domain.template import Container, Template

TEMPLATE = Template(name="sd", gpu_preference=("H100",), container=Container("image", container_disk_in_gb=33))
CANDIDATE = Candidate("COMMUNITY", "EU", ("EU-RO-1", "EU-SE-1"), GpuType("NVIDIA H", "H", 80), 2, 5.0, Stock.LOW)


@pytest.mark.parametrize(
    ("image", "floor"),
    [
        ("runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404", "12.8"),
        ("runpod/pytorch:2.8.0-py3.11-cuda12.8.1-cudnn-devel-ubuntu22.04", "12.8"),
        ("runpod/pytorch:2.1.0-py3.10-cuda11.8.0-devel-ubuntu22.04", "11.8"),
        ("nvidia/cuda:cuda12.10.0-base", "12.10"),
        ("registry.example.com:5000/me/image:cu124", "12.4"),
        ("me/image:cu130-x", "13.0"),
        ("runpod/pytorch:latest", None),
        ("runpod/pytorch", None),
        ("registry.example.com:5000/cu128/image", None),
        ("me/cuda12.4:latest", None),
        ("me/image:rocm6.2", None),
        ("", None),
    ],
)
def test_the_tag_tells_the_cuda_floor(image: str, floor: str | None) -> None:
    assert cuda_floor(image) == floor


def test_the_request_is_template_and_candidate_together() -> None:
    request = pod_request("rp-x-1", Spec(TEMPLATE, {"A": "1"}), CANDIDATE)

    assert (request.name, request.image, request.disk_gb) == ("rp-x-1", "image", 33)
    assert (request.cloud, request.gpu_id, request.gpu_count) == ("COMMUNITY", "NVIDIA H", 2)
    assert request.data_center_ids == ("EU-RO-1", "EU-SE-1")
    assert request.ports == ("22/tcp",)
    assert request.env == {"A": "1"}
    assert request.volume is None


@pytest.mark.parametrize(
    ("template", "volume"),
    [
        (replace(TEMPLATE, container=Container("i", volume_in_gb=10)), Volume("/workspace", size_gb=10)),
        (replace(TEMPLATE, network_volume_id="v", volume_mount_path="/data"), Volume("/data", network_id="v")),
    ],
)
def test_the_volume_is_of_the_host_or_of_the_network(template: Template, volume: Volume) -> None:
    assert pod_request("n", Spec(template), CANDIDATE).volume == volume


@pytest.mark.parametrize(
    ("template", "floor", "allowed"),
    [
        (replace(TEMPLATE, container=Container("i:cu128")), "12.8", ()),
        (replace(TEMPLATE, container=Container("i:cu128"), min_cuda_version="12.4"), "12.4", ()),
        (replace(TEMPLATE, container=Container("i:cu128"), allowed_cuda_versions=("12.9",)), None, ("12.9",)),
    ],
)
def test_the_templates_word_on_cuda_wins_over_the_tag(
    template: Template, floor: str | None, allowed: tuple[str, ...]
) -> None:
    request = pod_request("n", Spec(template), CANDIDATE)

    assert request.min_cuda_version == floor
    assert request.allowed_cuda_versions == allowed


@pytest.mark.parametrize(
    ("container", "args"),
    [
        (Container("i"), ""),
        (Container("i", args="sleep 1"), "sleep 1"),
        (Container("i", start_script="echo"), start_script.to_args("echo")),
    ],
)
def test_args_are_the_templates_or_its_start_script(container: Container, args: str) -> None:
    assert pod_request("n", Spec(replace(TEMPLATE, container=container)), CANDIDATE).args == args


def test_no_value_of_a_variable_is_in_the_repr() -> None:
    assert "sesame" not in repr(pod_request("n", Spec(TEMPLATE, {"A": "sesame"}), CANDIDATE))
