"""A server on loopback that answers as it is told to, and remembers what it was asked."""

import json
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Reply:
    """`raw` replaces the whole answer; empty, it is a connection that is reset."""

    status: int = 200
    body: bytes = b""
    type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    open_until: threading.Event | None = None


def answer(document: object, status: int = 200, **headers: str) -> Reply:
    return Reply(status, json.dumps(document).encode(), headers=headers)


def problem(status: int, detail: str = "no", *, entries: list[str] | None = None, **headers: str) -> Reply:
    document: dict[str, Any] = {"title": "T", "status": status, "detail": detail}
    if entries is not None:
        document["errors"] = entries
    return Reply(status, json.dumps(document).encode(), "application/problem+json", headers)


def html(status: int) -> Reply:
    return Reply(status, b"<html><h1>Attention Required! | Cloudflare</h1></html>", "text/html; charset=UTF-8")


RESET = Reply(raw=b"")
GARBAGE = Reply(raw=b"\x00\x16\x03 this is not HTTP\r\n\r\n")


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: Mapping[str, str]
    # The key is among them, and a failing test shows what it asked.
    headers: Mapping[str, str] = field(repr=False)
    body: bytes


@dataclass
class Server:
    """`replies` are given in order, the last one again and again."""

    address: str
    replies: list[Reply] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def next_reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    script: Server

    def handle_error(self, request: object, client_address: object) -> None:
        """A client may hang up: that is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Quiet

    def _reply(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
        reply = self.server.script.next_reply(asked)
        if reply.raw is not None:
            self._break(reply.raw)
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", reply.type)
        if reply.open_until is None:
            if reply.status != 204:
                self.send_header("Content-Length", str(len(reply.body)))
        else:
            self.close_connection = True
        self.end_headers()
        self.wfile.write(reply.body)
        self.wfile.flush()
        if reply.open_until is not None:
            reply.open_until.wait(20)

    do_GET = do_POST = do_PUT = do_DELETE = _reply  # noqa: N815 - the names that http.server looks for

    def _break(self, raw: bytes) -> None:
        self.close_connection = True
        if raw:
            self.wfile.write(raw)
        else:
            # No lingering: the kernel sends a reset instead of an orderly end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server has
        """Nothing: the test tells what matters."""


@contextmanager
def serving() -> Iterator[Server]:
    with _Quiet(("127.0.0.1", 0), _Handler) as http:
        http.script = Server(f"http://127.0.0.1:{http.server_address[1]}")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield http.script
        finally:
            http.shutdown()
            thread.join()


@dataclass
class Clock:
    """A clock that only its own `sleep` moves."""

    time: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
