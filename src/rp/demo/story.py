"""The whole story of rp on a simulator: real commands, each shown before it runs."""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from rp.errors import RpError

SCENARIO = Path(__file__).with_name("scenario.toml")
_POD = "m4x9qk2tdw7hva"
_SMOKE = "git --version"


class Story:
    """Runs in `home`, where nothing of the user's is read or written."""

    def __init__(self, home: Path, env: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._home = home
        self._env = dict(env)
        self._say = say

    def tell(self) -> None:
        """Raises RpError where a step does not do what it should."""
        self._say("A pod of yours runs on RunPod already. Its configuration becomes a template:\n")
        self._rp("template", "derive", "sd", "--from", _POD)
        self._say("\nThe token stayed out of the template; it is read from the environment at each deploy.")
        self._say("The template also gets a check of its own, and may use other GPUs and places:\n")
        self._show("$EDITOR ~/.config/rp/templates.json   # smokeCommands, gpuPreference, regionPreference")
        self._edit_template()
        self._say("\nDeploy it. H100s look available and are not; the first pod that comes has a GPU that crawls:\n")
        self._rp("deploy", "sd", "--alias", "my-pod", "--retry-backoff-seconds", "1", "--yes")
        self._say("\nPlain ssh works from any terminal:\n")
        self._ssh("my-pod", "nvidia-smi -L && hostname")
        self._say("\nWhat there is, and what it costs. The bad pod is gone:\n")
        self._rp("list")
        self._say("\nWhy that one was thrown away, and which machine later deploys keep away from:\n")
        self._rp("why", "my-pod")
        self._say("")
        self._rp("hosts", "list")
        self._say("\nEnd it all:\n")
        self._rp("terminate", "my-pod", _POD, "--yes")
        self._rp("list")

    def _rp(self, *words: str) -> None:
        self._show(shlex.join(["rp", *words]))
        self._run([sys.executable, "-m", "rp", *words])

    def _ssh(self, *words: str) -> None:
        self._show(shlex.join(["ssh", *words]))
        # OpenSSH looks for ~ in the password database, so the demo's own file has to be named.
        self._run(["ssh", "-F", str(self._home / ".ssh" / "config"), *words])

    def _show(self, command: str) -> None:
        self._say(f"$ {command}")

    def _run(self, argv: list[str]) -> None:
        done = subprocess.run(argv, env=self._env, stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise RpError(f"the demo stopped at: {shlex.join(argv)}, status {done.returncode}")

    def _edit_template(self) -> None:
        path = self._home / ".config" / "rp" / "templates.json"
        templates = json.loads(path.read_text())
        template = templates["sd"]
        template["gpuPreference"] = ["H100", "A100 80gb"]
        template["regionPreference"] = []
        template["health"] = {"smokeCommands": [_SMOKE]}
        path.write_text(json.dumps(templates, indent=2))


def environment(home: Path, url: str, key: str, inherited: Mapping[str, str]) -> dict[str, str]:
    """The variables of a new user in an empty home, with one SSH key, whose RunPod is at `url`."""
    kept = ("PATH", "LANG", "LC_ALL", "TERM", "NO_COLOR", "COLUMNS", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")
    env = {name: inherited[name] for name in kept if name in inherited}
    return env | {
        "HOME": str(home),
        "RP_API_URL": url,
        "RUNPOD_API_KEY": key,
        "HF_TOKEN": "hf_not_a_real_token",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        # The demo works offline.
        "RP_IMAGE_CHECK": "off",
    }


def make_ssh_key(home: Path) -> None:
    (home / ".ssh").mkdir(mode=0o700)
    try:
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "demo", "-f", str(home / ".ssh" / "id_ed25519")],
            check=True,
        )
    except FileNotFoundError:
        raise RpError(
            "`ssh-keygen` is not on this machine", hint="install the OpenSSH client: apt-get install openssh-client"
        ) from None
