"""The gateway: a reader's reads reach one ingest, whichever replicas come and go. Real HAProxy."""

import asyncio
import contextlib
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local import ports
from deploy.local.gateway import Gateway
from tests.support.routes import EDITORS, PUBLIC, Route, routes
from tests.support.system import BROWSER, Process, System, until

TRUSTED = "127.0.0.0/8"


@contextlib.asynccontextmanager
async def pretended(
    name: str, seen: list[str], answer: bool = True
) -> AsyncIterator[tuple[str, str]]:
    """A server that says its name and notes the requests, without those of the health check: (name,
    host:port).

    `answer` False: it closes the connection of a POST once it has read it.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                if not head.startswith("GET /readyz"):
                    seen.append(head)
                    if head.startswith("POST"):
                        await reader.readuntil(b"}")
                        if not answer:
                            break
                writer.write(
                    f"HTTP/1.1 200 OK\r\ncontent-length: {len(name)}\r\n\r\n{name}".encode()
                )
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield name, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@contextlib.asynccontextmanager
async def gateway(
    folder: Path, ingests: list[tuple[str, str]], trusted: str = TRUSTED, *, editors: bool = False
) -> AsyncIterator[Gateway]:
    """A gateway that is ready; pages and statistics are pretended."""
    async with pretended("render", []) as render, pretended("stats", []) as stats:
        backends = {"ingest": ingests, "stats": [stats], "render": [render]}
        port = ports.choose_port()
        health = ports.choose_port(None, {port})
        one = Gateway(folder, port, health, backends, trusted, editors=editors)
        await asyncio.to_thread(one.start, 20)
        try:
            yield one
        finally:
            await asyncio.to_thread(one.stop)


def behind(processes: list[Process]) -> list[tuple[str, str]]:
    return [(process.name, process.url.removeprefix("http://")) for process in processes]


async def post(
    client: httpx.AsyncClient, url: str, address: str, article: str = "a1"
) -> httpx.Response:
    headers = {"x-forwarded-for": address, "user-agent": BROWSER}
    return await client.post(f"{url}/reads", json={"article": article}, headers=headers)


async def ingests(system: System, number: int, **settings: str) -> list[Process]:
    started = [
        await system.start("ingest", wait=False, trusted_proxies=TRUSTED, **settings)
        for _ in range(number)
    ]
    for process in started:
        await system.ready(process)
    await system.put("a1")
    for process in started:

        async def known(url: str = process.url) -> bool:
            return (await system.read("a1", url, agent="curl/8.0")).status_code == 204

        await until(known, 5, "every ingest knows the article")
    return started


async def test_a_reader_is_counted_once_while_ingests_come_and_go(system: System) -> None:
    started = await ingests(system, 3)
    async with gateway(system.folder / "gateway", behind(started)) as one:
        await one_reader(one)
        await readers_spread(one, started)
        acknowledged, failed = await readers_while_ingests_go(one, started)
    await system.start("counter")

    async def all_counted() -> bool:
        return await system.counted() >= acknowledged + 121

    await until(all_counted, 20, "acknowledged reads are counted")
    assert acknowledged + 121 <= await system.counted() <= acknowledged + 121 + failed


@pytest.mark.long
async def test_one_reader_of_twenty_ingests_is_counted_once(system: System) -> None:
    """Whatever else the browser does ahead of time, and whatever other sites make of it."""
    started = await ingests(system, 20, read_origins="https://www.example.org")
    async with gateway(system.folder / "gateway", behind(started)) as one:
        for signs in (
            {"sec-purpose": "prefetch;prerender"},
            {"origin": "https://elsewhere.example"},
        ):
            async with httpx.AsyncClient(headers=signs) as client:
                answers = [
                    await post(client, one.url, f"203.0.113.7:{port}")
                    for port in range(50_000, 50_005)
                ]
            reason = "prefetch" if "sec-purpose" in signs else "origin"
            assert {answer.headers["luotdoc-read"] for answer in answers} == {
                f"filtered; reason={reason}"
            }
        await one_reader(one)
    for process in started:
        await process.stop()
    await system.start("counter", flush_interval="0.1")
    await until(system.counted, 10, "the read is counted")
    assert await system.by_article() == {"a1": 1}


async def one_reader(one: Gateway) -> None:
    """Whatever connection and way it takes, one browser at one address is one reader."""
    outcomes: Counter[str] = Counter()
    for address in (
        "203.0.113.7",
        "203.0.113.7:51008",
        "::ffff:203.0.113.7",
        "198.51.100.1, 203.0.113.7",
    ) * 2:
        async with httpx.AsyncClient() as client:
            answers = [await post(client, one.url, address) for _ in range(3)]
            headers = {"x-forwarded-for": address, "user-agent": BROWSER}
            answers.append(await client.get(f"{one.url}/reads.gif?article=a1", headers=headers))
        outcomes.update(answer.headers["luotdoc-read"] for answer in answers)
    assert outcomes == {"counted": 1, "filtered; reason=reload": 31}


async def readers_spread(one: Gateway, started: list[Process]) -> None:
    """Each of 120 readers is counted once, and every ingest counts its share."""

    async def twice(client: httpx.AsyncClient, address: str) -> list[str]:
        return [(await post(client, one.url, address)).headers["luotdoc-read"] for _ in range(2)]

    async with httpx.AsyncClient() as client:
        readers = [f"198.51.100.{n}" for n in range(1, 61)] + [
            f"2001:db8:0:{n:x}::1" for n in range(1, 61)
        ]
        pairs = await asyncio.gather(*(twice(client, address) for address in readers))
        assert pairs == [["counted", "filtered; reason=reload"]] * 120
        counted = []
        for process in started:
            metrics = (await client.get(f"{process.url}/metrics")).text
            counted.append(
                float(
                    metrics.partition('luotdoc_reads_total{class="reader",outcome="counted"} ')[
                        2
                    ].split()[0]
                )
            )
    assert sum(counted) == 121
    assert min(counted) > 15, counted


async def readers_while_ingests_go(one: Gateway, started: list[Process]) -> tuple[int, int]:
    """One ingest stops, which no reader notices; one dies with what it has in hand. (acknowledged,
    unanswered)
    """
    statuses: list[int] = []
    done = False

    async def readers(client: httpx.AsyncClient, lane: int) -> None:
        number = 0
        while not done:
            number += 1
            try:
                status = (
                    await post(client, one.url, f"10.{lane}.{number // 250}.{number % 250}")
                ).status_code
            except httpx.RemoteProtocolError:
                status = 0  # closed without an answer, as it would be without a gateway
            statuses.append(status)

    async with httpx.AsyncClient(timeout=20) as client:
        lanes = [asyncio.create_task(readers(client, lane)) for lane in range(1, 5)]
        try:
            await until(lambda: len(statuses) > 100, 20, "reads are answered")
            started[0].send(signal.SIGTERM)
            assert await started[0].ended() == 0
            before = len(statuses)
            await until(
                lambda: len(statuses) > before + 100, 20, "reads are answered by the others"
            )
            assert set(statuses) == {204}
            started[1].popen.kill()
            await started[1].ended()
            before = len(statuses)
            await until(lambda: len(statuses) > before + 200, 20, "reads are answered by the last")
            assert set(statuses[before + 50 :]) == {204}
        finally:
            done = True
            await asyncio.gather(*lanes)
    failed = len(statuses) - statuses.count(204)
    assert failed <= len(lanes), Counter(statuses)
    return statuses.count(204), failed


async def test_a_read_that_was_sent_is_never_sent_again(tmp_path: Path) -> None:
    seen: list[str] = []
    async with (
        pretended("a", seen, answer=False) as a,
        pretended("b", seen, answer=False) as b,
        gateway(tmp_path, [a, b]) as one,
        httpx.AsyncClient() as client,
    ):
        answer = await client.post(f"{one.url}/reads", content='{"article":"a"}')
    assert answer.status_code == 502
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(seen) == 1


async def test_a_read_s_query_passes_as_it_was_sent(tmp_path: Path) -> None:
    seen: list[str] = []
    queries = ["", "?referrer=", "?referrer=https%3A%2F%2Fwww.google.com",
               "?referrer=android-app%3A%2F%2Fcom.google.android.gm", "?referrer=https://[::1]:8&a",
               "?referrer=%zz%00&referrer", "?later=1&later=2"]  # fmt: skip
    async with contextlib.AsyncExitStack() as stack:
        names = [await stack.enter_async_context(pretended(f"ingest-{n}", seen)) for n in range(3)]
        one = await stack.enter_async_context(gateway(tmp_path, names))
        reader, writer = await asyncio.open_connection("127.0.0.1", int(one.url.rpartition(":")[2]))
        asked = set()
        for query in queries:
            writer.write(f"POST /reads{query} HTTP/1.1\r\nHost: x\r\n".encode())
            writer.write(b'Content-Length: 15\r\n\r\n{"article":"a"}')
            head = await reader.readuntil(b"\r\n\r\n")
            asked.add(await reader.readexactly(len("ingest-0")))
            assert head.startswith(b"HTTP/1.1 200 ")
        writer.close()
    assert [head.partition(" HTTP/1.1")[0] for head in seen] == [f"POST /reads{q}" for q in queries]
    assert len(asked) == 1  # one reader, one ingest


async def owners(folder: Path, number: int, readers: list[str]) -> list[str]:
    """Which of so many ingests each reader reaches."""
    async with contextlib.AsyncExitStack() as stack:
        names = [
            await stack.enter_async_context(pretended(f"ingest-{n}", [])) for n in range(number)
        ]
        one = await stack.enter_async_context(gateway(folder / str(number), names))
        reader, writer = await asyncio.open_connection("127.0.0.1", int(one.url.rpartition(":")[2]))
        found = []
        for address in readers:
            writer.write(
                f"GET /reads.gif HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {address}\r\n\r\n".encode()
            )
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.partition(b"content-length: ")[2].split()[0])
            found.append((await reader.readexactly(length)).decode())
        writer.close()
    return found


async def test_one_ingest_more_moves_few_readers(tmp_path: Path) -> None:
    readers = [f"203.{n // 250}.113.{n % 250}" for n in range(600)] + [
        f"2001:ee0:{n:x}::{n:x}" for n in range(400)
    ]
    rings = {number: await owners(tmp_path, number, readers) for number in (2, 3, 19, 20)}
    for number in (2, 19):
        before, after = rings[number], rings[number + 1]
        moved = [new for old, new in zip(before, after, strict=True) if old != new]
        assert set(moved) == {f"ingest-{number}"}  # only to the one that is new
        assert len(moved) < 1.5 * len(readers) / (number + 1)
    for number, ring in rings.items():
        shares = Counter(ring)
        assert len(shares) == number
        assert max(shares.values()) < 1.7 * len(readers) / number, shares


@pytest.mark.parametrize(
    "forwarded",
    [
        ["2001:ee0:4f12:10:8c1f:3:2:1"],
        ["[2001:ee0:4f12:10::a1]:443"],
        ["198.51.100.9, 2001:ee0:4f12:10::a1:2"],
        ["2001:ee0:4f12:10::9", "127.0.0.9"],
        ["2001:ee0:4f12:10::9, 127.0.0.9,"],
    ],
)
async def test_the_reader_is_found_as_ingest_finds_it(tmp_path: Path, forwarded: list[str]) -> None:
    """Each of these is one reader, who must reach the same of 16 ingests however the address is
    written.
    """
    async with contextlib.AsyncExitStack() as stack:
        names = [await stack.enter_async_context(pretended(f"ingest-{n}", [])) for n in range(16)]
        one = await stack.enter_async_context(gateway(tmp_path, names))
        async with httpx.AsyncClient() as client:
            wanted = (await post(client, one.url, "2001:ee0:4f12:10::")).text
            lines = [("x-forwarded-for", line) for line in forwarded]
            answer = await client.post(f"{one.url}/reads", content='{"article":"a"}', headers=lines)
    assert answer.text == wanted


async def test_from_strangers_nothing_is_believed_and_nothing_inner_is_shown(
    tmp_path: Path,
) -> None:
    seen: list[str] = []
    async with contextlib.AsyncExitStack() as stack:
        names = [await stack.enter_async_context(pretended(f"ingest-{n}", seen)) for n in range(16)]
        one = await stack.enter_async_context(gateway(tmp_path, names, trusted=""))
        async with httpx.AsyncClient() as client:
            asked = {(await post(client, one.url, f"203.0.113.{n}")).text for n in range(50)}
            claimed = {"forwarded": "for=203.0.113.1", "x-forwarded-for": "203.0.113.1"}
            await client.get(f"{one.url}/reads.gif", headers=claimed)
            for path in (
                "/metrics",
                "/livez",
                "/readyz",
                "/state",
                "/%6detrics",
                "/%73tate",
                "/%72eadyz",
                "/l%69vez",
            ):
                refused = await client.get(one.url + path)
                assert refused.status_code == 404, path
                assert_is_ours(refused.headers, refused.json())
            for path in ("/eventsx", "/reads/x", "/statsx", "/articlesx", "/media/x"):
                assert (await client.get(one.url + path)).text == "render", path
            assert (await client.get(one.url + "/%65vents/")).text.startswith("ingest-")
    assert len(asked) == 1
    assert not [head for head in seen if "203.0.113" in head]


@pytest.mark.parametrize("editors", [False, True], ids=["cluster", "one machine"])
async def test_each_route_of_each_service_is_where_it_belongs(
    tmp_path: Path, editors: bool
) -> None:
    served = {PUBLIC, EDITORS} if editors else {PUBLIC}
    wrong = []
    async with (
        pretended("ingest", []) as ingest,
        gateway(tmp_path, [ingest], editors=editors) as one,
        httpx.AsyncClient() as client,
    ):
        for route in routes():
            body = "{}" if route.method == "POST" else None
            answer = await client.request(route.method, one.url + route.path, content=body)
            wanted = route.service if route.hosts & served else "404"
            found = (
                answer.text if answer.status_code == 200 else str(answer.status_code)
            ) or wanted  # an answer to HEAD has no text
            if found != wanted and not (not route.hosts and _is_anothers(route, found, served)):
                wrong.append((route.method, route.path, wanted, found))
    assert wrong == []


def _is_anothers(route: Route, found: str, served: set[str]) -> bool:
    """Whether the path that this service does not serve here is one that another one serves."""
    return any(
        (other.method, other.path, other.service) == (route.method, route.path, found)
        and other.hosts & served
        for other in routes()
    )


def assert_is_ours(headers: httpx.Headers, body: dict[str, Any]) -> None:
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert {"type", "title", "status"} <= body.keys()
