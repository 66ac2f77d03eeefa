"""Templates at RunPod: the account's own, and the public catalog."""

from __future__ import annotations

from sim.api import AT_ONCE, Api

OWN = """
[[account.template]]
name = "train"
image = "example/train:1"
id = "tpl1"
args = "bash -c 'sleep 1'"
disk = 30
ports = ["22/tcp"]
env = { TOKEN = "x" }
volume = 20
mount_path = "/data"
registry = "reg1"
allowed_cuda = ["12.8"]
[[account.template]]
name = "worker"
image = "example/worker:1"
serverless = true
"""


def test_the_templates_of_the_account(api: Api) -> None:
    assert api.call("GET", "/v2/templates").json == {"templates": []}
    assert api.scenario(AT_ONCE + OWN).status == 200
    train, worker = api.call("GET", "/v2/templates").json["templates"]
    assert train["mounts"] == {"persistent": {"size": 20, "path": "/data"}}
    assert (train["registry"], train["env"], train["allowedCudaVersions"]) == ("reg1", {"TOKEN": "x"}, ["12.8"])
    assert (worker["serverless"], worker["mounts"], worker["registry"]) == (True, {}, None)
    assert api.call("GET", "/v2/templates/tpl1").json == train
    assert api.call("GET", f"/v2/templates/{worker['id']}").json == worker
    assert api.call("GET", "/v2/templates/nope").detail == "template not found"


def test_the_public_catalog_has_three_slices(api: Api) -> None:
    def names(query: str) -> set[str]:
        return {row["name"] for row in api.call("GET", f"/v2/catalog/templates{query}").json["templates"]}

    assert names("") == names("?source=official") >= {"PyTorch 2.8", "vLLM"}
    assert names("?source=verified") == {"Axolotl"}
    assert "Fooocus with models" in names("?source=community")
    assert api.call("GET", "/v2/catalog/templates?source=mine").status == 422
    shown = api.call("GET", "/v2/templates/30zmvf89kd").json
    assert (shown["public"], shown["serverless"], shown["image"]) == (
        True, False, "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404",
    )  # fmt: skip
