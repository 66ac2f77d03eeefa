from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from rp.domain import start_script, template_document
from rp.domain import template as template_module
from rp.domain.pod import Volume
from rp.domain.runpod_template import RunPodTemplate
from rp.errors import NoSuchResource, NotFound, UsageProblem
from rp.operations import template_base
from rp.operations.ports import Cloud

IMAGE = "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404"


@dataclass
class Catalog:
    """RunPod's templates by source, and what was asked of it."""

    rows: dict[str, list[RunPodTemplate]]
    asked: list[str] = field(default_factory=list)

    def template(self, template_id: str) -> RunPodTemplate:
        self.asked.append(template_id)
        for row in (row for rows in self.rows.values() for row in rows):
            if row.id == template_id:
                return row
        raise NoSuchResource("none", status=404)

    def templates(self) -> tuple[RunPodTemplate, ...]:
        return self.catalog_templates("own")

    def catalog_templates(self, source: str) -> tuple[RunPodTemplate, ...]:
        self.asked.append(source)
        return tuple(self.rows.get(source, ()))


def _row(template_id: str, name: str, **more: Any) -> RunPodTemplate:
    return RunPodTemplate(template_id, name, image=IMAGE, disk_gb=30, **more)


CATALOG = {
    "own": [_row("own1", "Train"), _row("own2", "ComfyUI")],
    "official": [_row("off1", "PyTorch 2.8"), _row("off2", "ComfyUI"), _row("off3", "Comfy")],
    "verified": [
        _row("ver0", "Jupyter", serverless=True),
        _row("ver1", "Jupyter"),
        _row("ver2", "Worker", serverless=True),
    ],
    "community": [_row("com1", "jupyter"), _row("com2", "Twice"), _row("com3", "Twice"), _row("com4", "pytorch 2.8")],
}


def _find(wanted: str) -> tuple[str, list[str]]:
    catalog = Catalog(CATALOG)
    return template_base.find(wanted, cast("Cloud", catalog))[0].id, catalog.asked


@pytest.mark.parametrize(
    ("wanted", "found", "asked"),
    [
        ("off1", "off1", ["off1", "own", "official"]),
        ("Train", "own1", ["Train", "own"]),
        ("ComfyUI", "own2", ["ComfyUI", "own"]),
        ("PyTorch 2.8", "off1", ["own", "official"]),
        ("  pytorch 2.8", "off1", ["own", "official"]),
        ("jupyter", "ver1", ["jupyter", "own", "official", "verified"]),
    ],
)
def test_an_id_comes_before_a_name_and_own_ones_before_the_catalog(wanted: str, found: str, asked: list[str]) -> None:
    assert _find(wanted) == (found, asked)


@pytest.mark.parametrize(
    ("wanted", "source", "is_strange"),
    [
        ("own1", "your account's", False),
        ("Train", "your account's", False),
        ("off1", "an official one", False),
        ("PyTorch 2.8", "an official one", False),
        ("ver1", "a verified one, made by somebody else", True),
        ("Jupyter", "a verified one, made by somebody else", True),
        ("com1", "the community's", True),
        ("com4", "the community's", True),
    ],
)
def test_where_it_is_from_is_told_and_what_strangers_made_wants_an_agreement(
    wanted: str, source: str, is_strange: bool
) -> None:
    made = template_base.from_runpod(wanted, cast("Cloud", Catalog(CATALOG)), "now")

    assert source in made.notes[0]
    assert template_document.wants_consent(made.raw) == is_strange
    assert ("RunPod's template" in template_document.origin_of(made.raw)) == is_strange


def test_what_no_list_has_is_a_strangers() -> None:
    class Hidden(Catalog):
        def template(self, template_id: str) -> RunPodTemplate:
            return _row(template_id, "X")

    made = template_base.from_runpod("unlisted", cast("Cloud", Hidden(CATALOG)), "now")

    assert template_document.wants_consent(made.raw)


def test_two_of_one_name_are_listed() -> None:
    with pytest.raises(UsageProblem, match="2 of RunPod's templates are called `Twice`") as caught:
        _find("Twice")

    assert caught.value.details == (f"com2: {IMAGE}", f"com3: {IMAGE}")


@pytest.mark.parametrize(
    ("wanted", "near"), [("PyTorsh 2.8", "`PyTorch 2.8` (off1)"), ("orch 2", "(off1)"), ("zzz", "id")]
)
def test_an_unknown_name_gives_the_nearest(wanted: str, near: str) -> None:
    with pytest.raises(NotFound) as caught:
        _find(wanted)

    assert near in (caught.value.hint or "")


@pytest.mark.parametrize("wanted", ["ver2", "Worker"])
def test_a_serverless_template_makes_no_pod(wanted: str) -> None:
    with pytest.raises(UsageProblem, match="serverless"):
        _find(wanted)


def test_what_runpod_keeps_becomes_a_template() -> None:
    found = RunPodTemplate(
        "x",
        "X",
        image=IMAGE,
        args="serve --port 8000",
        disk_gb=30,
        volume=Volume("/data", size_gb=20),
        ports=("22/tcp", "8888/http", "5000/tcp"),
        env={"HF_TOKEN": "hf_x", "A": "b", "PUBLIC_KEY": "ssh-ed25519 x"},
        registry_id="reg1",
        allowed_cuda_versions=("12.8", "13.0"),
    )

    base = template_base.base(found)

    template = template_module.parse("t", {"gpuPreference": ["A40"], **base.raw})
    assert template_module.to_json(template) == {
        "name": "t",
        "gpuPreference": ["A40"],
        "container": {
            "imageName": IMAGE,
            "args": "serve --port 8000",
            "containerDiskInGb": 30,
            "volumeInGb": 20,
            "ports": [22, 8888, "5000/tcp"],
            "env": {"HF_TOKEN": "${env:HF_TOKEN}", "A": "b"},
        },
        "volumeMountPath": "/data",
        "registryAuthId": "reg1",
        "allowedCudaVersions": ["12.8", "13.0"],
    }
    assert [note for note in base.notes if "hf_x" in note] == []
    assert "HF_TOKEN looks like a secret" in base.notes[0]


def test_what_is_not_told_is_said() -> None:
    base = template_base.base(RunPodTemplate("x", "X", image="a/b:1", category="AMD", start_jupyter=True))

    template = template_module.parse("t", {"gpuPreference": ["MI300X"], **base.raw})
    assert template.container.container_disk_in_gb == 20
    for word in ("no container disk", "--min-cuda", "AMD", "Jupyter"):
        assert any(word in note for note in base.notes)


def test_a_start_script_is_found_again() -> None:
    base = template_base.base(_row("x", "X", args=start_script.to_args("echo hi\n")))

    assert base.raw["container"]["startScript"] == "echo hi\n"
    assert "args" not in base.raw["container"]
