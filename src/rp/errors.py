"""What can go wrong, with the exit status and the remedy of each.

RpError                      1    message, hint, details; rendered in one place, `cli/main.py`
├── UsageProblem             2    what argument parsing cannot see
├── NoCapacity               3    every candidate was refused
├── NotAllowed               4    no key, no balance, no permission, no usable SSH key
├── NoGoodPod                5    every pod that came was bad, or none was ready in time
│   └── ImageBroken          5    the image fails on whatever machine
├── NotFound                 6    no such pod, template, alias, GPU or region
├── Busy                     7    another rp holds the lock
├── StateUnreadable          1    a file that cannot be read is never overwritten
├── StateUnwritable          1    read-only folder, full disk
├── PodLeft                  1    a pod could not be terminated: it is still billed
└── ApiError                 1    RunPod's answer, with its `x-request-id`
    ├── BadRequest           1    400: no capacity, or a rule broken
    ├── Unauthorized         4    401
    ├── InsufficientBalance  4    402
    ├── Forbidden            4    403 with a problem document
    ├── NoSuchResource       6    404
    ├── Conflict             1    409: the pod's status does not allow it
    ├── InvalidRequest       1    422: the body breaks the contract
    ├── RateLimited          1    429, when waiting would take too long
    └── Unclear              1    5xx, HTML, timeout, reset: it may or may not have happened

KeyboardInterrupt
└── Interrupted            130    a signal ended the command
"""

from collections.abc import Sequence
from enum import IntEnum


class ExitStatus(IntEnum):
    """What `rp` exits with; `ssh` pass-through aside."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NO_CAPACITY = 3
    NOT_ALLOWED = 4
    NO_GOOD_POD = 5
    NOT_FOUND = 6
    BUSY = 7
    INTERRUPTED = 130


class RpError(Exception):
    """A failure that the user can understand and act on."""

    exit_status = ExitStatus.FAILED
    code = "failed"

    def __init__(self, message: str, *, hint: str | None = None, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = tuple(details)
        # What `--json` tells beside the texts, such as every attempt.
        self.facts: dict[str, object] = {}


class UsageProblem(RpError):
    exit_status = ExitStatus.USAGE
    code = "usage"


class NoCapacity(RpError):
    exit_status = ExitStatus.NO_CAPACITY
    code = "no_capacity"


class NotAllowed(RpError):
    exit_status = ExitStatus.NOT_ALLOWED
    code = "not_allowed"


class NoGoodPod(RpError):
    exit_status = ExitStatus.NO_GOOD_POD
    code = "no_good_pod"


class ImageBroken(NoGoodPod):
    code = "image_broken"


class NotFound(RpError):
    exit_status = ExitStatus.NOT_FOUND
    code = "not_found"


class Busy(RpError):
    exit_status = ExitStatus.BUSY
    code = "busy"


class StateUnreadable(RpError):
    code = "state_unreadable"


class StateUnwritable(RpError):
    code = "state_unwritable"


class PodLeft(RpError):
    code = "pod_left"


class Interrupted(KeyboardInterrupt):
    """A signal ended the command. Not an RpError: nothing that handles failures may swallow it."""

    exit_status = ExitStatus.INTERRUPTED
    code = "interrupted"

    def __init__(self, signal_name: str) -> None:
        super().__init__(signal_name)
        self.message = f"interrupted by {signal_name}"
        self.hint: str | None = None
        self.details: tuple[str, ...] = ()
        self.facts: dict[str, object] = {}


class ApiError(RpError):
    """An answer that is not a success. `detail` is RunPod's own text; `status` is None without an answer."""

    code = "api_error"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        detail: str = "",
        request_id: str | None = None,
        hint: str | None = None,
        details: Sequence[str] = (),
    ) -> None:
        super().__init__(message, hint=hint, details=details)
        self.status = status
        self.detail = detail
        self.request_id = request_id


class BadRequest(ApiError):
    code = "bad_request"


class Unauthorized(ApiError):
    exit_status = ExitStatus.NOT_ALLOWED
    code = "unauthorized"


class InsufficientBalance(ApiError):
    exit_status = ExitStatus.NOT_ALLOWED
    code = "insufficient_balance"


class Forbidden(ApiError):
    exit_status = ExitStatus.NOT_ALLOWED
    code = "forbidden"


class NoSuchResource(ApiError):
    exit_status = ExitStatus.NOT_FOUND
    code = "not_found"


class Conflict(ApiError):
    code = "conflict"


class InvalidRequest(ApiError):
    code = "invalid_request"


class RateLimited(ApiError):
    """`retry_after` is in seconds: the longest of `Retry-After` and every exhausted window."""

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after: float, request_id: str | None = None) -> None:
        super().__init__(message, status=429, request_id=request_id)
        self.retry_after = retry_after


class Unclear(ApiError):
    """It may or may not have happened: look before repeating it."""

    code = "unclear"
