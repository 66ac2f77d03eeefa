"""One HTTP call: pacing, blind retries of GET alone, and every failure as a typed error."""

import json
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx

from rp import __version__, errors
from rp.errors import ApiError
from rp.runpod.ratelimit import Pacer, retry_after

# Seconds. runpodctl and RunPod's SDK both wait 30 s for an answer.
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_GET_BACKOFF = (0.5, 2.0)
# An API that only times out is not asked again: the user has waited long enough.
_RETRY_WITHIN = 20.0
# A longer wait is the caller's to decide: it can say so to the user.
_LONGEST_SILENT_WAIT = 15.0
_MAX_WAITS = 4

_NO_SUCH_PATH = "requested path was not found"

_CLASSES: dict[int, type[ApiError]] = {
    400: errors.BadRequest,
    401: errors.Unauthorized,
    402: errors.InsufficientBalance,
    403: errors.Forbidden,
    404: errors.NoSuchResource,
    409: errors.Conflict,
    413: errors.InvalidRequest,
    422: errors.InvalidRequest,
}
_HINTS: dict[type[ApiError], str] = {
    errors.Unauthorized: "`rp login` stores a key; keys are made at https://console.runpod.io/user/settings",
    errors.InsufficientBalance: "add credit at https://console.runpod.io/user/billing: a deploy needs an hour of it",
    errors.Forbidden: "the key may be read-only or restricted: https://console.runpod.io/user/settings",
}


class Transport:
    """Speaks JSON with one RunPod address. The key leaves it in one header only."""

    def __init__(
        self, address: str, key: str, *, sleep: Callable[[float], None], monotonic: Callable[[], float]
    ) -> None:
        self._sleep = sleep
        self._monotonic = monotonic
        self._pacer = Pacer(monotonic)
        # Nobody stands between this machine and itself, whatever the proxy variables say.
        loopback = urlsplit(address).hostname in ("localhost", "127.0.0.1", "::1")
        self._http = _client(
            trust_env=not loopback,
            base_url=f"{address.rstrip('/')}/v2",
            headers={
                "Authorization": f"Bearer {key}",
                # RunPod's front refuses clients without a name of their own.
                "User-Agent": f"rp/{__version__} ({platform.system()}; {platform.machine()})",
                "Accept": "application/json",
            },
            timeout=_TIMEOUT,
        )

    def close(self) -> None:
        self._http.close()

    def call(self, method: str, path: str, *, body: object = None, query: Mapping[str, str] | None = None) -> Any:
        """Return the decoded answer, None where it is empty; raise ApiError."""
        tries = (*_GET_BACKOFF, None) if method == "GET" else (None,)
        began = self._monotonic()
        for backoff in tries:
            try:
                return self._paced(method, path, body, query)
            except errors.Unclear:
                if backoff is None or self._monotonic() - began > _RETRY_WITHIN:
                    raise
                self._sleep(backoff)
        raise AssertionError("unreachable")

    @contextmanager
    def lines(self, path: str, *, query: Mapping[str, str], quiet_after: float) -> Iterator[Iterator[str]]:
        """The lines of a stream that does not end by itself, until none came for `quiet_after` seconds."""
        timeout = httpx.Timeout(30.0, read=quiet_after, connect=10.0)
        with (
            _translated("GET", path),
            self._http.stream("GET", path, params=dict(query), timeout=timeout) as response,
        ):
            self._pacer.heard(response.headers)
            if response.status_code != 200:
                response.read()
                raise failure("GET", path, response)
            yield _until_quiet(response.iter_lines())

    def _paced(self, method: str, path: str, body: object, query: Mapping[str, str] | None) -> Any:
        """One call, repeated only after a 429: that one was not carried out."""
        for _ in range(_MAX_WAITS):
            self._wait(self._pacer.pause())
            try:
                return self._once(method, path, body, query)
            except errors.RateLimited as limited:
                self._wait(limited.retry_after, limited)
        raise errors.RateLimited(f"RunPod keeps answering {method} {path} with 429", retry_after=_LONGEST_SILENT_WAIT)

    def _wait(self, seconds: float, limited: errors.RateLimited | None = None) -> None:
        if seconds > _LONGEST_SILENT_WAIT:
            raise limited or errors.RateLimited("RunPod's quota for this account is used up", retry_after=seconds)
        if seconds > 0:
            self._sleep(seconds)

    def _once(self, method: str, path: str, body: object, query: Mapping[str, str] | None) -> Any:
        with _translated(method, path):
            response = self._http.request(
                method,
                path,
                params=dict(query) if query else None,
                content=json.dumps(body).encode() if body is not None else None,
                headers={"Content-Type": "application/json"} if body is not None else None,
            )
        self._pacer.heard(response.headers)
        if not response.is_success:
            raise failure(method, path, response)
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError:
            raise _unclear(method, path, "an answer that is no JSON", response) from None


def _client(**settings: Any) -> httpx.Client:
    try:
        return httpx.Client(**settings)
    except ImportError as error:
        raise errors.RpError(
            "a SOCKS proxy is set, and rp has no support for it", hint="unset ALL_PROXY, or use an HTTP proxy"
        ) from error


def _until_quiet(lines: Iterator[str]) -> Iterator[str]:
    try:
        yield from lines
    except (httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.ReadError):
        return


@contextmanager
def _translated(method: str, path: str) -> Iterator[None]:
    """Foreign exceptions become ours here and nowhere else."""
    try:
        yield
    except httpx.ConnectError as error:
        raise errors.Unclear(
            f"cannot reach RunPod for {method} {path}: {error}",
            hint="check the network, RP_API_URL, and https://uptime.runpod.io",
        ) from error
    except httpx.TimeoutException as error:
        raise errors.Unclear(f"RunPod did not answer {method} {path} in time") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        what = str(error) or type(error).__name__
        raise errors.Unclear(f"the connection for {method} {path} broke: {what}") from error


def failure(method: str, path: str, response: httpx.Response) -> ApiError:
    """The typed error of an answer that is no success."""
    problem = _problem(response)
    request_id = response.headers.get("x-request-id")
    status = response.status_code
    if status == 429:
        return errors.RateLimited(
            f"RunPod's rate limit refused {method} {path}",
            retry_after=retry_after(response.headers),
            request_id=request_id,
        )
    # An error page instead of a problem document comes from something before RunPod's API.
    if status >= 500 or status == 408 or (problem is None and status != 401):
        return _unclear(method, path, f"HTTP {status}", response, (problem or {}).get("detail"))
    kind = _CLASSES.get(status, ApiError)
    if status == 404 and _NO_SUCH_PATH in str((problem or {}).get("detail")):
        # A wrong address, which says nothing of the pod that was asked for.
        kind = ApiError
    told = str((problem or {}).get("detail") or (problem or {}).get("error") or response.reason_phrase)
    entries = (problem or {}).get("errors")
    listed = [str(entry) for entry in entries] if isinstance(entries, list) else []
    return kind(
        f"RunPod refused {method} {path}: {told} {_source(status, request_id)}",
        status=status,
        detail=told,
        request_id=request_id,
        hint=_HINTS.get(kind),
        # A missing field makes the validator list valid fields as unexpected: the missing one first.
        details=sorted(listed, key=lambda entry: "missing property" not in entry),
    )


def _unclear(method: str, path: str, what: str, response: httpx.Response, detail: object = None) -> errors.Unclear:
    request_id = response.headers.get("x-request-id")
    told = f" ({detail})" if detail else ""
    return errors.Unclear(
        f"RunPod answered {method} {path} with {what}{told} {_source(response.status_code, request_id)}",
        status=response.status_code,
        detail=str(detail or ""),
        request_id=request_id,
        hint="RunPod may be having trouble: https://uptime.runpod.io",
    )


def _source(status: int, request_id: str | None) -> str:
    return f"[HTTP {status}, request id {request_id}]" if request_id else f"[HTTP {status}]"


def _problem(response: httpx.Response) -> dict[str, Any] | None:
    """The problem document of the answer, None where it is something else."""
    if "json" not in response.headers.get("content-type", ""):
        return None
    try:
        document = response.json()
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
