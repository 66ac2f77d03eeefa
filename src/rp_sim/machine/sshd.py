"""The SSH server of one container: who gets in, and what a session does."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
from typing import TYPE_CHECKING, Any

import asyncssh
from asyncssh.stream import SSHServerStreamSession

from rp_sim.machine.child import Launch, PipeChild, TerminalChild
from rp_sim.machine.forward import connect
from rp_sim.machine.rename import Renamed

if TYPE_CHECKING:
    from asyncssh.channel import SSHChannel

    from rp_sim.machine.child import Channel
    from rp_sim.machine.container import Container
    from rp_sim.scenario.model import Command

HANG_S = 86_400.0
SLOW_S = 3.0
DROPS_S = 1.0
# A shell that reads its script from stdin: `bash -s`, `sh -eus -- words`, or nothing but `sh`, after other commands.
READS_SCRIPT = re.compile(r"^(?:.*;)?\s*(?:exec\s+)?(?:/\S*/)?(?:ba|da)?sh(?:\s+-\w+)*(?:\s+-\w*s\b.*)?\s*$", re.DOTALL)


class Server(asyncssh.SSHServer):
    """Only root gets in, only with a key that the container was given."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._connection: asyncssh.SSHServerConnection | None = None
        self._user = ""

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._container.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self._connection:
            self._container.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        self._user = username
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == "root" and key.public_data in self._container.authorized

    def session_requested(self) -> Session:
        return Session(self._container)

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> Any:  # noqa: ARG002
        return connect(dest_host, dest_port)


class Files(asyncssh.SFTPServer):
    """Relative paths start in the pod's home; a container's own paths lead into the pod's folder."""

    def __init__(self, channel: SSHChannel[bytes], container: Container) -> None:
        server_channel: Any = channel  # what asyncssh hands over is the server's kind
        super().__init__(server_channel)
        self._container = container

    def map_path(self, path: bytes) -> bytes:
        text = self._container.folder.localize(path.decode("utf-8", "surrogateescape"))
        return str(self._container.folder.home / text).encode("utf-8", "surrogateescape")


class Session(SSHServerStreamSession[bytes]):
    """A shell or a command is a real process; sftp is served in here."""

    def __init__(self, container: Container) -> None:
        super().__init__(None, lambda channel: Files(channel, container), 3, allow_scp=False)
        self._container = container
        self._child: PipeChild | TerminalChild | None = None
        self._early: list[bytes] = []
        self._early_eof = False
        self._script = False
        self._line = b""
        self._files = False
        self._renamed: Renamed | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def channel(self) -> asyncssh.SSHServerChannel[bytes]:
        channel: Any = self._chan
        return channel  # type: ignore[no-any-return]

    def pty_requested(self, term_type: str, term_size: Any, term_modes: Any) -> bool:  # noqa: ARG002
        return True

    def shell_requested(self) -> bool:
        return True

    def exec_requested(self, command: str) -> bool:  # noqa: ARG002
        return True

    def subsystem_requested(self, subsystem: str) -> bool:
        self._files = subsystem == "sftp"
        return self._files

    def session_started(self) -> None:
        if self._files:
            super().session_started()
            return
        command = self.channel.get_command()
        if isinstance(command, bytes):
            command = command.decode("utf-8", "surrogateescape")
        self._script = bool(command and READS_SCRIPT.match(command))
        self._task = asyncio.get_running_loop().create_task(self._run(command))

    async def _run(self, command: str | None) -> None:
        if slow := self._container.pod.jank("slow_ssh"):
            await asyncio.sleep(slow.delay_s or SLOW_S)
        self._container.sessions += 1
        drops = self._container.pod.jank("ssh_drops")
        if drops and (not drops.first or self._container.sessions <= drops.first):
            connection = self.channel.get_connection()
            asyncio.get_running_loop().call_later(drops.delay_s or DROPS_S, connection.abort)
        scripted = self._container.scripted(command or "")
        if scripted is not None:
            await self._play(scripted)
            return
        terminal = self.channel.get_terminal_type()
        env = self._container.session_environment(terminal, self.channel.get_environment())
        launch = Launch(
            self._container.shell(command),
            env,
            self._container.folder.home,
            self._container.pod.id,
            self._container.processes,
        )
        if terminal is None:
            channel: Channel = self.channel
            if self._script:
                channel = self._renamed = Renamed(channel, self._container.folder.names)
            self._child = await PipeChild.run(launch, channel, self._ended, asyncssh.EXTENDED_DATA_STDERR)
        else:
            size = self.channel.get_terminal_size()
            self._child = await TerminalChild.run(launch, self.channel, self._ended, (size[0], size[1]))
        self._catch_up(self._child)

    def _catch_up(self, child: PipeChild | TerminalChild) -> None:
        """What the client sent while the program was being started."""
        for data in self._early:
            child.write(data)
        if self._early_eof:
            child.eof()

    async def _play(self, scripted: Command) -> None:
        await asyncio.sleep(HANG_S if scripted.hang else scripted.delay_s)
        self.channel.write(scripted.stdout.encode())
        self.channel.write_stderr(scripted.stderr.encode())
        self.channel.exit(scripted.exit)

    def _ended(self, code: int) -> None:
        if self._chan is None or self._chan.is_closing():
            return
        if self._renamed:
            self._renamed.flush()
        if code < 0:
            name = signal.Signals(-code).name.removeprefix("SIG")
            self.channel.exit_with_signal(name)
        else:
            self.channel.exit(code)

    # -- what the client does -----------------------------------------------------------------------------

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if self._files:
            super().data_received(data, datatype)
        else:
            self._feed(self._localized(data))

    def _feed(self, data: bytes) -> None:
        if self._child:
            self._child.write(data)
        else:
            self._early.append(data)

    def _localized(self, data: bytes, *, end: bool = False) -> bytes:
        """A script is translated as a command line is, line by line as it comes in."""
        if not self._script:
            return data
        whole = self._line + data
        cut = len(whole) if end else whole.rfind(b"\n") + 1
        self._line = whole[cut:]
        text = whole[:cut].decode("utf-8", "surrogateescape")
        return self._container.folder.localize(text).encode("utf-8", "surrogateescape")

    def eof_received(self) -> bool:
        if self._files:
            # asyncssh ends an sftp session without an exit status, which scp takes for a failure.
            super().eof_received()
            self.channel.exit(0)
            return True
        self._feed(self._localized(b"", end=True))
        if self._child:
            self._child.eof()
        self._early_eof = True
        return True

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._child:
            self._child.flow(on=False)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._child:
            self._child.flow(on=True)

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:  # noqa: ARG002
        if self._child:
            self._child.resize(width, height)

    def signal_received(self, signal: str) -> None:
        number = _signal_number(signal)
        if self._child and number:
            self._child.signal(number)

    def break_received(self, msec: int) -> bool:  # noqa: ARG002
        self.signal_received("INT")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._task:
            self._task.cancel()
        if self._child:
            self._child.abandon()


def _signal_number(name: str) -> int:
    with contextlib.suppress(KeyError):
        return signal.Signals["SIG" + name.removeprefix("SIG")]
    return 0
