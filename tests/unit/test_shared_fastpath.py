"""The way past ASGI: what takes it, what does not, and that both look the same to a client. No
socket: bytes in, bytes out."""

from shared.base.errors import Unavailable
from shared.web.fastpath import MAX_FAST_BODY, FastRequest
from shared.web.headers import STRICT, header_lines
from tests.support.connection import Application, Connection

READ = b"POST /reads HTTP/1.1\r\nHost: x\r\nUser-Agent: Firefox\r\nContent-Length: 4\r\n\r\nread"
FAST = b"HTTP/1.1 204 No Content\r\nserver: test\r\nway: fast\r\n\r\n"
SLOW = (
    b"HTTP/1.1 200 OK\r\nserver: test\r\nway: slow\r\n"
    + header_lines(STRICT).replace(b"%", b"%%")
    + b"content-length: %d\r\n\r\n%b"
)


def answer(request: FastRequest) -> None:
    request.no_content(b"way: fast\r\n")


async def test_a_small_post_is_answered_when_its_taker_says_so() -> None:
    app = Application()
    one = Connection(app)
    assert await one.send(READ) == b""
    (request,) = app.taken
    assert (request.body, request.peer) == (b"read", "203.0.113.7")
    assert (b"user-agent", b"Firefox") in request.headers

    answer(request)
    assert await one.answers() == FAST
    assert not one.transport.closed
    assert one.state.total_requests == 1
    one.protocol.shutdown()
    assert one.transport.closed  # nothing is in hand


async def test_a_request_may_come_byte_by_byte_and_in_chunks() -> None:
    app = Application()
    one = Connection(app)
    await one.send(READ, piece=1)
    answer(app.taken[0])
    assert await one.answers() == FAST
    await one.send(
        b"POST /reads HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nre\r\n2\r\nad\r\n0\r\n\r\n"
    )
    assert app.taken[1].body == b"read"
    answer(app.taken[1])
    assert await one.answers() == FAST


async def test_what_is_not_taken_is_answered_as_if_there_were_no_short_way() -> None:
    app = Application(takes=lambda request: request.body != b"read")
    one = Connection(app)
    assert await one.send(READ) == SLOW % (9, b"POST read")
    assert await one.send(READ, piece=3) == SLOW % (9, b"POST read")
    assert app.taken == []


async def test_a_query_is_handed_on_as_it_came() -> None:
    app = Application()
    one = Connection(app)
    queries = (b"", b"?", b"?a=1", b"??a&a=%zz", b"?a=b?c=d/e")
    for piece, query in enumerate((*queries, b"")):
        await one.send(READ.replace(b"/reads", b"/reads" + query), piece)
        answer(app.taken[-1])
        assert await one.answers() == FAST
    told = [request.query for request in app.taken]
    assert told == [b"", b"", b"a=1", b"?a&a=%zz", b"a=b?c=d/e", b""]


async def test_other_requests_go_through_asgi() -> None:
    one = Connection(Application())
    for request, body in [
        (b"GET /reads HTTP/1.1\r\n\r\n", b"GET "),
        (b"POST /other HTTP/1.1\r\ncontent-length: 4\r\n\r\nread", b"POST read"),
        (b"POST /reads/?a=1 HTTP/1.1\r\ncontent-length: 4\r\n\r\nread", b"POST read"),
        (b"POST /reads#b HTTP/1.1\r\ncontent-length: 4\r\n\r\nread", b"POST read"),
        (b"POST /reads?a#b HTTP/1.1\r\ncontent-length: 4\r\n\r\nread", b"POST read"),
        (b"POST http://x/reads?a HTTP/1.1\r\ncontent-length: 4\r\n\r\nread", b"POST read"),
        (b"PUT /reads HTTP/1.1\r\ncontent-length: 4\r\n\r\nread", b"PUT read"),
    ]:
        assert await one.send(request) == SLOW % (len(body), body)


async def test_a_large_body_goes_through_asgi_whole() -> None:
    one = Connection(Application())
    body = bytes(range(65, 91)) * 100
    assert len(body) > MAX_FAST_BODY
    head = b"POST /reads HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body)
    for piece in (0, 100):
        assert await one.send(head + body, piece) == SLOW % (5 + len(body), b"POST " + body)


async def test_who_waits_to_be_told_to_go_on_is_told() -> None:
    one = Connection(Application())
    told = await one.send(
        b"POST /reads HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n"
    )
    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert await one.send(b"read") == SLOW % (9, b"POST read")


async def test_a_connection_for_one_request_is_closed_after_it() -> None:
    for request in (
        READ.replace(b"HTTP/1.1", b"HTTP/1.0"),
        READ.replace(b"Host: x", b"Connection: close"),
    ):
        one = Connection(Application())
        assert b"way: slow" in await one.send(request)
        assert one.transport.closed


async def test_pipelined_requests_are_answered_in_their_order() -> None:
    app = Application()
    one = Connection(app)
    get = b"GET / HTTP/1.1\r\n\r\n"
    assert await one.send(READ + get + READ) == b""  # the first is in hand, the others wait for it
    (request,) = app.taken
    answer(request)
    assert await one.answers() == FAST + SLOW % (4, b"GET ") + SLOW % (9, b"POST read")
    await one.send(READ)
    answer(app.taken[1])
    assert await one.answers() == FAST


async def test_a_refusal_is_a_problem_document() -> None:
    app = Application()
    one = Connection(app)
    await one.send(READ)
    app.taken[0].refuse(Unavailable("the spool is full", 7))
    head, _, body = (await one.answers()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\nserver: test\r\n")
    assert b"retry-after: 7" in head
    assert b"content-length: %d" % len(body) in head
    assert b'"detail":"the spool is full"' in body
    await one.send(READ)
    answer(app.taken[1])
    assert await one.answers() == FAST


async def test_a_bug_in_the_taker_is_answered_500_and_told_to_nobody() -> None:
    def breaks(_request: FastRequest) -> bool:
        raise ValueError("secret")

    one = Connection(Application(breaks))
    answered = await one.send(READ)
    assert answered.startswith(b"HTTP/1.1 500 ")
    assert b"secret" not in answered
    assert await one.send(b"GET / HTTP/1.1\r\n\r\n") == SLOW % (4, b"GET ")


async def test_a_client_that_went_away_is_not_answered() -> None:
    app = Application()
    one = Connection(app)
    await one.send(READ)
    one.protocol.connection_lost(None)
    answer(app.taken[0])
    assert await one.answers() == b""


async def test_a_process_that_leaves_closes_each_connection_with_its_answer() -> None:
    app = Application()
    before, after = Connection(app), Connection(app)
    await before.send(READ)
    app.leaving = True
    answer(app.taken[0])
    assert await before.answers() == FAST.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    assert before.transport.closed
    assert b"way: slow" in await after.send(READ)  # the application says how it leaves


async def test_a_server_that_stops_lets_the_request_in_hand_end() -> None:
    app = Application()
    one = Connection(app)
    await one.send(READ)
    one.protocol.shutdown()
    assert not one.transport.closed
    answer(app.taken[0])
    assert (await one.answers()).endswith(b"connection: close\r\n\r\n")
    assert one.transport.closed


async def test_the_headers_of_every_answer_are_those_of_the_second() -> None:
    app = Application()
    one = Connection(app)
    await one.send(READ)
    answer(app.taken[0])
    assert await one.answers() == FAST
    one.state.default_headers = [(b"server", b"later")]
    await one.send(READ)
    answer(app.taken[1])
    assert await one.answers() == FAST.replace(b"test", b"later")


def gets(*paths: bytes) -> Application:
    """An application that answers GET of `paths` past ASGI."""
    app = Application()

    def take(request: FastRequest) -> bool:
        if request.path not in paths or request.body or request.query == b"x":
            return False
        request.content(b"way: fast\r\ncontent-length: 4\r\n", b"page")
        return True

    app.fast_get = take
    return app


PAGE = b"HTTP/1.1 200 OK\r\nserver: test\r\nway: fast\r\ncontent-length: 4\r\n\r\npage"


async def test_a_get_may_be_answered_past_asgi() -> None:
    one = Connection(gets(b"/a.html"))
    for piece in (0, 1):
        assert await one.send(b"GET /a.html HTTP/1.1\r\nHost: x\r\n\r\n", piece) == PAGE
    assert await one.send(b"GET /a.html HTTP/1.1\r\n\r\nGET /a.html HTTP/1.1\r\n\r\n") == PAGE * 2
    assert await one.send(b"GET /a.html?y=1 HTTP/1.1\r\n\r\n") == PAGE
    assert one.state.total_requests == 5
    one.protocol.shutdown()
    assert one.transport.closed


async def test_other_gets_go_through_asgi() -> None:
    for request, body in [
        (b"GET /b.html HTTP/1.1\r\n\r\n", b"GET "),
        (b"GET /a.html?x HTTP/1.1\r\n\r\n", b"GET "),
        (b"GET /a.html#x HTTP/1.1\r\n\r\n", b"GET "),
        (b"GET http://x/a.html HTTP/1.1\r\n\r\n", b"GET "),
        (b"HEAD /a.html HTTP/1.1\r\n\r\n", b""),
        (b"GET /a.html HTTP/1.1\r\ncontent-length: 4\r\n\r\nbody", b"GET body"),
        (b"GET /a.html HTTP/1.1\r\ncontent-length: 2000\r\n\r\n" + b"b" * 2000, b"GET "),
    ]:
        answer = await Connection(gets(b"/a.html")).send(request)
        assert b"way: slow" in answer, request
        assert body in answer


async def test_a_get_during_a_drain_or_of_http_1_0_closes_its_connection() -> None:
    app = gets(b"/a.html")
    for request in (
        b"GET /a.html HTTP/1.0\r\n\r\n",
        b"GET /a.html HTTP/1.1\r\nConnection: close\r\n\r\n",
    ):
        one = Connection(app)
        assert b"way: slow" in await one.send(request)
        assert one.transport.closed
    app.leaving = True
    assert b"way: slow" in await Connection(app).send(b"GET /a.html HTTP/1.1\r\n\r\n")
