"""Nothing is missing unnoticed: heartbeats, freshness by type, comparison with the articles, and
what mends it.
"""

import json
import signal
from typing import Any

import aio_pika
from prometheus_client.parser import text_string_to_metric_families as families

from luotdoc_events import events
from tests.support.system import Process, System, until

BEAT = 0.2


async def _gauge(system: System, process: Process, name: str) -> dict[tuple[str, ...], float]:
    """A metric's values by its labels' values, in the order of the labels' names."""
    text = (await system.http.get(f"{process.url}/metrics")).text
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in families(text)
        for sample in family.samples
        if sample.name == name
    }


async def _silence(system: System) -> dict[str, float]:
    return {
        labels[0]: value
        for labels, value in (
            await _gauge(system, system.replicas("stats")[0], "luotdoc_event_silence_seconds")
        ).items()
    }


async def _public(system: System, *names: str) -> None:
    """Public articles, with their pages and their entries in the catalogue."""
    for name in names:
        assert (await system.put(name)).status_code in (200, 201)

    async def there() -> bool:
        wanted = {"_id": {"$in": list(names)}}
        held = [
            await collection.count_documents(wanted)
            for collection in (system.db.pages, system.db.catalogue)
        ]
        return held == [len(names)] * 2

    await until(there, 15, "the pages and the catalogue follow")


def _states(system: System) -> list[str]:
    return [f"{name}={system.url(name)}/state" for name in ("render", "stats")]


async def test_every_type_has_a_heartbeat_and_silence_shows(system: System) -> None:
    await system.start_all(heartbeat_interval=BEAT, flush_interval="0.1")
    beats: dict[str, events.Heartbeat] = {}
    seen: list[str] = []
    early: list[events.Heartbeat] = []

    async def hear(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        event, data = events.decode(message.body)
        seen.append(event.id)
        if isinstance(data, events.Heartbeat):
            # Who is bound to both has the event before the heartbeat that tells of it.
            if data.last_id is not None and data.last_id not in seen:
                early.append(data)
            beats[data.event] = data

    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind("luotdoc.events", "#")
        await queue.consume(hear, no_ack=True)
        kinds = events.EVENTS.keys() - {"heartbeat"}
        await until(lambda: beats.keys() == kinds, 15, "each type has its heartbeat")
        assert {data.producer for name, data in beats.items() if name.startswith("article.")} == {
            "ingest"
        }
        assert (beats["page.rendered"].producer, beats["reads.counted"].producer) == (
            "render",
            "counter",
        )
        assert {data.interval for data in beats.values()} == {BEAT}
        await _public(system, "a1")
        assert (await system.read("a1")).status_code == 204
        for name in ("article.published", "page.rendered", "reads.counted"):
            await until(
                lambda name=name: beats[name].last_id in seen,
                15,
                f"a heartbeat tells of the last {name}",
            )
            assert beats[name].last_time is not None
        assert not early

    async def heard() -> bool:
        return max((await _silence(system)).values()) < 10 * BEAT

    await until(heard, 15, "stats hears all of them")
    render = system.replicas("render")[0]
    render.send(signal.SIGKILL)
    await render.ended()

    async def silent() -> bool:
        now = await _silence(system)
        return (
            min(now["page.rendered"], now["page.removed"]) > 3
            and now["article.published"] < 10 * BEAT
        )

    await until(silent, 15, "render's types are silent, the others are not")
    await system.start("render", heartbeat_interval=BEAT)
    await until(heard, 15, "and they are heard again")


async def test_differences_are_found_and_mended(system: System) -> None:
    """A page deleted by hand, one of an older revision, one that nobody published; then all is made
    right.
    """
    await system.start_all()
    await _public(system, "a1", "a2", "a3", "a4")
    await system.put("a2", title="Khác")
    withdrawn = await system.http.delete(
        f"{system.url('ingest')}/articles/a4",
        headers={"authorization": "Bearer token-with-both-scopes"},
    )
    assert withdrawn.status_code == 204
    await system.put("later", published_at="2999-01-01T00:00:00Z")

    async def followed() -> bool:
        page, gone = await system.db.pages.find_one({"_id": "a2"}), await system.page("a4")
        return (
            page is not None
            and page["revision"] == 2
            and gone is not None
            and gone.status_code == 410
        )

    await until(followed, 15, "the pages follow")
    same = await system.command("services.ingest", "reconcile", *_states(system))
    assert (same.returncode, same.stdout) == (
        0,
        "render: 0 missing, 0 stale, 0 extra\nstats: 0 missing, 0 stale, 0 extra\n",
    ), same.stderr

    await system.db.pages.delete_one({"_id": "a1"})
    await system.db.pages.update_one({"_id": "a2"}, {"$set": {"revision": 1}})
    other = await system.db.pages.find_one({"_id": "a3"})
    assert other is not None
    await system.db.pages.insert_one({**other, "_id": "x9"})
    found = await system.command("services.ingest", "reconcile", *_states(system))
    assert found.returncode == 1, found.stderr
    assert [line.split()[:2] for line in found.stdout.splitlines()] == [
        ["render:", "1"],
        ["missing", "a1"],
        ["stale", "a2"],
        ["extra", "x9"],
        ["stats:", "0"],
    ]

    # The metric says the same.
    watcher = await system.start("ingest", reconcile=",".join(_states(system)))

    async def shown() -> Any:
        return await _gauge(system, watcher, "luotdoc_reconciliation_differences")

    async def all_shown() -> bool:
        return len(await shown()) == 6

    await until(all_shown, 20, "both subscribers are compared")
    assert {labels: value for labels, value in (await shown()).items() if value} == {
        ("missing", "render"): 1,
        ("stale", "render"): 1,
        ("extra", "render"): 1,
    }
    assert (
        min((await _gauge(system, watcher, "luotdoc_reconciliation_as_of_seconds")).values())
        > 1.7e9
    )

    # A replay of the articles mends what is missing and what is stale.
    mended = await system.command("services.ingest", "replay", "--to", "render.articles")
    assert mended.returncode == 0, mended.stderr
    assert "4 articles sent into render.articles" in mended.stdout

    async def whole() -> bool:
        return [(await system.page(name)).status_code for name in ("a1", "a2")] == [200, 200]  # type: ignore[union-attr]

    await until(whole, 15, "the pages are back")
    last = await system.command("services.ingest", "reconcile", *_states(system))
    assert (last.returncode, last.stdout.splitlines()[0]) == (
        1,
        "render: 0 missing, 0 stale, 1 extra",
    )


async def test_many_articles_are_compared_page_by_page(system: System) -> None:
    """Differences at the ends of pages of a thousand, and pages that begin where the other side's
    don't.
    """
    await system.start("stats")
    names = [f"a{number:04d}" for number in range(2500)]
    article = {"v": 1, "revision": 2, "state": "published", "was_public": True}
    await system.db.articles.insert_many([{"_id": name, **article} for name in names])
    await system.db.articles.insert_one(
        {"_id": "a0000x", **article, "state": "scheduled", "was_public": False}
    )
    missing, extra = ["a0000", "a0999", "a1000", "a2499"], ["a09990", "a2000x", "b"]
    there = sorted({*names, *extra} - set(missing))
    entry = {"v": 1, "revision": 2, "state": "published"}
    await system.db.catalogue.insert_many([{"_id": name, **entry} for name in there])
    await system.db.catalogue.update_one({"_id": "a1001"}, {"$set": {"revision": 1}})

    found = await system.command(
        "services.ingest", "reconcile", f"stats={system.url('stats')}/state"
    )

    assert (found.returncode, found.stdout.partition("\n")[0]) == (
        1,
        "stats: 4 missing, 1 stale, 3 extra",
    ), found.stderr
    told = {tuple(line.split()[:2]) for line in found.stdout.splitlines()[1:]}
    assert told == {
        *(("missing", name) for name in missing),
        *(("extra", name) for name in extra),
        ("stale", "a1001"),
    }


async def test_the_articles_rebuild_an_emptied_render(system: System) -> None:
    await system.start_all()
    names = [f"a{number:03d}" for number in range(120)]
    await _public(system, *names)
    page = await system.page("a007")
    assert page is not None
    assert page.status_code == 200
    await system.db.pages.delete_many({})

    async def empty() -> bool:
        return await system.page("a007") is None

    await until(empty, 10, "no page is left")
    before = await system.queue_depth("stats.articles")
    done = await system.command(
        "services.ingest", "replay", "--to", "render.articles", "--rate", "2000"
    )
    assert done.returncode == 0, done.stderr

    async def served() -> bool:
        pages = [await system.page(name) for name in names]
        return all(page is not None and page.status_code == 200 for page in pages)

    await until(served, 30, "every page is served again")
    assert await system.queue_depth("stats.articles") == before == 0
    assert (await system.command("services.ingest", "reconcile", *_states(system))).returncode == 0


async def test_a_replay_of_the_articles_is_marked_and_says_the_same_each_time(
    system: System,
) -> None:
    await system.start("ingest")
    await system.put("a1")
    await system.put("a2")
    headers = {"authorization": "Bearer token-with-both-scopes"}
    await system.http.delete(f"{system.url('ingest')}/articles/a2", headers=headers)
    await system.put("later", published_at="2999-01-01T00:00:00Z")
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        await channel.queue_delete("newcomer.articles")
        queue = await channel.declare_queue(
            "newcomer.articles", durable=True, arguments={"x-queue-type": "quorum"}
        )
        for _ in range(2):
            assert (
                await system.command("services.ingest", "replay", "--to", "newcomer.articles")
            ).returncode == 0
            first, second = [await queue.get(), await queue.get()]
            assert await queue.get(fail=False) is None
            for message in (first, second):
                await message.ack()
                assert str(message.headers[events.REPLAY_HEADER]).startswith("newcomer.articles-")
            event, published = events.decode(first.body)
            assert isinstance(published, events.ArticlePublished)
            assert (event.id, published.revision, published.change) == (
                "a1-1-state",
                1,
                "republish",
            )
            event, withdrawn = events.decode(second.body)
            assert isinstance(withdrawn, events.ArticleWithdrawn)
            assert (event.id, event.sequence, withdrawn.revision) == ("a2-2-state", f"{2:020d}", 2)
    nobody = await system.command("services.ingest", "replay", "--to", "nobody.articles")
    assert (nobody.returncode, "there is no queue nobody.articles" in nobody.stderr) == (1, True)


async def test_what_cannot_be_compared_is_told(system: System) -> None:
    ingest = await system.start("ingest")
    nobody = await system.command("services.ingest", "reconcile")
    assert (nobody.returncode, "LUOTDOC_RECONCILE" in nobody.stderr) == (2, True)
    wrong = await system.command("services.ingest", "reconcile", "render")
    assert (wrong.returncode, "must be name=address" in wrong.stderr) == (2, True)
    other = await system.command(
        "services.ingest", "reconcile", f"other={ingest.url}/livez", "away=http://127.0.0.1:1/state"
    )
    assert other.returncode == 2
    assert "other: " in other.stderr
    assert "line 1: must be" in other.stderr
    assert "away: http://127.0.0.1:1/state" in other.stderr


async def test_state_is_offered_in_pages(system: System) -> None:
    await system.start_all()
    await _public(system, "a1", "a2", "a3")
    for service in ("render", "stats"):
        url = f"{system.url(service)}/state"
        first = await system.http.get(url, params={"limit": 2})
        assert first.headers["content-type"] == "application/x-ndjson"
        rows = [json.loads(line) for line in first.text.splitlines()]
        assert rows == [{"id": name, "revision": 1, "state": "published"} for name in ("a1", "a2")]
        rest = (await system.http.get(url, params={"after": "a2"})).text.splitlines()
        assert [json.loads(line)["id"] for line in rest] == ["a3"]
        assert (await system.http.get(url, params={"after": "a3"})).text == ""
        for field, value in (("limit", "0"), ("limit", "1001"), ("limit", "x"), ("after", "A B")):
            bad = await system.http.get(url, params={field: value})
            assert (bad.status_code, bad.json()["errors"][0]["path"]) == (422, field)
        assert (await system.http.post(url)).status_code == 405
