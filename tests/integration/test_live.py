"""`/stats/live` on real servers: what listeners see, and what they may not do to it."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as families

from deploy.local import ports
from deploy.local.gateway import Gateway
from tests.integration.test_gateway import behind, pretended
from tests.support.streams import EventStream, stalled, stream
from tests.support.system import Process, System, until

SOON = 5.0


async def metric(system: System, process: Process, name: str) -> float:
    """A metric; a labelled one is called `name{value}`."""
    text = (await system.http.get(f"{process.url}/metrics")).text
    return sum(
        sample.value
        for family in families(text)
        for sample in family.samples
        if f"{sample.name}{{{','.join(sample.labels.values())}}}" in (name, f"{name}{{}}")
    )


async def portal(system: System, **settings: Any) -> Process:
    """Ingest, counter and stats, with two articles that stats knows."""
    await system.start("ingest")
    await system.start("counter", flush_interval="0.1")
    stats = await system.start("stats", **settings)
    await system.put("a1", reads_baseline=100)
    await system.put("a2")

    async def known() -> bool:
        return await system.db.catalogue.count_documents({}) == 2

    await until(known, 10, "stats knows both articles")
    return stats


async def read_by(system: System, article: str, *readers: int) -> None:
    """Reads of an article by readers, each answered 204."""
    for reader in readers:
        agent = f"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.{reader}"
        assert (await system.read(article, agent=agent)).status_code == 204


async def test_an_open_page_sees_its_reads_and_the_sites_soon(system: System) -> None:
    stats = await portal(system)
    await read_by(system, "a1", 1)
    async with stream(stats.url, "?article=a1") as page, stream(stats.url) as everything:
        assert (page.status, page.headers["content-type"]) == (
            200,
            "text/event-stream; charset=utf-8",
        )
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-accel-buffering"] == "no"
        assert page.headers["x-correlation-id"]
        assert 2000 <= page.retry < 6000
        await page.become("a1", 101)
        assert await metric(system, stats, "luotdoc_live_listeners") == 2
        began = time.monotonic()
        await read_by(system, "a1", 2, 3)
        await read_by(system, "a2", 4)
        await page.become("a1", 103, SOON)
        await everything.become("a2", 1, SOON)
        took = time.monotonic() - began
        await until(lambda: page.site()["total"] == 104, 8, "the page has the site's total")
        assert everything.reads("a1") == 103
        assert everything.site()["today"] == 4
        assert page.reads("a2") is None
        counts = [each.data["articles"]["a1"] for each in page.events if "articles" in each.data]
        assert counts == sorted(counts)
        await page_agrees(system, stats)
    await until(lambda: no_listener(system, stats), 5, "both are gone")
    assert await metric(system, stats, "luotdoc_live_ended_total{left}") == 2
    print(f"LIVE: three reads were on both pages {took:.2f} s after the first was sent")


async def page_agrees(system: System, stats: Process) -> None:
    figures = (await system.http.get(f"{stats.url}/stats/articles/a1")).json()
    assert figures["reads"] == 103


async def no_listener(system: System, stats: Process) -> bool:
    return await metric(system, stats, "luotdoc_live_listeners") == 0


async def test_a_client_that_comes_back_gets_what_it_missed_in_one_event(system: System) -> None:
    stats = await portal(system)
    await read_by(system, "a1", 1)
    async with stream(stats.url, "?article=a1,a2") as page:
        await page.become("a1", 101)
        await until(lambda: page.site().get("total") == 101, 10, "all is told")
        last = page.events[-1].id
    async with stream(stats.url, "?article=a1") as another:
        for reader in (2, 3, 4):
            await read_by(system, "a1", reader)
            await another.become("a1", 100 + reader)
    async with stream(stats.url, "?article=a1,a2", {"Last-Event-ID": last}) as page:
        await page.become("a1", 104, SOON)
        assert page.events[0].data["articles"] == {"a1": 104}, "a2 has not changed"
        last = page.events[-1].id
    other = await system.start("stats")
    for hostile in (last, "x" * 7000, "1-1\x80", "-", f"{last}9999999999", "٣-٤", ""):
        sent = {"Last-Event-ID": hostile.encode("utf-8").decode("latin-1")}
        async with stream(other.url, "?article=a1,a2", sent) as page:
            await page.become("a1", 104, SOON)
            assert page.events[0].data["articles"] == {"a1": 104, "a2": 0}, hostile
            assert page.events[0].data["site"]["total"] == 104
    assert "Traceback" not in stats.text() + other.text()


async def counted(system: System, reads: int) -> None:
    async def all_are() -> bool:
        return await system.counted() == reads

    await until(all_are, 10, f"{reads} reads are counted")


async def test_after_kills_pages_go_on_with_right_numbers(system: System) -> None:
    stats = await portal(system)
    await read_by(system, "a1", 1)
    async with stream(stats.url, "?article=a1") as page:
        await page.become("a1", 101)
        stats.send(signal.SIGKILL)
        await page.is_over()
        assert not page.whole
        last = page.events[-1].id
    await read_by(system, "a1", 2)
    await counted(system, 2)
    again = await system.start("stats")
    async with stream(again.url, "?article=a1", {"Last-Event-ID": last}) as page:
        await page.become("a1", 102)
        assert page.events[0].data["articles"] == {"a1": 102}
        (counter,) = system.replicas("counter")
        counter.send(signal.SIGKILL)  # after some flush, perhaps before its event
        await read_by(system, "a1", 3)
        await system.start("counter", flush_interval="0.1")
        await page.become("a1", 103)
        assert page.reads("a1") == 103


async def test_at_a_stop_streams_end_at_once_and_in_good_order(system: System) -> None:
    stats = await portal(system)
    async with AsyncExitStack() as stack:
        pages = [
            await stack.enter_async_context(stream(stats.url, "?article=a1")) for _ in range(50)
        ]
        await until(lambda: all(page.events for page in pages), 10, "all have a frame")
        dead = stalled(stats.url)
        began = time.monotonic()
        ending = asyncio.create_task(stats.stop())
        await until(lambda: all(page.ended for page in pages), 5, "all have ended")
        took = time.monotonic() - began
        assert all(page.whole for page in pages)
        assert await ending == 0
        whole = time.monotonic() - began
        dead.close()
    assert took < 1.0, "before the server stops listening"
    assert whole < 10
    print(f"LIVE: 50 streams ended {took:.2f} s after SIGTERM, the process after {whole:.2f} s")


async def test_no_more_listeners_than_may_be_and_no_more_from_one_address(system: System) -> None:
    stats = await portal(
        system, live_listeners="6", live_per_address="3", trusted_proxies="127.0.0.0/8"
    )
    async with AsyncExitStack() as stack:

        async def listen(address: str) -> EventStream:
            sent = {"X-Forwarded-For": address}
            return await stack.enter_async_context(stream(stats.url, "?article=a1", sent))

        several = [await listen("203.0.113.7") for _ in range(4)]
        assert [each.status for each in several] == [200, 200, 200, 503]
        assert several[3].headers["retry-after"] == "30"
        assert several[3].headers["content-type"] == "application/problem+json"
        forged = await listen("198.51.100.9, 203.0.113.7")
        assert forged.status == 503, "what a client invents before its address counts for nothing"
        others = [await listen(f"198.51.100.{n}") for n in range(4)]
        assert [each.status for each in others] == [200, 200, 200, 503]
        assert await metric(system, stats, "luotdoc_live_refused_total{address}") == 2
        assert await metric(system, stats, "luotdoc_live_refused_total{full}") == 1
        assert (await system.http.get(f"{stats.url}/stats/site")).status_code == 200
    await until(lambda: no_listener(system, stats), 5, "all places are free")
    async with stream(stats.url) as page:
        assert page.status == 200


async def test_a_stalled_client_is_dropped_and_delays_nobody(system: System) -> None:
    stats = await portal(system, live_per_address="0")
    # Frames of fifty articles fill what the system keeps for a client that reads nothing.
    fill = [
        {"_id": f"f{n:02}", "v": 1, "revision": 1, "state": "published", "title": "", "url": "",
         "section": "tin", "baseline": 10**12, "published_at": None, "content_revision": 1}
        for n in range(50)
    ]  # fmt: skip
    await system.db.catalogue.insert_many(fill)
    await system.db.articles.insert_many(
        [{"_id": each["_id"], "v": 1, "state": "published"} for each in fill]
    )
    dead = [stalled(stats.url) for _ in range(10)]
    try:
        async with stream(stats.url) as everything, stream(stats.url, "?article=a1") as page:

            async def dropped() -> bool:
                await asyncio.gather(
                    *(read_by(system, f"f{n:02}", next(readers)) for n in range(50))
                )
                return await metric(system, stats, "luotdoc_live_ended_total{slow}") == 10

            readers = iter(range(1_000_000))
            began = time.monotonic()
            await until(dropped, 60, "the stalled clients are dropped")
            took = time.monotonic() - began
            await read_by(system, "a1", 1)
            await page.become("a1", 101, SOON)
            await everything.become("a1", 101, SOON)
            gaps = [
                b.at - a.at for a, b in zip(everything.events, everything.events[1:], strict=False)
            ]
            assert not page.ended
            assert not everything.ended
            assert await metric(system, stats, "luotdoc_live_listeners") == 2
    finally:
        for one in dead:
            one.close()
    print(
        f"LIVE: 10 stalled clients were dropped after {took:.0f} s; longest gap {max(gaps):.2f} s"
    )


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("?article=A", "article"),
        ("?article=", "article"),
        ("?article=a1,,a2", "article"),
        ("?article=a1%0A", "article"),
        ("?article=" + ",".join(f"a{n}" for n in range(11)), "article"),
        ("?article=a1&article=a2", "article"),
        ("?section=x", "section"),
        ("?" + "&".join(f"a{n}=1" for n in range(30)), "query"),
    ],
)
async def test_what_it_does_not_know_is_refused(stats_alone: str, query: str, path: str) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{stats_alone}/stats/live{query}")
    assert answer.status_code == 422
    assert [fault["path"] for fault in answer.json()["errors"]] == [path]


@pytest.fixture
async def stats_alone(system: System) -> str:
    return (await system.start("stats", cors_origins="https://a.example")).url


async def test_head_methods_and_origins(stats_alone: str) -> None:
    async with httpx.AsyncClient() as client:
        head = await client.head(f"{stats_alone}/stats/live")
        assert (head.status_code, head.headers["content-type"]) == (
            200,
            "text/event-stream; charset=utf-8",
        )
        post = await client.post(f"{stats_alone}/stats/live")
        assert (post.status_code, post.headers["allow"]) == (405, "GET, HEAD")
    for origin, allowed in (
        ("https://a.example", "https://a.example"),
        ("https://b.example", None),
    ):
        async with stream(stats_alone, "", {"Origin": origin}) as page:
            assert page.headers.get("access-control-allow-origin") == allowed
            assert page.headers["cross-origin-resource-policy"] == "cross-origin"


@asynccontextmanager
async def before(stats: Process, system: System, folder: Path) -> AsyncIterator[Gateway]:
    """A gateway in front of `stats`."""
    async with pretended("render", []) as render:
        backends = {
            "ingest": behind(system.replicas("ingest")),
            "stats": behind([stats]),
            "render": [render],
        }
        port = ports.choose_port()
        gateway = Gateway(folder / "gateway", port, ports.choose_port(None, {port}), backends)
        await asyncio.to_thread(gateway.start, 20)
        try:
            yield gateway
        finally:
            await asyncio.to_thread(gateway.stop)


async def test_it_flows_through_the_gateway_and_ends_there_in_good_order(
    system: System, tmp_path: Path
) -> None:
    stats = await portal(system)
    async with (
        before(stats, system, tmp_path) as gateway,
        stream(gateway.url, "?article=a1") as page,
    ):
        await page.become("a1", 100)
        began = time.monotonic()
        for reader in (1, 2, 3):
            await read_by(system, "a1", reader)
            await page.become("a1", 100 + reader, SOON)
        took = (time.monotonic() - began) / 3
        print(f"LIVE: through the gateway in {took:.2f} s, in the mean of three reads")
        ending = asyncio.create_task(stats.stop())
        await page.is_over()
        assert page.whole
        assert await ending == 0


@pytest.mark.long
async def test_the_gateways_timeouts_let_a_quiet_stream_live(
    system: System, tmp_path: Path
) -> None:
    stats = await portal(system)
    async with (
        before(stats, system, tmp_path) as gateway,
        stream(gateway.url, "?article=a1") as page,
    ):
        began = time.monotonic()
        # haproxy.cfg waits 30 s for a server, and 60 s for a client.
        await until(lambda: page.comments == 5, 90, "five comments")
        assert time.monotonic() - began > 65
        assert not page.ended
        await read_by(system, "a1", 1)
        await page.become("a1", 101, SOON)
