"""The disk of a pod: a home, an /etc, a volume, shims.

There is no chroot: where a command names a place of a container, the pod's own is put instead.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rp_sim.machine.kernel_files import write_kernel_files
from rp_sim.machine.machine_facts import machine_facts
from rp_sim.machine.shims import SYSTEM_PATH, hardware, write_shims

if TYPE_CHECKING:
    from rp_sim.pod import Pod

# Below the pod's folder under the same name. Not /proc/uptime, nor /proc/net: a stopped clock and somebody else's
# listeners help nobody.
SAME_NAME = (
    "/proc/mounts", "/proc/meminfo", "/proc/cpuinfo", "/proc/loadavg", "/proc/pressure", "/proc/driver/nvidia",
    "/proc/1/environ", "/sys/fs/cgroup", "/sys/bus/pci", "/dev/shm", "/dev/dri", "/dev/kfd",  # noqa: S108
    "/usr/local/cuda/compat",
    "/etc/rp_environment", "/start.sh", "/root",
)  # fmt: skip
# The rest of the word follows: /dev/nvidia0, /dev/nvidia*, /dev/nvidia-uvm.
BEGINNINGS = ("/dev/nvidia", "/usr/lib/x86_64-linux-gnu/libcuda", "/usr/lib/x86_64-linux-gnu/libnvidia")
# Where not even root can write: what a volume is that was mounted read-only.
NOBODY_WRITES = Path("/sys/kernel")
READ_ONLY, WRITABLE = 0o555, 0o755
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


def delete(folder: Path) -> None:
    """All of it, even where nothing could be written any more."""
    if folder.is_dir():
        folder.chmod(WRITABLE)
    shutil.rmtree(folder, ignore_errors=True)


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
        self._mount_path = (pod.mount_path or "/workspace").rstrip("/")
        self._keeps_volume = bool(pod.mounts)
        self._mounted = self._mounted_at(pod)
        self._places = {name: str(self.root) + name for name in SAME_NAME}
        self._places |= dict.fromkeys(("/proc/self/mounts", "/proc/1/mounts"), str(self.root / "proc" / "mounts"))
        self._places |= {"/workspace": str(self._mounted), self._mount_path: str(self._mounted)}
        self._translate = self._translator()

    def _mounted_at(self, pod: Pod) -> Path:
        """What stands for the mount path in this pod."""
        missing = pod.jank("volume_missing")
        if missing and pod.mounts:
            return self.root / "gone" if missing.absent else self.root / "workspace"
        root_writes_anywhere = os.geteuid() == 0 and sys.platform.startswith("linux")
        return NOBODY_WRITES if pod.jank("volume_read_only") and root_writes_anywhere else self.volume

    @property
    def path(self) -> str:
        """PATH of the pod: some programs may not be there."""
        tools = self.root / "tools"
        return f"{self.shims}:{tools if tools.exists() else SYSTEM_PATH}"

    @property
    def names(self) -> dict[str, str]:
        """The container's names of this pod's places, for output."""
        return {str(self.root): "", str(self._mounted): self._mount_path, str(self.volume): self._mount_path}

    def create(self, pod: Pod, *, cgroup: int = 2, torch: bool = False) -> None:
        """A fresh container disk. What lies under the mount path is still there."""
        self.wipe()
        self.home.mkdir(parents=True)
        self.etc.mkdir()
        (self.root / "tmp").mkdir()
        (self.root / "workspace").mkdir()
        self.volume.mkdir(parents=True, exist_ok=True)
        link = self.home / re.sub(r"[^\w.-]", "_", self._mount_path.strip("/"))[:100]
        if not link.exists():
            link.symlink_to(self._mounted)
        self.start_sh.write_text(START_SH, encoding="utf-8")
        self.start_sh.chmod(0o755)
        facts, machine = hardware(pod, torch=torch), machine_facts(pod, self.root, self._mounted)
        write_shims(self.root, self._mounted, facts, machine, pod)
        write_kernel_files(self.root, facts, machine, pod, cgroup)
        self.volume.chmod(READ_ONLY if pod.jank("volume_read_only") else WRITABLE)
        names = {"shims": self.shims, "environment": self.environment, "pod": pod.id}
        (self.home / ".bashrc").write_text(BASHRC.format(**names), encoding="utf-8")
        for name in (".bash_profile", ".profile"):
            (self.home / name).write_text(PROFILE.format(**names), encoding="utf-8")

    def write_environment(self, env: dict[str, str]) -> None:
        """As the official start script does it: nothing in the values is escaped. And what /proc would show."""
        raw = "".join(f"{name}={value}\0" for name, value in env.items())
        proc = self.root / "proc" / "1"
        proc.mkdir(parents=True, exist_ok=True)
        (proc / "environ").write_text(raw, encoding="utf-8", errors="backslashreplace")
        names = [name for name in env if re.fullmatch(r"[A-Z_][A-Z0-9_]*", name) and name != "PUBLIC_KEY"]
        text = "".join(f'export {name}="{env[name]}"\n' for name in names)
        self.environment.write_text(text, encoding="utf-8", errors="backslashreplace")

    def wipe(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        if not self._keeps_volume:
            delete(self.volume)

    def remove(self, pod: Pod) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        if not pod.volume_id:
            delete(self.volume)

    def localize(self, text: str) -> str:
        """Puts the pod's own places where a command names those of a container."""
        return self._translate.sub(lambda found: self._place(found[0]), text)

    def _place(self, word: str) -> str:
        if word.startswith(BEGINNINGS):
            return str(self.root) + word
        return self._places.get(word, word)

    def _translator(self) -> re.Pattern[str]:
        # Paths that already are the pod's own come first, and stay as they are.
        own = [re.escape(str(path)) for path in (self.root, self.volume)]
        names = sorted((name for name in self._places if name.strip("/")), key=len, reverse=True)
        whole = "|".join(re.escape(name[1:]) for name in names)
        begun = "|".join(re.escape(name[1:]) for name in BEGINNINGS)
        # Not in the middle of a longer path, of which a variable may be the start: "$BASE"/root, ${BASE}/root.
        alone = r"(?<![\w./~}])(?<![\w}][\"'])(?:(?<!-)|(?<=:-))"
        return re.compile("|".join([*own, rf"{alone}/(?:(?:{whole})(?![\w.-])|{begun})"]))
