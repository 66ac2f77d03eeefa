"""`rp template create`, `rename`, `copy`, `validate`, `diff`, `schema`; a pod and its twin."""

import json
from collections.abc import Callable
from typing import Any

import pexpect
import pytest
from jsonschema import Draft202012Validator

from conftest import IMAGE, RP, User, World

GPU = "NVIDIA GeForce RTX 4090"
RUNPODS = """
[[account.template]]
id = "mytemplate1"
name = "Train"
image = "example/train:cuda12.8"
args = "serve --port 8000"
disk = 60
volume = 40
mount_path = "/data"
ports = ["22/tcp", "8000/http"]
env = { WANDB_API_KEY = "secret-value", MODE = "fast" }
[[account.template]]
id = "myworker1"
name = "Worker"
image = "example/worker:1"
serverless = true
"""


def _stored(user: User) -> dict[str, Any]:
    path = user.config / "templates.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def test_options_make_a_template_that_deploys(user: User, empty_world: World) -> None:
    script = user.write_config("start.sh", "#!/bin/sh\necho 'hi' $HOME\n")
    made = user.rp(
        *("template", "create", "sd", "--gpu", "4090,H100", "--count", "1", "--image", IMAGE, "--cloud", "all"),
        *("--region", "EU,US", "--container-disk", "30", "--volume", "50", "--volume-path", "/data"),
        *("--port", "7860,5000/tcp", "--port", "8888", "--env", "A=b=c", "--env", "HF_TOKEN=hf_x"),
        *("--start-script", str(script), "--smoke", "nvidia-smi", "--smoke", "echo 'a, b'"),
        *("--max-price", "2.5", "--min-cuda", "12.8", "--alias-pattern", "sd-{i}", "--tag", "purpose=sd", "--json"),
    )

    assert made.json == _stored(user)["sd"]
    assert made.json == {
        "name": "sd",
        "gpuPreference": ["4090", "H100"],
        "gpuCount": 1,
        "cloudPreference": ["ALL"],
        "regionPreference": ["EU", "US"],
        "container": {
            "imageName": IMAGE,
            "containerDiskInGb": 30,
            "volumeInGb": 50,
            "ports": [7860, "5000/tcp", 8888],
            "env": {"A": "b=c", "HF_TOKEN": "hf_x"},
            "startScript": "#!/bin/sh\necho 'hi' $HOME\n",
        },
        "volumeMountPath": "/data",
        "health": {"smokeCommands": ["nvidia-smi", "echo 'a, b'"]},
        "maxPricePerHour": 2.5,
        "minCudaVersion": "12.8",
        "aliasPattern": "sd-{i}",
        "tags": {"purpose": "sd"},
    }
    assert "--env 'HF_TOKEN=${env:HF_TOKEN}'" in made.err
    assert "hf_x" not in made.err
    user.write_config("pods.json", json.dumps({"sd-1": "p1", "sd-3": "p3"}))
    assert user.rp("deploy", "sd", "--dry-run", "--json").json["alias"] == "sd-2"


def test_options_that_make_no_template_are_refused_with_every_problem(user: User) -> None:
    user.write_template("taken")
    before = _stored(user)
    base = ("--gpu", "H100", "--image", "i")

    for words, texts in (
        (("sd", "--gpu", "H100"), ["a template needs --image", "on a terminal, rp asks"]),
        (("sd", *base, "--min-cuda", "12", "--port", "x", "--volume-path", "w"), ["minCudaVersion", "`x`", "`w`"]),
        (("sd", *base, "--volume", "5"), ["smallest volume is 10 GB"]),
        (("sd", *base, "--alias-pattern", "a b"), ["sd.aliasPattern"]),
        (("sd", *base, "--tag", "x"), ["--tag wants KEY=VALUE"]),
        (("../sd", *base), ["cannot be a template's name"]),
        (("taken", *base), ["template `taken` exists", "--force"]),
    ):
        refused = user.rp("template", "create", *words, code=2)
        assert [text for text in texts if text not in refused.err] == []

    missing = user.rp("template", "create", "sd", *base, "--start-script", "none.sh", code=6)
    assert "no file none.sh" in missing.err
    assert _stored(user) == before


def test_questions_are_asked_on_a_terminal_until_the_answers_are_good(user: User) -> None:
    child = pexpect.spawn(RP, ["template", "create", "sd", "--count", "2"], env=dict(user.env), timeout=30)
    for question, answer in (
        ("GPUs, the best first, as H100, A100 80gb: ", ""),
        ("a template needs this", None),
        ("GPUs, the best first, as H100, A100 80gb: ", "H100, A40"),
        ("image: ", IMAGE),
        ("cloud: SECURE, COMMUNITY or ALL [SECURE]: ", "private"),
        ("`PRIVATE` is none of SECURE, COMMUNITY, ALL", None),
        ("[SECURE]: ", "all"),
        ("[anywhere]: ", ""),
        ("container disk in GB [20]: ", "lots"),
        ("`lots` is no number", None),
        ("[20]: ", "30"),
        ("volume in GB, 0 for none [0]: ", "5"),
        ("smallest volume is 10 GB", None),
        ("[0]: ", ""),
        ("ports, as 7860, 5000/tcp [22]: ", "7860"),
        ("[none]: ", "nvidia-smi"),
        ("most USD per hour [no limit]: ", "$3"),
        ("template sd is in", None),
    ):
        child.expect_exact(question)
        if answer is not None:
            child.sendline(answer)
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 0
    assert _stored(user)["sd"] == {
        "name": "sd",
        "gpuPreference": ["H100", "A40"],
        "gpuCount": 2,
        "cloudPreference": ["ALL"],
        "container": {"imageName": IMAGE, "containerDiskInGb": 30, "ports": [7860]},
        "health": {"smokeCommands": ["nvidia-smi"]},
        "maxPricePerHour": 3.0,
    }


def test_ctrl_d_ends_the_questions_and_stores_nothing(user: User) -> None:
    child = pexpect.spawn(RP, ["template", "create", "sd"], env=dict(user.env), timeout=30)
    child.expect_exact("80gb: ")
    child.sendline("H100")
    child.expect_exact("[1]: ")
    child.sendeof()
    child.expect_exact("nothing was stored")
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 1
    assert _stored(user) == {}


def test_one_of_your_own_can_be_the_base(user: User) -> None:
    user.write_template("a", note="mine", container={"imageName": IMAGE, "env": {"A": "1"}})

    user.rp("template", "create", "b", "--from", "a", "--count", "8", "--env", "B=2")
    user.rp("template", "create", "c", "--from", "none", code=6)

    stored = _stored(user)
    assert stored["b"] == {
        **stored["a"],
        "name": "b",
        "gpuCount": 8,
        "container": {"imageName": IMAGE, "env": {"A": "1", "B": "2"}},
    }


def test_runpods_own_templates_can_be_the_base(user: User, make_world: Callable[..., World]) -> None:
    make_world(RUNPODS)

    by_id = user.rp("template", "create", "a", "--from-runpod", "mytemplate1", "--gpu", "4090")
    user.rp("template", "create", "b", "--from-runpod", "train", "--gpu", "4090", "--volume", "0")
    user.rp("template", "create", "c", "--from-runpod", "PyTorch 2.8", "--gpu", "4090")
    serverless = user.rp("template", "create", "d", "--from-runpod", "Worker", "--gpu", "4090", code=2)
    unknown = user.rp("template", "create", "d", "--from-runpod", "PyTorsh 2.8", "--gpu", "4090", code=6)
    without = user.rp("template", "create", "d", "--from-runpod", "train", code=2)
    strange = user.rp("template", "create", "e", "--from-runpod", "Fooocus with models", "--gpu", "4090")

    stored = _stored(user)
    assert stored["a"] == {
        "name": "a",
        "gpuPreference": ["4090"],
        "container": {
            "imageName": "example/train:cuda12.8",
            "args": "serve --port 8000",
            "containerDiskInGb": 60,
            "volumeInGb": 40,
            "ports": [22, 8000],
            "env": {"WANDB_API_KEY": "${env:WANDB_API_KEY}", "MODE": "fast"},
        },
        "volumeMountPath": "/data",
    }
    assert "WANDB_API_KEY looks like a secret" in by_id.err
    assert "secret-value" not in by_id.out + by_id.err
    assert stored["b"]["container"]["volumeInGb"] == 0
    assert stored["c"]["container"]["imageName"] == "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404"
    assert "serverless" in serverless.err
    assert "`PyTorch 2.8` (30zmvf89kd)" in unknown.err
    assert "needs --gpu" in without.err
    assert "d" not in stored
    assert "$imported" not in stored["c"]
    assert stored["e"]["$imported"]["agreed"] is False
    assert "one of the community's" in strange.err
    assert f"  image          {stored['e']['container']['imageName']}" in strange.err


def test_rename_and_copy_keep_what_rp_does_not_know(user: User) -> None:
    named = {"gpuPreference": ["L4"], "container": {"imageName": "i"}, "name": "a", "note": "mine"}
    user.write_config("templates.json", json.dumps({"a": named}))
    user.write_template("b")
    before = _stored(user)

    for words in (("copy", "a", "b"), ("rename", "a", "b"), ("copy", "a", "../x"), ("rename", "a", "a")):
        user.rp("template", *words, code=2)
    user.rp("template", "rename", "aa", "c", code=6)
    assert _stored(user) == before
    user.rp("template", "copy", "a", "c")
    user.rp("template", "rename", "a", "b", "--force")

    assert _stored(user) == {"b": {**before["a"], "name": "b"}, "c": {**before["a"], "name": "c"}}


def test_validate_tells_all_that_is_wrong_with_all_of_them(user: User) -> None:
    assert user.rp("template", "validate").out == "no templates\n"
    user.write_template("good", note="mine")
    user.write_template("bad", gpuCount=0, gpuPreference=[])
    user.write_template("worse", stopAfter="1h", aliasPattern="a b")
    broken = user.home / "x.json"
    broken.write_text('{"container": {"imageName": "i"}}')

    every = user.rp("template", "validate", code=1)
    good = user.rp("template", "validate", "good", "--json").json
    file = user.rp("template", "validate", "--file", str(broken), code=1)
    piped = user.rp("template", "validate", "--file", "-", stdin=(user.config / "templates.json").read_text(), code=1)

    assert every.out.splitlines() == [
        "bad: not valid",
        "  bad.gpuPreference: needs at least one GPU",
        "  bad.gpuCount: must be at least 1, is 0",
        "good: valid",
        "  warning: good.note: unknown key",
        "worse: not valid",
        '  worse.aliasPattern: `a b` cannot be an alias; a good one is "sd-{i}"',
        "  worse.stopAfter: this rp cannot stop a pod by itself yet; take it out",
    ]
    assert good == {
        "templates": [{"name": "good", "valid": True, "problems": [], "warnings": ["good.note: unknown key"]}]
    }
    assert file.out == "x: not valid\n  x.gpuPreference: is missing\n"
    assert sorted(piped.out.splitlines()) == sorted(every.out.splitlines())
    user.rp("template", "validate", "good", "--file", "-", code=2)
    user.rp("template", "validate", "goood", code=6)


def test_diff_tells_key_by_key(user: User) -> None:
    user.write_template("a")
    user.write_template("b", gpuCount=2, cloudPreference=["SECURE"], tags={"x": "\x1b[31m\n"})
    user.write_template("bad", gpuCount=0)
    user.rp("template", "export", "a", "-o", str(user.home / "a.json"))

    found = user.rp("template", "diff", "a", "b", code=1)
    same = user.rp("template", "diff", "a", str(user.home / "a.json"))
    invalid = user.rp("template", "diff", "a", "bad", code=2)
    # What could not be compared is not called different.
    (user.home / "none.json").write_text("{")
    user.rp("template", "diff", "a", str(user.home / "none.json"), code=2)
    user.rp("template", "diff", "a", str(user.home), code=2)

    assert found.out == '- gpuCount: 1\n+ gpuCount: 2\n+ tags.x: "\\u001b[31m\\n"\n'
    assert same.out == "no difference\n"
    assert "bad.gpuCount" in invalid.err
    assert user.rp("template", "diff", "a", "b", "--json", code=1).json == {
        "equal": False,
        "differences": [{"key": "gpuCount", "left": 1, "right": 2}, {"key": "tags.x", "right": "\x1b[31m\n"}],
    }


def test_the_schema_is_one_and_accepts_what_create_makes(user: User) -> None:
    schema = user.rp("template", "schema").json
    user.rp("template", "create", "sd", "--gpu", "H100", "--image", "i", "--port", "22,7860", "--max-price", "1")

    Draft202012Validator.check_schema(schema)
    assert list(Draft202012Validator(schema).iter_errors(_stored(user)["sd"])) == []
    assert not Draft202012Validator(schema).is_valid({**_stored(user)["sd"], "gpuCuont": 1})


@pytest.mark.slow
def test_a_pod_and_the_pod_of_the_template_derived_from_it_are_twins(
    user: User, make_world: Callable[..., World]
) -> None:
    world = make_world()
    user.write_template(
        "sd",
        container={
            "imageName": IMAGE,
            "containerDiskInGb": 33,
            "volumeInGb": 44,
            "ports": [22, 7860, "5000/tcp"],
            "env": {"QUOTED": 'it\'s "so"\n$HOME `id` \\', "GREETING": "ü λ", "HF_TOKEN": "${env:HF_TOKEN}"},
            "startScript": '#!/bin/sh\necho "it\'s $HOME" > started\n',
        },
        volumeMountPath="/data",
        tags={"purpose": "a b&c=ü", "team": ""},
    )

    user.rp("deploy", "sd", "--alias", "one", HF_TOKEN="hf_x")
    user.rp("template", "derive", "twin", "--from", "one")
    same = user.rp("template", "diff", "sd", "pod:one", code=1)
    user.rp("deploy", "twin", "--alias", "two", "--health", "off", HF_TOKEN="hf_x")

    first, second = (call["body"] for call in world.calls("createPod"))
    place = {"dataCenterIds": [pod["dataCenter"] for pod in world.pods if pod["id"] == user.aliases["one"]]}
    assert second == {**first, **place, "name": second["name"]}
    one, two = ({pod["id"]: pod for pod in world.pods}[user.aliases[alias]] for alias in ("one", "two"))
    assert [one[key] for key in ("gpu", "count", "cloud", "dataCenter", "image")] == [
        two[key] for key in ("gpu", "count", "cloud", "dataCenter", "image")
    ]
    assert {line.split()[1] for line in same.out.splitlines()} == {"regionPreference:"}
