"""Traces of the real services, as a collector gets them: from a PUT to the page, from a read to its
commit.
"""

import asyncio
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import aio_pika
import pytest

from luotdoc_events import events
from tests.support.collector import Collector, SeenSpan
from tests.support.system import BROWSER, EDITOR, System, until

ASKED = "0af7651916cd43dd8448eb211c80319c"
CALLER = f"00-{ASKED}-b7ad6b7169203331-01"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector that the services of the test send all spans to, at once."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    with Collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        yield collector


async def one(collector: Collector, name: str, trace: str = "") -> SeenSpan:
    """The only span of that name in a trace, once it is there."""
    await until(
        lambda: collector.named(name, trace),
        10,
        lambda: f"the span {name!r} among {sorted({span.name for span in collector.spans})}",
    )
    (span,) = collector.named(name, trace)
    return span


async def test_one_trace_from_put_to_page(system: System, collector: Collector) -> None:
    await asyncio.gather(system.start("ingest"), system.start("render"))
    answer = await system.put("a1", headers={"traceparent": CALLER})
    assert answer.status_code == 201
    await until(lambda: system.page("a1"), 5, "the page is served")

    put = await one(collector, "PUT /articles/{article_id}")
    chain = [put]
    for name in (
        "transaction", "publish article.published", "process render.articles", "store page",
        "update pages",
    ):  # fmt: skip
        chain.append(await one(collector, name))
        assert chain[-1].parent == chain[-2].id, name
    assert (put.trace, put.parent) == (ASKED, "b7ad6b7169203331")
    assert {span.trace for span in chain} == {ASKED}
    assert [(span.service, span.kind) for span in chain] == [
        ("luotdoc-ingest", "server"),
        ("luotdoc-ingest", "internal"),
        ("luotdoc-ingest", "producer"),
        ("luotdoc-render", "consumer"),
        ("luotdoc-render", "internal"),
        ("luotdoc-render", "client"),
    ]
    assert not [span.name for span in chain if span.failed]
    assert put.attributes == {
        "http.request.method": "PUT",
        "http.response.status_code": 201,
        "http.route": "/articles/{article_id}",
        "url.path": "/articles/a1",
    }
    handled = chain[3]
    assert handled.attributes["messaging.destination.name"] == "render.articles"
    assert handled.attributes["luotdoc.outcome"] == "handled"

    commit = await one(collector, "commitTransaction", ASKED)
    assert (commit.parent, commit.attributes["db.system.name"]) == (chain[1].id, "mongodb")
    assert (await one(collector, "render page")).parent == handled.id
    rendered = await one(collector, "publish page.rendered")
    assert (rendered.parent, rendered.trace) == (handled.id, ASKED)
    print("one trace from PUT to page:", " → ".join(span.name for span in chain))

    logged = system.replicas("render")[0].text()
    assert f'"trace_id": "{ASKED}"' in logged


async def test_one_trace_from_read_to_commit(system: System, collector: Collector) -> None:
    await asyncio.gather(system.start("ingest"), system.start("counter"))
    await system.put("a1")
    reads = await asyncio.gather(*(system.read("a1", agent=browser(n)) for n in range(3)))
    pixel = f"{system.url('ingest')}/reads.gif?article=a1"
    reads.append(await system.http.get(pixel, headers={"user-agent": browser(3)}))
    assert [read.headers["luotdoc-read"] for read in reads] == ["counted"] * 4
    await until(lambda: counted(system, 4), 5, "the reads are counted")
    await until(lambda: len(collector.named("POST /reads")) == 3, 5, "three traced reads")
    traced = [*collector.named("POST /reads"), await one(collector, "GET /reads.gif")]
    posts = {span.id: span for span in traced}
    assert {span.parent for span in posts.values()} == {""}
    assert len({span.trace for span in posts.values()}) == 4

    batches = collector.named("publish batch")
    told = {id for batch in batches for id in (batch.parent, *batch.links)}
    assert told == posts.keys()  # each traced read leads to its batch
    first = batches[0]
    chain = [posts[first.parent], first]
    for name in ("process counter.reads", "flush", "commitTransaction"):
        chain.append(await one(collector, name, first.trace))
        assert chain[-1].parent == chain[-2].id, name
    assert {span.trace for span in chain} == {first.trace}
    assert chain[2].service == "luotdoc-counter"
    assert chain[2].attributes["luotdoc.outcome"] == "settled"
    # Every other batch of the flush is linked to it, both ways.
    for batch in batches[1:]:
        handled = await one(collector, "process counter.reads", batch.trace)
        flush = next(
            span for span in collector.named("flush") if handled.id in (span.parent, *span.links)
        )
        assert handled.id == flush.parent or handled.links == (flush.id,)
    announced = await one(collector, "publish reads.counted", first.trace)
    assert announced.parent == chain[3].id
    print("one trace from read to commit:", " → ".join(span.name for span in chain))


def browser(number: int) -> str:
    """The user agent of another reader."""
    return BROWSER.replace("140", str(100 + number))


async def counted(system: System, number: int) -> bool:
    return await system.counted() == number


async def test_a_stranger_forces_no_sampling(
    system: System, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
    ingest = await system.start("ingest")
    await system.put("a1", headers={"traceparent": CALLER})
    strangers: list[tuple[str, dict[str, object]]] = [
        ("POST", {"url": "/reads", "json": {"article": "a1"}}),
        ("GET", {"url": "/reads.gif?article=a1"}),
        ("GET", {"url": "/articles/a1"}),
    ]
    for method, request in strangers:
        answer = await system.http.request(
            method, f"{ingest.url}{request.pop('url')}", headers={"traceparent": CALLER},
            json=request.get("json"),
        )  # fmt: skip
        assert answer.status_code in (200, 204)
    wrong = {"authorization": "Bearer wrong", "traceparent": CALLER}
    assert (await system.http.put(f"{ingest.url}/articles/a2", headers=wrong)).status_code == 401
    await ingest.stop()  # exports what there is
    names = {span.name for span in collector.spans if span.kind == "server"}
    assert names == {"PUT /articles/{article_id}"}  # the editor's, by its parent


HOSTILE = (
    b"",
    b"\xff\xfe",
    b"00",
    b"x" * 8000,
    b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01",
    CALLER.upper().encode(),
    CALLER.encode() + b"-more",
    b"ff" + CALLER[2:].encode(),
)


async def test_a_hostile_traceparent_is_ignored(system: System, collector: Collector) -> None:
    ingest = await system.start("ingest")
    editor = {name.encode(): value.encode() for name, value in EDITOR.items()}
    for offered in HOSTILE:
        answer = await system.http.get(
            f"{ingest.url}/articles", headers=editor | {b"traceparent": offered}
        )
        assert answer.status_code == 200, offered
    await until(lambda: len(collector.named("GET /articles")) == len(HOSTILE), 5, "the spans")
    assert {span.parent for span in collector.named("GET /articles")} == {""}
    assert ASKED not in {span.trace for span in collector.named("GET /articles")}


async def test_an_event_leads_on_without_its_header_and_when_it_is_replayed(
    system: System, collector: Collector
) -> None:
    """A bridge may drop AMQP headers; the event's own extension then says where it began."""
    await system.start("render")
    now = datetime.now(UTC)
    event = events.envelope(
        events.ArticleWithdrawn(
            id="a1", revision=1, url="https://e.vn/thoi-su/a-a1.html", reason="withdrawn",
            withdrawn_at=now,
        ),
        id="e1", source="/luotdoc/ingest", time=now, schemas="https://e.vn/schemas",
        subject="a1", revision=1, traceparent=CALLER,
    )  # fmt: skip
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange("luotdoc.events")
        await exchange.publish(
            aio_pika.Message(events.encode(event), message_id="e1"), "article.withdrawn"
        )
        handled = await one(collector, "process render.articles")
        assert (handled.trace, handled.parent) == (ASKED, "b7ad6b7169203331")
    replay = await system.command(
        "luotdoc_subscriber", "replay", "--to", "render.articles", "--since", now.isoformat()
    )
    assert replay.returncode == 0, replay.stderr

    def handlings() -> list[SeenSpan]:
        every = collector.named("process render.articles")
        return [span for span in every if span.attributes["messaging.message.id"] == "e1"]

    await until(lambda: len(handlings()) == 2, 5, "replayed")
    assert {(span.trace, span.parent) for span in handlings()} == {(ASKED, "b7ad6b7169203331")}


async def test_a_collector_that_is_away_costs_a_log_line(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "8")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")
    ingest = await system.start("ingest")
    await system.put("a1")
    for number in range(40):
        read = await system.read("a1", agent=browser(number))
        assert (read.status_code, read.headers["luotdoc-read"]) == (204, "counted")
    started = time.monotonic()
    assert await ingest.stop() == 0
    assert time.monotonic() - started < 10
    told = [line for line in ingest.text().splitlines() if '"logger": "opentelemetry' in line]
    assert 1 <= len(told) <= 3, told
