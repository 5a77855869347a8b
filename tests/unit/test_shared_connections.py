"""How long clients may take, and how many they may be. No socket, no real time."""

import resource
import socket

import pytest

from shared.base.settings import Settings
from shared.web.connections import MOST_CLOSING, MOST_LOOKS, Limits, TooFewDescriptors, limits_of
from shared.web.headers import STRICT, header_lines
from tests.support.connection import Application, Connection, refusal

GET = b"GET / HTTP/1.1\r\n\r\n"
READ = b"POST /reads HTTP/1.1\r\ncontent-length: 4\r\n\r\nread"
SLOW = (
    b"HTTP/1.1 200 OK\r\nserver: test\r\nway: slow\r\n"
    + header_lines(STRICT).replace(b"%", b"%%")
    + b"content-length: %d\r\n\r\n%b"
)


@pytest.mark.parametrize("path", [b"/x", b"/reads"])
async def test_a_head_must_come_in_time(path: bytes) -> None:
    app = Application()
    for before in (b"", GET):
        one = Connection(app)
        await one.send(before)
        assert await one.send(b"GET %b HTTP/1.1\r\n" % path) == b""
        for _ in range(9):
            await app.pass_time(1)
            assert await one.send(b"a: b\r\n") == b""
        await app.pass_time(2)
        assert refusal(await one.answers())[0] == 408
        assert one.transport.half_closed


@pytest.mark.parametrize("path", [b"/x", b"/reads"])
async def test_a_body_must_come_in_time(path: bytes) -> None:
    app = Application()
    one = Connection(app)
    assert await one.send(b"POST %b HTTP/1.1\r\ncontent-length: 4\r\n\r\nre" % path) == b""
    await app.pass_time(9)
    assert await one.answers() == b""
    await app.pass_time(2)
    assert refusal(await one.answers())[0] == 408


async def test_a_body_must_come_at_a_rate() -> None:
    app = Application(limits=Limits(transfer_grace=2, transfer_rate=100))
    slow, fast = Connection(app), Connection(app)
    for one in (slow, fast):
        await one.send(b"POST /x HTTP/1.1\r\ncontent-length: 5000\r\n\r\n")
    for _ in range(20):
        await app.pass_time(1)
        assert await fast.send(b"x" * 110) == b""
        if not slow.transport.half_closed:
            await slow.send(b"x" * 50)
    assert slow.transport.half_closed
    assert (await fast.send(b"x" * 2800)).startswith(b"HTTP/1.1 200")


async def test_a_time_in_which_nobody_looked_is_not_the_clients() -> None:
    app = Application()
    one = Connection(app)
    await one.send(b"GET / HTTP/1.1\r\n")
    app.seconds += 3600  # frozen
    app.connections.sweep()
    assert await one.send(b"\r\n") == SLOW % (4, b"GET ")


async def test_an_idle_connection_is_closed_without_a_word() -> None:
    app = Application()
    used, fresh, blank = Connection(app), Connection(app), Connection(app)
    await used.send(GET)
    await blank.send(b"\r\n")
    await app.pass_time(9)
    assert not fresh.ended()
    await blank.send(b"\r\n")
    await app.pass_time(2)
    assert fresh.ended()
    assert blank.ended()
    await app.pass_time(62)
    assert not used.ended()
    assert await used.send(GET) == SLOW % (4, b"GET ")
    await app.pass_time(74)
    assert not used.ended()
    await app.pass_time(2)
    assert used.ended()
    assert used.transport.written == b""


async def test_a_request_in_hand_may_take_its_time() -> None:
    app = Application()
    one = Connection(app)
    await one.send(READ)
    await app.pass_time(300)
    assert not one.ended()
    app.taken[0].no_content(b"")
    assert (await one.answers()).startswith(b"HTTP/1.1 204")


async def test_an_answer_must_be_read() -> None:
    app = Application(limits=Limits(transfer_grace=10, transfer_rate=1000))
    slow, fast = Connection(app), Connection(app)
    for one in (slow, fast):
        await one.send(READ)
        one.transport.waiting = 100_000
        one.protocol.pause_writing()  # as the transport does, while it is written to
        app.taken.pop().no_content(b"")
    await app.pass_time(100)
    fast.protocol.resume_writing()
    await app.pass_time(9)
    assert not slow.ended()
    await app.pass_time(2)
    assert slow.ended()
    assert not fast.ended()
    await app.pass_time(60)
    assert not fast.ended()
    await app.pass_time(10)
    assert fast.ended()  # it has been idle since


async def test_unread_answers_are_bounded_all_together() -> None:
    app = Application(limits=Limits(unread_bytes=1 << 20))
    ones = [Connection(app) for _ in range(5)]
    for one in ones:
        one.transport.waiting = 300_000
        one.protocol.pause_writing()
    assert [one.ended() for one in ones] == [True, True, False, False, False]


async def test_a_client_that_does_not_read_the_last_answer_is_cut_off() -> None:
    app = Application()
    one = Connection(app)
    one.transport.waiting = 2048
    await one.send(b"nonsense\r\n\r\n")
    await app.pass_time(3.5)
    assert not one.ended()
    await app.pass_time(1)
    assert one.ended()


async def test_the_longest_idle_makes_room() -> None:
    app = Application(limits=Limits(connections=3))
    first, second, third = (Connection(app) for _ in range(3))
    for one in (first, second, third):
        await one.send(GET)
    await first.send(GET)
    fourth = Connection(app)
    assert [one.ended() for one in (first, second, third)] == [False, True, False]
    second.protocol.connection_lost(None)
    assert await fourth.send(GET) == SLOW % (4, b"GET ")


async def test_then_the_unfinished_make_room() -> None:
    app = Application(limits=Limits(connections=2))
    head, body = Connection(app), Connection(app)
    await head.send(b"GET / HTTP/1.1\r\n")
    await body.send(b"POST / HTTP/1.1\r\ncontent-length: 4\r\n\r\n")
    await app.pass_time(1)
    new = [Connection(app)]
    assert head.ended()
    assert not body.ended()
    head.protocol.connection_lost(None)
    await new[0].send(READ)
    new.append(Connection(app))
    assert body.ended()
    body.protocol.connection_lost(None)
    assert [one.ended() for one in new] == [False, False]


async def test_a_new_connection_is_not_closed_before_an_older_unfinished_request() -> None:
    """A reader's first bytes may be under way, while a stranger's slow head is not."""
    app = Application(limits=Limits(connections=2))
    slow = Connection(app)
    await slow.send(b"GET / HTTP/1.1\r\n")
    await app.pass_time(1)
    honest = Connection(app)
    Connection(app)
    assert (slow.ended(), honest.ended()) == (True, False)
    slow.protocol.connection_lost(None)
    assert (await honest.send(GET)).startswith(b"HTTP/1.1 200")


async def test_a_request_that_has_arrived_and_was_not_read_yet_is_not_closed() -> None:
    """A busy process takes more connections in one turn than it may keep, before it reads from the
    first.
    """
    app = Application(limits=Limits(connections=3))
    ends = [socket.socketpair() for _ in range(2)]
    try:
        honest, gone, silent = (Connection(app) for _ in range(3))
        for (near, far), one in zip(ends, (honest, gone), strict=True):
            one.transport.extra["socket"] = near
            far.send(GET)
        ends[1][1].close()
        Connection(app)
        assert [one.ended() for one in (honest, gone, silent)] == [False, True, False]
        gone.protocol.connection_lost(None)
        Connection(app)
        assert [one.ended() for one in (honest, silent)] == [False, True]
        assert (await honest.send(ends[0][0].recv(100))).startswith(b"HTTP/1.1 200")
    finally:
        for near, far in ends:
            near.close()
            far.close()


async def test_strangers_who_all_have_sent_something_make_room_too() -> None:
    app = Application(limits=Limits(connections=MOST_LOOKS))
    near, far = socket.socketpair()
    with near, far:
        far.send(b"G")
        ones = [Connection(app) for _ in range(MOST_LOOKS)]
        for one in ones:
            one.transport.extra["socket"] = near
        Connection(app)
        assert [one.ended() for one in ones] == [True, *[False] * (MOST_LOOKS - 1)]


async def test_requests_in_hand_are_left_alone_and_others_are_told_to_wait() -> None:
    app = Application(limits=Limits(connections=2))
    busy = [Connection(app) for _ in range(2)]
    for one in busy:
        await one.send(READ)
    refused = Connection(app)
    answered = await refused.answers()
    assert refusal(answered)[0] == 503
    assert b"retry-after: 1\r\n" in answered
    assert [one.ended() for one in busy] == [False, False]
    app.taken[0].no_content(b"")
    assert (await Connection(app).send(GET)).startswith(b"HTTP/1.1 200")


async def test_a_flood_at_the_limit_holds_few_connections() -> None:
    app = Application(limits=Limits(connections=1))
    busy = Connection(app)
    await busy.send(READ)
    flood = [Connection(app) for _ in range(500)]
    alive = [one for one in flood if not one.ended()]
    assert len(alive) <= MOST_CLOSING + 1
    assert not busy.ended()


async def test_a_connection_that_ended_leaves_nothing_behind() -> None:
    app = Application()
    for sent in (
        b"",
        GET,
        b"GET / HTTP/1.1\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 4\r\n\r\n",
        b"nonsense",
    ):
        one = Connection(app)
        await one.send(sent)
        one.protocol.pause_writing()
        one.protocol.connection_lost(None)
    waiting = app.connections
    assert not waiting.open
    assert not any(
        (
            waiting.fresh,
            waiting.idle,
            waiting.heads,
            waiting.bodies,
            waiting.unread,
            waiting.closing,
        )
    )


def settings(connections: int) -> Settings:
    return Settings(
        amqp_url="amqp://a:b@h/", mongo_url="mongodb://h/db", max_connections=connections
    )


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "connections", "raised"),
    [
        (1024, 1024, 0, 896, 1024),
        (1024, 524_288, 0, 4096, 4224),
        (20_000, 20_000, 0, 4096, 20_000),
        (-1, -1, 0, 4096, -1),
        (1024, 4096, 2000, 2000, 2128),
        (1024, 1024, 100, 100, 1024),
        (256, 256, 0, 128, 256),
    ],
)
def test_connections_fit_the_limit_on_open_files(
    soft: int,
    hard: int,
    wanted: int,
    connections: int,
    raised: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limit = [(soft, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limit[0])
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: limit.__setitem__(0, both))
    assert limits_of(settings(wanted)).connections == connections
    assert limit[0] == (raised, hard)


def test_more_connections_than_the_system_grants_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1024))
    with pytest.raises(
        TooFewDescriptors, match="must be at most 896: this process may open 1024 files"
    ):
        limits_of(settings(897))
