"""A socket that stops listening resets nobody who waits for it."""

import errno
import logging
import select
import socket

import pytest

from shared.listening import refuse_new


@pytest.fixture
def listening() -> socket.socket:
    made = socket.create_server(("127.0.0.1", 0))
    made.setblocking(False)
    return made


def begin(listening: socket.socket) -> socket.socket:
    """A connection that is established at once, or never: nothing is lost on the way to oneself."""
    client = socket.socket()
    client.setblocking(False)
    assert client.connect_ex(listening.getsockname()) in (0, errno.EINPROGRESS)
    return client


def established(client: socket.socket) -> bool:
    try:
        client.getpeername()
    except OSError:
        return False
    return True


def test_no_handshake_begins_and_who_waits_is_taken(listening: socket.socket) -> None:
    before = begin(listening)
    refuse_new(listening)
    behind = begin(listening)
    assert (established(before), established(behind)) == (True, False)
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


def test_a_system_without_filters_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    class Old(socket.socket):
        def setsockopt(self, *_arguments: object) -> None:
            raise OSError(errno.ENOPROTOOPT, "Protocol not available")

    with Old() as old, caplog.at_level(logging.WARNING):
        refuse_new(old)
    assert "no filter on the listening socket" in caplog.text
