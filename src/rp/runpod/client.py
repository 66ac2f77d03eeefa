"""RunPod's REST v2: one short method per call."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rp import errors
from rp.domain.catalog import Catalog, DataCenter
from rp.domain.network_volume import NetworkVolume
from rp.runpod import wire
from rp.runpod.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rp.domain.billing import PodBill
    from rp.domain.pod import Pod
    from rp.domain.request import PodRequest
    from rp.domain.runpod_template import RunPodTemplate


@contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise errors.Unclear(f"RunPod's answer is not in a form that rp can read: {type(error).__name__}") from error


class RunPod:
    """Every method raises ApiError."""

    def __init__(
        self, address: str, key: str, *, sleep: Callable[[float], None], monotonic: Callable[[], float]
    ) -> None:
        self._transport = Transport(address, key, sleep=sleep, monotonic=monotonic)
        self._monotonic = monotonic

    def close(self) -> None:
        self._transport.close()

    def create(self, request: PodRequest) -> Pod:
        """Not idempotent: after Unclear, look for `request.name` before anything else."""
        return _pod(self._transport.call("POST", "/pods", body=wire.create_body(request)))

    @_understood()
    def pods(self) -> tuple[Pod, ...]:
        """Every pod of the account, in as many pages as there are."""
        found: list[Pod] = []
        query: dict[str, str] = {}
        seen: set[str] = set()
        while True:
            answer = _object(self._transport.call("GET", "/pods", query=query))
            # An answer without the list says nothing; that there are no pods, it does not say.
            found += [_pod(raw) for raw in answer["pods"]]
            cursor = (answer.get("pagination") or {}).get("nextCursor")
            if not cursor:
                return tuple(found)
            if str(cursor) in seen:
                raise errors.Unclear("RunPod's list of pods points back at itself")
            seen.add(str(cursor))
            query = {"cursor": str(cursor)}

    def pod(self, pod_id: str) -> Pod:
        """Raises NoSuchResource where it is gone."""
        return _pod(self._transport.call("GET", f"/pods/{quote(pod_id, safe='')}"))

    def terminate(self, pod_id: str) -> None:
        """Raises NoSuchResource where it is gone already."""
        self._transport.call("DELETE", f"/pods/{quote(pod_id, safe='')}")

    def stop(self, pod_id: str) -> Pod:
        return self._act(pod_id, "stop")

    def start(self, pod_id: str) -> Pod:
        return self._act(pod_id, "start")

    def restart(self, pod_id: str) -> Pod:
        return self._act(pod_id, "restart")

    def _act(self, pod_id: str, action: str) -> Pod:
        return _pod(self._transport.call("POST", f"/pods/{quote(pod_id, safe='')}/action", body={"action": action}))

    def log_lines(self, pod_id: str, *, source: str, tail: int, quiet_after: float, at_most: float) -> Iterator[str]:
        """The last `tail` lines and those that follow, until none comes for `quiet_after` or `at_most` seconds."""
        deadline = self._monotonic() + at_most
        path = f"/pods/{quote(pod_id, safe='')}/logs"
        query = {"source": source, "tail": str(tail)}
        with self._transport.lines(path, query=query, quiet_after=quiet_after) as lines:
            for line in lines:
                if line.startswith("data:"):
                    yield _log_text(line.removeprefix("data:"))
                if self._monotonic() >= deadline:
                    return

    @_understood()
    def gpus(self, cloud: str, *, count: int, min_cuda: str | None = None, cudas: tuple[str, ...] = ()) -> Catalog:
        """Every GPU type, and the stock of one cloud for pods of `count` GPUs on machines with such a driver."""
        query = {"include": "AVAILABILITY", "product": "POD", "count": str(count), "cloud": cloud}
        if cudas:
            query["cudaVersions"] = ",".join(cudas)
        elif min_cuda:
            query["minCudaVersion"] = min_cuda
        answer = _object(self._transport.call("GET", "/catalog/gpus", query=query))
        anywhere, places = wire.stock(cloud, count, answer)
        return Catalog(wire.gpu_types(answer), (), anywhere, places)

    @_understood()
    def data_centers(self) -> tuple[DataCenter, ...]:
        return wire.data_centers(_object(self._transport.call("GET", "/catalog/datacenters")))

    @_understood()
    def ssh_keys(self) -> tuple[str, ...]:
        """The public keys registered with the account."""
        answer = _object(self._transport.call("GET", "/account/ssh-keys"))
        return tuple(str(key) for key in answer.get("keys") or ())

    def replace_ssh_keys(self, keys: tuple[str, ...]) -> None:
        """RunPod replaces the whole list; pods made later get it."""
        self._transport.call("PUT", "/account/ssh-keys", body={"keys": list(keys)})

    @_understood()
    def network_volume(self, volume_id: str) -> NetworkVolume:
        """Raises NoSuchResource where there is none."""
        raw = _object(self._transport.call("GET", f"/network-volumes/{quote(volume_id, safe='')}"))
        return _network_volume(raw)

    @_understood()
    def network_volumes(self) -> tuple[NetworkVolume, ...]:
        answer = _object(self._transport.call("GET", "/network-volumes"))
        return tuple(_network_volume(raw) for raw in answer.get("networkVolumes") or ())

    @_understood()
    def registry_ids(self) -> tuple[str, ...]:
        """Of the account's credentials for image registries."""
        return tuple(str(raw["id"]) for raw in _object(self._transport.call("GET", "/registries"))["registries"])

    @_understood()
    def template(self, template_id: str) -> RunPodTemplate:
        """One of the account's templates, or a public one; raises NoSuchResource where there is none."""
        return wire.template(_object(self._transport.call("GET", f"/templates/{quote(template_id, safe='')}")))

    @_understood()
    def templates(self) -> tuple[RunPodTemplate, ...]:
        """The account's own."""
        return _templates(self._transport.call("GET", "/templates"))

    @_understood()
    def catalog_templates(self, source: str) -> tuple[RunPodTemplate, ...]:
        """Public ones, at most 100; `source` is official, verified or community."""
        return _templates(self._transport.call("GET", "/catalog/templates", query={"source": source}))

    @_understood()
    def pod_bills(self, *, last_days: int, pod_id: str | None = None) -> tuple[PodBill, ...]:
        """What each pod cost on each of the last days, today included."""
        query = {"bucketSize": "day", "lastN": str(last_days)} | ({"podId": pod_id} if pod_id else {})
        answer = _object(self._transport.call("GET", "/billing/pods", query=query))
        return tuple(wire.pod_bill(raw) for raw in answer.get("records") or ())


def _object(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise errors.Unclear("RunPod's answer is no JSON object")
    return answer


@_understood()
def _pod(answer: Any) -> Pod:
    return wire.pod(_object(answer))


def _templates(answer: Any) -> tuple[RunPodTemplate, ...]:
    return tuple(wire.template(raw) for raw in _object(answer)["templates"])


def _network_volume(raw: dict[str, Any]) -> NetworkVolume:
    return NetworkVolume(
        str(raw.get("id")),
        str(raw.get("name") or ""),
        int(raw.get("size") or 0),
        str(raw.get("dataCenter") or ""),
    )


def _log_text(data: str) -> str:
    try:
        return str(json.loads(data).get("line", ""))
    except (ValueError, AttributeError):
        return data.strip()
