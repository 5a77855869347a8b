"""Connections of the services' HTTP protocol, over real sockets."""

import asyncio
import gc
import socket
import struct
import weakref

import pytest
import uvicorn
import uvloop
from uvicorn.server import ServerState

from shared.web.asgi import Receive, Scope, Send, respond
from shared.web.connections import Connections
from shared.web.protocol import HttpProtocol

RESET_AT_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER: on, 0 s."""


class Application:
    """Answers 204."""

    def __init__(self) -> None:
        self.connections = Connections()

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await respond(send, 204)


class Connection(HttpProtocol):
    """Says when it has ended."""

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.app_state["ended"].set()


async def _serve_one(reset: bool) -> weakref.ref[Connection]:
    """Serve one request; its connection, once the client has closed it."""
    loop = asyncio.get_running_loop()
    application = Application()
    config = uvicorn.Config(application, lifespan="off", log_config=None)
    config.load()
    made: list[Connection] = []
    ended = asyncio.Event()

    def protocol() -> Connection:
        made.append(Connection(config, ServerState(), {"ended": ended}, loop))
        return made[-1]

    server = await loop.create_server(protocol, "127.0.0.1", 0)
    client = socket.create_connection(server.sockets[0].getsockname())
    client.setblocking(False)
    await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await loop.sock_recv(client, 100)).startswith(b"HTTP/1.1 204")
    assert made[0] in application.connections.idle
    if reset:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
    client.close()
    async with asyncio.timeout(3):
        await ended.wait()
    server.close()
    return weakref.ref(made.pop())


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_connection_that_ended_is_held_by_nothing(reset: bool) -> None:
    async def scenario() -> None:
        ended = await _serve_one(reset)
        gc.collect()
        assert ended() is None

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())
