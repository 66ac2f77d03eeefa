"""RFC 9457 problems, with the texts that RunPod is known to use."""

from __future__ import annotations

from http import HTTPStatus

CAPACITY = (
    "There are no longer any instances available with the requested specifications. Please refresh and try again."
)
HOST_FULL = "There are not enough free GPUs on the host machine to start this pod."
NO_DISK_SPACE = "There are no longer any instances available with enough disk space."
NO_DISK = "You must either provide a template id or pod configuration parameters"


class Problem(Exception):
    """An answer that is not a success; the HTTP layer renders it."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: tuple[str, ...] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}

    def body(self) -> dict[str, object]:
        body: dict[str, object] = {"title": title(self.status), "status": self.status, "detail": self.detail}
        if self.errors:
            body["errors"] = list(self.errors)
        return body


def title(status: int) -> str:
    """RunPod's titles are the classic reason phrases."""
    if status == 422:
        return "Unprocessable Entity"
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def bad_request(detail: str) -> Problem:
    return Problem(400, detail)


def no_capacity() -> Problem:
    return Problem(400, CAPACITY)


def not_found(what: str) -> Problem:
    return Problem(404, f"{what} not found")


def invalid(*errors: str) -> Problem:
    return Problem(422, "Request validation failed.", errors=errors)
