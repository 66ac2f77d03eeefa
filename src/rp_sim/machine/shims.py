"""Programs that come first in a pod's PATH: what a GPU box has, and what is broken about this one."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rp_sim.machine.gpus import gpu_facts, host_uuid
from rp_sim.machine.kernel_log import kernel_log
from rp_sim.machine.machine_facts import disk_speeds, network_facts

if TYPE_CHECKING:
    from rp_sim.machine.machine_facts import MachineFacts
    from rp_sim.pod import Pod

TEXTS = Path(__file__).parent.parent / "shims"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin"
NETWORK_TOOLS = {
    "curl": "curl",
    "wget": "wget",
    **dict.fromkeys(("getent", "nslookup", "dig", "host", "ping"), "lookup"),
}
NO_DNS = 'echo "{name}: could not resolve host" >&2\nexit 6\n'
NO_SPACE = 'echo "{name}: No space left on device" >&2\nexit 1\n'
RULES = """\
DNS={dns} dns_ms={dns_ms}
rules() {{ # HOST
  kbps={kbps} blocked=
{cases}
}}
"""
EXEC_REAL = """\
exec_real() {
  [ -n "$REAL" ] && exec "$REAL" "$@"
  echo "${0##*/}: command not found" >&2
  exit 127
}
"""


def hardware(pod: Pod, *, torch: bool = False) -> dict[str, Any]:
    """What the programs in the pod's PATH read: see shims/. `torch`: whether the image has it."""
    nvidia = pod.gpu.manufacturer == "NVIDIA"
    broken = pod.jank("torch")
    says = {"fault": broken.fault, "only": broken.only} if broken else {"fault": "", "only": ()}
    found = says if torch or broken else None
    return {**gpu_facts(pod), "nvidia": nvidia, "net": network_facts(pod), "torch": found}


def write_shims(root: Path, volume: Path, facts: dict[str, Any], machine: MachineFacts, pod: Pod) -> None:
    (root / "shims").mkdir(parents=True)
    (root / "hardware.json").write_text(json.dumps(facts), encoding="utf-8")
    (root / "net.sh").write_text(_text("net") + _rules(facts["net"]), encoding="utf-8")
    shims = Shims(root, pod)
    for name, text in NETWORK_TOOLS.items():
        shims.add(name, text)
    shims.add("df", "df")
    shims.add("nproc", "nproc", THREADS=machine.threads)
    shims.add("dd", "dd", **_disk_words(pod, volume))
    shims.add("cmp", "cmp")
    if pod.gpu.manufacturer == "NVIDIA":
        words = shlex.join([sys.executable, "-I", "-S", str(TEXTS / "nvidia_smi.py"), str(root / "hardware.json")])
        shims.write("nvidia-smi", f'exec {words} "$@"\n')
    else:
        (root / "rocm_smi.json").write_text(json.dumps(_rocm(pod, facts)), encoding="utf-8")
        shims.add("rocm-smi", "rocm-smi")
    for name in ("python3", "python"):
        shims.add(name, "python3", PYTHON=sys.executable, RUNNER=TEXTS / "python3.py", REAL=_python(name))
    shims.add("dmesg", "dmesg")
    if (lines := kernel_log(pod, facts)) is not None:
        (root / "dmesg").write_text(lines, encoding="utf-8")
    shims.add_broken()


class Shims:
    def __init__(self, root: Path, pod: Pod) -> None:
        self._root, self._pod = root, pod
        self._hidden = {name for jank in pod.janks if jank.kind == "no_tools" for name in jank.names}

    def add(self, name: str, text: str, **words: object) -> None:
        """A script of shims/, with what it has to know in front of it."""
        known = {"POD": self._root, "REAL": _real(name), **words}
        head = "".join(f"{key}={shlex.quote(str(value))}\n" for key, value in known.items())
        self.write(name, head + EXEC_REAL + _text(text))

    def write(self, name: str, text: str) -> None:
        if name in self._hidden:
            return
        path = self._root / "shims" / Path(name).name
        path.write_text(text if text.startswith("#!") else f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)

    def add_broken(self) -> None:
        for jank in self._pod.janks:
            if jank.kind == "shim":
                self.write(jank.name, jank.script)
            elif jank.kind == "dns_broken":
                for name in NETWORK_TOOLS:
                    if name not in ("curl", "wget", "getent"):  # these tell it themselves
                        self.write(name, NO_DNS.format(name=name))
            elif jank.kind == "disk_full":
                for name in ("dd", "fallocate", "pip", "tee"):
                    self.write(name, NO_SPACE.format(name=name))
            elif jank.kind == "no_tmp":
                for name in ("mktemp", "mkdir", "touch", "tee", "dd"):
                    self.add(name, "refuse")
            elif jank.kind == "clock_skew":
                self.add("date", "date", SKEW=int(jank.seconds or 3600))
            elif jank.kind == "no_tools":
                self._hide(jank.names)

    def _hide(self, names: tuple[str, ...]) -> None:
        """A program that is not there: its PATH holds links to all the others."""
        tools = self._root / "tools"
        tools.mkdir(exist_ok=True)
        for folder in reversed(SYSTEM_PATH.split(":")):
            for path in Path(folder).iterdir() if Path(folder).is_dir() else ():
                link = tools / path.name
                link.unlink(missing_ok=True)
                if path.name not in names:
                    link.symlink_to(path)


def _disk_words(pod: Pod, volume: Path) -> dict[str, object]:
    root_mbps, volume_mbps = disk_speeds(pod)
    slow = pod.jank("disk_slow", "slow_volume")
    return {
        "ROOT_MBPS": max(1, int(root_mbps * 1000)),
        "VOLUME_MBPS": max(1, int(volume_mbps * 1000)),
        "VOLUME": volume,
        "VOLUME_READ_ONLY": "yes" if pod.jank("volume_read_only") else "",
        "CORRUPT": "yes" if pod.jank("corrupt_disk") else "",
        "FORM": slow.form if slow else "gnu",
    }


def _rules(net: dict[str, Any]) -> str:
    effects = [
        (pattern, f"kbps={max(1, int(value * 1000))}" if kind == "slow" else f"blocked={value:g}")
        for kind, pattern, value in net["rules"]
    ]
    cases = "\n".join(f"  case $1 in {pattern}) {effect} ;; esac" for pattern, effect in effects)
    dns = "broken" if net["dns_broken"] else "ok"
    return RULES.format(dns=dns, dns_ms=net["dns_ms"], kbps=int(net["mbps"] * 1000), cases=cases)


def _rocm(pod: Pod, facts: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {
        f"card{index}": {
            "Card Series": gpu["name"],
            "Card Model": "0x74a1",
            "Unique ID": host_uuid(pod, index),
            "VRAM Total Memory (B)": str(gpu["memory"] << 20),
            "VRAM Total Used Memory (B)": str(300 << 20),
            "GPU use (%)": "0",
            "Temperature (Sensor junction) (C)": "41.0",
        }
        for index, gpu in enumerate(facts["gpus"])
    }


@cache
def _text(name: str) -> str:
    return (TEXTS / f"{name}.sh").read_text(encoding="utf-8")


@cache
def _real(name: str) -> str:
    return shutil.which(name, path=SYSTEM_PATH) or ""


def _python(name: str) -> str:
    return _real(name) or _real("python3") or sys.executable
