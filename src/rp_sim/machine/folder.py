"""The disk of a pod: a home, an /etc, a volume, shims.

There is no chroot: where a command names a place of a container, the pod's own is put instead.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from rp_sim.machine.shims import write_shims

if TYPE_CHECKING:
    from pathlib import Path

    from rp_sim.pod import Pod

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin"
PROFILE = """\
export PATH={shims}:$PATH
"""
BASHRC = """\
[ -r {environment} ] && . {environment}
export PATH={shims}:$PATH
PS1='root@{pod}:\\w# '
"""
START_SH = """\
#!/bin/sh
# Stands for the image's own /start.sh: the simulator brings sshd up when this returns.
exit 0
"""


class Folder:
    def __init__(self, pods: Path, volumes: Path, pod: Pod) -> None:
        self.root = pods / pod.id
        self.home = self.root / "root"
        self.etc = self.root / "etc"
        self.shims = self.root / "shims"
        self.environment = self.etc / "rp_environment"
        self.start_sh = self.root / "start.sh"
        # A network volume outlives its pods; a host volume ends with its only one.
        self.volume = volumes / (pod.volume_id or pod.id)
        self._mount_path = pod.mount_path or "/workspace"
        self._keeps_volume = bool(pod.mounts)
        self._translate = self._translator()

    def create(self, pod: Pod) -> None:
        """A fresh container disk. What lies under the mount path is still there."""
        self.wipe()
        self.home.mkdir(parents=True)
        self.etc.mkdir()
        (self.root / "tmp").mkdir()
        self.volume.mkdir(parents=True, exist_ok=True)
        link = self.home / re.sub(r"[^\w.-]", "_", self._mount_path.strip("/"))[:100]
        if not link.exists():
            link.symlink_to(self.volume)
        self.start_sh.write_text(START_SH, encoding="utf-8")
        self.start_sh.chmod(0o755)
        write_shims(self.shims, self.root / "hardware.json", pod)
        names = {"shims": self.shims, "environment": self.environment, "pod": pod.id}
        (self.home / ".bashrc").write_text(BASHRC.format(**names), encoding="utf-8")
        for name in (".bash_profile", ".profile"):
            (self.home / name).write_text(PROFILE.format(**names), encoding="utf-8")

    def write_environment(self, env: dict[str, str]) -> None:
        """As the official start script does it: nothing in the values is escaped. And what /proc would show."""
        raw = "".join(f"{name}={value}\0" for name, value in env.items())
        (self.etc / "environ").write_text(raw, encoding="utf-8", errors="backslashreplace")
        names = [name for name in env if re.fullmatch(r"[A-Z_][A-Z0-9_]*", name) and name != "PUBLIC_KEY"]
        text = "".join(f'export {name}="{env[name]}"\n' for name in names)
        self.environment.write_text(text, encoding="utf-8", errors="backslashreplace")

    def wipe(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        if not self._keeps_volume:
            shutil.rmtree(self.volume, ignore_errors=True)

    def remove(self, pod: Pod) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        if not pod.volume_id:
            shutil.rmtree(self.volume, ignore_errors=True)

    def localize(self, text: str) -> str:
        """Puts the pod's own places where a command names those of a container."""
        return self._translate.sub(lambda found: self._place(found[0]), text)

    def _places(self) -> dict[str, Path]:
        return {
            "/workspace": self.volume,
            "/etc/rp_environment": self.environment,
            "/proc/1/environ": self.etc / "environ",
            "/start.sh": self.start_sh,
            "/root": self.home,
            self._mount_path: self.volume,
        }

    def _place(self, word: str) -> str:
        places = {name.rstrip("/"): path for name, path in self._places().items()}
        return str(places.get(word, word))

    def _translator(self) -> re.Pattern[str]:
        # Paths that already are the pod's own come first, and stay as they are.
        own = [re.escape(str(path)) for path in (self.root, self.volume)]
        names = sorted((name.rstrip("/") for name in self._places() if name.strip("/")), key=len, reverse=True)
        words = "|".join([*own, *(rf"(?<![\w./~-]){re.escape(name)}(?![\w.-])" for name in names)])
        return re.compile(words)
