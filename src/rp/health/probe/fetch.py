"""Fetches an address and throws the answer away: argv is the address, the seconds at most, the last byte wanted."""

from __future__ import annotations

import http.client
import socket
import ssl
import sys
import time
import urllib.parse
from typing import Any

CHUNK = 1 << 16


class Stop(Exception):
    """The time is up."""


def connect(url: urllib.parse.SplitResult, facts: dict[str, object], until: float) -> http.client.HTTPConnection:
    """A connection to the server, and how long its parts took in seconds, as curl counts them: from the start."""
    began = time.monotonic()
    port = url.port or (443 if url.scheme == "https" else 80)
    # One address of each kind, the server's first choices: the time is short.
    found = {each[0]: each for each in reversed(socket.getaddrinfo(url.hostname, port, type=socket.SOCK_STREAM))}
    facts["dns"] = f"{time.monotonic() - began:.3f}"
    plain = reach([each[4][:2] for _, each in sorted(found.items())], until)
    facts["ip"] = plain.getpeername()[0]
    facts["tcp"] = f"{time.monotonic() - began:.3f}"
    connection = http.client.HTTPConnection(url.hostname or "", port)
    connection.sock = plain
    if url.scheme == "https":
        connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=url.hostname)
        facts["tls"] = f"{time.monotonic() - began:.3f}"
    return connection


def reach(addresses: list[tuple[Any, ...]], until: float) -> socket.socket:
    """A connection to the first that answers; IPv4 comes first, many pods have nothing else."""
    problem = OSError("no address")
    for host, port in addresses:
        try:
            return socket.create_connection((host, port), max(0.1, min(4.0, until - time.monotonic())))
        except OSError as error:
            problem = error
    raise problem


def ask(url: str, last: int, facts: dict[str, object], until: float) -> tuple[http.client.HTTPResponse, socket.socket]:
    for _ in range(6):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https"):
            raise OSError(f"no scheme {parts.scheme}")
        connection = connect(parts, facts, until)
        wire = connection.sock
        target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        connection.request("GET", target, headers={"Range": f"bytes=0-{last}", "User-Agent": "rp", "Accept": "*/*"})
        answer = connection.getresponse()
        facts["code"] = answer.status
        where = answer.getheader("Location")
        if answer.status // 100 != 3 or not where:
            return answer, wire
        url = urllib.parse.urljoin(url, where)
    raise OSError("too many redirects")


def main(url: str, seconds: float, last: int) -> int:
    began = time.monotonic()
    until = began + seconds
    facts: dict[str, object] = {"via": "python3", "code": "000"}
    got, status, problem = 0, 0, ""
    try:
        answer, wire = ask(url, last, facts, until)
        while got <= last:
            if time.monotonic() >= until:
                raise Stop
            if wire.fileno() >= 0:
                wire.settimeout(max(0.1, until - time.monotonic()))
            block = answer.read1(CHUNK)
            if not block:
                break
            got += len(block)
    except (Stop, socket.timeout):  # noqa: UP041 - before Python 3.10 they are two
        status, problem = 28, "the time was up"
    except socket.gaierror as error:
        status, problem = 6, str(error)
    except ssl.SSLError as error:
        status, problem = 60, str(error)
    except (OSError, http.client.HTTPException, ValueError) as error:
        status, problem = 7, f"{type(error).__name__}: {error}"
    spent = max(time.monotonic() - began, 0.001)
    facts.update(total=f"{spent:.3f}", bytes=got, bps=int(got / spent))
    print(" ".join(f"{key}={value}" for key, value in facts.items()))
    if problem:
        print(problem)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
