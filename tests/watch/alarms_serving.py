"""Faults of the processes, and of what readers and programs get."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import httpx

from deploy.local.ports import HOST
from tests.support.system import TOKEN, until
from tests.watch.alarms import RESTART, fault
from tests.watch.alarms_delivery import repeated
from tests.watch.bench import ARTICLES, CONNECTIONS, SITE_CHANGED, Bench

SLOW_SECONDS = 0.5
TRICKLE = b" " * 2048
BURST_SECONDS, PAUSE_SECONDS = 3.0, 2.0


@asynccontextmanager
async def no_stats(one: Bench) -> AsyncIterator[None]:
    """The only stats is stopped."""
    await one.stop("stats-1")
    yield
    await one.start("stats-1")


@asynccontextmanager
async def frozen_render(one: Bench) -> AsyncIterator[None]:
    """One render is frozen."""
    one.fleet.signal(one.replica("render-2"), signal.SIGSTOP)
    yield
    one.fleet.signal(one.replica("render-2"), signal.SIGCONT)


@asynccontextmanager
async def render_not_ready(one: Bench) -> AsyncIterator[None]:
    """A render starts without MongoDB."""
    await one.stop("render-2")
    await one.mongo["render-2"].cut()
    await one.start("render-2", ready=False)
    yield
    await one.mongo["render-2"].mend()


@asynccontextmanager
async def restarts(one: Bench) -> AsyncIterator[None]:
    """A render is restarted three times."""
    for _ in range(3):
        await one.stop("render-2")
        await one.start("render-2")
        await asyncio.sleep(2)  # long enough to be scraped
    yield


@asynccontextmanager
async def stale_pages(one: Bench) -> AsyncIterator[None]:
    """A render loses MongoDB, and serves from memory."""
    await one.mongo["render-2"].cut()
    yield
    await one.mongo["render-2"].mend()


@asynccontextmanager
async def render_behind(one: Bench) -> AsyncIterator[None]:
    """Both renders lose MongoDB, and 200 events arrive."""
    event = await one.event()
    wires = [one.mongo["render-1"], one.mongo["render-2"]]
    # One that lost MongoDB in an earlier fault has emptied its memory, and would answer 503.
    for render in ("render-1", "render-2"):
        await until(partial(one.paths, render), 30, f"every page in the memory of {render}")
    for wire in wires:
        await wire.cut()
    await one.send("render.articles", event, 200)
    yield
    for wire in wires:
        await wire.mend()


@asynccontextmanager
async def failing_api(one: Bench) -> AsyncIterator[None]:
    """An ingest loses MongoDB while editors save."""
    await one.mongo["ingest-2"].cut()
    async with repeated(lambda: one.put(ARTICLES[4], "ingest-2", title="Sửa"), 0.5):
        yield
    await one.mongo["ingest-2"].mend()


@asynccontextmanager
async def slow_confirms(one: Bench) -> AsyncIterator[None]:
    """RabbitMQ's answers to the ingests come late."""
    wires = [one.amqp["ingest-1"], one.amqp["ingest-2"]]
    for wire in wires:
        wire.delay = SLOW_SECONDS
    yield
    for wire in wires:
        wire.delay = 0


@asynccontextmanager
async def slow_pages(one: Bench) -> AsyncIterator[None]:
    """MongoDB's answers to the renders come late, and readers ask for pages not in memory."""
    wires = [one.mongo["render-1"], one.mongo["render-2"]]
    for wire in wires:
        wire.delay = SLOW_SECONDS

    async def ask() -> None:
        async with httpx.AsyncClient(timeout=10) as client:
            await client.get(f"{one.replica('render-1').url}/thoi-su/x-khongco.html")

    async with repeated(ask, 0.2):
        yield
    for wire in wires:
        wire.delay = 0


@asynccontextmanager
async def full_connections(one: Bench) -> AsyncIterator[None]:
    """More clients than an ingest has room for send a big body slowly, in bursts.

    In bursts, because an ingest whose every connection is in use turns Prometheus away too.
    """

    async def burst() -> None:
        port = one.replica("ingest-2").port
        clients = [asyncio.create_task(_trickle(port)) for _ in range(CONNECTIONS * 2)]
        try:
            await asyncio.sleep(BURST_SECONDS)
        finally:
            for client in clients:
                client.cancel()
            await asyncio.gather(*clients, return_exceptions=True)

    async with repeated(burst, PAUSE_SECONDS):
        yield


@asynccontextmanager
async def faulty_site(one: Bench) -> AsyncIterator[None]:
    """Somebody saves the site's file of one render with a key that does not exist."""
    path = one.site_of(SITE_CHANGED)
    before = await asyncio.to_thread(path.read_text)
    await asyncio.to_thread(path.write_text, f"{before}\nnavn = 7\n")
    yield
    await asyncio.to_thread(path.write_text, before)


async def _trickle(port: int) -> None:
    """Send a body slowly; once turned away, try again."""
    head = (
        f"PUT /articles/{ARTICLES[5]} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Content-Type: application/json\r\nContent-Length: 3000000\r\n\r\n"
    )
    while True:
        reader, writer = await asyncio.open_connection(HOST, port)
        try:
            writer.write(head.encode())
            while not reader.at_eof():
                writer.write(TRICKLE)
                await writer.drain()
                await asyncio.sleep(0.2)
        except OSError:
            await asyncio.sleep(0.1)
        finally:
            writer.transport.abort()


FAULTS = (
    fault("no stats runs", no_stats, "ServiceMissing", RESTART),
    fault("a render is frozen", frozen_render, "InstanceDown"),
    fault("a render starts without MongoDB", render_not_ready, "NotReady", RESTART),
    fault(
        "a render restarts three times",
        restarts,
        "RestartsOften",
        RESTART,
        lasts=150,
    ),
    fault("a render loses MongoDB", stale_pages, "PagesStale", "NotReady HandlersRetry", 120),
    fault(
        "both renders lose MongoDB, and 200 events arrive",
        render_behind,
        "RenderBehind",
        "HandlersRetry PagesStale EventTypeSilent NotReady EventsHandledLate ReconciliationStopped",
        90,
    ),
    fault("RabbitMQ confirms late", slow_confirms, "BeaconSlow", seconds=120, lasts=90),
    fault("MongoDB answers renders late", slow_pages, "PagesSlow", seconds=120, lasts=90),
    fault(
        "an ingest's connections are used up",
        full_connections,
        "ConnectionsFull",
        "InstanceDown",  # Prometheus is turned away too
        seconds=90,
    ),
    fault("a render's site file has a fault", faulty_site, "SiteFileFaulty", seconds=60),
    fault(
        "an ingest loses MongoDB while editors save",
        failing_api,
        "ErrorBudgetBurnsFast",
        "NotReady ErrorBudgetBurnsSlowly",
        seconds=120,
        lasts=200,
    ),
)
"""The last one leaves its errors in the budget of a day."""
