"""Files that survive a crash, a second terminal and a hand's mistake."""

import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rp.errors import Busy, StateUnreadable, StateUnwritable

_LOCK_PATIENCE = 10.0
_LOCK_RETRY = 0.02
# Python converts no number of more digits, and does not say where it is.
NUMBER_TOO_LONG = "a number in it has thousands of digits"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock that guards `path`. Never across a network call or a prompt. Raises Busy after 10 s."""
    with writable(path):
        make_folder(path.parent)
        descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait_for_lock(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Make `path`, and what is missing above it, readable by the user alone."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def _wait_for_lock(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + _LOCK_PATIENCE
    while True:
        try:
            flock(descriptor, path)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Busy(f"another rp holds the lock on {path}", hint="try again once it is done") from None
            time.sleep(_LOCK_RETRY)
        else:
            return


def flock(descriptor: int, path: Path) -> None:
    """Raises BlockingIOError where another holds it, StateUnwritable where the file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:
        raise StateUnwritable(
            f"cannot lock {path}: {error.strerror or error}",
            hint="the file system may have no locks: RP_CONFIG_DIR and RP_STATE_DIR move rp's files to one that has",
        ) from error


def write_atomic(path: Path, data: bytes, *, keep_mode: bool = True) -> None:
    """Replace `path` so that a reader sees the old bytes or the new, never a part.

    Keeps the mode of a file that is there (else, and without `keep_mode`, it is the user's alone), and
    follows a symbolic link. Call it under `locked(path)`:
    the temporary name is fixed, so that a crash leaves one stray file at most. Raises StateUnwritable.
    """
    with writable(path):
        target = Path(os.path.realpath(path))
        mode = 0o600
        with suppress(FileNotFoundError):
            mode = stat.S_IMODE(target.stat().st_mode) if keep_mode else mode
        fresh = target.with_name(f".{target.name}.new")
        fresh.unlink(missing_ok=True)
        try:
            _write_synced(fresh, data, mode)
            os.replace(fresh, target)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
        sync_folder(target.parent)


def check_writable(path: Path) -> None:
    """Raises StateUnwritable where `write_atomic` would."""
    with writable(path):
        target = Path(os.path.realpath(path))
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        probe = target.with_name(f".{target.name}.new")
        probe.unlink(missing_ok=True)
        _write_synced(probe, b"\0" * 4096, 0o600)
        probe.unlink()


def _write_synced(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power loss."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """Say which file could not be written, and why."""
    try:
        yield
    except OSError as error:
        raise StateUnwritable(
            f"cannot write {path}: {error.strerror or error}",
            hint="free some space, or make the folder yours and writable; RP_CONFIG_DIR and RP_STATE_DIR move it",
        ) from error


def read_text(path: Path) -> str | None:
    """None where there is no such file; raises StateUnreadable for one that cannot be read."""
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise unreadable(path, f"byte {error.start} is no UTF-8") from error
    except OSError as error:
        raise unreadable(path, error.strerror or str(error)) from error


def read_json_object(path: Path) -> dict[str, Any]:
    """Empty where there is no such file; raises StateUnreadable with the line and the column."""
    text = read_text(path)
    if text is None:
        return {}
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise unreadable(path, f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError:
        raise unreadable(path, "line 1, column 1: nested too deeply") from None
    except ValueError:
        raise unreadable(path, NUMBER_TOO_LONG) from None
    if not isinstance(document, dict):
        raise unreadable(path, "line 1, column 1: expected an object")
    return document


def write_json(path: Path, document: object) -> None:
    """Sorted keys, two spaces: what a person can edit and a diff can show."""
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)
    # Half of a surrogate pair has no bytes in UTF-8. It was read from the escape that this writes.
    write_atomic(path, f"{text}\n".encode(errors="backslashreplace"))


def unreadable(path: Path, why: str) -> StateUnreadable:
    return StateUnreadable(f"cannot read {path}: {why}", hint=f"mend it, or move it aside: mv {path} {path}.broken")
