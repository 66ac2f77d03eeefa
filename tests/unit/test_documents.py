import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from rp.documents import Documents, called, checked_address
from rp.errors import NotFound, RpError, UsageProblem
from unit.runpod.server import Reply, Server, html, serving

LARGEST = 1000


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def _documents(stdin: bytes = b"", patience: float = 15.0) -> Documents:
    return Documents(io.TextIOWrapper(io.BytesIO(stdin)), largest=LARGEST, patience=patience)


def _to(location: str, status: int = 302) -> Reply:
    return Reply(status, b"", headers={"Location": location})


def test_a_file_standard_input_and_an_address_are_read(server: Server, tmp_path: Path) -> None:
    (tmp_path / "sd.json").write_bytes(b"\xef\xbb\xbf{\xc3\xbc}")
    server.replies = [Reply(200, b"[1]")]

    assert _documents().read(str(tmp_path / "sd.json")) == "{ü}"
    assert _documents(b"[2]").read("-") == "[2]"
    assert _documents().read(f"{server.address}/sd.json") == "[1]"
    assert server.asked[0].headers["accept-encoding"] == "identity"
    assert "authorization" not in server.asked[0].headers


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff")

    with pytest.raises(NotFound, match="no file"):
        _documents().read(str(tmp_path / "none.json"))
    with pytest.raises(RpError, match="Is a directory"):
        _documents().read(str(tmp_path))
    with pytest.raises(RpError, match="byte 0 is no UTF-8"):
        _documents().read(str(tmp_path / "bytes"))


def test_what_is_too_large_is_refused_wherever_it_comes_from(server: Server, tmp_path: Path) -> None:
    data = b"x" * (LARGEST + 1)
    (tmp_path / "x.json").write_bytes(data)
    server.replies = [Reply(200, data)]

    for source in (str(tmp_path / "x.json"), "-", f"{server.address}/x"):
        with pytest.raises(RpError, match="is larger than"):
            _documents(data).read(source)


@pytest.mark.parametrize(
    ("reply", "kind", "text"),
    [
        (Reply(404, b"no"), NotFound, "HTTP 404"),
        (Reply(500, b"no"), RpError, "HTTP 500"),
        (Reply(401, b"no"), RpError, "HTTP 401"),
        (html(200), RpError, "is a web page, not a template"),
        (Reply(200, b"\xff"), RpError, "no UTF-8"),
        (Reply(raw=b""), RpError, "cannot fetch"),
        (Reply(raw=b"\x00\x16\x03 this is not HTTP\r\n\r\n"), RpError, "cannot fetch"),
    ],
)
def test_an_answer_that_is_no_document_is_told(server: Server, reply: Reply, kind: type[RpError], text: str) -> None:
    server.replies = [reply]

    with pytest.raises(kind, match=text) as caught:
        _documents().read(f"{server.address}/x?token=secret")
    assert "secret" not in caught.value.message


def test_redirects_on_this_machine_are_followed_and_end(server: Server) -> None:
    server.replies = [_to("/b"), _to(f"{server.address}/c"), Reply(200, b"[1]")]

    assert _documents().read(f"{server.address}/a") == "[1]"
    assert [asked.path for asked in server.asked] == ["/a", "/b", "/c"]

    server.replies = [_to("/again")]
    with pytest.raises(RpError, match="redirects again and again"):
        _documents().read(f"{server.address}/a")


@pytest.mark.parametrize(
    "location",
    [
        *("http://example.com/x", "ftp://127.0.0.1/x", "file:///etc/passwd", "//example.com/x"),
        # What cannot be taken apart, or looked up.
        *("https://[x/", f"https://{'a' * 70}.invalid/x", "https://a..b/x", "https://a:b/x", "http://["),
    ],
)
def test_a_redirect_elsewhere_is_not_followed(server: Server, location: str) -> None:
    server.replies = [_to(location)]

    with pytest.raises(RpError):
        _documents().read(f"{server.address}/a")
    assert len(server.asked) == 1


# Hosts that the rest of the world cannot see, and ways to write them.
DISGUISED = (
    *("127.0.0.1", "127.0.0.2", "127.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "0"),
    "0.0.0.0",  # noqa: S104 - nothing listens there
    *("localhost.", "LOCALHOST", "a.localhost", "printer.local", "router", "vault.internal", "nas.home.arpa"),
    *("10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "127.0.0.1."),
    *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[fe80::1]", "[fd00::1]", "[ff02::1]"),
    *("[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001:0:1::1]"),
    *("\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021", "%31%32%37.0.0.1", "loc\u0430lhost"),
)


@pytest.mark.parametrize(
    ("address", "before", "is_good"),
    [
        ("https://example.com/x", "", True),
        ("HTTPS://example.com/x", "", True),
        ("http://example.com/x", "", False),
        ("http://127.0.0.1.example.com/x", "", False),
        ("http://127.0.0.1:80@example.com/x", "", False),
        ("http://localhost:8000/x", "", True),
        ("http://[::1]:8000/x", "", True),
        ("https:///x", "", False),
        ("https://a:b/x", "", False),
        ("https://[x/", "", False),
        ("https://example.org/y", "https://example.com/x", True),
        ("http://example.org/y", "https://example.com/x", False),
        ("http://127.0.0.1/y", "https://example.com/x", False),
        ("https://localhost/y", "https://example.com/x", False),
        ("http://127.0.0.2/x", "", True),
        ("http://[::ffff:127.0.0.1]/x", "", True),
        ("http://localhost./x", "", True),
        ("http://127.1/x", "", False),
        ("http://0.0.0.0/x", "", False),
        ("http://10.0.0.1/x", "", False),
        ("https://10.0.0.1/x", "", True),
        ("https://10.0.0.1/y", "https://10.0.0.1/x", True),
        ("https://10.0.0.2/y", "https://10.0.0.1/x", False),
        ("https://10.0.0.1/y", "http://127.0.0.1/x", True),
        ("https://93.184.215.14/y", "https://example.com/x", True),
        ("https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/y", "https://example.com/x", True),
        ("https://xn--bcher-kva.example/y", "https://example.com/x", True),
        *((f"https://{host}/y", "https://example.com/x", False) for host in DISGUISED),
    ],
)
def test_only_encrypted_addresses_and_this_machine_are_good(address: str, before: str, *, is_good: bool) -> None:
    if is_good:
        assert checked_address(address, before=before) == address
    else:
        with pytest.raises(RpError):
            checked_address(address, before=before)


def test_an_address_that_cannot_be_looked_up_is_an_error_and_no_crash() -> None:
    for host in (f"{'a' * 70}.invalid", "a..b", "\u2024.example", "[x", "a:b"):
        with pytest.raises(RpError):
            _documents().read(f"https://{host}/x")
    assert _documents().called("~nobody-at-all/x.json") == "~nobody-at-all/x.json"
    with pytest.raises(RpError, match="cannot read"):
        _documents().read("~nobody-at-all/x.json")


def test_an_address_that_is_not_encrypted_is_a_usage_error() -> None:
    with pytest.raises(UsageProblem, match="not encrypted"):
        _documents().read("http://example.com/x")


@contextmanager
def _sending(chunk: bytes, pause: float) -> Iterator[str]:
    """The address of a server whose answer has no end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def send() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
                while not stop.wait(pause):
                    connection.sendall(chunk)

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        stop.set()
        thread.join()


def test_a_server_that_trickles_is_given_up() -> None:
    """A byte now and then keeps each single read alive."""
    with _sending(b" ", 0.02) as address, pytest.raises(RpError, match=r"did not answer within 0\.2 s"):
        _documents(patience=0.2).read(address)


def test_an_answer_without_an_end_is_not_read_to_its_end() -> None:
    with _sending(b" " * 500, 0.001) as address, pytest.raises(RpError, match="is larger than"):
        _documents(patience=10).read(address)


def test_what_may_be_secret_in_an_address_is_not_repeated() -> None:
    assert called("https://user:pw@Example.com:8443/a/b.json?token=t#x") == "https://Example.com:8443/a/b.json"
    assert called("https://[x/") == "the address"
    assert called("-") == "standard input"
