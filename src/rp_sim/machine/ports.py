"""Loopback ports that are taken from the moment a pod is told of them until nobody is told any more."""

from __future__ import annotations

import socket

LOOPBACK = "127.0.0.1"


class Ports:
    """A reserved port is bound but does not listen: connecting is refused, and nobody else can get it."""

    def __init__(self) -> None:
        self._held: dict[int, socket.socket] = {}

    def reserve(self, port: int = 0) -> int:
        held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if port:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((LOOPBACK, port))
        number: int = held.getsockname()[1]
        self._held[number] = held
        return number

    def take(self, port: int) -> socket.socket:
        """Hands the socket over to a server, which closes it."""
        return self._held.pop(port)

    def hold_again(self, port: int) -> None:
        """After a server let go of it. Somebody else may have been faster; then there is nothing to hold."""
        if port not in self._held:
            try:
                self.reserve(port)
            except OSError:
                return

    def release(self, port: int) -> None:
        if held := self._held.pop(port, None):
            held.close()

    def close(self) -> None:
        for port in tuple(self._held):
            self.release(port)
