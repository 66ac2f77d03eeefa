"""What registries say, and what hostile ones do: facts, or None in bounded time; never an error."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from rp.domain import image
from rp.domain.image import ImageFacts
from rp.registry.conversation import may_ask
from rp.registry.registries import Registries
from rp.state.images import ImageCache
from unit.registry.fake import Answer, Handler, Registry, index, manifest, registry

DIGEST = "sha256:" + "ab" * 32
OTHER = "sha256:" + "cd" * 32
NOW = 1_800_000_000.0
SIZES = manifest([{"size": 700}, {"size": 300}])


@pytest.fixture
def fake() -> Iterator[Registry]:
    with registry() as found:
        yield found


def facts(fake: Registry, tmp_path: Path, name: str = "me/x:1", *, patience: float = 5.0) -> ImageFacts | None:
    reference = image.parse(f"{fake.address}/{name}")
    assert reference is not None
    asked = Registries(ImageCache(tmp_path / "images.json"), monotonic=time.monotonic, asks=True, patience=patience)
    return asked.facts(reference, NOW)


def test_the_layers_of_an_image_are_summed(fake: Registry, tmp_path: Path) -> None:
    fake.answers["/v2/me/x/manifests/1"] = Answer(body=SIZES)

    assert facts(fake, tmp_path) == ImageFacts(download_bytes=1000)


def test_of_an_index_the_image_for_linux_on_amd64_is_looked_at(fake: Registry, tmp_path: Path) -> None:
    listed = index(("linux", "arm64", OTHER), ("linux", "amd64", DIGEST), ("unknown", "unknown", OTHER))
    fake.answers["/v2/me/x/manifests/1"] = Answer(body=listed)
    fake.answers[f"/v2/me/x/manifests/{DIGEST}"] = Answer(body=SIZES)

    assert facts(fake, tmp_path) == ImageFacts(download_bytes=1000)


def test_an_index_without_that_platform_is_told(fake: Registry, tmp_path: Path) -> None:
    fake.answers["/v2/me/x/manifests/1"] = Answer(body=index(("linux", "arm64", DIGEST), ("unknown", "unknown", OTHER)))

    assert facts(fake, tmp_path) == ImageFacts(amd64=False)


def test_a_digest_is_asked_for_before_a_tag(fake: Registry, tmp_path: Path) -> None:
    fake.answers[f"/v2/me/x/manifests/{DIGEST}"] = Answer(body=SIZES)

    assert facts(fake, tmp_path, f"me/x:1@{DIGEST}") == ImageFacts(download_bytes=1000)


def test_a_registrys_404_means_gone_and_is_not_kept(fake: Registry, tmp_path: Path) -> None:
    assert facts(fake, tmp_path) == ImageFacts(exists=False)

    fake.answers["/v2/me/x/manifests/1"] = Answer(body=SIZES)
    assert facts(fake, tmp_path) == ImageFacts(download_bytes=1000)


def test_what_is_there_is_not_asked_again_for_a_day(fake: Registry, tmp_path: Path) -> None:
    fake.answers["/v2/me/x/manifests/1"] = Answer(body=SIZES)

    assert facts(fake, tmp_path) == facts(fake, tmp_path)
    assert len(fake.asked) == 1


def test_a_token_for_anybody_is_fetched_and_goes_to_the_registry_alone(fake: Registry, tmp_path: Path) -> None:
    elsewhere = f"http://{fake.address.replace('127.0.0.1', 'localhost')}/moved"
    challenge = (
        f'Basic realm="x", bearer realm="http://{fake.address}/token?a=b",service="here",scope="repository:me/x:pull"'
    )

    def guarded(request: BaseHTTPRequestHandler) -> None:
        if request.headers.get("Authorization") == "Bearer t0k3n":
            Answer(307, headers={"Location": elsewhere})(request)
        else:
            Answer(401, headers={"WWW-Authenticate": challenge})(request)

    fake.answers |= {
        "/v2/me/x/manifests/1": guarded,
        "/token": Answer(body={"token": "t0k3n"}),
        "/moved": Answer(body=SIZES),
    }

    assert facts(fake, tmp_path) == ImageFacts(download_bytes=1000)
    asked = dict(fake.asked)
    assert "/token?a=b&scope=repository%3Ame%2Fx%3Apull&service=here" in asked
    assert "Authorization" not in asked["/moved"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_whoever_does_not_tell_is_not_believed_to_say_gone(fake: Registry, tmp_path: Path, status: int) -> None:
    fake.answers["/v2/me/x/manifests/1"] = Answer(status, b"<html>Not found</html>")

    assert facts(fake, tmp_path) is None


def _drip(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    for _ in range(100):
        request.wfile.write(b" ")
        time.sleep(0.05)


def _flood(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    for _ in range(2000):
        request.wfile.write(b" " * 100_000)


def _endless_header(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(200):
        request.wfile.write(b"x" * 10_000)


def _garbage(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"\x00\xff\x00 what?\r\n\r\n")


def _bearer(realm: str) -> Handler:
    return Answer(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'})


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(_drip, id="slow drip"),
        pytest.param(_flood, id="huge"),
        pytest.param(Answer(body={**SIZES, "padding": "x" * (5 << 20)}), id="a manifest of 5 MiB"),
        pytest.param(_endless_header, id="endless header"),
        pytest.param(_garbage, id="garbage"),
        pytest.param(Answer(body=b"[" * 100_000), id="nested"),
        pytest.param(Answer(body=b"9" * 100_000), id="long number"),
        pytest.param(Answer(body=b"\xff\xfe{"), id="no text"),
        pytest.param(Answer(body=b'{"schemaVersion": 2', headers={"Content-Encoding": "gzip"}), id="no gzip"),
        pytest.param(Answer(body=b'"ok"'), id="a text"),
        pytest.param(Answer(body={"manifests": 1}), id="no manifest"),
        pytest.param(Answer(302, headers={"Location": "/v2/me/x/manifests/1"}), id="redirects to itself"),
        pytest.param(Answer(302, headers={"Location": "file:///etc/passwd"}), id="to a file"),
        pytest.param(Answer(302, headers={"Location": "http://example.invalid/"}), id="unencrypted"),
        pytest.param(Answer(302, headers={"Location": "http://u:p@127.0.0.1/"}), id="with a login"),
        pytest.param(Answer(302, headers={"Location": "//[::"}), id="no address"),
        pytest.param(_bearer("file:///etc/passwd"), id="token from a file"),
        pytest.param(_bearer("gopher://x"), id="token by another scheme"),
        pytest.param(_bearer("relative"), id="token from nowhere"),
        pytest.param(Answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'}), id="login"),
        pytest.param(Answer(401), id="no challenge"),
    ],
)
def test_a_hostile_registry_is_harmless(fake: Registry, tmp_path: Path, answer: Handler) -> None:
    fake.answers["/v2/me/x/manifests/1"] = answer
    began = time.monotonic()

    assert facts(fake, tmp_path, patience=0.8) is None
    # Patience and a slow machine; what hangs would take 5 s and more.
    assert time.monotonic() - began < 4
    assert not (tmp_path / "images.json").exists()


@pytest.mark.parametrize(
    ("address", "from_here", "may"),
    [
        ("https://ghcr.io/v2/", False, True),
        ("https://auth.example.com:8443/token?a=b", False, True),
        ("http://ghcr.io/v2/", False, False),
        ("http://127.0.0.1:5000/v2/", True, True),
        ("http://[::1]:5000/v2/", True, True),
        ("http://127.0.0.1:5000/v2/", False, False),
        ("https://localhost/v2/", False, False),
        ("http://ghcr.io/v2/", True, False),
        ("https://ghcr.io/v2/", True, True),
        ("https://me:secret@ghcr.io/v2/", False, False),
        ("http://me@127.0.0.1/", True, False),
        ("file:///etc/passwd", True, False),
        ("ftp://ghcr.io/", False, False),
        ("//ghcr.io/", False, False),
        ("token", False, False),
        ("https://127.0.0.2/", False, False),
        ("https://0.0.0.0/", False, False),
        ("https://localhost./", False, False),
        ("https://10.0.0.1/", True, False),
        ("https://169.254.169.254/latest/", False, False),
        ("https://registry:5000/v2/", False, False),
        ("https://8.8.8.8/v2/", False, True),
        ("", False, False),
    ],
)
def test_only_some_addresses_are_asked(address: str, from_here: bool, may: bool) -> None:
    assert may_ask(address, from_here=from_here) is may


def test_a_redirect_with_a_login_in_it_is_not_followed(fake: Registry, tmp_path: Path) -> None:
    fake.answers["/v2/me/x/manifests/1"] = Answer(302, headers={"Location": f"http://u:p@{fake.address}/moved"})
    fake.answers["/moved"] = Answer(body=SIZES)

    assert facts(fake, tmp_path) is None
    assert len(fake.asked) == 1


@pytest.mark.parametrize("token", [{"token": "a\nb"}, {"token": 5}, {"token": ""}, [], {"token": "x" * 30_000}])
def test_a_token_that_is_none_is_not_sent(fake: Registry, tmp_path: Path, token: object) -> None:
    fake.answers["/v2/me/x/manifests/1"] = _bearer(f"http://{fake.address}/token")
    fake.answers["/token"] = Answer(body=token)

    assert facts(fake, tmp_path) is None
    assert not any("Authorization" in headers for _, headers in fake.asked)


@pytest.mark.parametrize(
    "document",
    [
        manifest([{"size": -1}]),
        manifest([{"size": "7"}]),
        manifest([{"size": True}]),
        manifest([{}]),
        manifest([7]),
        manifest({}),
        manifest([]),
        manifest([{"size": 10**18}]),
        index(("linux", "amd64", "../../other")),
        {"schemaVersion": 2, "manifests": [5, {"platform": 7}, {"platform": {"os": [], "architecture": "x"}}]},
        {"schemaVersion": 1, "fsLayers": []},
    ],
)
def test_what_is_odd_in_a_manifest_leaves_the_size_unknown(
    fake: Registry, tmp_path: Path, document: dict[str, Any]
) -> None:
    fake.answers["/v2/me/x/manifests/1"] = Answer(body=document)

    found = facts(fake, tmp_path)

    assert found is None or found == ImageFacts()
    assert {path for path, _ in fake.asked} <= {"/v2/me/x/manifests/1"}


def test_nobody_is_asked_where_that_is_off(fake: Registry, tmp_path: Path) -> None:
    reference = image.parse(f"{fake.address}/me/x:1")
    assert reference is not None

    off = Registries(ImageCache(tmp_path / "images.json"), monotonic=time.monotonic, asks=False)

    assert off.facts(reference, NOW) is None
    assert fake.asked == []


def test_no_registry_at_all_is_unknown(fake: Registry, tmp_path: Path) -> None:
    gone = Registry("127.0.0.1:9")

    assert facts(gone, tmp_path) is None


def test_a_thread_that_was_given_up_ends_soon(fake: Registry, tmp_path: Path) -> None:
    fake.answers["/v2/me/x/manifests/1"] = _drip
    before = set(threading.enumerate())

    facts(fake, tmp_path, patience=0.2)

    for thread in set(threading.enumerate()) - before:
        if "ask" in thread.name:
            thread.join(3)
            assert not thread.is_alive()
