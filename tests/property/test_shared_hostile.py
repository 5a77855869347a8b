"""Input without an end, against the protocol."""

import pytest

from shared.web.bounds import DISCARDED, MAX_HEAD, MAX_TARGET
from tests.support.connection import Application, Connection, refusal

CHUNKED = b"POST /x HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"


async def endless(one: Connection, start: bytes, again: bytes, size: int = 1000) -> int:
    """Send `again` behind `start` until the server says something; how many bytes that took."""
    answered, sent = await one.send(start), len(start)
    piece = again * max(1, size // len(again))
    while not answered:
        assert sent < 4 * MAX_HEAD, "it takes all of it"
        answered, sent = await one.send(piece), sent + len(piece)
    one.last = answered
    return sent


ENDLESS = {
    "header": (b"GET / HTTP/1.1\r\n", b"a: b\r\n", 431),
    "value": (b"GET / HTTP/1.1\r\na: ", b"b", 431),
    "name": (b"GET / HTTP/1.1\r\n", b"a", 431),
    "empty values": (b"GET / HTTP/1.1\r\n", b"a:\r\n", 431),
    "blanks before a value": (b"GET / HTTP/1.1\r\na:", b" ", 431),
    "empty lines": (b"", b"\r\n", 431),
    "target": (b"GET /", b"x", 414),
    "query": (b"GET /?", b"a=1&", 414),
    "blanks before the target": (b"GET ", b" ", 431),
    "trailer": (CHUNKED + b"0\r\n", b"a: b\r\n", 400),
    "trailer value": (CHUNKED + b"0\r\na: ", b"b", 400),
    "chunk extension": (CHUNKED + b"1;", b"a=b;", 400),
    "chunk extension value": (CHUNKED + b"1;a=", b"b", 400),
    "quoted chunk extension": (CHUNKED + b'1;a="', b"b", 400),
    "chunks of one byte": (CHUNKED, b"1\r\nx\r\n", 400),
    "chunk size": (CHUNKED, b"0", 400),
    "beacon headers": (b"POST /reads HTTP/1.1\r\n", b"a: b\r\n", 431),
    "beacon trailer value": (
        b"POST /reads HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\na: ",
        b"b",
        400,
    ),
    "beacon chunk extension": (
        b"POST /reads HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1;",
        b"a=b;",
        400,
    ),
}


@pytest.mark.parametrize("what", ENDLESS)
@pytest.mark.parametrize("size", [10, 5_000, 300_000])
async def test_nothing_goes_on_for_ever(what: str, size: int) -> None:
    app = Application()
    one = Connection(app)
    start, again, status = ENDLESS[what]
    if size < 100:
        start += (
            again * (MAX_HEAD // len(again) - 20)
            if status != 414
            else again * (MAX_TARGET // len(again) - 20)
        )
    await endless(one, start, again, size)
    assert refusal(one.last)[0] == status
    assert one.transport.half_closed
    assert app.taken == []
    await one.send(again * 1000)  # what still comes is thrown away
    assert not one.ended()
    await app.pass_time(3)
    assert one.ended()


async def test_a_client_that_never_stops_is_cut_off() -> None:
    one = Connection(Application())
    await one.send(b"nonsense\r\n\r\n")
    for _ in range(DISCARDED // 1_000_000):
        await one.send(bytes(1_000_000))
    assert not one.ended()
    await one.send(bytes(1_000_000))
    assert one.ended()
