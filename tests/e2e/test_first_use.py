"""From an empty home to `ssh my-pod` and back, as a new user would."""

import json
import stat
from collections.abc import Callable

from conftest import IMAGE, User, World

POD = f"""
[[account.pod]]
id = "source1"
name = "by-hand"
image = "{IMAGE}"
gpu = "NVIDIA GeForce RTX 4090"
disk = 30
volume = 50
ports = ["22/tcp", "8888/http", "5000/tcp"]
env = {{ HF_HOME = "/workspace/hf", HF_TOKEN = "hf_secret_value" }}
"""


def test_a_pod_becomes_a_template_and_the_template_a_pod(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(POD)

    user.rp("template", "derive", "sd", "--from", "source1")
    deployed = user.rp("deploy", "sd", "--alias", "my-pod", "--json", HF_TOKEN="hf_other").json

    pods = {pod["id"]: pod for pod in world.pods}
    source, made = pods["source1"], pods[deployed["id"]]
    assert made["gpu"] == source["gpu"]
    assert made["dataCenter"] == source["dataCenter"]
    [create] = world.calls("createPod")
    assert create["body"]["disk"] == 30
    assert create["body"]["mounts"] == {"persistent": {"size": 50, "path": "/workspace"}}
    assert create["body"]["ports"] == ["22/tcp", "8888/http", "5000/tcp"]
    assert create["body"]["env"]["HF_HOME"] == "/workspace/hf"
    assert create["body"]["env"]["HF_TOKEN"] == "hf_other"
    assert create["body"]["gpu"] == {"id": "NVIDIA GeForce RTX 4090", "count": 1, "minCudaVersion": "12.8"}
    assert create["body"]["startSsh"] is True


def test_plain_ssh_works_the_moment_deploy_returns(user: User, world: World) -> None:
    user.write_template()

    user.rp("deploy", "sd", "--alias", "my-pod")

    answer = user.ssh("my-pod", "echo $((6 * 7))")
    assert answer.out == "42\n", answer.err
    assert answer.err == ""


def test_the_list_shows_pods_with_and_without_an_alias(user: User, make_world: Callable[..., World]) -> None:
    make_world(POD)
    user.write_template()
    user.rp("deploy", "sd", "--alias", "my-pod")

    listed = user.rp("list")
    entries = user.rp("list", "--json").json

    assert [line.split("\t")[0] for line in listed.out.splitlines()] == ["my-pod", "-"]
    assert "1 pod has no alias here, together $0.74/h" in listed.err
    assert [entry["alias"] for entry in entries] == ["my-pod", None]
    assert {entry["status"] for entry in entries} == {"RUNNING"}


def test_the_list_is_one_call(user: User, world: World) -> None:
    user.rp("list")

    assert [call["operation"] for call in world.ledger["calls"]] == ["listPods"]


def test_stop_keeps_the_alias_and_the_volume_and_says_what_it_costs(user: User, world: World) -> None:
    user.write_template(container={"imageName": IMAGE, "volumeInGb": 100})
    user.rp("deploy", "sd", "--alias", "my-pod")

    stopped = user.rp("stop", "my-pod")

    assert "100 GB volume is kept and costs $0.0274/h" in stopped.out
    assert [pod["status"] for pod in world.alive] == ["EXITED"]
    assert "my-pod" in user.aliases
    assert user.ssh("my-pod", "true").code == 255
    assert "already" in user.rp("stop", "my-pod").out
    assert user.rp("list").out.split("\t")[5] == "0.0274"


def test_terminate_ends_the_pod_and_forgets_it_everywhere(user: User, world: World) -> None:
    user.write_template()
    pod_id = user.rp("deploy", "sd", "--alias", "my-pod", "--json").json["id"]

    refused = user.rp("terminate", "my-pod", code=2)
    user.rp("terminate", "my-pod", "--yes")

    assert "--yes" in refused.err
    assert world.alive == []
    assert user.aliases == {}
    assert pod_id not in (user.config / "ssh_config").read_text()
    assert pod_id not in (user.state / "known_hosts").read_text()


def test_an_alias_can_be_added_used_and_forgotten(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(POD.replace("[[account.pod]]", "[[account.pod]]\nstart_ssh = true"))

    added = user.rp("add", "mine", "source1")
    removed = user.rp("remove", "mine")

    assert "mine is pod source1 (RUNNING)" in added.out
    assert "source1" in removed.out
    assert user.aliases == {}
    assert len(world.alive) == 1


def test_the_users_ssh_config_gets_one_line_at_its_top_and_nothing_else(user: User, world: World) -> None:
    config = user.home / ".ssh" / "config"
    before = b"Host *\r\n    User me\r\n# no newline at the end"
    config.write_bytes(before)
    config.chmod(0o640)
    user.write_template()

    first = user.rp("deploy", "sd", "--alias", "a")
    user.rp("deploy", "sd", "--alias", "b")

    line, rest = config.read_bytes().split(b"\r\n", 1)
    assert line == f'Include "{user.config / "ssh_config"}"'.encode()
    assert rest == before
    assert stat.S_IMODE(config.stat().st_mode) == 0o640
    assert "Include" in first.err
    assert user.ssh("a", "whoami").code == 0
    assert user.ssh("b", "whoami").code == 0


def test_all_that_is_written_is_private(user: User, world: World) -> None:
    user.write_template()
    user.rp("deploy", "sd", "--alias", "my-pod")
    (user.config / "templates.json").unlink()

    written = [path for folder in (user.config, user.state) for path in folder.rglob("*") if path.is_file()]

    assert [path for path in written if path.stat().st_mode & 0o077] == []
    assert user.state.stat().st_mode & 0o077 == 0


def test_the_alias_file_keeps_its_old_form(user: User, world: World) -> None:
    user.write_config("pods.json", json.dumps({"old": "abc123"}))
    user.write_template()

    pod_id = user.rp("deploy", "sd", "--alias", "new", "--json").json["id"]

    assert (user.config / "pods.json").read_text() == f'{{\n  "new": "{pod_id}",\n  "old": "abc123"\n}}\n'
    assert user.rp("list").out.splitlines()[1].startswith("old\tabc123\tgone\t")
