import pytest

from rp.domain.cuda import cuda_floor


@pytest.mark.parametrize(
    ("image", "floor"),
    [
        ("nvidia/cuda:12.4.1-devel-ubuntu22.04", "12.4"),
        ("nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu20.04", "11.8"),
        ("nvcr.io/nvidia/cuda:13.0.1-base-ubi9", "13.0"),
        ("nvidia/cuda:12.10.0-ubuntu24.04", "12.10"),
        ("me/mirror:12.4.1-devel-ubuntu22.04", "12.4"),
        ("me/mirror:12.4-cudnn-devel-rockylinux8", "12.4"),
        ("pytorch/pytorch:2.4.0-cuda12.1-cudnn9-devel", "12.1"),
        ("pytorch/pytorch:2.4.0-cuda12.1-cudnn9-devel@sha256:" + "cu" * 3 + "0" * 58, "12.1"),
        ("me/image:cuda12.1-cudnn8", "12.1"),
        ("me/image:cu118", "11.8"),
        ("me/image:v2-cu118-py310", "11.8"),
        ("me/image:cuda118", "11.8"),
        ("me/image:cuda-12.4", "12.4"),
        ("me/image:cuda_12.4.1", "12.4"),
        ("me/image:cu12.6", "12.6"),
        ("me/image:cuda12_4", "12.4"),
        ("me/image:cuda12-4", "12.4"),
        ("me/image:cuda-12-1", "12.1"),
        ("me/image:cu_12_10_1-py3", "12.10"),
        ("me/image:CUDA12.4", "12.4"),
        ("me/image:v1-CU124", "12.4"),
        ("me/image:cuda12-2.1.0", "12.0"),
        ("me/image:cuda12-20240501", "12.0"),
        ("me/image:cuda12-py310", "12.0"),
        ("me/image:cuda12.20240501", None),
        ("me/image:latest-cuda12", "12.0"),
        ("me/image:cu12", "12.0"),
        ("me/image:torch2.1cuda12.1", "12.1"),
        ("me/image:cuda-2024.05", None),
        ("me/image:acu118", None),
        ("me/image:cudnn8", None),
        ("ubuntu:22.04", None),
        ("debian:12.4-base", None),
        ("pytorch/pytorch:2.1.0-devel-ubuntu", None),
        ("me/image:2.1.0-runtime-ubuntu22.04", None),
        ("me/image:22.04-base-ubuntu22.04", None),
        ("rocm/pytorch:rocm6.2_ubuntu22.04", None),
        ("nvidia/cuda:latest", None),
        ("nvidia/cuda", None),
        ("me/image@sha256:" + "0" * 64, None),
    ],
)
def test_tags_of_many_habits_tell_the_floor(image: str, floor: str | None) -> None:
    assert cuda_floor(image) == floor
