"""All containers of a simulation: what the world asks for, carried out on this machine."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from rp_sim.machine.container import make_container
from rp_sim.machine.folder import Folder, delete
from rp_sim.machine.ports import Ports
from rp_sim.machine.processes import Processes

if TYPE_CHECKING:
    from pathlib import Path

    from rp_sim.lifecycle import Lifecycle
    from rp_sim.machine.container import Container
    from rp_sim.pod import Pod


class Machines:
    """`api` is the simulator's own address, set as soon as it is known."""

    def __init__(self, directory: Path, run: str) -> None:
        self.api = ""
        self._pods = directory / "pods"
        self._volumes = directory / "volumes"
        self._groups = directory / "groups"
        self._ports = Ports()
        self._processes = Processes(self._groups, run)
        self._containers: dict[str, Container] = {}
        self._life: Lifecycle | None = None

    def attach(self, life: Lifecycle) -> None:
        self._life = life

    def reserve_port(self) -> int:
        return self._ports.reserve()

    def release_port(self, port: int) -> None:
        self._ports.release(port)

    def create(self, pod: Pod) -> None:
        if self._life is None:
            return
        image, cgroup = self._life.image(pod.image), self._life.scenario.hosts.cgroup
        Folder(self._pods, self._volumes, pod).create(pod, cgroup=cgroup, torch=image.torch)

    def start(self, pod: Pod) -> None:
        if self._life is None:
            return
        image = self._life.image(pod.image)
        container = make_container(pod, self._pods, self._volumes, self._life.log(pod), self._ports, self._processes)
        self._containers[pod.id] = container
        container.start(self._life.scenario, self.api, image.fingerprints, image.sshd)

    def stop(self, pod: Pod) -> None:
        if container := self._containers.pop(pod.id, None):
            container.stop()

    def remove(self, pod: Pod) -> None:
        Folder(self._pods, self._volumes, pod).remove(pod)

    def close(self) -> None:
        """Nothing of the simulation is left: no process, no port, no file."""
        for container in tuple(self._containers.values()):
            container.stop()
        self._ports.close()
        self._processes.close()
        for volume in self._volumes.glob("*"):
            delete(volume)
        for folder in (self._pods, self._volumes, self._groups):
            shutil.rmtree(folder, ignore_errors=True)
