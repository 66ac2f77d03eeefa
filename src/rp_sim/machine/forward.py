"""Port forwarding out of a pod: when the far end closes, so does the channel. ssh waits for that."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import asyncssh
from asyncssh.stream import SSHTCPStreamSession

CHUNK = 65536
LIMIT_S = 10.0


async def connect(host: str, port: int) -> SSHTCPStreamSession[bytes]:
    """The session of the channel, once the far end has taken the connection."""
    try:
        async with asyncio.timeout(LIMIT_S):
            far_reader, far_writer = await asyncio.open_connection(host, port)
    except OSError as error:
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, str(error)) from error

    async def forward(reader: Any, writer: Any) -> None:
        sending = asyncio.create_task(_copy(reader, far_writer))
        try:
            await _copy(far_reader, writer)
        finally:
            sending.cancel()
            far_writer.close()
            writer.close()

    return SSHTCPStreamSession(forward)


async def _copy(reader: Any, writer: Any) -> None:
    """Until the end of what comes in, which is passed on."""
    with contextlib.suppress(OSError, asyncssh.Error):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
