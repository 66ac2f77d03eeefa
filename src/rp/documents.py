"""Texts that the user names: a file, standard input, or an address on the web. One small document at a time."""

import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO
from urllib.parse import urljoin, urlsplit, urlunsplit

from rp import __version__
from rp.domain.public_host import is_public
from rp.errors import NotFound, RpError, UsageProblem

if TYPE_CHECKING:
    import ipaddress

STDIN = "-"
# Seconds for all of it: redirects, and a server that sends a byte now and then, included.
_PATIENCE = 15.0
_MOST_REDIRECTS = 5


class Documents:
    """`largest` is in bytes: what is larger is refused, not cut."""

    def __init__(self, stdin: TextIO, *, largest: int = 1 << 20, patience: float = _PATIENCE) -> None:
        self._stdin = stdin
        self._largest = largest
        self._patience = patience

    def read(self, source: str) -> str:
        """Raises UsageProblem, NotFound, and RpError for what cannot be read or is no UTF-8."""
        if source == STDIN:
            data = self._stdin.buffer.read(self._largest + 1)
        elif is_address(source):
            data = _fetched(source, self._largest, self._patience)
        else:
            data = self._file(Path(source))
        if len(data) > self._largest:
            raise too_large(source, self._largest)
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise RpError(f"{called(source)} is no text: byte {error.start} is no UTF-8") from None

    def called(self, source: str) -> str:
        """What to call it in a text: an address without what may be secret in it, a file with its whole path."""
        if source == STDIN or is_address(source):
            return called(source)
        try:
            return str(Path(source).expanduser().absolute())
        except RuntimeError:
            # `~nobody`: reading it tells.
            return source

    def _file(self, path: Path) -> bytes:
        try:
            with path.expanduser().open("rb") as file:
                return file.read(self._largest + 1)
        except FileNotFoundError:
            raise NotFound(f"there is no file {path}") from None
        except (OSError, RuntimeError, ValueError) as error:
            raise RpError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error


def is_address(source: str) -> bool:
    return source.lower().startswith(("http://", "https://"))


def called(source: str) -> str:
    """What to call it in a text: an address without what may be secret in it."""
    if source == STDIN:
        return "standard input"
    if not is_address(source):
        return source
    try:
        parts = urlsplit(source)
    except ValueError:
        return "the address"
    return urlunsplit((parts.scheme.lower(), parts.netloc.rpartition("@")[2], parts.path, "", ""))


def too_large(source: str, largest: int) -> RpError:
    return RpError(f"{called(source)} is larger than {largest // 1024} KiB", hint="a template is a small JSON document")


def checked_address(address: str, *, before: str = "") -> str:
    """`address`; raises UsageProblem unless it is https, or http to this machine.

    `before` is the address that redirected here: what came by https goes on by https, and only this machine
    may lead to this machine, or a host to itself, where the rest of the world cannot see it.
    """
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise UsageProblem(f"`{address[:80]}` is no address") from None
    if not host:
        raise UsageProblem(f"`{address[:80]}` is no address")
    scheme = parts.scheme.lower()
    if before:
        earlier = urlsplit(before)
        comes_by_http = earlier.scheme.lower() == "http"
        may_lead = is_loopback(earlier.hostname or "") or is_public(host) or (host == earlier.hostname)
        is_good = may_lead and (scheme == "https" or (scheme == "http" and is_loopback(host) and comes_by_http))
    else:
        is_good = scheme == "https" or (scheme == "http" and is_loopback(host))
    if is_good:
        return address
    if before:
        raise RpError(f"{called(before)} redirects to {called(address)}, where rp does not follow")
    raise UsageProblem(f"{called(address)} is not encrypted: anybody on the way could change it", hint="use https")


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine, written in a usual way; `host` as in an address, without brackets."""
    ip = _ip(host)
    return ip.is_loopback if ip is not None else host.lower().removesuffix(".") == "localhost"


def _ip(host: str) -> "ipaddress.IPv4Address | ipaddress.IPv6Address | None":
    import ipaddress

    try:
        ip = ipaddress.ip_address(host.removesuffix("."))
    except ValueError:
        return None
    return getattr(ip, "ipv4_mapped", None) or ip


def _fetched(address: str, largest: int, patience: float) -> bytes:
    """In a thread: no limit of a socket's single read ends a server that trickles."""
    checked_address(address)
    answers: queue.SimpleQueue[bytes | BaseException] = queue.SimpleQueue()
    threading.Thread(target=_put, args=(answers, lambda: _get(address, largest, patience)), daemon=True).start()
    try:
        answer = answers.get(timeout=patience)
    except queue.Empty:
        raise RpError(
            f"{called(address)} did not answer within {patience:g} s", hint="fetch it by hand, and import the file"
        ) from None
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _put(answers: "queue.SimpleQueue[bytes | BaseException]", call: Callable[[], bytes]) -> None:
    try:
        answers.put(call())
    except BaseException as error:  # noqa: BLE001 - raised again by who waits
        answers.put(error)


def _get(address: str, largest: int, patience: float) -> bytes:
    import httpx2 as httpx

    # Nobody stands between this machine and itself, whatever the proxy variables say.
    is_local = is_loopback(urlsplit(address).hostname or "")
    headers = {
        "User-Agent": f"rp/{__version__}",
        "Accept": "application/json, text/plain, */*",
        # A small compressed answer could unfold without an end.
        "Accept-Encoding": "identity",
    }
    try:
        with httpx.Client(trust_env=not is_local, headers=headers, timeout=patience, follow_redirects=False) as client:
            for _ in range(_MOST_REDIRECTS + 1):
                with client.stream("GET", address) as response:
                    if not response.has_redirect_location:
                        return _body(response.status_code, response.iter_raw(), address, largest)
                    address = checked_address(urljoin(address, response.headers["location"]), before=address)
    except (httpx.HTTPError, httpx.InvalidURL, ImportError, ValueError) as error:
        # ValueError: an address that does not stand being taken apart, or a name that cannot be looked up.
        raise RpError(
            f"cannot fetch {called(address)}: {str(error) or type(error).__name__}",
            hint="check the address and the network, or fetch it by hand and import the file",
        ) from error
    raise RpError(f"{called(address)} redirects again and again")


def _body(status: int, chunks: Iterator[bytes], address: str, largest: int) -> bytes:
    if status != 200:
        kind = NotFound if status in (404, 410) else RpError
        raise kind(f"{called(address)} answers with HTTP {status}", hint="check the address; it must need no login")
    data = b""
    for chunk in chunks:
        data += chunk
        if len(data) > largest:
            raise too_large(address, largest)
    if data.lstrip()[:1] == b"<":
        raise RpError(
            f"{called(address)} is a web page, not a template",
            hint="use the address of the raw file, not of a page around it",
        )
    return data
