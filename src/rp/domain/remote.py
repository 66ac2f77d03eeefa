"""What can come of SSH to a pod."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Completed:
    """`output` is the end of standard output and standard error together."""

    status: int
    output: str


class NoSession(Exception):
    """SSH did not let us in; the text is the client's own last word."""


class CommandFailed(Exception):
    """A streamed command ended with `status`, which is not 0."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status
