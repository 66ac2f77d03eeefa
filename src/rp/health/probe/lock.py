"""One check at a time: two that load the same GPUs would find each other's load. Runs on the pod."""

from __future__ import annotations

import errno
import os
import socket


def only_one() -> socket.socket | None:
    """None where another check is using this pod's GPUs. The name is free again when this process ends, however."""
    name = f"\0rp-health-gpus-{os.environ.get('RUNPOD_POD_ID', '')}-{os.environ.get('HOME', '')}"
    held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        held.bind(name[:100])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return None
    return held
