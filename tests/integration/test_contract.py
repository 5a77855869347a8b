"""The contract on the wire: what is published is as told, and ingest tells it."""

import asyncio

import aio_pika
import orjson

from luotdoc_events import events
from shared.contract.__main__ import FOLDER
from tests.support.system import EDITOR, System, until
from tests.support.witness import Judge, Witness

EVERY_TYPE = {events.type_of(kind) for kind in events.EVENTS.values()}


async def test_every_event_is_published_as_told(system: System, judge: Judge) -> None:
    before = judge.passed.copy()
    witness = Witness(system.broker.url, judge)
    await system.start_all(flush_interval="0.1")
    await system.put("a1", image={"url": "/media/a.webp", "alt": "Ảnh"}, tags=["một", "hai"])
    await until(lambda: system.page("a1"), 10, "the page")
    await system.put("a1", lead="Khác")
    await system.read("a1")
    await until(system.counted, 10, "the read is counted")
    await system.http.delete(f"{system.url('ingest')}/articles/a1", headers=EDITOR)

    async def gone() -> bool:
        page = await system.page("a1")
        return page is not None and page.status_code == 410

    await until(gone, 10, "the page is gone")
    seen: set[str] = set()

    async def all_types() -> bool:
        assert await witness.faults() == []
        seen.update((judge.passed - before).keys())
        return seen >= EVERY_TYPE

    await until(all_types, 10, "every type was published and judged")


async def test_a_wrong_event_of_ours_does_not_pass_unseen(system: System, judge: Judge) -> None:
    witness = Witness(system.broker.url, judge)
    good = (FOLDER / "examples/page.removed.v1.json").read_bytes()
    bad = orjson.loads(good)
    del bad["data"]["url"]
    async with await aio_pika.connect(system.broker.url) as connection:
        exchange = await (await connection.channel()).get_exchange("luotdoc.events")
        for body, sender in (
            (good, "luotdoc-render"),
            (orjson.dumps(bad), "luotdoc-render"),
            (b"nonsense", None),
        ):
            message = aio_pika.Message(
                body,
                app_id=sender,
                content_type=events.CONTENT_TYPE,
                message_id=orjson.loads(good)["id"],
            )
            await exchange.publish(message, "page.removed")
    [fault] = await witness.faults()
    assert fault.startswith("page.removed: event/data must have required property 'url': {")


async def test_ingest_serves_what_is_committed(system: System) -> None:
    ingest = await system.start("ingest")
    await system.put("a1")
    document = await system.http.get(f"{ingest.url}/events/asyncapi.json")
    page = await system.http.get(f"{ingest.url}/events/")
    assert document.content == (FOLDER / "asyncapi.json").read_bytes()
    assert document.headers["content-type"] == "application/json"
    assert page.content == (FOLDER / "index.html").read_bytes()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")

    paths = sorted((FOLDER / "schemas").iterdir())
    answers = await asyncio.gather(
        *(system.http.get(f"{ingest.url}/schemas/{path.name}") for path in paths)
    )
    for path, answer in zip(paths, answers, strict=True):
        assert (answer.status_code, answer.content) == (200, path.read_bytes())
        assert answer.headers["content-type"] == "application/schema+json"
    for wrong in ("article.burnt.v1.json", "..%2Findex.html", "%2e%2e%2findex.html"):
        answer = await system.http.get(f"{ingest.url}/schemas/{wrong}")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


async def test_the_schema_that_an_event_names_is_there(system: System) -> None:
    """As a subscriber resolves it: where the setting says that ingest is."""
    first = await system.start("ingest")
    second = await system.start("ingest", schemas_url=f"{first.url}/schemas")
    await system.http.put(
        f"{second.url}/articles/a1",
        json={"title": "Bài", "section": "thoi-su", "body_html": "<p>x</p>"},
        headers=EDITOR,
    )
    async with await aio_pika.connect(system.broker.url) as connection:
        queue = await (await connection.channel()).get_queue("render.articles")
        message = await until(lambda: queue.get(fail=False), 10, "the event")
        event = orjson.loads(message.body)
        await message.ack()
    assert event["dataschema"] == f"{first.url}/schemas/article.published.v1.json"
    assert (await system.http.get(event["dataschema"])).json()["title"] == "ArticlePublished"
