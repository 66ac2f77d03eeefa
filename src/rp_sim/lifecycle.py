"""What happens to a pod by itself as time goes by: boot, crash, run out of money.

Time is passed in, so a test may run a day in a loop. Containers are behind a port: here nothing does I/O.
"""

from __future__ import annotations

import heapq
import itertools
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Protocol

from rp_sim import pull
from rp_sim.logbook import LogBook
from rp_sim.scenario.model import Image

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from rp_sim.pod import Pod, Status
    from rp_sim.scenario import Scenario

BROKEN = "the machine is broken"
SECONDS_PER_GB = 8.0  # to load and unpack
DEFAULT_GB = 10.0


class Containers(Protocol):
    def reserve_port(self) -> int: ...
    def release_port(self, port: int) -> None: ...
    def create(self, pod: Pod) -> None: ...
    def start(self, pod: Pod) -> None: ...
    def stop(self, pod: Pod) -> None: ...
    def remove(self, pod: Pod) -> None: ...


class Lifecycle:
    """The event queue of all pods. Every step checks the pod's generation: an action cancels what was due."""

    def __init__(self, scenario: Scenario, containers: Containers, now: Callable[[], float]) -> None:
        self.scenario = scenario
        self.containers = containers
        self.at = now()
        self.logs: dict[str, LogBook] = {}
        self._queue: list[tuple[float, int, Pod, int, Callable[[Pod], None]]] = []
        self._numbers = itertools.count()
        self._moments = itertools.count(1)
        self._jitter: random.Random | None = None

    def next_moment(self) -> int:
        return next(self._moments)

    def seed(self, jitter: random.Random) -> None:
        self._jitter = jitter

    # -- time ---------------------------------------------------------------------------------------------

    def run_until(self, now: float) -> None:
        while self._queue and self._queue[0][0] <= now:
            due, _, pod, generation, step = heapq.heappop(self._queue)
            self.at = max(self.at, due)
            if pod.generation == generation:
                step(pod)
        self.at = max(self.at, now)

    def next_due(self) -> float | None:
        return self._queue[0][0] if self._queue else None

    def later(self, pod: Pod, delay: float, step: Callable[[Pod], None]) -> None:
        spread = self.scenario.boot.jitter
        factor = 1 + self._jitter.uniform(-spread, spread) if self._jitter and spread else 1.0
        entry = (self.at + delay * max(0.0, factor), next(self._numbers), pod, pod.generation, step)
        heapq.heappush(self._queue, entry)

    def log(self, pod: Pod) -> LogBook:
        if pod.id not in self.logs:
            self.logs[pod.id] = LogBook(lambda: self.at)
        return self.logs[pod.id]

    def image(self, name: str) -> Image:
        found = [image for pattern, image in self.scenario.images.items() if fnmatchcase(name, pattern)]
        return found[-1] if found else Image(fingerprints=name.startswith("runpod/"))

    # -- boot ---------------------------------------------------------------------------------------------

    def provision(self, pod: Pod) -> None:
        self._become(pod, "PROVISIONING")
        self.log(pod).write("system", f"create pod {pod.id}: waiting for a machine")
        if not pod.jank("stuck_provisioning"):
            self.later(pod, self.scenario.boot.provisioning_s, self._pull)

    def run_at_once(self, pod: Pod) -> None:
        """For a pod that has been running since before the simulation began."""
        self.containers.create(pod)
        self._run(pod)

    def _pull(self, pod: Pod) -> None:
        self._become(pod, "STARTING")
        log, image = self.log(pod), self.image(pod.image)
        log.write("system", f"create container {pod.image}")
        log.write("system", f"{pod.image} Pulling from registry")
        if image.pull_error:
            self._pull_fails(pod)
        elif image.pull_s or image.size_gb or pod.jank("pull_stalls"):
            self._pulling(pod, 0.0)
        elif not pod.jank("stuck_starting"):
            self.later(pod, self.scenario.boot.starting_s, self._pulled)

    def _pulling(self, pod: Pod, passed: float) -> None:
        """A line every few seconds, until all is there or nothing comes any more."""
        image = self.image(pod.image)
        whole = image.pull_s or (image.size_gb or DEFAULT_GB) * SECONDS_PER_GB
        step = pull.step_s(whole)
        if passed >= whole:
            if not pod.jank("stuck_starting"):
                self._pulled(pod)
            return
        if passed:
            self.log(pod).write("system", pull.line(pod.image, image.size_gb, passed / whole))
        if not (pod.jank("pull_stalls") and passed / whole >= pull.STALLS_AT):
            after = min(passed + step, whole)
            self.later(pod, after - passed, lambda pod: self._pulling(pod, after))

    def _pull_fails(self, pod: Pod) -> None:
        self.log(pod).write("system", f"failed to pull image: {self.image(pod.image).pull_error}")
        self.later(pod, 5.0, self._pull_fails)

    def _pulled(self, pod: Pod) -> None:
        self.log(pod).write("system", f"Status: Downloaded newer image for {pod.image}")
        self.containers.create(pod)
        if broken := pod.jank("error"):
            self.log(pod).write("system", f"error creating container: {broken.message or BROKEN}")
            self._become(pod, "ERROR")
            return
        self._run(pod)

    def _run(self, pod: Pod) -> None:
        pod.started_at = pod.started_at or self.at
        pod.running_since = self.at
        if any(port.partition("/")[::2] == ("22", "tcp") for port in pod.ports):
            pod.port = self.containers.reserve_port()
            pod.stale_until = self.at + self.scenario.boot.stale_port_s
        self._become(pod, "RUNNING")
        self._start_container(pod)
        if pod.jank("exited"):
            self.log(pod).write("container", "exec /start.sh: no such file or directory")
            self.later(pod, self.scenario.boot.sshd_s, self.exited)

    def _start_container(self, pod: Pod) -> None:
        self.log(pod).write("system", f"start container for {pod.image}: begin")
        if crash := pod.jank("crash_loop"):
            if crash.message:
                self.log(pod).write("system", f"error starting container: {crash.message}")
            self.later(pod, 1.0, self._start_container)
        elif not pod.jank("exited"):
            self.later(pod, self.scenario.boot.sshd_s, self.containers.start)
            if pod.stale_port is not None:
                self.later(pod, self.scenario.boot.stale_port_s, self._forget_stale_port)

    def _forget_stale_port(self, pod: Pod) -> None:
        if pod.stale_port is not None:
            self.containers.release_port(pod.stale_port)
            pod.stale_port = None

    # -- the end ------------------------------------------------------------------------------------------

    def restart(self, pod: Pod) -> None:
        self._halt(pod)
        self.log(pod).write("system", f"restart container for {pod.image}")
        self._become(pod, "STARTING")
        self.later(pod, self.scenario.boot.restart_s, self._restarted)

    def _restarted(self, pod: Pod) -> None:
        self.containers.create(pod)
        self._run(pod)

    def exited(self, pod: Pod) -> None:
        self._halt(pod)
        self.log(pod).write("system", "stop container")
        self._become(pod, "EXITED")
        self._release(pod)
        if delay := self.scenario.hosts.taken_after_stop_s:
            self.later(pod, delay, self._taken)

    def _taken(self, pod: Pod) -> None:
        """Somebody else rents the GPUs of the stopped pod."""
        if not pod.holds_gpus:
            pod.host.offered = pod.host.used

    def terminated(self, pod: Pod) -> None:
        self._halt(pod)
        self._forget_stale_port(pod)
        pod.terminated_at = self.at
        pod.ended = self.next_moment()
        self._become(pod, "TERMINATED")
        self._release(pod)
        self.log(pod).write("system", "remove container")
        self.containers.remove(pod)

    def _halt(self, pod: Pod) -> None:
        pod.generation += 1
        self.containers.stop(pod)
        self.log(pod).forget_container()
        self._forget_stale_port(pod)
        pod.stale_port, pod.port = pod.port, None
        pod.running_since = None

    def _release(self, pod: Pod) -> None:
        if pod.holds_gpus:
            pod.host.used -= pod.gpus_present
            pod.holds_gpus = False

    def _become(self, pod: Pod, status: Status) -> None:
        pod.status = status
        pod.bill(self.at)
