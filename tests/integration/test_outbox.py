"""Article events: none is lost while RabbitMQ is away, and each article's arrive in order."""

import asyncio
import json
from collections import defaultdict

import aio_pika

from tests.support.system import System, until


async def _subscribe(system: System, queue: str) -> None:
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        own = await channel.declare_queue(queue, durable=True, arguments={"x-queue-type": "quorum"})
        await own.bind("luotdoc.events", "article.#")


async def _drain(system: System, queue: str) -> list[dict[str, object]]:
    events = []
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        own = await channel.get_queue(queue)
        while message := await own.get(fail=False):
            await message.ack()
            assert message.content_type == "application/cloudevents+json"
            events.append(json.loads(message.body))
    return events


async def test_no_event_is_lost_while_rabbitmq_is_stopped(system: System) -> None:
    """RabbitMQ stops while articles are being PUT by two ingests; every accepted revision arrives
    afterwards.
    """
    first, second = await system.start("ingest"), await system.start("ingest")
    await _subscribe(system, "watcher")
    accepted: dict[str, int] = defaultdict(int)
    stop = asyncio.Event()

    async def editor(number: int) -> None:
        url, revision = (first, second)[number % 2].url, 0
        while not stop.is_set():
            body = {
                "title": f"Bài {number} lần {revision + 1}",
                "section": "thoi-su",
                "body_html": "<p>x</p>",
            }
            answer = await system.http.put(
                f"{url}/articles/a{number}",
                json=body,
                headers={"authorization": "Bearer token-with-both-scopes"},
            )
            assert answer.status_code in (200, 201), answer.text
            revision = answer.json()["revision"]
            accepted[f"a{number}"] = revision
            await asyncio.sleep(
                0.2
            )  # a few hundred events in all, and the machine has time for the broker's start

    editors = [asyncio.create_task(editor(number)) for number in range(6)]
    try:
        await until(lambda: sum(accepted.values()) > 30, 20, "articles are being put")
        await system.end_broker()
        during = sum(accepted.values())
        await until(
            lambda: sum(accepted.values()) > during + 30,
            20,
            "articles are accepted without RabbitMQ",
        )

        async def waiting() -> bool:
            metrics = (await system.http.get(f"{first.url}/metrics")).text
            values = dict(
                line.rsplit(" ", 1) for line in metrics.splitlines() if not line.startswith("#")
            )
            return (
                float(values["luotdoc_outbox_waiting"]) > 0
                and float(values["luotdoc_outbox_oldest_seconds"]) > 0
            )

        await until(waiting, 10, "the metrics show that events wait")
        for process in (first, second):
            assert (await system.http.get(f"{process.url}/readyz")).status_code == 200
    finally:
        await asyncio.to_thread(system.broker.start)
        stop.set()
    await asyncio.gather(*editors)

    async def relayed() -> bool:
        return await system.db.outbox.count_documents({}) == 0

    await until(relayed, 30, "the outbox is empty")
    revisions: dict[str, list[int]] = defaultdict(list)
    for event in await _drain(system, "watcher"):
        article, revision = str(event["subject"]), int(str(event["sequence"]))
        if revision > max(
            revisions[article], default=0
        ):  # what every subscriber does: drop what is not newer
            revisions[article].append(revision)
    assert revisions == {article: list(range(1, last + 1)) for article, last in accepted.items()}


async def test_a_rolled_back_change_publishes_nothing(system: System) -> None:
    await system.start("ingest")
    await _subscribe(system, "watcher2")
    assert (await system.put("a1")).json()["revision"] == 1
    assert (await system.put("a1", {"if-match": '"7"'}, title="Khác")).status_code == 412
    assert (await system.put("a1")).json()["revision"] == 1  # equal content: no revision, no event
    assert (await system.put("a1", title="Khác")).json()["revision"] == 2

    async def relayed() -> bool:
        return await system.db.outbox.count_documents({}) == 0

    await until(relayed, 10, "the outbox is empty")
    assert [e["type"] for e in await _drain(system, "watcher2")] == [
        "luotdoc.article.published.v1",
        "luotdoc.article.updated.v1",
    ]
