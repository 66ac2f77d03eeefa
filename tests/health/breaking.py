"""Ways to break a healthy pod."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from health import pods
from health.pods import Card, Pod
from rp.domain.verdict import DEEP, Owner, Verdict
from rp.health.asked import Asked

WARN, FAIL, UNKNOWN = Verdict.WARN, Verdict.FAIL, Verdict.UNKNOWN
MACHINE, IMAGE = Owner.MACHINE, Owner.IMAGE
VOLUME = Asked(gpu_id=pods.H100, gpu_count=1, volume_path="/workspace", volume_gb=2000)
SPEED = replace(Pod().asked, speed_test_url="https://example.org/file", min_mbps=400)
SLOW = "via=curl code=200 ip=1.2.3.4 dns=0.010 tcp=0.020 tls=0.050 total=3.0 bytes={} bps={}"
DEAD = "via=curl code=000 ip= dns=0.000 tcp=0.000 tls=0.000 total=4.000 bytes=0 bps=0\ncurl: (6) no such host"


@dataclass(frozen=True)
class Broken:
    """`also`: checks that rightly say something, too."""

    check: str
    verdict: Verdict
    pod: Pod
    owner: Owner = MACHINE
    also: tuple[str, ...] = ()
    says: str = ""


def smi(check: str, verdict: Verdict, path: str, text: str, *, says: str = "", driver: int = 580) -> Broken:
    return Broken(check, verdict, Pod(cards=[Card(smi={path: text})], driver=driver, level="passive"), says=says)


def cuda(
    check: str, verdict: Verdict, *, owner: Owner = MACHINE, also: tuple[str, ...] = (), **facts: object
) -> Broken:
    return Broken(check, verdict, Pod(cards=[Card(cuda=facts)]), owner, also)


def start(rc: int, owner: Owner = MACHINE, **facts: object) -> Broken:
    told = {"status": "fail", "stage": "cuInit", "rc": rc, "error": "CUDA_ERROR", "gpus": [], "count": None}
    return Broken("cuda.init", FAIL, Pod(cuda_facts=told | facts), owner)


def torch(
    check: str, verdict: Verdict, *, owner: Owner = MACHINE, also: tuple[str, ...] = (), **facts: object
) -> Broken:
    return Broken(check, verdict, Pod(level="standard", cards=[Card(torch=facts)]), owner, also)


def printed(
    check: str,
    verdict: Verdict,
    name: str,
    status: str,
    text: str,
    *,
    owner: Owner = MACHINE,
    also: tuple[str, ...] = (),
) -> Broken:
    return Broken(check, verdict, Pod(sections={name: (status, 900, text)}), owner, also)


def facts(check: str, verdict: Verdict, *, owner: Owner = MACHINE, also: tuple[str, ...] = (), **told: str) -> Broken:
    return Broken(check, verdict, Pod(facts=told), owner, also)


def asked(check: str, verdict: Verdict, what: Asked, text: str, owner: Owner = MACHINE) -> Broken:
    return Broken(check, verdict, Pod(asked=what, sections={"asked": ("0", 9, text)}), owner)


def space(check: str, verdict: Verdict, old: str, new: str, *, what: Asked | None = None, gpus: int = 1) -> Broken:
    pod = pods.eight() if gpus > 1 else Pod()
    pod.asked = what or pod.asked
    assert old in pods.SPACE
    pod.sections["space"] = ("0", 9, pods.SPACE.replace(old, new, 1))
    pod.sections["asked"] = ("0", 9, "mount=/workspace mounted\nmount_options=rw\nmount_write=ok")
    return Broken(check, verdict, pod)


def downloads(check: str, verdict: Verdict, what: Asked, also: tuple[str, ...] = (), **speeds: float) -> Broken:
    """Megabytes a second by section."""
    pod = Pod(asked=what)
    for name, speed in speeds.items():
        pod.sections[name] = ("28", 3000, SLOW.format(int(speed * 3e6), int(speed * 1e6)))
    return Broken(check, verdict, pod, also=also)


def several(check: str, verdict: Verdict, change: Callable[[Pod], object], *, level: str = DEEP) -> Broken:
    pod = pods.eight()
    pod.level = level
    pod.torch_facts = {"nccl": {"correct": True, "busbw_gbs": 450.0}, "p2p_gbs": {"0>1": 330.0, "1>2": 320.0}}
    change(pod)
    return Broken(check, verdict, pod)


def later(name: str, **card: str) -> Pod:
    """A pod whose nvidia-smi says something else after the load."""
    after = Pod(cards=[Card(smi=card)])
    return Pod(level=DEEP, sections={name: ("0", 300, pods.smi(after))})


def lost_under_load() -> Pod:
    seven = pods.eight()
    seven.cards.pop()
    return replace(pods.eight(), sections={"smi2": ("0", 300, pods.smi(seven))})


def xid(line: str, verdict: Verdict, level: str = "passive") -> Broken:
    return Broken("xid", verdict, Pod(level=level, sections={"kmsg": ("0", 9, line)}))
