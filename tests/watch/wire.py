"""A TCP connection between a service and a server that can be cut or slowed down."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from deploy.local import ports

PIECE = 1 << 16


class Wire:
    """Forwards connections to a port of the loopback address from `port`, its own.

    `cut` ends all connections and refuses new ones until `mend`. `delay` is in seconds, for each
    piece on its way to the client.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self.port = ports.choose_port()
        self.delay = 0.0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def mend(self) -> None:
        """Accept connections, from now on or again."""
        self._server = await asyncio.start_server(self._serve, ports.HOST, self.port)

    async def cut(self) -> None:
        """End all connections, and refuse new ones."""
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        self._server = None

    async def close(self) -> None:
        """End everything, whether cut or not."""
        if self._server is not None:
            await self.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(ports.HOST, self._target)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, back}
        try:
            await asyncio.gather(self._copy(reader, back, False), self._copy(there, writer, True))
        finally:
            self._open -= {writer, back}
            writer.transport.abort()
            back.transport.abort()

    async def _copy(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, slow: bool
    ) -> None:
        """Until either side ends: then neither direction is of use any more."""
        with contextlib.suppress(OSError):
            while piece := await source.read(PIECE):
                if slow and self.delay:
                    await asyncio.sleep(self.delay)
                sink.write(piece)
                await sink.drain()
        sink.transport.abort()


@contextlib.asynccontextmanager
async def wire(target: int) -> AsyncIterator[Wire]:
    """A wire that works, for as long as the block runs."""
    one = Wire(target)
    await one.mend()
    try:
        yield one
    finally:
        await one.close()
