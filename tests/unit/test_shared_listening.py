"""A socket that stops listening resets nobody who waits for it."""

import asyncio
import errno
import logging
import select
import socket

import pytest
import uvloop

from shared.web import listening as module
from shared.web.listening import Acceptor, refuse_new, stop_listening


@pytest.fixture
def listening() -> socket.socket:
    made = socket.create_server(("127.0.0.1", 0))
    made.setblocking(False)
    return made


def begin(listening: socket.socket) -> socket.socket:
    client = socket.socket()
    client.setblocking(False)
    assert client.connect_ex(listening.getsockname()) in (0, errno.EINPROGRESS)
    return client


def test_no_handshake_begins_and_who_waits_is_taken(listening: socket.socket) -> None:
    before = begin(listening)
    assert select.select([], [before], [], 10)[1]
    refuse_new(listening)
    behind = begin(listening)
    assert not select.select([], [behind], [], 0.2)[1]
    connection, _ = listening.accept()
    with pytest.raises(BlockingIOError):
        listening.accept()
    listening.close()
    before.sendall(b"asked")
    assert connection.recv(9) == b"asked"
    connection.sendall(b"told")
    assert before.recv(9) == b"told"
    select.select([], [behind], [], 10)  # it begins again, and nobody listens
    assert behind.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED
    for each in (before, behind, connection):
        each.close()


def test_all_who_wait_are_taken_though_the_loop_comes_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLOSING_SECONDS", 0)

    class Taken(asyncio.Protocol):
        number = 0

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            Taken.number += 1
            transport.close()

    async def scenario() -> None:
        server = await asyncio.get_running_loop().create_server(Taken, "127.0.0.1", 0)
        # The loop has no turn until all of them wait.
        clients = [socket.create_connection(server.sockets[0].getsockname()) for _ in range(40)]
        await stop_listening([server])
        for client in clients:
            assert await asyncio.to_thread(client.recv, 1) == b""  # an end, and no reset
            client.close()
        assert Taken.number == len(clients)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())


def test_a_system_without_filters_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    class Old(socket.socket):
        def setsockopt(self, *_arguments: object) -> None:
            raise OSError(errno.ENOPROTOOPT, "Protocol not available")

    with Old() as old, caplog.at_level(logging.WARNING):
        refuse_new(old)
    assert "no filter on the listening socket" in caplog.text


def test_many_who_wait_are_accepted_in_one_turn() -> None:
    class Taken(asyncio.Protocol):
        number = 0

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            Taken.number += 1
            transport.close()

    async def scenario() -> None:
        server = await asyncio.get_running_loop().create_server(Taken, "127.0.0.1", 0)
        acceptor = Acceptor(server.sockets[0], Taken)
        clients = [socket.create_connection(server.sockets[0].getsockname()) for _ in range(100)]
        turns = 0
        while Taken.number < len(clients):
            await asyncio.sleep(0)
            turns += 1
            assert turns < 50
        for client in clients:
            assert await asyncio.to_thread(client.recv, 1) == b""
            client.close()
        address = server.sockets[0].getsockname()
        await stop_listening([server], [acceptor])
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())
