"""`/stats/live` and strangers: none takes more than its share, none keeps a stop from ending."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import pytest

from tests.integration.test_live import SOON, metric, no_listener, portal, read_by
from tests.support.streams import stalled, stream
from tests.support.system import Process, System, until

HEAD = b"GET /stats/live%b HTTP/1.1\r\nHost: h\r\n%b\r\n"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def connect(stats: Process, request: bytes) -> Connection:
    """A connection on which `request` is sent."""
    parts = urlsplit(stats.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20)
    writer.write(request)
    return reader, writer


async def told(connection: Connection, seconds: float = 20) -> tuple[int, bytes]:
    """The status and the head of the answer; 0 if the connection is closed without one."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        head = await asyncio.wait_for(connection[0].readuntil(b"\r\n\r\n"), seconds)
        return int(head.split()[1]), head.lower()
    return 0, b""


@contextlib.asynccontextmanager
async def asked_meanwhile(system: System, stats: Process) -> AsyncIterator[list[float]]:
    """The waits of an honest client, which asks for the site's figures again and again."""
    waits: list[float] = []

    async def ask() -> None:
        while True:
            began = time.monotonic()
            answer = await system.http.get(f"{stats.url}/stats/site")
            waits.append(time.monotonic() - began)
            assert answer.status_code == 200
            await asyncio.sleep(0.02)

    asking = asyncio.create_task(ask())
    try:
        yield waits
    finally:
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking


async def test_thousands_from_one_address_take_its_share_and_no_more(system: System) -> None:
    stats = await portal(system)
    async with asked_meanwhile(system, stats) as waits:
        crowd = [await connect(stats, HEAD % (b"", b"")) for _ in range(3000)]
        answers = [await told(each) for each in crowd]
        statuses = Counter(status for status, _ in answers)
        assert statuses == {200: 200, 503: 2800}
        assert all(b"retry-after: 30" in head for status, head in answers if status == 503)
        assert await metric(system, stats, "luotdoc_live_listeners") == 200
        for _, writer in crowd:
            writer.transport.abort()
        await until(lambda: no_listener(system, stats), 10, "all places are free")
    async with stream(stats.url, "?article=a1") as page:
        await page.become("a1", 100)
    assert "Traceback" not in stats.text()
    assert max(waits) < 5
    print(
        f"\nLIVE: of 3000 from one address 200 listen, 2800 were told 503; another client waited "
        f"for {max(waits):.2f} s at the most ({len(waits)} answers)"
    )


BOMB = b"".join(b"X-%d: %b\r\n" % (n, b"x" * 200) for n in range(200))
MANY = b",".join(b"a%d" % n for n in range(10_000))


@pytest.mark.parametrize(
    ("request_sent", "status"),
    [
        pytest.param(HEAD % (b"?article=" + MANY, b""), 414, id="10,000 articles"),
        pytest.param(HEAD % (b"?article=" + MANY[:4000], b""), 422, id="700 articles"),
        pytest.param(HEAD % (b"?" + b"article=a1&" * 700, b""), 422, id="700 parameters"),
        pytest.param(HEAD % (b"", BOMB), 431, id="200 headers"),
        pytest.param(HEAD % (b"", b"Last-Event-ID: " + b"1-" * 30_000 + b"\r\n"), 431, id="long"),
        pytest.param(HEAD % (b"", b"Last-Event-ID: a\r\n" * 90), 200, id="90 ids"),
        pytest.param(HEAD % (b"", b"Content-Length: 5\r\n") + b"hello", 200, id="a body"),
        pytest.param(b"GET /stats/live HTTP/1.0\r\n\r\n", 200, id="HTTP/1.0"),
        pytest.param(b"GET /stats/live/ HTTP/1.1\r\nHost: h\r\n\r\n", 404, id="another path"),
        pytest.param(b"DELETE /stats/live HTTP/1.1\r\nHost: h\r\n\r\n", 405, id="DELETE"),
        pytest.param(
            b"POST /stats/live HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na=b", 405, id="POST"
        ),
        pytest.param(HEAD % (b"", b"") * 12, 200, id="pipelined"),
    ],
)
async def test_strange_requests_are_answered_and_leave_nothing(
    system: System, request_sent: bytes, status: int
) -> None:
    stats = await system.start("stats")
    connection = await connect(stats, request_sent)
    assert (await told(connection))[0] == status
    if status == 200:
        assert b"retry: " in await connection[0].readuntil(b"\n\n")
        assert await metric(system, stats, "luotdoc_live_listeners") == 1
    connection[1].transport.abort()
    await until(lambda: no_listener(system, stats), 5, "nobody listens")
    async with stream(stats.url) as page:
        assert page.status == 200
    assert "Traceback" not in stats.text()


async def test_a_half_closed_listener_is_gone_and_one_that_talks_is_heard_by_nobody(
    system: System,
) -> None:
    stats = await portal(system)
    half = await connect(stats, HEAD % (b"", b""))
    assert (await told(half))[0] == 200
    half[1].write_eof()
    await until(lambda: no_listener(system, stats), 5, "a half-closed connection is closed")
    half[1].transport.abort()
    talks = await connect(stats, HEAD % (b"?article=a1", b""))
    assert (await told(talks))[0] == 200
    async with asked_meanwhile(system, stats) as waits, stream(stats.url, "?article=a1") as page:
        await page.become("a1", 100)
        with contextlib.suppress(ConnectionError):
            for _ in range(200):
                talks[1].write(b"x" * (64 << 10))
                await asyncio.wait_for(talks[1].drain(), 1)
        await read_by(system, "a1", 1)
        await page.become("a1", 101, SOON)
        talks[1].transport.abort()
    assert max(waits) < 5
    assert "Traceback" not in stats.text()


async def test_a_stop_with_a_thousand_listeners_ends_in_time(system: System) -> None:
    stats = await portal(system, live_per_address="0")
    async with AsyncExitStack() as stack:
        pages = [
            await stack.enter_async_context(stream(stats.url, "?article=a1")) for _ in range(1000)
        ]
        deaf = [stalled(stats.url) for _ in range(20)]
        await until(lambda: all(page.events for page in pages), 30, "all have a frame")
        began = time.monotonic()
        ending = asyncio.create_task(stats.stop())
        await until(lambda: all(page.ended for page in pages), 8, "all have ended")
        took = time.monotonic() - began
        assert all(page.whole for page in pages), "in good order"
        assert await ending == 0
        whole = time.monotonic() - began
        for each in deaf:
            each.close()
    assert "Traceback" not in stats.text()
    assert whole < 10, "what compose and Kubernetes wait for"
    print(f"\nLIVE: 1000 streams ended {took:.2f} s after SIGTERM, the process after {whole:.2f} s")
