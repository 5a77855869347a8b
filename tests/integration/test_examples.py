"""The examples for other teams, each as a process and with a RabbitMQ user of its own, made as the
guide says.
"""

from collections.abc import AsyncIterator
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from luotdoc_events.events import REPLAY_HEADER
from tests.integration.conftest import Subscriber
from tests.support.outside import cache, mail_server
from tests.support.system import System, until
from tests.support.wire import address, forget, publish, sample

PURGER, DIGEST = "docs.examples.cache_purger", "docs.examples.digest"


@pytest.fixture(autouse=True)
async def _no_queues_left(system: System) -> AsyncIterator[None]:
    await forget(system, "cache-purger.pages", "digest.articles")
    yield
    await forget(system, "cache-purger.pages", "digest.articles")


async def _metrics(system: System, url: str) -> dict[str, float]:
    text = (await system.http.get(f"{url}/metrics")).text
    return {
        name: float(value)
        for name, value in (x.rsplit(" ", 1) for x in text.splitlines() if x[0] != "#")
    }


async def test_the_cache_purger_purges_what_the_system_serves_anew(
    system: System, subscriber: Subscriber
) -> None:
    async with cache() as outside:
        purger = await system.start(
            "purger", module=PURGER, amqp_url=subscriber("cache-purger"), cache_url=outside.url
        )
        await system.start("ingest", base_url="http://tin.example.vn")
        await system.start("render", base_url="http://tin.example.vn")
        url = (await system.put("a1", title="Cầu mới")).json()["url"]
        await until(lambda: outside.purged == [url], 10, "the new page's address is purged")
        await system.put("a1", title="Cầu mới đã thông xe", slug="cau-moi")
        await until(lambda: len(outside.purged) == 2, 10, "it is purged again")
        await system.http.delete(
            f"{system.url('ingest')}/articles/a1",
            headers={"authorization": "Bearer token-with-both-scopes"},
        )
        await until(lambda: len(outside.purged) == 3, 10, "the removed page is purged")

        async def counted() -> bool:
            metrics = await _metrics(system, purger.url)
            return (
                metrics['luotdoc_consumed_total{outcome="handled",queue="cache-purger.pages"}'] == 3
            )

        await until(counted, 10, "the outcome is counted")
        metrics = await _metrics(system, purger.url)
        assert metrics['luotdoc_consume_age_seconds_count{queue="cache-purger.pages"}'] == 3
        assert 0 < metrics['luotdoc_consume_age_seconds_sum{queue="cache-purger.pages"}'] < 30
        assert await purger.stop() == 0


async def test_the_cache_purger_waits_for_its_cache_and_parks_what_it_refuses(
    system: System, subscriber: Subscriber
) -> None:
    async with cache() as outside:
        outside.status = 500
        purger = await system.start(
            "purger", module=PURGER, amqp_url=subscriber("cache-purger"), cache_url=outside.url
        )
        await publish(system, [sample("page.rendered", "a1", 1)])

        async def waits() -> bool:
            return (await _metrics(system, purger.url)).get(
                'luotdoc_queue_waiting{queue="cache-purger.pages.retry.10"}'
            ) == 1

        await until(waits, 30, "the refused one waits for its second retry, as the metric says")
        assert outside.asked == 2
        outside.status = 200
        await until(lambda: outside.purged == [address("a1")], 20, "it is purged in the end")
    await publish(system, [sample("page.removed", "a2", 1)])

    async def tried() -> bool:
        metrics = await _metrics(system, purger.url)
        return metrics.get('luotdoc_consume_retries_total{queue="cache-purger.pages"}', 0) >= 5

    await until(tried, 20, "a cache that is away is tried again and again")
    assert await system.queue_depth("cache-purger.pages.parked") == 0


async def test_the_digest_is_mailed_without_replays_and_what_was_withdrawn(
    system: System, subscriber: Subscriber
) -> None:
    settings: dict[str, Any] = {
        "amqp_url": subscriber("digest"),
        "digest_file": system.folder / "digest.sqlite",
        "digest_seconds": 3600,
    }
    async with mail_server() as outside:
        first = await system.start("digest", module=DIGEST, smtp_host=outside.address, **settings)
        await publish(
            system,
            [
                sample("article.published", "a1", 1),
                sample("article.updated", "a1", 2, change="minor"),
            ],
        )
        await publish(
            system, [sample("article.published", "a2", 1), sample("article.withdrawn", "a2", 2)]
        )
        await publish(
            system, [sample("article.published", "a3", 1)], {REPLAY_HEADER: "for-the-archive"}
        )
        await publish(system, [sample("article.published", "a4", 1, change="republish")])
        await publish(system, [sample("article.published", "a5", 1)])
        # A replay made an article known, so its change is no news; of others the publication comes
        # late, or not at all.
        await publish(
            system, [sample("article.published", "a7", 1)], {REPLAY_HEADER: "for-the-archive"}
        )
        await publish(system, [sample("article.updated", "a7", 2)])
        await publish(
            system,
            [
                sample("article.updated", "a8", 2, change="minor"),
                sample("article.published", "a8", 1),
            ],
        )
        await publish(
            system, [sample("article.withdrawn", "a9", 2), sample("article.updated", "a9", 4)]
        )
        await publish(system, [sample("article.updated", "b1", 2, change="republish")])

        async def noted() -> bool:
            name = 'luotdoc_consumed_total{outcome="handled",queue="digest.articles"}'
            return (await _metrics(system, first.url)).get(name) == 13

        await until(noted, 10, "all are noted")
        assert await first.stop() == 0
        assert outside.mails == []
        # What was acked is in the file, and goes out after a restart.
        settings["digest_seconds"] = "0.2"
        second_run = await system.start(
            "digest", module=DIGEST, smtp_host=outside.address, **settings
        )
        await until(
            lambda: outside.mails, 10, lambda: f"a mail is sent; its log:\n{second_run.text()}"
        )
        await publish(system, [sample("article.published", "a6", 1)])
        await until(lambda: len(outside.mails) == 2, 10, "the next has only what is new")
    (sender, recipients, text), (_, _, second) = outside.mails
    assert "toa-soan@example.vn" in sender
    assert "ban-doc@example.vn" in recipients[0]
    content = message_from_bytes(text, policy=default).get_content().split()
    due = [("a1", 2), ("a5", 1), ("a8", 2), ("a9", 4)]
    assert (
        content
        == " ".join(
            f"Bài {article} lần {revision} {address(article)}" for article, revision in due
        ).split()
    )
    assert address("a6") in message_from_bytes(second, policy=default).get_content()


async def test_without_a_mail_server_the_digest_is_printed(
    system: System, subscriber: Subscriber
) -> None:
    file = system.folder / "digest.sqlite"
    settings: dict[str, Any] = {
        "amqp_url": subscriber("digest"),
        "digest_file": file,
        "digest_seconds": "0.2",
    }
    digest = await system.start("digest", module=DIGEST, **settings)
    await publish(system, [sample("article.published", "a1", 1)])
    await until(lambda: address("a1") in digest.text(), 10, "it is printed")


async def test_parked_messages_of_any_subscriber(system: System, subscriber: Subscriber) -> None:
    """An operator names the queue; what was a replay stays one."""
    async with cache() as outside:
        await system.start(
            "purger", module=PURGER, amqp_url=subscriber("cache-purger"), cache_url=outside.url
        )
        replay = {REPLAY_HEADER: "again", "x-luotdoc-reason": "not_purged", "x-luotdoc-retries": 4}
        work = "cache-purger.pages"
        await publish(system, [sample("page.rendered", "a1", 1)], replay, f"{work}.parked")
        listed = await system.command("shared.parked", "list", work)
        assert "1 parked" in listed.stdout, listed.stderr
        assert "not_purged" in listed.stdout
        assert (await system.command("shared.parked", "redrive", work, "--all")).returncode == 0
        await until(lambda: outside.purged == [address("a1")], 10, "it is handled")
    unknown = await system.command("shared.parked", "list", "nobody.events")
    assert (unknown.returncode, "there is no queue nobody.events.parked" in unknown.stderr) == (
        1,
        True,
    )


@pytest.mark.parametrize("example", [PURGER, DIGEST])
async def test_a_missing_setting_is_named(system: System, example: str) -> None:
    ended = await system.command(example, amqp_url="")
    assert ended.returncode == 2
    assert "LUOTDOC_AMQP_URL" in ended.stderr
