"""The account and its pods: what each call of the API changes. No HTTP and no I/O in here."""

from __future__ import annotations

import random
import secrets
import string
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from rp_sim import orders, templates
from rp_sim.edit import edit_pod
from rp_sim.inventory import require_gpu
from rp_sim.lifecycle import Lifecycle
from rp_sim.placement import Placement
from rp_sim.pod import ACTIONS, Pod
from rp_sim.problems import HOST_FULL, NO_DISK, Problem, bad_request, not_found
from rp_sim.stock import Wanted
from rp_sim.volumes import NetworkVolume, Volumes

if TYPE_CHECKING:
    from rp_sim.clock import Clock
    from rp_sim.lifecycle import Containers
    from rp_sim.scenario import Scenario
    from rp_sim.scenario.model import ExistingPod, Jank
    from rp_sim.stock import Host

NOTHING = 1e-9  # USD
ALPHABET = string.ascii_lowercase + string.digits


class World:
    def __init__(self, scenario: Scenario, clock: Clock, containers: Containers) -> None:
        self.scenario = scenario
        self.clock = clock
        self.seed = secrets.randbits(32) if scenario.seed is None else scenario.seed
        self._random = random.Random(self.seed)  # noqa: S311  a simulation, not a secret
        self.life = Lifecycle(scenario, containers, clock.now)
        self.life.seed(self._random)
        self.placement = Placement(scenario, self.seed, self._random, lambda: self.life.at)
        self.stock = self.placement.stock
        self.pods: dict[str, Pod] = {}
        self.volumes = Volumes(lambda: self.new_id(10))
        self.ssh_keys: list[str] = []
        self.templates: dict[str, dict[str, Any]] = {}
        self.created = 0
        self.balance = 0.0
        self._jank_used: dict[int, int] = {}
        self._spent_before = 0.0
        self._open_account()

    def replace(self, scenario: Scenario) -> None:
        """New rules for what comes; pods, volumes and keys that exist stay."""
        self.scenario = self.life.scenario = scenario
        self.clock.set_speed(scenario.clock.speed)
        self.placement.replace(scenario)
        self._jank_used.clear()
        self._spent_before = self.spent()
        self._open_account()

    # -- time and money -----------------------------------------------------------------------------------

    def tick(self) -> None:
        """Step by step, so that a leap of the clock bills each stretch at its own price."""
        now = self.clock.now()
        while (step := self.next_due()) is not None and step < now:
            self._advance(step)
        self._advance(now)

    def _advance(self, moment: float) -> None:
        self.life.run_until(moment)
        if self.credit() <= NOTHING:
            self._broke()

    def next_due(self) -> float | None:
        due = self.life.next_due()
        burn = sum(pod.burn() for pod in self.pods.values())
        if burn <= 0 or self.credit() <= NOTHING:
            return due
        broke = self.life.at + self.credit() / burn * 3600
        return broke if due is None else min(due, broke)

    def spent(self) -> float:
        return sum(sum(pod.cost(self.life.at)) for pod in self.pods.values())

    def credit(self) -> float:
        return self.balance - (self.spent() - self._spent_before)

    def _broke(self) -> None:
        """At zero, pods on a network volume are stopped and kept; the others are gone."""
        for pod in [pod for pod in self.pods.values() if pod.status not in ("EXITED", "TERMINATED")]:
            (self.life.exited if pod.volume_id else self.life.terminated)(pod)

    # -- calls --------------------------------------------------------------------------------------------

    def visible(self, *, clusters: bool = False) -> list[Pod]:
        now = self.life.at
        shown = [p for p in self.pods.values() if p.visible_from <= now and (clusters or not p.cluster)]
        return [pod for pod in reversed(shown) if pod.alive or self._lingers(pod)]

    def _lingers(self, pod: Pod) -> bool:
        invented = self.scenario.invented
        if invented.get_after_delete == "404" or pod.terminated_at is None:
            return False
        return self.life.at - pod.terminated_at < invented.terminated_visible_s

    def get(self, pod_id: str) -> Pod:
        pod = self.pods.get(pod_id)
        if pod is None or pod.visible_from > self.life.at or not (pod.alive or self._lingers(pod)):
            raise not_found("pod")
        return pod

    def create(self, body: dict[str, Any]) -> Pod:
        orders.check_rules(body, self.volumes)
        wanted = orders.wanted(body, self.volumes, self.scenario.invented)
        if self.credit() < require_gpu(wanted.gpu).price(wanted.cloud) * wanted.count:
            raise Problem(402, self.scenario.invented.no_balance_detail)
        host = self.placement.place(wanted)
        if "disk" not in body:
            raise bad_request(NO_DISK)  # told only after a machine was found
        pod = self._new_pod(body, wanted, host)
        self._admit(pod, body)
        self.life.provision(pod)
        return pod

    def update(self, pod_id: str, body: dict[str, Any]) -> Pod:
        pod = self._own(pod_id)
        if edit_pod(pod, body) and pod.status == "RUNNING":
            self.life.restart(pod)
        return pod

    def delete(self, pod_id: str) -> None:
        pod = self._own(pod_id)
        if not pod.alive:
            raise not_found("pod")
        if pod.locked and not self.scenario.invented.locked_terminate:
            raise self._locked()
        self.life.terminated(pod)

    def act(self, pod_id: str, action: str) -> Pod:
        pod = self._own(pod_id)
        if action not in ACTIONS[pod.status]:
            detail = self.scenario.invented.conflict_detail.format(action=action, status=pod.status)
            raise Problem(409, detail)
        if action == "terminate":
            self.delete(pod_id)
        elif pod.locked and action in ("stop", "restart"):
            raise self._locked()
        else:
            {"start": self._start, "stop": self._stop, "restart": self.life.restart}[action](pod)
        return pod

    def _own(self, pod_id: str) -> Pod:
        pod = self.get(pod_id)
        if pod.cluster:
            raise Problem(409, self.scenario.invented.cluster_detail)
        return pod

    def _locked(self) -> Problem:
        invented = self.scenario.invented
        return Problem(invented.locked_stop_status, invented.locked_detail)

    def _stop(self, pod: Pod) -> None:
        delay = self.scenario.boot.stop_s
        if not delay:
            self.life.exited(pod)
            return
        pod.generation += 1
        self.life.later(pod, delay, self.life.exited)

    def _start(self, pod: Pod) -> None:
        resume = self.scenario.hosts.resume
        if not pod.holds_gpus:
            full = resume == "full" or pod.host.free < pod.count
            if full and resume != "zero_gpu":
                raise bad_request(HOST_FULL)
            pod.gpus_present = 0 if resume == "zero_gpu" else pod.count
            pod.host.used += pod.gpus_present
            pod.holds_gpus = True
        pod.generation += 1
        self.life.provision(pod)

    # -- a new pod ----------------------------------------------------------------------------------------

    def _new_pod(self, body: dict[str, Any], wanted: Wanted, host: Host) -> Pod:
        return Pod(
            id=self.new_id(14),
            name=body["name"],
            image=body["image"],
            host=host,
            gpu=require_gpu(wanted.gpu),
            count=wanted.count,
            cloud=wanted.cloud,
            disk=int(body["disk"]),
            created_at=self.life.at,
            order=self.created + 1,
            api_key=f"rpa_pod_{secrets.token_hex(16)}",
            args=body.get("args", ""),
            mounts=body.get("mounts", {}),
            ports=list(body.get("ports", [])),
            env=dict(body.get("env", {})),
            registry=body.get("registry"),
            global_networking=body.get("globalNetworking", False),
            gpus_present=wanted.count,
        )

    def _admit(self, pod: Pod, body: dict[str, Any]) -> None:
        if body.get("startSsh") and "PUBLIC_KEY" not in pod.env and self.ssh_keys:
            pod.injected["PUBLIC_KEY"] = "\n".join(self.ssh_keys)
        if body.get("startJupyter") and "JUPYTER_PASSWORD" not in pod.env:
            pod.injected["JUPYTER_PASSWORD"] = self.new_id(20)
        pod.host.used += pod.count
        pod.began = self.life.next_moment()
        self.created += 1
        pod.janks = self._janks(pod)
        self.pods[pod.id] = pod

    def _janks(self, pod: Pod) -> tuple[Jank, ...]:
        found = []
        for index, jank in enumerate(self.scenario.jank):
            used = self._jank_used.get(index, 0)
            if _afflicts(jank, pod) and (jank.times == 0 or used < jank.times):
                self._jank_used[index] = used + 1
                found.append(jank)
        return tuple(found)

    # -- the account at the start -------------------------------------------------------------------------

    def new_id(self, length: int) -> str:
        return "".join(self._random.choices(ALPHABET, k=length))

    def _open_account(self) -> None:
        account = self.scenario.account
        self.balance = account.balance
        self.ssh_keys = list(account.ssh_keys) or self.ssh_keys
        for row in account.volume:
            if row.name not in {volume.name for volume in self.volumes.values()}:
                volume_id = row.id or self.new_id(10)
                volume = NetworkVolume(volume_id, row.name, row.size, row.data_center, row.type)
                self.volumes[volume_id] = volume
        rows = [(row.id or self.new_id(10), row) for row in account.template]
        self.templates = {template_id: templates.own(row, template_id) for template_id, row in rows}
        for row_pod in account.pod:
            if row_pod.name not in {pod.name for pod in self.pods.values()}:
                self._existing(row_pod)

    def _existing(self, row: ExistingPod) -> None:
        body = {
            "name": row.name,
            "image": row.image,
            "disk": row.disk,
            "ports": list(row.ports),
            "env": row.env,
            "startSsh": row.start_ssh,
            "mounts": {"persistent": {"size": row.volume, "path": "/workspace"}} if row.volume >= 10 else {},
        }
        centers = (row.data_center,) if row.data_center else ()
        wanted = Wanted(row.gpu, row.count, row.cloud, centers, pinned=bool(centers))
        host = self.placement.existing(wanted)
        if host is None:
            return  # the scenario left no room for it
        pod = self._new_pod(body, wanted, host)
        pod.id = row.id or pod.id
        pod.cluster = row.cluster
        self._admit(pod, body)
        if row.status == "RUNNING":
            self.life.run_at_once(pod)
        else:
            self.life.exited(pod)


def _afflicts(jank: Jank, pod: Pod) -> bool:
    patterns = (
        (pod.gpu.id, jank.gpu),
        (pod.host.data_center, jank.data_center),
        (pod.host.id, jank.host),
        (pod.name, jank.pod),
        (pod.image, jank.image),
        (pod.cloud, jank.cloud),
    )
    in_turn = not jank.nth_pod or pod.order in jank.nth_pod
    return in_turn and all(fnmatchcase(value, pattern) for value, pattern in patterns)
