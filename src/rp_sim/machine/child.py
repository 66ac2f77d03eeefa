"""A program on the far end of an SSH channel, over pipes or over a terminal of its own."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import signal
import struct
import termios
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from rp_sim.machine.processes import Processes

STDERR = 2
CHUNK = 65536


class Channel(Protocol):
    """The part of an SSH channel that a child needs."""

    def write(self, data: bytes, datatype: int | None = None) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


class Launch:
    """What to run, where, and who keeps the books about it."""

    def __init__(self, argv: Sequence[str], env: dict[str, str], cwd: Path, pod_id: str, books: Processes) -> None:
        self.argv, self.env, self.cwd, self.pod_id, self.books = argv, env, cwd, pod_id, books


class PipeChild(asyncio.SubprocessProtocol):
    """Back-pressure goes both ways: a slow reader stops the program, a slow program stops the client."""

    def __init__(self, channel: Channel, done: Callable[[int], None], datatype: int) -> None:
        self._channel, self._done, self._stderr = channel, done, datatype
        self._transport: asyncio.SubprocessTransport | None = None
        self._launch: Launch | None = None

    @classmethod
    async def run(cls, launch: Launch, channel: Channel, done: Callable[[int], None], stderr: int) -> PipeChild:
        loop = asyncio.get_running_loop()
        child = cls(channel, done, stderr)
        child._launch = launch
        await loop.subprocess_exec(lambda: child, *launch.argv, env=launch.env, cwd=launch.cwd, start_new_session=True)
        return child

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)
        if self._launch:
            self._launch.books.started(self._transport.get_pid(), self._launch.pod_id)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._channel.write(data, self._stderr if fd == STDERR else None)

    def pause_writing(self) -> None:
        self._channel.pause_reading()

    def resume_writing(self) -> None:
        # Not at once: asyncio's pipe loses its buffer when data and the end arrive within this very call.
        asyncio.get_running_loop().call_soon(self._channel.resume_reading)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The program has ended and all of its output has been passed on."""
        if self._transport and self._launch:
            self._launch.books.ended(self._transport.get_pid())
            code = self._transport.get_returncode()
            self._done(0 if code is None else code)

    def write(self, data: bytes) -> None:
        if stdin := self._pipe(0):
            with contextlib.suppress(OSError, RuntimeError):
                cast("asyncio.WriteTransport", stdin).write(data)

    def eof(self) -> None:
        if stdin := self._pipe(0):
            stdin.close()

    def flow(self, *, on: bool) -> None:
        for number in (1, STDERR):
            pipe = self._pipe(number)
            with contextlib.suppress(RuntimeError):
                if pipe and not pipe.is_closing():
                    reader = cast("asyncio.ReadTransport", pipe)
                    (reader.resume_reading if on else reader.pause_reading)()

    def resize(self, width: int, height: int) -> None:
        """Pipes have no size."""

    def signal(self, number: int) -> None:
        if self._transport:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._transport.get_pid(), number)

    def abandon(self) -> None:
        """The client is gone: the program meets closed pipes, and may live on without them."""
        for number in (0, 1, STDERR):
            if pipe := self._pipe(number):
                pipe.close()

    def _pipe(self, number: int) -> asyncio.BaseTransport | None:
        return self._transport.get_pipe_transport(number) if self._transport else None


class TerminalChild(asyncio.SubprocessProtocol):
    def __init__(self, channel: Channel, done: Callable[[int], None], launch: Launch) -> None:
        self._channel, self._done, self._launch = channel, done, launch
        self._master, self._slave = pty.openpty()
        self._transport: asyncio.SubprocessTransport | None = None
        self._open = True
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def run(
        cls, launch: Launch, channel: Channel, done: Callable[[int], None], size: tuple[int, int]
    ) -> TerminalChild:
        child = cls(channel, done, launch)
        child.resize(*size)
        slave = child._slave
        options: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), slave)
        await child._loop.subprocess_exec(
            lambda: child,
            *launch.argv,
            env=launch.env,
            cwd=launch.cwd,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0),  # noqa: PLW1509, RUF100
            **options,
        )
        os.close(slave)
        os.set_blocking(child._master, False)
        child._loop.add_reader(child._master, child._read)
        return child

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self._launch.books.started(self._transport.get_pid(), self._launch.pod_id)

    def process_exited(self) -> None:
        while self._open and self._read():
            pass
        self._close()
        if self._transport:
            self._launch.books.ended(self._transport.get_pid())
            code = self._transport.get_returncode()
            self._done(0 if code is None else code)

    def write(self, data: bytes) -> None:
        while data and self._open:
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                self._loop.call_later(0.01, self.write, data)
                return
            except OSError:
                return

    def eof(self) -> None:
        self.write(b"\x04")

    def flow(self, *, on: bool) -> None:
        if self._open and on:
            self._loop.add_reader(self._master, self._read)
        elif self._open:
            self._loop.remove_reader(self._master)

    def resize(self, width: int, height: int) -> None:
        if self._open:
            size = struct.pack("HHHH", height or 24, width or 80, 0, 0)
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def signal(self, number: int) -> None:
        if self._transport:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._transport.get_pid(), number)

    def abandon(self) -> None:
        """Closing the terminal hangs up on everything in it."""
        self.signal(signal.SIGHUP)
        self._close()

    def _read(self) -> bool:
        try:
            data = os.read(self._master, CHUNK)
        except OSError as error:
            if not isinstance(error, BlockingIOError):
                self._loop.remove_reader(self._master)
            return False
        if data:
            self._channel.write(data)
        return bool(data)

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._loop.remove_reader(self._master)
            os.close(self._master)
