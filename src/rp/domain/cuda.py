"""What a template wants of a machine's CUDA driver."""

import re

from rp.domain.template import Template

_SAID = r"(?:cuda|(?<![a-z])cu)[-_.]?"
# Of official images and what is built on them: `cuda12.8.1` and `cu12.4`; `cuda12-4` and `cuda_12_4_1`, though in
# `cuda12-2.1.0` another version follows any 12; `cu1281` is 12.8.1, `cuda118` 11.8; `cu12` is any 12. Then those of
# NVIDIA's own, which begin with the version: `12.4.1-cudnn-devel-ubuntu22.04`.
_IN_TAG = (
    re.compile(rf"{_SAID}(\d\d?)\.(\d\d?)(?!\d)"),
    re.compile(rf"{_SAID}(\d\d?)[_-](\d\d?)(?![\d.])"),
    re.compile(rf"{_SAID}(\d\d)(\d)"),
    re.compile(rf"{_SAID}(\d\d)()(?![\d.])"),
    re.compile(
        r"^(\d\d)\.(\d\d?)(?:\.\d+)?-(?:cudnn\d*-)?(?:base|runtime|devel)-(?:ubuntu|ubi|rocky|centos|oracle|amzn)"
    ),
)
# In the image called `cuda`, every tag begins with the version.
_OF_CUDA = re.compile(r"^(\d\d?)\.(\d\d?)")
# What is no year and no number of something else.
_MAJORS = range(8, 20)


def cuda_floor(image: str) -> str | None:
    """`runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404` → `12.8`; None where the tag does not tell."""
    name, _, tag = image.partition("@")[0].rpartition("/")[2].partition(":")
    for pattern in (*_IN_TAG, _OF_CUDA) if name == "cuda" else _IN_TAG:
        if (found := pattern.search(tag.lower())) and int(found[1]) in _MAJORS:
            return f"{int(found[1])}.{int(found[2] or 0)}"
    return None


def wanted_floor(template: Template) -> str | None:
    """The oldest CUDA that will do: the template's, else the image's. None where a list says which."""
    if template.min_cuda_version or template.allowed_cuda_versions:
        return template.min_cuda_version
    return cuda_floor(template.container.image_name)
