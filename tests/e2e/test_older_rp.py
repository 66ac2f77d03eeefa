"""Those who come from rp 0.4 find what they had."""

import json

from conftest import User, World

PODS = {
    "aliases": {"plain": "pod-a"},
    "pod_metadata": {"described": {"pod_id": "pod-b", "config": {"path": "/workspace/x"}}},
    "scheduled_tasks": [],
    "pod_templates": {
        "ml": {
            "identifier": "ml",
            "alias_template": "ml-{i}",
            "gpu_spec": "2xA40",
            "storage_spec": "1TB",
            "container_disk_spec": None,
            "image": None,
            "config": {},
        }
    },
}
BLOCK = """\
Host my-pod
    # rp:managed alias=my-pod pod_id=abc123 updated=2025-01-01T12:00:00Z
    HostName 192.0.2.7
    User root
    Port 12345
    IdentitiesOnly yes
    IdentityFile ~/.ssh/runpod
    ForwardAgent yes
"""


def test_aliases_and_templates_of_the_nested_file_are_carried_over_with_a_backup(user: User, world: World) -> None:
    user.write_config("pods.json", json.dumps(PODS))

    aliases = [line.split("\t")[0] for line in user.rp("list").out.splitlines()]
    user.rp("deploy", "ml", "--yes")

    assert aliases == ["described", "plain"]
    assert set(user.aliases) == {"described", "plain", "ml-1"}
    assert json.loads((user.config / "pods.json.0.4").read_text()) == PODS
    body = world.calls("createPod")[0]["body"]
    assert (body["gpu"]["id"], body["gpu"]["count"]) == ("NVIDIA A40", 2)
    assert body["mounts"]["persistent"]["size"] == 1000


def test_a_template_of_the_same_name_is_not_replaced(user: User, world: World) -> None:
    user.write_template("ml")
    before = user.rp("template", "show", "ml").json
    user.write_config("pods.json", json.dumps(PODS))

    user.rp("list")

    assert user.rp("template", "show", "ml").json == before


def test_host_blocks_in_the_users_file_move_and_what_follows_them_stays(user: User, world: World) -> None:
    config = user.home / ".ssh" / "config"
    mine = "# mine\nHost other\n    User me\n"
    config.write_text("Host first\n    Port 99\n\n" + BLOCK + mine)
    user.write_template()

    user.rp("deploy", "sd", "--alias", "new")

    assert config.read_text() == f'Include "{user.config / "ssh_config"}"\nHost first\n    Port 99\n\n{mine}'
    moved = (user.config / "ssh_config").read_text()
    assert "Host my-pod" in moved
    assert "HostName 192.0.2.7" in moved
    assert "ForwardAgent yes" not in moved
    assert user.ssh("new", "true").code == 0


def test_a_block_of_the_users_own_with_the_same_name_stays(user: User, world: World) -> None:
    config = user.home / ".ssh" / "config"
    config.write_text("Host my-pod bastion\n    HostName 192.0.2.9\n")
    user.write_template()

    user.rp("deploy", "sd", "--alias", "new")

    assert config.read_text().endswith("\nHost my-pod bastion\n    HostName 192.0.2.9\n")


def test_the_key_that_the_older_rp_used_comes_first(user: User, world: World) -> None:
    for name in ("id_ed25519", "id_ed25519.pub"):
        (user.home / ".ssh" / name).rename(user.home / ".ssh" / name.replace("id_ed25519", "runpod"))
    user.write_template()

    user.rp("deploy", "sd", "--alias", "new")

    assert f'IdentityFile "{user.home / ".ssh" / "runpod"}"' in (user.config / "ssh_config").read_text()
