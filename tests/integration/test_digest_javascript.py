"""The digest in docs/examples, in JavaScript, as another team would run it, with a RabbitMQ user of
its own.
"""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aio_pika
import orjson

from luotdoc_events import events
from tests.integration.conftest import Subscriber
from tests.support.system import System, until
from tests.support.witness import ROOT, node

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
QUEUE = "mailer.articles"


@contextmanager
def digest(url: str, folder: Path, period: float) -> Iterator[subprocess.Popen[bytes]]:
    """The example, with a mail every `period` seconds into the file `mails`."""
    environment = os.environ | {
        "AMQP_URL": url,
        "QUEUE": QUEUE,
        "PERIOD": str(period),
        "STATE": str(folder / "state"),
    }
    script = node("../../docs/examples/digest.mjs")
    with (folder / "mails").open("ab") as mails, (folder / "log").open("ab") as log:
        process = subprocess.Popen(script, cwd=ROOT, env=environment, stdout=mails, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def article(
    identity: str,
    revision: int,
    title: str,
    kind: type[events.Article] = events.ArticlePublished,
    **more: Any,
) -> bytes:
    data = kind(
        id=identity, revision=revision, url=f"https://e.vn/{identity}.html", slug="s",
        section="thoi-su", title=title,
        body_html="<p>", published_at=NOON, modified_at=NOON, **more,
    )  # fmt: skip
    return wire(data, identity, revision)


def withdrawn(identity: str, revision: int) -> bytes:
    url = f"https://e.vn/{identity}.html"
    return wire(
        events.ArticleWithdrawn(id=identity, revision=revision, url=url, withdrawn_at=NOON),
        identity,
        revision,
    )


def wire(data: events.Data, identity: str, revision: int) -> bytes:
    event = events.envelope(
        data,
        id=f"{identity}-{revision}",
        source="/test",
        time=NOON,
        schemas="https://e.vn/schemas",
        subject=identity,
        revision=revision,
    )
    return events.encode(event)


async def publish(system: System, *bodies: bytes, **headers: Any) -> None:
    async with await aio_pika.connect(system.broker.url) as connection:
        exchange = await (await connection.channel()).get_exchange("luotdoc.events")
        for body in bodies:
            key = (
                body.split(b'"type":"luotdoc.')[1].split(b".v1")[0].decode()
                if body[:1] == b"{"
                else "article.updated"
            )
            message = aio_pika.Message(
                body, headers=headers, delivery_mode=aio_pika.DeliveryMode.PERSISTENT
            )
            await exchange.publish(message, key)


async def clear(system: System) -> None:
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        for name in (QUEUE, f"{QUEUE}.parked"):
            await channel.queue_delete(name)


async def test_the_digest_tells_each_article_once_in_its_newest_state(
    system: System, subscriber: Subscriber, tmp_path: Path
) -> None:
    await clear(system)
    url = subscriber("mailer")
    seen = tmp_path / "state"

    def waits() -> bool:
        return "waiting" in (tmp_path / "log").read_text()

    def known(*identities: str) -> bool:
        return seen.exists() and set(identities) <= dict(orjson.loads(seen.read_bytes())).keys()

    with digest(url, tmp_path, 86400):
        await until(waits, 10, "it consumes")
        system.declared()
        # Replayed, so known, and no news.
        await publish(
            system,
            article("a4", 6, "Bài cũ"),
            article("a5", 1, "Phát lại"),
            **{"x-luotdoc-replay": "all"},
        )
        await publish(
            system,
            article("a1", 2, "Bài mới"),
            article("a1", 1, "Bài cũ"),  # late
            article("a1", 2, "Bài lặp"),  # the same revision again
            article("a2", 1, "Bài gỡ"),
            withdrawn("a2", 2),
            article("a2", 1, "Bài gỡ", events.ArticleUpdated),  # late: stays away
            article("a3", 1, "Tựa đầu"),
            article("a3", 2, "Tựa sau", events.ArticleUpdated),
            article("a4", 7, "Sửa bài đã gửi từ lâu", events.ArticleUpdated),
            article(
                "a7", 2, "Bài đã sửa", events.ArticleUpdated, change="minor"
            ),  # its first news,
            article("a7", 1, "Bài chưa sửa"),  # which is late
            article("a8", 3, "Gửi lại", events.ArticleUpdated, change="republish"),
            withdrawn("a9", 2),
            article(
                "a9", 4, "Bài trở lại", events.ArticleUpdated
            ),  # its second publication is late
        )
        await publish(system, b"\xff", article("a6", 1, "Bài cuối"))
        await until(
            lambda: known(*(f"a{number}" for number in range(1, 10))), 10, "everything is taken"
        )

        async def parked() -> bool:
            return await system.queue_depth(f"{QUEUE}.parked") == 1

        await until(parked, 10, "nonsense is parked")
        assert (tmp_path / "mails").read_text() == ""

    with digest(url, tmp_path, 0.5) as process:
        await until(lambda: "a6.html" in (tmp_path / "mails").read_text(), 10, "the mail")
        assert (tmp_path / "mails").read_text() == (
            "Subject: 5 new\n\nBài mới\nhttps://e.vn/a1.html\n\nTựa sau\nhttps://e.vn/a3.html\n\n"
            "Bài đã sửa\nhttps://e.vn/a7.html\n\nBài trở lại\nhttps://e.vn/a9.html\n\n"
            "Bài cuối\nhttps://e.vn/a6.html\n\n"
        )
        assert await system.queue_depth(QUEUE) == 0

        await system.end_broker()
        await until(lambda: "disconnect" in (tmp_path / "log").read_text(), 20, "it notices")
        await asyncio.to_thread(system.broker.start)
        await publish(system, article("b1", 1, "Sau khi nối lại"))
        await until(
            lambda: "b1.html" in (tmp_path / "mails").read_text(), 30, "it is connected again"
        )
        assert (tmp_path / "mails").read_text().count("Subject: ") == 2
        assert process.poll() is None
