"""Programs that come first in a pod's PATH: what a GPU box has, and what is broken about this one."""

from __future__ import annotations

import json
import shlex
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rp_sim.inventory import gpu_hardware

if TYPE_CHECKING:
    from rp_sim.pod import Pod

NVIDIA_SMI = Path(__file__).parent.parent / "shims" / "nvidia_smi.py"
DRIVERS = {"13": "580.95.05", "12": "570.195.03", "11": "520.61.05"}
NO_DNS = '#!/bin/sh\necho "{name}: could not resolve host" >&2\nexit 6\n'
NO_SPACE = '#!/bin/sh\necho "{name}: No space left on device" >&2\nexit 1\n'
FULL_DF = """\
#!/bin/sh
echo "Filesystem     1024-blocks     Used Available Capacity Mounted on"
echo "overlay           {kib} {kib}         0     100% /"
"""
# The words that a caller of curl asks for with -w are the ones it gets, at the speed of the scenario.
SLOW_CURL = """\
#!/bin/sh
format=
while [ $# -gt 0 ]; do
  case $1 in -w|--write-out) format=$2; shift ;; esac
  shift
done
[ -n "$format" ] || exit 28
printf "$(printf '%s' "$format" | sed -e 's/%{{speed_download}}/{speed}/g' -e 's/%{{http_code}}/200/g' \\
  -e 's/%{{size_download}}/{speed}/g' -e 's/%{{remote_ip}}/192.0.2.1/g' -e 's/%{{time_[a-z]*}}/1.000000/g')"
"""
REFUSE_TO_WORK = '#!/bin/sh\necho "{name}: {message}" >&2\nexit 1\n'


def hardware(pod: Pod) -> dict[str, Any]:
    """What `nvidia-smi` says on this pod's machine."""
    count, name, cuda = pod.gpus_present, pod.gpu.id, pod.host.cuda or "12.8"
    driver = DRIVERS.get(cuda.split(".")[0], DRIVERS["12"])
    if fewer := pod.jank("fewer_gpus"):
        count = min(count - 1, fewer.count) if fewer.count else count - 1
    if wrong := pod.jank("wrong_gpu"):
        name = wrong.shows
    if old := pod.jank("old_driver"):
        driver, cuda = old.driver, "11.4"
    ecc = pod.jank("ecc_errors")
    known = gpu_hardware().get(pod.gpu.id, {})
    return {
        "driver": driver,
        "cuda": cuda,
        "gpus": [
            {
                "name": name,
                "uuid": f"GPU-{uuid.uuid5(uuid.NAMESPACE_OID, f'{pod.host.id}/{index}')}",
                "memory": known.get("memoryMib", pod.gpu.memory * 1024),
                "bus": f"00000000:{index + 1:02X}:00.0",
                "power": known.get("powerW", 300),
                "pcie_gen": known.get("pcieGen", 4),
                "sm_mhz": known.get("smMhz", 2100),
                "mem_mhz": known.get("memMhz", 2619),
                "compute_cap": known.get("computeCap", "8.6"),
                "ecc_errors": (ecc.count or 12) if ecc else 0,
            }
            for index in range(max(0, count))
        ],
    }


def write_shims(folder: Path, facts: Path, pod: Pod) -> None:
    folder.mkdir(parents=True)
    facts.write_text(json.dumps(hardware(pod)), encoding="utf-8")
    if pod.gpu.manufacturer == "NVIDIA":
        words = shlex.join([sys.executable, "-I", "-S", str(NVIDIA_SMI), str(facts)])
        _program(folder, "nvidia-smi", f'#!/bin/sh\nexec {words} "$@"\n')
    for jank in pod.janks:
        if jank.kind == "shim":
            _program(folder, jank.name, jank.script)
        elif jank.kind == "slow_network":
            speed = int(jank.mbps * 1_000_000 / 8)
            _program(folder, "curl", SLOW_CURL.format(speed=speed))
        elif jank.kind == "dns_broken":
            for name in ("curl", "wget", "getent", "nslookup", "dig", "host", "ping"):
                _program(folder, name, NO_DNS.format(name=name))
        elif jank.kind == "disk_full":
            _program(folder, "df", FULL_DF.format(kib=pod.disk * 1024 * 1024))
            for name in ("dd", "fallocate", "pip", "tee"):
                _program(folder, name, NO_SPACE.format(name=name))


def _program(folder: Path, name: str, text: str) -> None:
    path = folder / Path(name).name
    path.write_text(text if text.startswith("#!") else f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
