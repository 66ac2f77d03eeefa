"""Every documented example of RunPod's own templates is read with the right values."""

from typing import Any

import pytest

from contract.contract import operations, spec
from rp import errors
from rp.domain.pod import Volume
from rp.domain.runpod_template import RunPodTemplate
from rp.runpod.client import RunPod
from unit.runpod.server import Server, answer

IMAGE = "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404"
OWN = RunPodTemplate(
    "9x4m2p7v",
    "PyTorch GPU Template",
    image=IMAGE,
    disk_gb=50,
    volume=Volume("/workspace", size_gb=20),
    ports=("8888/http",),
    env={"JUPYTER_ENABLE_LAB": "yes"},
    category="NVIDIA",
)


def _example(operation: str) -> Any:
    method, path = operations()[operation]
    content = spec()["paths"][path][method.lower()]["responses"]["200"]["content"]
    (example,) = content["application/json"]["examples"].values()
    return example["value"]


def test_one_template(server: Server, client: RunPod) -> None:
    server.replies = [answer(_example("getTemplate"))]

    assert client.template("a/b") == OWN
    assert server.asked[0].path == "/v2/templates/a%2Fb"


def test_the_accounts_templates(server: Server, client: RunPod) -> None:
    server.replies = [answer(_example("listTemplates"))]

    assert all(isinstance(found, RunPodTemplate) for found in client.templates())
    assert len(client.templates()) == len(_example("listTemplates")["templates"])


def test_the_public_templates(server: Server, client: RunPod) -> None:
    server.replies = [answer(_example("listPublicTemplates"))]

    (found,) = client.catalog_templates("verified")

    assert (found.id, found.name, found.image, found.start_jupyter) == ("30zmvf89kd", "PyTorch 2.8", IMAGE, True)
    assert (found.volume, found.registry_id, found.serverless, found.allowed_cuda_versions) == (None, None, False, ())
    assert server.asked[0].query == {"source": "verified"}


@pytest.mark.parametrize("document", [{}, {"templates": [{}]}, {"templates": 7}, []])
def test_an_answer_in_another_form_is_no_empty_list(server: Server, client: RunPod, document: object) -> None:
    server.replies = [answer(document)]

    with pytest.raises(errors.Unclear):
        client.templates()
