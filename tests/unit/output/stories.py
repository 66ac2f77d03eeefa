"""A journal with one deploy in it: a refusal, a bad pod, and a pod that was kept."""

from pathlib import Path

from rp.domain.attempt import State
from rp.domain.candidate import Candidate
from rp.domain.catalog import GpuType, Stock
from rp.domain.history import API, LOG, NOTE, PHASE
from rp.domain.host import Failure, Marks
from rp.domain.redact import Private
from rp.domain.story import Story
from rp.domain.verdict import Check, Owner, Report, Verdict
from rp.operations import why
from rp.state.aliases import Aliases
from rp.state.hosts import Hosts
from rp.state.journal import Deployment, Journal
from rp.state.looks import Looks

# 2026-11-24 09:12:03 UTC.
START = 1795511523.0
H100 = Candidate("SECURE", "EU", ("EU-RO-1",), GpuType("NVIDIA H100 80GB HBM3", "H100 SXM", 80), 1, 3.29, Stock.LOW)
A100 = Candidate("SECURE", "EU", ("EU-RO-1",), GpuType("NVIDIA A100 80GB PCIe", "A100 PCIe", 80), 1, 1.39, Stock.LOW)
BAD, GOOD = "wucvbhueptuuyd", "xntcchyplvqk2z"
GPU = "GPU-5e0e4cb5-8c31-9a3f-1d1c-6f2f6a1b77aa"
REASON = "GPU 0 has 3 memory errors that could not be corrected."
# What a pod may print to take over a terminal or a page.
HOSTILE = "\x1b[2J\x1b]0;owned\x07<script>alert(1)</script> \u202egnp.exe"
VISIT = "Accepted publickey for root from 203.0.113.9 port 51112 ssh2"
SECRET = "hf_AbCdEfGhIjKlMnOp1234567890QrStUv"

BAD_REPORT = Report(
    "basic",
    (
        Check("gpu.model", Verdict.PASS, "It is the GPU that was asked for.", "NVIDIA A100 80GB PCIe"),
        Check("cuda.init", Verdict.PASS, "CUDA starts.", "ok"),
        Check("gpu.ecc_uncorrected", Verdict.FAIL, REASON, "3 errors", "0 errors", 0),
        Check("net.down", Verdict.WARN, "Downloads are slow.", "180 Mbit/s", "200 Mbit/s"),
        Check("xid", Verdict.UNKNOWN, "The pod does not let its kernel log be read."),
    ),
    seconds=6.2,
    gpu_uuids=(GPU,),
    raw=f"@@ probe 0 12 v=1\n HF_TOKEN={SECRET}\n@@ smi 0 310\n <gpu id='0'>\n@@ end 0 1\n",
)
GOOD_REPORT = Report("basic", (Check("gpu.model", Verdict.PASS, "It is the GPU that was asked for."),), seconds=5.8)


def write(state: Path, *, with_steps: bool = True, alias: str = "my-pod") -> None:
    """The deployment `mxeshdgr` in the journal of this folder."""
    journal = Journal(state / "rp.db", state / "locks")
    deployment = journal.begin("mxeshdgr", "account", "sd", alias, {}, START)
    _attempts(deployment)
    if with_steps:
        _steps(deployment)
        looks, hosts = Looks(journal), Hosts(journal)
        looks.add(BAD, BAD_REPORT, START + 24)
        looks.add(GOOD, GOOD_REPORT, START + 49.5)
        host = hosts.saw(Marks("194.68.245.17", "64410d2f", frozenset([GPU])), "A100", "EU-RO-1", START + 24)
        assert host
        hosts.failed(host, Failure(START + 24, BAD, REASON))
    deployment.finish("ready", START + 50.2)
    deployment.close()
    journal.close()


def _attempts(deployment: Deployment) -> None:
    deployment.intend("rp-sd-mxeshdgr-1", H100, START)
    deployment.record("rp-sd-mxeshdgr-1", State.REFUSED, START + 0.6, reason="no capacity")
    deployment.intend("rp-sd-mxeshdgr-2", A100, START + 0.7)
    deployment.record("rp-sd-mxeshdgr-2", State.CREATED, START + 1.9, pod_id=BAD)
    deployment.record("rp-sd-mxeshdgr-2", State.TERMINATED, START + 27.4, pod_id=BAD, reason=REASON)
    deployment.intend("rp-sd-mxeshdgr-3", A100, START + 27.5)
    deployment.record("rp-sd-mxeshdgr-3", State.CREATED, START + 28.6, pod_id=GOOD)
    deployment.record("rp-sd-mxeshdgr-3", State.KEPT, START + 50.2, pod_id=GOOD)


def _steps(deployment: Deployment) -> None:
    capacity = "There are no longer any instances available with the requested specifications. Please refresh."
    told = (
        (1, 0.6, API, f"create: 400 {capacity}"),
        (1, 0.6, NOTE, "refused: no capacity"),
        (2, 1.9, API, f"created pod {BAD} ($1.39/h)"),
        (2, 2.0, PHASE, "provisioning"),
        *((2, 4.0 + n, PHASE, f"pulling the image: {n} of 8 layers") for n in range(8)),
        (2, 13.2, PHASE, "starting the container"),
        (2, 14.8, PHASE, "waiting for SSH"),
        (2, 17.9, PHASE, "checking the machine (basic, at most 8s)"),
        (2, 24.1, NOTE, f"bad: {REASON}"),
        (2, 26.0, LOG, "\n".join(["system", *(f"worker line {n}" for n in range(20))])),
        (2, 26.0, LOG, f"container\nHF_TOKEN={SECRET}\n{HOSTILE}\n{VISIT}"),
        (2, 27.4, PHASE, f"terminated {BAD}"),
        (3, 28.6, API, f"created pod {GOOD} ($1.39/h)"),
        (3, 28.7, PHASE, "provisioning"),
        (3, 40.1, PHASE, "waiting for SSH"),
        (3, 43.7, PHASE, "checking the machine (basic, at most 8s)"),
        (3, 49.6, PHASE, "checking: touch .rp-smoke && rm .rp-smoke"),
        (3, 50.2, PHASE, "ready"),
    )  # fmt: skip
    deployment.tell("", NOTE, "nothing else is in stock", START + 0.1)
    for number, after, kind, text in told:
        deployment.tell(f"rp-sd-mxeshdgr-{number}", kind, text, START + after)


def told(state: Path, target: str = "mxeshdgr", private: Private = Private()) -> Story:  # noqa: B008 - frozen
    """What `rp why` tells of the journal in this folder."""
    journal = Journal(state / "rp.db", state / "locks")
    try:
        return why.tell(
            target,
            private,
            journal=journal,
            looks=Looks(journal),
            hosts=Hosts(journal),
            aliases=Aliases(state / "pods.json"),
        )
    finally:
        journal.close()


def bad_check(verdict: Verdict, owner: Owner = Owner.MACHINE) -> Report:
    return Report("basic", (Check("cuda.init", verdict, "CUDA does not start.", owner=owner),))
