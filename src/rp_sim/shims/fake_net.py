"""The network of a pod: every host answers at once, at the speed that the scenario gives it. Loopback is real."""

from __future__ import annotations

import fnmatch
import io
import re
import socket
import ssl
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rp_sim.shims.own_time import Clock

Facts = dict[str, Any]
LOOPBACK = re.compile(r"localhost$|127\.|::1$|0\.0\.0\.0$|\[::1\]$")
PAGE = 1256  # bytes of what is no large file
LARGE = 500_000_000
LARGE_FILE = re.compile(rb"\.(bin|dat|safetensors|iso|zip|gz|whl|tar)[ ?]|\d[MG]B|\d+Mb")
TLS_PORT = 443
TCP_S, TLS_S, ANSWER_S = 0.011, 0.020, 0.024
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"


class Network:
    """What the scenario says about hosts, and which address stands for which of them."""

    def __init__(self, net: Facts, clock: Clock) -> None:
        self._net, self._clock = net, clock
        self._hosts: dict[str, str] = {}

    def rate(self, host: str) -> float:
        """Bytes per second."""
        return float(self._rule("slow", host) or self._net["mbps"]) * 125_000

    def pass_time(self, seconds: float) -> None:
        self._clock.wait_until(self._clock.now() + seconds)

    def look_up(self, host: str) -> str:
        if self._net["dns_broken"]:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        self.pass_time(self._net["dns_ms"] / 1000)
        known = {name: address for address, name in self._hosts.items()}
        address = known.get(host, f"198.51.100.{len(known) % 250 + 7}")
        self._hosts[address] = host
        return address

    def connect(self, host: str) -> Connection:
        name = self._hosts.get(host, host)
        if name == host:
            self.look_up(host)
        if self._rule("blocked", name) is not None:
            raise ConnectionRefusedError(111, "Connection refused")
        self.pass_time(TCP_S)
        return Connection(name, self)

    def _rule(self, kind: str, host: str) -> Any:
        rules = [(pattern, value) for what, pattern, value in self._net["rules"] if what == kind]
        found = [value for pattern, value in rules if fnmatch.fnmatch(host, pattern)]
        return found[-1] if found else None


class Body(io.RawIOBase):
    """The head of an answer, then as many zeros as were promised; they take their time on the program's own clock."""

    def __init__(self, head: bytes, size: int, rate: float, network: Network) -> None:
        self._head, self._left, self._rate, self._network = head, size, rate, network

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._head:
            part, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        else:
            part = bytes(min(len(buffer), self._left))
            self._left -= len(part)
            self._network.pass_time(len(part) / self._rate)
        buffer[: len(part)] = part
        return len(part)


class Connection:
    """A socket whose far end is an HTTP server that says yes to everything."""

    def __init__(self, host: str, network: Network) -> None:
        self._host, self._network = host, network
        self._sent = b""
        self._reply: io.BufferedReader | None = None

    def sendall(self, data: Any, *_flags: object) -> None:
        self._sent += bytes(data)

    def send(self, data: Any, *_flags: object) -> int:
        self.sendall(data)
        return len(data)

    def makefile(self, *_mode: object, **_options: object) -> io.BufferedReader:
        return self._answer()

    def recv(self, size: int, *_flags: object) -> bytes:
        return self._answer().read(size)

    read = recv
    write = send

    def _answer(self) -> io.BufferedReader:
        if self._reply is None:
            self._network.pass_time(ANSWER_S)
            size = _size(self._sent)
            body = Body(HEAD % size, size, self._network.rate(self._host), self._network)
            self._reply = io.BufferedReader(body, 1 << 16)
        return self._reply

    def getpeername(self) -> tuple[str, int]:
        return self._network.look_up(self._host), TLS_PORT

    def fileno(self) -> int:
        return -1

    def wrapped(self) -> Connection:
        self._network.pass_time(TLS_S)
        return self

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_exception: object) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        """Whatever else a socket does: settimeout, setsockopt, close, shutdown, version, …"""
        return lambda *_arguments, **_options: None


def _size(request: bytes) -> int:
    """Of the answer: what the address names or such a file is likely to have, no more than the range asked for."""
    line = request.partition(b"\r\n")[0]
    named = re.search(rb"bytes=(\d+)", line)
    size = int(named[1]) if named else LARGE if LARGE_FILE.search(line) else PAGE
    part = re.search(rb"(?i)\r\nrange: *bytes=(\d+)-(\d+)", request)
    return min(size, int(part[2]) - int(part[1]) + 1) if part else size


def install(net: Facts, clock: Clock) -> None:
    network = Network(net, clock)
    look_up, connect, wrap = socket.getaddrinfo, socket.create_connection, ssl.SSLContext.wrap_socket

    def getaddrinfo(host: Any, port: Any, *more: Any, **options: Any) -> Any:
        if not host or LOOPBACK.match(str(host)):
            return look_up(host, port, *more, **options)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (network.look_up(str(host)), int(port or 0)))]

    def create_connection(address: Any, *more: Any, **options: Any) -> Any:
        if LOOPBACK.match(str(address[0])):
            return connect(address, *more, **options)
        return network.connect(str(address[0]))

    def wrap_socket(context: Any, sock: Any, *more: Any, **options: Any) -> Any:
        return sock.wrapped() if isinstance(sock, Connection) else wrap(context, sock, *more, **options)

    vars(socket)["getaddrinfo"] = getaddrinfo
    vars(socket)["create_connection"] = create_connection
    setattr(ssl.SSLContext, "wrap_socket", wrap_socket)  # noqa: B010  mypy holds it for a constant
