"""A bare client for the tests. Every answer of a known operation is checked against the contract."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import time
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from contract.contract import operations, response_problems
from rp_sim import control

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rp_sim.control import Running

T = TypeVar("T")
GPU = "NVIDIA GeForce RTX 4090"
CAPACITY = (
    "There are no longer any instances available with the requested specifications. Please refresh and try again."
)
AT_ONCE = """
[boot]
provisioning_s = 0
starting_s = 0
sshd_s = 0
restart_s = 0
stale_port_s = 0
"""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw) if self.raw else None

    @property
    def detail(self) -> str:
        return str(self.json["detail"])


class Api:
    def __init__(self, running: Running) -> None:
        self.running = running

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = "",
        check: bool = True,
        limit: float = 10.0,
    ) -> Answer:
        """`key`: "" is the account's own, None sends none."""
        address = urllib.parse.urlsplit(self.running.url)
        headers = {"Authorization": f"Bearer {key or self.running.key}"} if key is not None else {}
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=limit)
        try:
            data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            answer = Answer(response.status, names, response.read())
        finally:
            connection.close()
        if check:
            problems(method, path, answer)
        return answer

    def create(self, **changes: Any) -> Answer:
        """A healthy pod's body; a value of None leaves the field out."""
        return self.call("POST", "/v2/pods", pod_body(**changes))

    def created(self, **changes: Any) -> dict[str, Any]:
        answer = self.create(**changes)
        assert answer.status == 201, answer
        pod: dict[str, Any] = answer.json
        return pod

    def pod(self, pod_id: str) -> dict[str, Any]:
        answer = self.call("GET", f"/v2/pods/{pod_id}")
        assert answer.status == 200, answer
        pod: dict[str, Any] = answer.json
        return pod

    def act(self, pod_id: str, action: str) -> Answer:
        return self.call("POST", f"/v2/pods/{pod_id}/action", {"action": action})

    def running_pod(self, **changes: Any) -> dict[str, Any]:
        pod_id = self.created(**changes)["id"]
        return wait_for(lambda: self._if(self.pod(pod_id), "RUNNING"))

    def listed(self) -> list[dict[str, Any]]:
        pods: list[dict[str, Any]] = self.call("GET", "/v2/pods").json["pods"]
        return pods

    def advance(self, seconds: float) -> None:
        control.advance(self.running, seconds)

    def ledger(self) -> dict[str, Any]:
        return control.ledger(self.running)

    def scenario(self, toml: str) -> Answer:
        return self.call("POST", "/sim/scenario", toml.encode(), key=None, check=False)

    def log(self, pod_id: str, query: str = "", *, last_event_id: str = "") -> list[str]:
        return [event["data"]["line"] for event in self.events(pod_id, query, last_event_id=last_event_id)]

    def events(self, pod_id: str, query: str = "", *, last_event_id: str = "") -> list[dict[str, Any]]:
        """What the stream holds now. It does not end by itself: the reader leaves when it falls silent."""
        found: list[dict[str, Any]] = []
        with self.stream(pod_id, query, last_event_id=last_event_id, silence=0.25) as lines:
            for line in lines:
                name, _, value = line.partition(": ")
                if name == "id":
                    found.append({"id": value})
                elif name == "data":
                    found[-1]["data"] = json.loads(value)
        return found

    @contextlib.contextmanager
    def stream(
        self, pod_id: str, query: str = "", *, last_event_id: str = "", silence: float = 10.0
    ) -> Iterator[Iterator[str]]:
        with self._stream(pod_id, query, last_event_id, silence) as response:
            yield _lines(response)

    def stream_headers(self, pod_id: str) -> dict[str, str]:
        with self._stream(pod_id, "", "", 10.0) as response:
            return {name.lower(): value for name, value in response.getheaders()}

    @contextlib.contextmanager
    def _stream(
        self, pod_id: str, query: str, last_event_id: str, silence: float
    ) -> Iterator[http.client.HTTPResponse]:
        address = urllib.parse.urlsplit(self.running.url)
        headers = {"Authorization": f"Bearer {self.running.key}"}
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", f"/v2/pods/{pod_id}/logs?{query}", headers=headers)
            connection.sock.settimeout(silence)
            with contextlib.closing(connection.getresponse()) as response:
                assert response.status == 200
                yield response

    @staticmethod
    def _if(pod: dict[str, Any], status: str) -> dict[str, Any] | None:
        return pod if pod["status"] == status else None


def _lines(response: http.client.HTTPResponse) -> Iterator[str]:
    with contextlib.suppress(TimeoutError):
        while line := response.readline():
            yield line.decode().rstrip("\n")


def pod_body(**changes: Any) -> dict[str, Any]:
    body = {
        "name": "test",
        "image": "runpod/pytorch:2.8.0",
        "gpu": {"id": GPU, "count": 1},
        "disk": 20,
        "ports": ["22/tcp"],
        **changes,
    }
    return {key: value for key, value in body.items() if value is not None}


def problems(method: str, path: str, answer: Answer) -> None:
    """Fails the test for an answer that breaks the contract."""
    operation = operation_of(method, path)
    if operation is None:
        return
    kind = answer.headers.get("content-type", "").partition(";")[0]
    found = response_problems(operation, answer.status, kind, answer.json)
    assert not found, (operation, answer, found)
    assert answer.headers["x-request-id"]
    assert ("ratelimit" in answer.headers) == (answer.status != 401)


def operation_of(method: str, path: str) -> str | None:
    path = path.partition("?")[0]
    for operation, (verb, template) in operations().items():
        pattern = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(template))
        if verb == method and re.fullmatch(pattern, path):
            return operation
    return None


def wait_for(probe: Callable[[], T | None], limit: float = 10.0) -> T:
    """The first true result; a bound for the test, not a guess at the time it takes."""
    deadline = time.monotonic() + limit
    while True:
        result = probe()
        if result:
            return result
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
