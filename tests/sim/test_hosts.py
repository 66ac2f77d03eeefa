"""The same machine again, pulls of large images, and SSH sessions on machines that are not well."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rp_sim import pull
from sim.api import AT_ONCE, GPU, Api, wait_for
from sim.remote import Key, connected, reachable
from sim.test_world import Stage

ONE_MACHINE = f"""
[[stock]]
count = "none"
[[stock]]
gpu = "{GPU}"
data_center = "EU-RO-1"
cloud = "SECURE"
count = 2
gpus_per_host = 2
"""
LARGE = '[images."*"]\npull_s = 200\nsize_gb = 20\n'


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return Key(tmp_path_factory.mktemp("key"))


def test_with_one_machine_in_stock_a_retry_lands_on_it_again(api: Api, key: Key, tmp_path: Path) -> None:
    api.scenario(AT_ONCE + ONE_MACHINE)
    seen = set()
    for _ in range(2):
        pod, remote = reachable(api, key, tmp_path)
        user = pod["ssh"]["proxy"]["username"]
        found = re.fullmatch(rf"{pod['id']}-([0-9a-f]{{8}})", user)
        assert found, user
        seen.add((found[1], pod["dataCenterId"], remote.out("nvidia-smi -L")))
        api.call("DELETE", f"/v2/pods/{pod['id']}")
    assert len(seen) == 1
    assert api.create(gpu={"id": GPU, "count": 3}).status == 400


def test_two_machines_have_two_names_and_two_sets_of_gpus() -> None:
    world = Stage(ONE_MACHINE.replace("count = 2", "count = 4")).after(0)
    hosts = world.stock.pool("EU-RO-1", GPU, "SECURE").hosts
    assert len({host.id for host in hosts}) == 2


def system_log(stage: Stage) -> list[str]:
    world = stage.world
    (pod,) = world.pods.values()
    return [line.text for line in world.life.log(pod).after(0)]


def test_a_long_pull_tells_how_far_it_is() -> None:
    stage = Stage(LARGE)
    pod = stage.world.create(_body())
    stage.after(100)
    assert str(pod.status) == "STARTING"
    half = [line for line in system_log(stage) if "Downloading" in line]
    assert 10 <= len(half) <= 25
    assert all(re.fullmatch(r"[0-9a-f]{12}: Downloading \[=*> *\]  \S+B/\S+B  \d+%", line) for line in half)
    stage.after(110)
    assert str(pod.status) == "RUNNING"
    assert any("Extracting" in line for line in system_log(stage))
    assert len({line[:12] for line in half}) > 1


def test_a_pull_takes_time_by_its_size() -> None:
    stage = Stage('[images."*"]\nsize_gb = 5\n')
    pod = stage.world.create(_body())
    stage.after(30)
    assert str(pod.status) == "STARTING"
    stage.after(15)
    assert str(pod.status) == "RUNNING"


def test_a_pull_that_stops_half_way() -> None:
    stage = Stage(LARGE + '[[jank]]\nkind = "pull_stalls"\n')
    pod = stage.world.create(_body())
    stage.after(150)
    before = system_log(stage)
    stage.after(3600)
    assert (pod.status, system_log(stage)) == ("STARTING", before)
    assert "Downloading" in before[-1]


@pytest.mark.parametrize("done", [0.001, 0.3, 0.69, 0.7, 0.99, 1.0])
def test_no_layer_is_more_than_whole(done: float) -> None:
    line = pull.line("image", 20, done)
    assert 0 <= int(line.rpartition("  ")[2].rstrip("%")) <= 100


def test_a_crash_loop_says_why() -> None:
    why = "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8"
    stage = Stage(f'[[jank]]\nkind = "crash_loop"\nmessage = "{why}"\n')
    stage.world.create(_body())
    stage.after(30)
    assert sum(why in line for line in system_log(stage)) > 10


def test_a_script_sees_and_says_the_containers_own_names(api: Api, key: Key, tmp_path: Path) -> None:
    _, remote = reachable(api, key, tmp_path, mounts={"persistent": {"size": 10, "path": "/data"}})
    script = b'ls /dev/nvidia0; echo $HOME "${X:-/data}"; df -Pk /data; grep " /data " "$RP_ROOT"/proc/mounts; ls /gone'
    done = remote.ssh("sh -s", stdin=script)
    lines = done.stdout.decode().splitlines()
    assert lines[:2] == ["/dev/nvidia0", "/root /data"]
    assert lines[3].endswith(" /data")
    assert lines[4] == "/dev/nvme1n1p1 /data ext4 rw,relatime 0 0"
    assert b"/gone" in done.stderr


def test_listeners_of_the_machine_are_in_the_pods_table(api: Api, key: Key, tmp_path: Path) -> None:
    if not Path("/proc/net/tcp").exists():
        pytest.skip("no /proc on this machine")
    _, remote = reachable(api, key, tmp_path)
    row = f":{int(remote.port):04X} "
    assert row in remote.ssh("sh -s", stdin=b'cat "$RP_ROOT/proc/net/tcp"').stdout.decode()


def test_environments_that_lack_something_or_have_too_much(api: Api, key: Key, tmp_path: Path) -> None:
    api.scenario(AT_ONCE + '[[jank]]\nkind = "env_missing"\nnames = ["TOKEN"]\n[[jank]]\nkind = "poisoned_env"\n')
    image = "runpod/pytorch:2.8.0-py3.11-cuda12.8.1-cudnn-devel-ubuntu22.04"
    _, remote = reachable(api, key, tmp_path, env={"TOKEN": "t", "OTHER": "o"}, image=image)
    names = remote.out("tr '\\0' '\\n' </proc/1/environ").splitlines()
    assert "OTHER=o" in names
    assert "CUDA_VERSION=12.8.1" in names
    assert not any(line.startswith("TOKEN=") for line in names)
    assert any(line.startswith("LD_LIBRARY_PATH=/usr/local/cuda/compat") for line in names)
    assert "CUDA_VISIBLE_DEVICES=7" in remote.out("env").splitlines()


def test_few_open_files(api: Api, key: Key, tmp_path: Path) -> None:
    api.scenario(AT_ONCE + '[[jank]]\nkind = "few_files"\n')
    _, remote = reachable(api, key, tmp_path)
    assert remote.out("ulimit -n") == "256\n"
    assert remote.ssh("sh -s", stdin=b"ulimit -n").stdout == b"256\n"


def test_a_connection_that_drops(api: Api, key: Key, tmp_path: Path) -> None:
    pod = api.running_pod(env={"PUBLIC_KEY": key.public})
    remote = connected(api, key, pod["id"], tmp_path)
    assert remote.ssh("sleep 0.2; echo done").stdout == b"done\n"
    api.scenario(AT_ONCE + '[[jank]]\nkind = "ssh_drops"\ndelay_s = 0.3\n')
    pod = api.running_pod(env={"PUBLIC_KEY": key.public})
    remote = connected(api, key, pod["id"], tmp_path)
    done = remote.ssh("echo begin; sleep 5; echo end")
    assert (done.stdout, done.returncode) == (b"begin\n", 255)


def test_a_machine_that_takes_its_time_to_answer(api: Api, key: Key, tmp_path: Path) -> None:
    api.scenario(AT_ONCE + '[[jank]]\nkind = "slow_ssh"\ndelay_s = 0.4\n')
    _, remote = reachable(api, key, tmp_path)
    wait_for(lambda: remote.out("date") != "")


def _body() -> dict[str, object]:
    return {
        "name": "a",
        "image": "runpod/pytorch:2.8.0",
        "gpu": {"id": GPU, "count": 1},
        "disk": 20,
        "ports": ["22/tcp"],
    }
