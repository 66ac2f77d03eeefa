"""Files that the user asked for, wherever they should be: whole or not at all, and over another one only by force."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rp.errors import StateUnwritable, UsageProblem


def save(path: Path, data: bytes, *, replace: bool) -> None:
    """Readable by the user alone. Raises UsageProblem where something is there, StateUnwritable."""
    with _told(path):
        if os.path.lexists(path) and not _may_replace(path, replace=replace):
            raise UsageProblem(f"{path} is there already", hint="--force replaces it; -o names another place")
        target = Path(os.path.realpath(path))
        fresh = target.with_name(f".{target.name}.new") if replace else target
        if replace:
            fresh.unlink(missing_ok=True)
        _write(fresh, data)
        if replace:
            os.replace(fresh, target)


def _may_replace(path: Path, *, replace: bool) -> bool:
    """Raises UsageProblem for a folder or a device: not even force makes a file of those."""
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageProblem(f"{path} is no ordinary file", hint="-o names another place; `-o -` is stdout")
    return replace


def _write(path: Path, data: bytes) -> None:
    """Raises FileExistsError where another was faster."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            # A full disk may tell only now.
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise UsageProblem(f"{path} is there already", hint="--force replaces it; -o names another place") from error
    except OSError as error:
        raise StateUnwritable(
            f"cannot write {path}: {error.strerror or error}",
            hint="free some space, or name a place with -o that is there and that you may write to",
        ) from error
