"""A registry on loopback that answers what a test tells it to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
GONE = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}

Handler = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Answer:
    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        request.send_response(self.status)
        for name, value in self.headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


@dataclass
class Registry:
    """`answers` by path without the query; what has none is gone."""

    address: str
    answers: dict[str, Handler] = field(default_factory=dict)
    # (path with the query, the headers) of each request.
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def image(self, name: str, tag: str, size: int) -> str:
        """Publish an image whose layers have `size` bytes together; returns what to call it."""
        layers = [{"size": size // 2}, {"size": size - size // 2}]
        self.answers[f"/v2/{name}/manifests/{tag}"] = Answer(body=manifest(layers))
        return f"{self.address}/{name}:{tag}"


def manifest(layers: Any) -> dict[str, Any]:
    return {"schemaVersion": 2, "mediaType": MANIFEST, "layers": layers}


def index(*entries: tuple[str, str, str]) -> dict[str, Any]:
    """Of (os, architecture, digest)."""
    rows = [{"digest": digest, "platform": {"os": os, "architecture": one}} for os, one, digest in entries]
    return {"schemaVersion": 2, "mediaType": INDEX, "manifests": rows}


@contextmanager
def registry() -> Iterator[Registry]:
    found: Registry

    class Requests(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append((self.path, dict(self.headers)))
            handler = found.answers.get(self.path.partition("?")[0], Answer(404, GONE))
            try:
                handler(self)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    found = Registry(f"127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
