"""A notification on this computer's own screen."""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from html import escape

# The texts are arguments of the script, never a part of it.
_OSASCRIPT = (
    "osascript",
    *("-e", "on run argv"),
    *("-e", "display notification (item 3 of argv) with title (item 2 of argv)"),
    *("-e", "end run"),
    # What comes after the first word is no option, whatever it begins with.
    "rp",
)


def missing(env: Mapping[str, str]) -> str | None:
    """A sentence with the remedy where there is nothing to notify with."""
    if _program(env):
        return None
    if sys.platform == "darwin":
        return "desktop: there is no osascript in PATH; add /usr/bin to PATH"
    return "desktop: there is no notify-send on this machine; `sudo apt-get install libnotify-bin` brings it"


def send(env: Mapping[str, str], title: str, body: str, patience: float) -> str | None:
    """A sentence where it failed; `patience` is in seconds."""
    program = _program(env)
    if not program:
        return missing(env)
    try:
        done = subprocess.run(
            _argv(program, title, body),
            env=dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=patience,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"desktop: {program} did not end within {patience:g} s; is there a desktop to notify?"
    except (OSError, ValueError) as error:
        return f"desktop: cannot start {program}: {getattr(error, 'strerror', None) or error}"
    if done.returncode == 0:
        return None
    said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0][:200]
    return f"desktop: {program} failed: {said or f'status {done.returncode}'}; is there a desktop to notify?"


def _program(env: Mapping[str, str]) -> str:
    for program in ("notify-send", "osascript"):
        if shutil.which(program, path=env.get("PATH")):
            return program
    return ""


def _argv(program: str, title: str, body: str) -> Sequence[str]:
    if program == "osascript":
        return (*_OSASCRIPT, title, body)
    # It reads \n and the like in the body, and desktops read markup there.
    return ("notify-send", "--app-name=rp", "--", title, escape(body, quote=False).replace("\\", "\\\\"))
