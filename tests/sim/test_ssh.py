"""Pods are SSH servers for the machine's own ssh, scp, sftp and rsync."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sim.api import AT_ONCE, Api, wait_for
from sim.remote import Key, Remote, connected, reachable

if TYPE_CHECKING:
    from sim.api import Answer

WORKSPACE = {"persistent": {"size": 10, "path": "/workspace"}}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return Key(tmp_path_factory.mktemp("key"))


def test_a_command_runs_for_real(api: Api, key: Key, tmp_path: Path) -> None:
    pod, remote = reachable(api, key, tmp_path)
    assert remote.ssh("exit 7").returncode == 7
    assert remote.ssh("kill -TERM $$").returncode != 0
    done = remote.ssh("cat; echo err >&2", stdin=b"hello")
    assert (done.stdout, done.stderr) == (b"hello", b"err\n")
    assert remote.out("echo $USER").strip() == "root"
    assert remote.out("pwd").strip() == remote.out("echo $HOME").strip()
    assert pod["id"] in remote.out("pwd")


def test_megabytes_pass_in_both_directions(api: Api, key: Key, tmp_path: Path) -> None:
    _, remote = reachable(api, key, tmp_path)
    data = os.urandom(3_000_000)
    for _ in range(8):  # the end of the input once got lost, one time in four
        assert remote.ssh("cat", stdin=data).stdout == data


def test_the_hardware_is_the_pods(api: Api, key: Key, tmp_path: Path) -> None:
    _, remote = reachable(api, key, tmp_path, gpu={"id": "NVIDIA A100-SXM4-80GB", "count": 2})
    listed = remote.out("nvidia-smi -L").splitlines()
    assert [line.partition(" (UUID: GPU-")[0] for line in listed] == [
        "GPU 0: NVIDIA A100-SXM4-80GB",
        "GPU 1: NVIDIA A100-SXM4-80GB",
    ]
    query = "nvidia-smi --query-gpu=name,memory.total,uuid,driver_version --format=csv"
    rows = remote.out(f"{query},noheader,nounits").splitlines()
    assert rows[0].split(", ")[:2] == ["NVIDIA A100-SXM4-80GB", "81920"]
    assert remote.out(query).splitlines()[0] == "name, memory.total [MiB], uuid, driver_version"
    assert "CUDA Version: 1" in remote.out("nvidia-smi")
    assert remote.out("nvidia-smi -q -x").count("<product_name>NVIDIA A100-SXM4-80GB</product_name>") == 2
    assert remote.ssh("nvidia-smi --query-gpu=nonsense --format=csv").returncode == 2
    assert remote.ssh("runpodctl").returncode == 127


def test_the_pods_environment_is_in_the_file_and_not_in_the_session(api: Api, key: Key, tmp_path: Path) -> None:
    pod, remote = reachable(api, key, tmp_path, env={"SECRET": "s3"})
    assert "SECRET" not in remote.out("env")
    facts = remote.out("cat /etc/rp_environment").splitlines()
    assert 'export SECRET="s3"' in facts
    assert f'export RUNPOD_POD_ID="{pod["id"]}"' in facts
    assert f'export RUNPOD_DC_ID="{pod["dataCenterId"]}"' in facts
    assert not any(line.startswith("export PUBLIC_KEY") for line in facts)
    assert remote.ssh("-tt", stdin=b"echo =$SECRET=; exit\n").stdout.count(b"=s3=") == 1


@pytest.mark.parametrize(
    "shell", ["sh", "bash -s", "sh -eus -- a b", "exec /bin/sh -s", "if true; then true; fi; exec sh -s"]
)
def test_a_script_on_stdin_finds_the_pods_own_places(api: Api, key: Key, tmp_path: Path, shell: str) -> None:
    pod, remote = reachable(api, key, tmp_path, mounts=WORKSPACE)
    script = b"cd /workspace\ntouch made\ntr '\\0' '\\n' </proc/1/environ | grep RUNPOD_POD_ID\nls /root"
    done = remote.ssh(shell, stdin=script)
    assert done.stdout.decode().split() == [f"RUNPOD_POD_ID={pod['id']}", "workspace"]
    assert remote.out("ls /workspace") == "made\n"


def test_other_input_arrives_as_it_was_sent(api: Api, key: Key, tmp_path: Path) -> None:
    _, remote = reachable(api, key, tmp_path)
    assert remote.ssh("cat", stdin=b"/workspace\n").stdout == b"/workspace\n"


def test_the_session_may_have_it_all_the_same(api: Api, key: Key, tmp_path: Path) -> None:
    api.scenario(AT_ONCE + "[pods]\nenv_in_ssh = true\n")
    _, remote = reachable(api, key, tmp_path, env={"SECRET": "s3"})
    assert remote.out("echo $SECRET") == "s3\n"


def test_a_terminal_is_a_terminal(api: Api, key: Key, tmp_path: Path) -> None:
    _, remote = reachable(api, key, tmp_path)
    assert b"/dev/" in remote.ssh("tty", flags=("-tt",)).stdout
    done = remote.ssh(flags=("-tt",), stdin=b"stty size; exit 5\n")
    assert done.returncode == 5
    assert b"24 80" in done.stdout


def test_only_root_with_the_right_key_gets_in(api: Api, key: Key, tmp_path: Path) -> None:
    pod, remote = reachable(api, key, tmp_path)
    stranger = Remote(Key(tmp_path, "other"), pod, tmp_path).ssh("true")
    assert (stranger.returncode, b"Permission denied" in stranger.stderr) == (255, True)
    words = ["ssh", *remote.options, "-p", remote.port, "ubuntu@127.0.0.1", "true"]
    assert subprocess.run(words, capture_output=True, timeout=20, check=False).returncode == 255


def test_the_accounts_keys_get_in_when_asked_for(api: Api, key: Key, tmp_path: Path) -> None:
    api.call("PUT", "/v2/account/ssh-keys", {"keys": [key.public]})
    pod = api.running_pod(startSsh=True)
    assert connected(api, key, pod["id"], tmp_path).out("echo in") == "in\n"
    assert pod["env"] == {}


def test_files_go_by_scp_both_ways(api: Api, key: Key, tmp_path: Path) -> None:
    _, remote = reachable(api, key, tmp_path, mounts=WORKSPACE)
    source = tmp_path / "file"
    source.write_bytes(os.urandom(100_000))
    for number, protocol in enumerate(("-s", "-O")):
        target = f"root@127.0.0.1:/workspace/f{number}"
        assert remote.tool("scp", protocol, str(source), target).returncode == 0
        assert remote.tool("scp", protocol, target, str(tmp_path / f"back{number}")).returncode == 0
        assert (tmp_path / f"back{number}").read_bytes() == source.read_bytes()
    assert remote.out("cd /workspace && ls").split() == ["f0", "f1"]


def test_sftp_starts_at_home(api: Api, key: Key, tmp_path: Path) -> None:
    _, remote = reachable(api, key, tmp_path)
    (tmp_path / "up").write_text("text", encoding="utf-8")
    batch = f"put {tmp_path}/up\nmkdir d\nrename up d/up\nget d/up {tmp_path}/down\nbye\n"
    done = remote.tool("sftp", "-b", "-", "root@127.0.0.1", stdin=batch.encode())
    assert done.returncode == 0, done
    assert (tmp_path / "down").read_text(encoding="utf-8") == "text"
    assert remote.out("cat d/up") == "text"


@pytest.mark.skipif(not shutil.which("rsync"), reason="no rsync on this machine")
def test_rsync_copies_a_tree(api: Api, key: Key, tmp_path: Path) -> None:
    _, remote = reachable(api, key, tmp_path)
    source = tmp_path / "tree"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "file").write_text("x" * 10_000, encoding="utf-8")
    words = ["rsync", "-a", "-e", remote.transport(), f"{source}/", "root@127.0.0.1:/workspace/tree"]
    done = subprocess.run(words, capture_output=True, timeout=20, check=False)
    assert done.returncode == 0, done
    assert remote.out("wc -c < /workspace/tree/deep/file").strip() == "10000"


def test_ports_are_forwarded(api: Api, key: Key, tmp_path: Path) -> None:
    _, remote = reachable(api, key, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as service:
        port = service.getsockname()[1]
        words = ["ssh", *remote.options, "-W", f"127.0.0.1:{port}", "-p", remote.port, "root@127.0.0.1"]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
            service.settimeout(10)
            connection, _ = service.accept()
            with connection:
                connection.sendall(b"hello")
            assert client.communicate(timeout=10)[0] == b"hello"


def test_a_stop_wipes_the_container_and_keeps_the_volume(api: Api, key: Key, tmp_path: Path) -> None:
    pod, remote = reachable(api, key, tmp_path, mounts=WORKSPACE)
    remote.out("touch here /workspace/there")
    api.act(pod["id"], "stop")
    api.act(pod["id"], "start")
    again = connected(api, key, pod["id"], tmp_path)
    assert again.out("ls") == "workspace\n"
    assert again.out("ls /workspace") == "there\n"


def test_without_a_volume_a_restart_wipes_everything(api: Api, key: Key, tmp_path: Path) -> None:
    pod, remote = reachable(api, key, tmp_path)
    remote.out("touch /workspace/there")
    api.act(pod["id"], "restart")
    (tmp_path / f"known_hosts_{pod['id']}").unlink()
    assert connected(api, key, pod["id"], tmp_path).out("ls /workspace") == ""


def test_every_container_has_new_host_keys_and_tells_them_in_its_log(api: Api, key: Key, tmp_path: Path) -> None:
    pod, remote = reachable(api, key, tmp_path)
    first = _fingerprint(remote)
    assert first in _log(api, pod["id"])
    api.act(pod["id"], "restart")
    remote.known_hosts.unlink()
    second = _fingerprint(connected(api, key, pod["id"], tmp_path))
    assert first != second
    log = _log(api, pod["id"])
    assert second in log
    assert first not in log


def test_processes_die_with_their_pod(api: Api, key: Key, tmp_path: Path) -> None:
    pod, remote = reachable(api, key, tmp_path)
    remote.out("setsid nohup sleep 300 >/dev/null 2>&1 & echo $! > pid; sleep 0.1")
    number = int(remote.out("cat pid"))
    assert _exists(number)
    api.act(pod["id"], "stop")
    wait_for(lambda: not _exists(number))


def test_a_network_volume_outlives_its_pods(api: Api, key: Key, tmp_path: Path) -> None:
    body = {"name": "v", "size": 10, "dataCenter": "US-KS-2"}
    volume = api.call("POST", "/v2/network-volumes", body).json["id"]
    mounts = {"network": [{"volumeId": volume, "path": "/data"}]}
    pod, remote = reachable(api, key, tmp_path, mounts=mounts)
    remote.out("echo kept > /data/file")
    api.call("DELETE", f"/v2/pods/{pod['id']}")
    _, remote = reachable(api, key, tmp_path, mounts=mounts)
    assert remote.out("cat /data/file") == "kept\n"


def test_args_run_first_and_hand_over(api: Api, key: Key, tmp_path: Path) -> None:
    script = "echo from args: $WORD; touch made; false; exec /start.sh"
    pod, remote = reachable(api, key, tmp_path, args=f"bash -c '{script}'", env={"WORD": "hi"})
    assert "made" in remote.out("ls")
    assert "from args: hi" in _log(api, pod["id"])


def test_args_that_do_not_hand_over_leave_no_sshd(api: Api, key: Key) -> None:
    pod = api.running_pod(args="sleep 300", env={"PUBLIC_KEY": key.public})
    port = pod["ssh"]["direct"]["port"]
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0


def test_failing_args_are_logged_and_sshd_comes_up(api: Api, key: Key, tmp_path: Path) -> None:
    pod, _ = reachable(api, key, tmp_path, args="bash -c 'exit 3; exec /start.sh'")
    assert "start command failed with exit status 3" in _log(api, pod["id"])


def test_other_images_tell_no_fingerprints(api: Api, key: Key, tmp_path: Path) -> None:
    pod, _ = reachable(api, key, tmp_path, image="ubuntu:24.04")
    assert "SHA256:" not in _log(api, pod["id"])


def test_the_pod_scoped_key_opens_its_own_pod_only(api: Api, key: Key, tmp_path: Path) -> None:
    other = api.running_pod()
    pod, remote = reachable(api, key, tmp_path)
    line = remote.out("grep RUNPOD_API_KEY /etc/rp_environment")
    own = line.partition('"')[2].strip().rstrip('"')
    assert _as(api, own, f"/v2/pods/{pod['id']}").status == 200
    assert _as(api, own, f"/v2/pods/{other['id']}").status == 403
    for closed in ("/v2/pods", "/v2/templates", "/v2/templates/30zmvf89kd", "/v2/catalog/templates"):
        assert _as(api, own, closed).status == 403
    stopped = api.call("POST", f"/v2/pods/{pod['id']}/action", {"action": "stop"}, key=own)
    assert stopped.json["status"] == "EXITED"


def _as(api: Api, key: str, path: str) -> Answer:
    return api.call("GET", path, key=key)


def _exists(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return Path("/proc").exists() is False and _signalled(pid)
    return state != "Z"


def _signalled(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _fingerprint(remote: Remote) -> str:
    words = ["ssh-keygen", "-lf", str(remote.known_hosts)]
    line = subprocess.run(words, capture_output=True, timeout=10, check=True).stdout.decode()
    return line.split()[1]


def _log(api: Api, pod_id: str) -> str:
    return "\n".join(api.log(pod_id, "source=container"))
