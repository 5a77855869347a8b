"""What clients may send: nothing goes on for ever, and what is no request is refused. No socket:
bytes in and out.
"""

import asyncio

import pytest

from shared.web.asgi import Receive, Scope, Send, respond
from shared.web.bounds import MAX_HEAD, MAX_HEADERS, MAX_PIPELINED, MAX_TARGET
from shared.web.headers import STRICT, header_lines
from tests.support.connection import Application, Connection, refusal

GET = b"GET / HTTP/1.1\r\n\r\n"
SLOW = (
    b"HTTP/1.1 200 OK\r\nserver: test\r\nway: slow\r\n"
    + header_lines(STRICT).replace(b"%", b"%%")
    + b"content-length: %d\r\n\r\n%b"
)
CHUNKED = b"POST /x HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"


async def test_heads_within_the_bounds_are_taken() -> None:
    one = Connection(Application())
    headers = b"".join(b"a%d: %b\r\n" % (n, b"v" * 200) for n in range(MAX_HEADERS))
    target = b"/" + b"x" * (MAX_TARGET - 1)
    for piece in (0, 7, 1500):
        assert await one.send(b"GET %b HTTP/1.1\r\n%b\r\n" % (target, headers), piece) == SLOW % (
            4,
            b"GET ",
        )
    assert not one.ended()


async def test_a_head_in_pieces_is_measured_as_a_whole() -> None:
    one = Connection(Application())
    headers = b"".join(b"a%d: %b\r\n" % (n, b"v" * 500) for n in range(80))
    assert len(headers) > MAX_HEAD
    assert refusal(await one.send(b"GET / HTTP/1.1\r\n%b\r\n" % headers))[0] == 431


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),  # TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET / HTTP/0.9\r\n\r\n",
        b"GET /\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\n\r\n",
        b"CONNECT /reads HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\ntransfer-encoding: "
        b"chunked\r\n\r\nnonsense",
        b"GET / HTTP/2.0\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
        b"GET / HTTP/1.1\r\na: b\r\n c\r\n\r\n",
        b"GET / HTTP/1.1\r\na : b\r\n\r\n",
        b"GET / HTTP/1.1\r\na: b\0\r\n\r\n",
        b"GET / HTTP/1.1\r\n\0: b\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\n\n",
        b"GET /\xc3\xa9 HTTP/1.1\r\n\r\n",
        b"GET http://a:b:c/ HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nread",
        b"POST / HTTP/1.1\r\ncontent-length: +4\r\n\r\nread",
        b"POST / HTTP/1.1\r\ncontent-length: 4, 4\r\n\r\nread",
        b"POST / HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\nread",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"POST /reads HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n",
    ],
)
async def test_what_is_no_request_is_refused(
    request_: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    for piece in (0, 1):
        one = Connection(Application())
        answered = await one.send(request_, piece)
        assert refusal(answered)[0] == 400
        assert one.transport.half_closed
    assert caplog.text == ""


async def test_trailers_are_no_headers() -> None:
    app = Application()
    one = Connection(app)
    chunked = b"POST /reads HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n4\r\nread\r\n0\r\n"
    await one.send(chunked + b"x-forwarded-for: 1.2.3.4\r\n\r\n")
    assert app.taken[0].headers == [(b"transfer-encoding", b"chunked")]


async def test_a_body_is_not_taken_for_a_request() -> None:
    """A parser that stops at an upgrade leaves the body to whoever reads next."""
    one = Connection(Application())
    head = (
        b"POST /x HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings, keep-alive\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABk\r\nContent-Length: 18\r\n\r\n"
    )
    for piece in (0, 1, len(head)):
        assert await one.send(head + GET, piece) == SLOW % (23, b"POST " + GET)
    assert await one.send(GET) == SLOW % (4, b"GET ")


async def test_an_address_without_a_path_is_the_root() -> None:
    app = Application()
    one = Connection(app)
    for target in (b"http://host", b"http://host?a=1", b"http://host/", b"http://host/reads"):
        assert await one.send(b"GET %b HTTP/1.1\r\n\r\n" % target) == SLOW % (4, b"GET ")


async def test_expecting_a_word_before_a_body_that_is_not_there() -> None:
    one = Connection(Application())
    answered = await one.send(b"GET / HTTP/1.1\r\nexpect: 100-continue\r\n\r\n")
    assert answered.endswith(SLOW % (4, b"GET "))
    assert await one.send(GET) == SLOW % (4, b"GET ")


async def test_pipelined_requests_behind_a_slow_one_are_bounded() -> None:
    app = Application()
    one = Connection(app)
    await one.send(b"POST /reads HTTP/1.1\r\ncontent-length: 4\r\n\r\nread" + GET * 10_000)
    app.taken[0].no_content(b"")
    answered = await one.answers(400)
    assert answered.count(b"HTTP/1.1 ") == 1 + MAX_PIPELINED
    assert answered.endswith(SLOW % (4, b"GET "))
    assert one.transport.half_closed


async def test_nonsense_behind_a_request_does_not_touch_its_answer() -> None:
    app = Application()
    one = Connection(app)
    assert (
        await one.send(
            b"POST /reads HTTP/1.1\r\ncontent-length: 4\r\n\r\nread" + GET + b"nonsense\r\n\r\n"
        )
        == b""
    )
    app.taken[0].no_content(b"")
    assert (await one.answers(100)).endswith(SLOW % (4, b"GET "))
    assert one.transport.half_closed


async def test_a_body_that_turns_out_wrong_behind_a_request_in_hand() -> None:
    app = Application()
    one = Connection(app)
    await one.send(b"POST /reads HTTP/1.1\r\ncontent-length: 4\r\n\r\nread" + CHUNKED + b"nonsense")
    app.taken[0].no_content(b"")
    assert (await one.answers(100)).count(b"HTTP/1.1 ") == 1
    assert one.transport.half_closed


async def test_a_pipelined_request_whose_client_went_away_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = Application()
    one = Connection(app)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        begun.set()
        await go_on.wait()
        await respond(send, 200, b"late")
        assert (await receive())["type"] == "http.disconnect"

    one.protocol.app = slow
    await one.send(GET + GET)
    await begun.wait()
    one.transport.closed = True
    one.protocol.connection_lost(ConnectionResetError())
    go_on.set()
    await one.answers()
    assert not one.state.tasks
    assert caplog.text == ""


async def test_chunks_behind_an_answer_are_not_followed() -> None:
    app = Application()
    one = Connection(app)

    async def deny(_scope: Scope, _receive: Receive, send: Send) -> None:
        await respond(send, 401)

    one.protocol.app = deny
    assert (await one.send(CHUNKED + b"1\r\nx\r\n")).startswith(b"HTTP/1.1 401")
    assert one.transport.half_closed
    one = Connection(app)
    one.protocol.app = deny
    assert (await one.send(b"PUT /x HTTP/1.1\r\ncontent-length: 4\r\n\r\nre")).startswith(
        b"HTTP/1.1 401"
    )
    assert (await one.send(b"ad" + GET)).startswith(b"HTTP/1.1 401")
    assert not one.transport.half_closed
