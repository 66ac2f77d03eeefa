"""One talk with one registry over HTTP: a manifest, the token that it may want, redirects; then it is over."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import httpx2 as httpx

from rp import __version__
from rp.domain import image
from rp.domain.image import ImageFacts, Reference
from rp.domain.public_host import is_public
from rp.registry import manifest

# Docker's own limit for a manifest, in bytes.
_LARGEST = 4 << 20
_MOST_REDIRECTS = 3
_BEARER = re.compile(r"\bbearer (.*)", re.IGNORECASE)
_PARAMETER = re.compile(r'([A-Za-z_]{1,20})="([^"]{0,2000})"')
_TOKEN = re.compile(r"[\x21-\x7e]{1,20000}")


class NotTold(Exception):
    """The registry does not say, or says it in a way that rp does not follow."""


def may_ask(address: str, *, from_here: bool) -> bool:
    """Encrypted, and on the public internet, since RunPod pulls from nowhere else; or on this machine, from there
    alone. No logins."""
    parts = urlsplit(address)
    if not parts.netloc or "@" in parts.netloc:
        return False
    if image.is_loopback(parts.netloc):
        return from_here and parts.scheme == "http"
    return parts.scheme == "https" and is_public(parts.hostname or "")


class Conversation:
    """`left` tells the seconds that remain. Raises NotTold, httpx's errors and those of odd JSON."""

    def __init__(self, reference: Reference, left: Callable[[], float]) -> None:
        self._reference = reference
        self._left = left
        self._is_local = image.is_loopback(reference.host)
        self._token = ""
        headers = {
            "User-Agent": f"rp/{__version__}",
            # A small compressed answer could unfold without an end.
            "Accept-Encoding": "identity",
        }
        # Nobody stands between this machine and itself, whatever the proxy variables say.
        self._http = httpx.Client(trust_env=not self._is_local, headers=headers, follow_redirects=False)

    def __enter__(self) -> "Conversation":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def facts(self) -> ImageFacts:
        status, document = self._manifest(self._reference.manifest)
        if status == 404 and manifest.says_gone(document):
            return ImageFacts(exists=False)
        if status != 200 or not isinstance(document, dict) or "schemaVersion" not in document:
            raise NotTold
        if not manifest.is_index(document):
            return ImageFacts(download_bytes=manifest.download_bytes(document))
        if manifest.lacks_amd64(document):
            return ImageFacts(amd64=False)
        digest = manifest.of_amd64(document)
        if digest is None:
            return ImageFacts()
        status, document = self._manifest(digest)
        size = manifest.download_bytes(document) if status == 200 and isinstance(document, dict) else None
        return ImageFacts(download_bytes=size)

    def _manifest(self, which: str) -> tuple[int, Any]:
        one = self._reference
        address = f"{one.scheme}://{one.host}/v2/{one.repository}/manifests/{which}"
        status, headers, body = self._get(address)
        if status == 401 and not self._token:
            self._token = self._fresh_token(headers.get("www-authenticate", ""))
            status, headers, body = self._get(address)
        return status, json.loads(body) if status in (200, 404) else None

    def _fresh_token(self, challenge: str) -> str:
        """What anybody gets who asks. Raises NotTold where a login is wanted."""
        found = _BEARER.search(challenge[:8000])
        said = dict(_PARAMETER.findall(found[1])) if found else {}
        if "realm" not in said:
            raise NotTold
        scope = said.get("scope") or f"repository:{self._reference.repository}:pull"
        query = urlencode({"scope": scope, **({"service": said["service"]} if said.get("service") else {})})
        status, _, body = self._get(f"{said['realm']}{'&' if '?' in said['realm'] else '?'}{query}", is_token=True)
        answer = json.loads(body) if status == 200 else None
        token = (answer.get("token") or answer.get("access_token")) if isinstance(answer, dict) else None
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise NotTold
        return token

    def _get(self, address: str, *, is_token: bool = False) -> tuple[int, httpx.Headers, bytes]:
        """The token goes to the registry itself, not where that redirects to."""
        may_have_token = not is_token
        for _ in range(_MOST_REDIRECTS + 1):
            if not may_ask(address, from_here=self._is_local):
                raise NotTold
            headers = {"Accept": "application/json" if is_token else manifest.ACCEPT}
            if may_have_token and self._token:
                headers["Authorization"] = f"Bearer {self._token}"
            with self._http.stream("GET", address, headers=headers, timeout=self._time_left()) as response:
                if not response.has_redirect_location:
                    return response.status_code, response.headers, self._body(response)
                further = urljoin(address, response.headers["location"])
            may_have_token = may_have_token and urlsplit(further)[:2] == urlsplit(address)[:2]
            address = further
        raise NotTold

    def _body(self, response: httpx.Response) -> bytes:
        data = bytearray()
        # Without a size of chunks: that would wait until one is full.
        for chunk in response.iter_raw():
            data += chunk
            self._time_left()
            if len(data) > _LARGEST:
                raise NotTold
        return bytes(data)

    def _time_left(self) -> float:
        left = self._left()
        if left <= 0:
            raise NotTold
        return left
