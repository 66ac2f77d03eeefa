"""Signals that end a command become one exception, raised wherever the command is."""

import os
import signal
from contextlib import suppress
from types import FrameType

from rp.errors import Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_CLEANING = b"\ninterrupted: cleaning up; Ctrl-C leaves at once, and a later rp finishes it\n"


def install() -> None:
    """Every signal raises Interrupted; one that was ignored at the start, as under nohup, stays ignored."""
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def announce_cleaning() -> None:
    """From now on a first signal also says that cleaning up takes a moment."""
    for number in _SIGNALS:
        if signal.getsignal(number) is _interrupt:
            signal.signal(number, _interrupt_and_say)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    # Shells send a hangup twice, and `kill` comes in pairs: only another Ctrl-C is meant to cut the clean-up short.
    for ignored in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    raise Interrupted(signal.Signals(number).name)


def _interrupt_and_say(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, _interrupt)
    # The terminal may be the very thing that has gone.
    with suppress(OSError):
        os.write(2, _CLEANING)
    _interrupt(number, frame)
