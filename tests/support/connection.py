"""A connection of the services' HTTP protocol without a socket: bytes in, bytes out, and a clock in
our hands.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import uvicorn
from uvicorn.server import ServerState

from shared.web.asgi import Disconnected, Receive, Scope, Send, read_body, respond
from shared.web.connections import SWEEP_SECONDS, Connections, Limits
from shared.web.fastpath import FastHandler, FastPathProtocol, FastRequest


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        self.extra: dict[str, Any] = {"peername": ("203.0.113.7", 5), "sockname": ("127.0.0.1", 80)}
        super().__init__(self.extra)
        self.written = b""
        self.closed = self.half_closed = self.paused = False
        self.waiting = 0
        """Bytes that the client has not read."""

    def write(self, data: Any) -> None:
        assert not self.closed
        assert not self.half_closed
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True

    def write_eof(self) -> None:
        self.half_closed = True

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


class Application:
    """Answers what it has read; takes the requests of `/reads` that `takes` wants, and keeps
    them.
    """

    def __init__(
        self, takes: Callable[[FastRequest], bool] = lambda _: True, limits: Limits | None = None
    ) -> None:
        self.leaving = False
        self.seconds = 100.0
        self.connections = Connections(limits, lambda: self.seconds)
        self.taken: list[FastRequest] = []
        self._takes = takes
        self.fast = {b"/reads": self._take}
        self.fast_get: FastHandler | None = None

    def _take(self, request: FastRequest) -> bool:
        if not self._takes(request):
            return False
        self.taken.append(request)
        return True

    async def pass_time(self, seconds: float) -> None:
        """Let so many seconds pass, with the sweeps in them."""
        for _ in range(round(seconds / SWEEP_SECONDS)):
            self.seconds += SWEEP_SECONDS
            self.connections.turn()
            self.connections.sweep()
            for _ in range(5):
                await asyncio.sleep(0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await read_body(scope, receive, 10_000)
        except Disconnected:
            return
        await respond(send, 200, b"%b %b" % (scope["method"].encode(), body), [(b"way", b"slow")])


class Connection:
    """A client's connection."""

    def __init__(self, app: Application) -> None:
        config = uvicorn.Config(app, lifespan="off", log_config=None)
        config.load()
        state = ServerState()
        state.default_headers = [(b"server", b"test")]
        self.state = state
        self.transport = Transport()
        self.protocol = FastPathProtocol(config, state, {}, asyncio.get_running_loop())
        self.protocol.connection_made(self.transport)
        self.last = b""
        """The last answers, for whoever wants to keep them."""

    async def send(self, data: bytes, piece: int = 0) -> bytes:
        """Send, in pieces of so many bytes; the answers that come by themselves."""
        for at in range(0, len(data), piece or len(data) or 1):
            self.protocol.data_received(data[at : at + (piece or len(data))])
        return await self.answers()

    def ended(self) -> bool:
        """Whether the server has closed it."""
        return self.transport.closed

    async def answers(self, turns: int = 20) -> bytes:
        """What has been answered since the last call, within so many turns of the loop."""
        for _ in range(turns):
            await asyncio.sleep(0)
        written, self.transport.written = self.transport.written, b""
        return written


def refusal(answered: bytes) -> tuple[int, str]:
    """The status and the detail of a problem document that closes its connection."""
    head, _, body = answered.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert b"content-type: application/problem+json" in lines
    assert b"connection: close" in lines
    assert b"content-length: %d" % len(body) in lines
    problem = orjson.loads(body)
    assert problem["status"] == int(lines[0].split()[1])
    return problem["status"], problem["detail"]
