"""Unique readers and readers online, from the stream of batches, in real processes."""

import asyncio
import gc
import secrets
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import aio_pika
import pytest
from aio_pika.abc import AbstractExchange

from luotdoc_subscriber.base.clock import now, to_millis
from luotdoc_subscriber.base.tasks import supervised
from luotdoc_subscriber.rabbit import broker as rabbit
from services.stats.readers import writer
from services.stats.readers.distinct import DistinctReaders
from services.stats.readers.keeper import ReaderKeeper
from services.stats.readers.place import LogPlace
from services.stats.readers.scopes import WHOLE_SITE, ReaderScope, ScopeDay
from services.stats.readers.store import ReaderStore
from services.stats.readers.writer import ReaderWriter
from shared.base.budget import Budget
from shared.base.salt_days import begin_of, day_of, salt_day, salt_day_number
from shared.base.settings import Settings
from shared.rabbit import topology
from shared.rabbit.batch import QUARTER_MS, Batch, batch_id, join_hashes
from shared.storage import mongo
from tests.integration.conftest import Emptied
from tests.support.system import BROWSER, Process, System, until

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def today() -> int:
    return salt_day_number(day_of(now(), ZONE))


class Epoch:
    """Publishes batches of one made-up ingest."""

    def __init__(self, exchange: AbstractExchange) -> None:
        self.exchange, self.name, self.number = exchange, f"t{secrets.token_hex(5)}", 0

    async def send(
        self,
        article: str,
        *visitors: str,
        day: int | None = None,
        ago: timedelta = timedelta(),
    ) -> None:
        """A batch with a read by each visitor."""
        minted = to_millis(now() - ago)
        salt = (today() if day is None else day) if visitors else 0
        row = ("reader", article, minted // QUARTER_MS, max(1, len(visitors)), salt, len(visitors))
        batch = Batch(batch_id(self.name, self.number), minted, [row], join_hashes(visitors))
        self.number += 1
        await self.publish(batch.body(), batch.headers())

    async def publish(self, body: bytes, headers: Any) -> None:
        message = aio_pika.Message(body, headers=headers, message_id=str(headers.get("batch_id")))
        await self.exchange.publish(message, topology.READS_KEY)


@asynccontextmanager
async def epoch(system: System) -> AsyncIterator[Epoch]:
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        yield Epoch(await channel.get_exchange(topology.READS_EXCHANGE.name))


def visitors(first: int, end: int) -> list[str]:
    return [f"{n * 0x9E3779B97F4A7C15 % 2**64:016x}" for n in range(first, end)]


async def get(system: System, path: str, process: Process | None = None) -> Any:
    answer = await system.http.get(f"{process.url if process else system.url('stats')}{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def numbers(system: System, path: str) -> tuple[int | None, int | None, int | None]:
    """Readers of today and yesterday, and those online."""
    found = await get(system, path)
    return (
        found["readers"]["today"]["number"],
        found["readers"]["yesterday"]["number"],
        found["online"],
    )


async def become(system: System, path: str, wanted: tuple[int | None, ...]) -> None:
    seen: list[object] = []

    async def is_so() -> bool:
        seen.append(await numbers(system, path))
        return seen[-1] == wanted

    await until(is_so, 15, lambda: f"{path}: {wanted}, not {seen[-1]}")


async def test_a_read_makes_a_reader_of_site_section_and_article(system: System) -> None:
    await system.start_all()
    for article, section in (("a1", "van-hoa"), ("a2", "thoi-su")):
        (await system.put(article, section=section)).raise_for_status()
    await until(lambda: system.db.catalogue.count_documents({}), 10, "stats has the articles")
    others = [f"{BROWSER} Zalo/{n}" for n in range(3)]
    for article, agent in (("a1", BROWSER), ("a1", others[0]), ("a2", others[0]), ("a2", BROWSER)):
        assert (await system.read(article, agent=agent)).headers["luotdoc-read"] == "counted"
    again = await system.read("a1")
    assert again.headers["luotdoc-read"] == "filtered; reason=reload"
    await become(system, "/stats/site", (2, None, 2))
    await become(system, "/stats/articles/a1", (2, None, 2))
    await become(system, "/stats/sections/van-hoa", (2, None, 2))
    site = await get(system, "/stats/site")
    assert site["readers"]["today"] == {"number": 2, "error": None}
    since = datetime.fromisoformat(site["readers"]["since"])
    assert abs((now() - since).total_seconds()) < 120

    private = {"user-agent": others[1], "sec-gpc": "1"}
    read = {"article": "a1"}
    for outcome in ("counted", "filtered; reason=reload"):
        answer = await system.http.post(f"{system.url('ingest')}/reads", json=read, headers=private)
        assert answer.headers["luotdoc-read"] == outcome
    assert (await system.read("a1", agent=others[2])).headers["luotdoc-read"] == "counted"
    await become(system, "/stats/articles/a1", (3, None, 3))
    figures = await get(system, "/stats/articles/a1")
    print(f"\nwith a private one: {figures['reads']} reads, {figures['readers']['today']}")
    assert figures["reads"] == 4

    await become(system, "/stats/sections/van-hoa", (3, None, 3))
    csv = (await system.http.get(f"{system.url('stats')}/stats/sections?format=csv")).text
    head, *rows = csv.removeprefix("\ufeff").splitlines()
    assert head.endswith(
        "online,readers_today,readers_today_error,readers_yesterday,readers_yesterday_error,"
        "readers_mean_7d,readers_mean_30d"
    )
    assert {row.split(",")[0]: row.split(",")[-7:] for row in rows} == {
        "thoi-su": ["2", "2", "", "", "", "", ""],
        "van-hoa": ["3", "3", "", "", "", "", ""],
    }

    async def shown() -> bool:
        page = await system.page("a1")
        return page is not None and "<dt>Đang trực tuyến</dt> <dd data-online>3</dd>" in page.text

    await until(shown, 60, "the side column shows readers online")
    metrics = (await system.http.get(f"{system.url('stats')}/metrics")).text
    assert "luotdoc_online_readers 3.0" in metrics
    (lag,) = [line for line in metrics.splitlines() if line.startswith("luotdoc_readers_lag")]
    assert float(lag.split()[1]) < 5


async def test_a_series_of_readers_has_what_is_known(system: System) -> None:
    stats = await system.start("stats")
    async with epoch(system) as sender:
        await sender.send("x", ago=timedelta(hours=50))  # since then readers are known
        await sender.send("x", *visitors(0, 3), day=today() - 1)
        await sender.send("y", *visitors(2, 5), day=today() - 1)
        await sender.send("x", *visitors(0, 1500))
        await sender.send("x", *visitors(0, 9), day=today() - 4)  # its salt is deleted
        await sender.send("x", *visitors(0, 9), day=today() + 9)
        await become(system, "/stats/site", (await near(system, 1500), 5, 1500))
    first, end = salt_day(today() - 5), salt_day(today() + 2)
    found = await get(system, f"/stats/readers?from={first}&to={end}")
    points = {point["day"]: (point["readers"], point["error"]) for point in found["points"]}
    (today_s,) = [points.pop(str(salt_day(today())))]
    assert abs(today_s[0] - 1500) <= 45
    assert today_s[1] == 0.02
    before = {str(salt_day(today() - n)): (value, None) for n, value in ((1, 5), (-1, None))}
    assert {day: points[day] for day in before} == before
    assert points[str(salt_day(today() - 4))] == (None, None)
    known = [value for value, _ in points.values() if value is not None]
    assert found["mean"] == pytest.approx(sum(known[1:]) / len(known[1:]))
    csv = (await system.http.get(f"{stats.url}/stats/readers?from={first}&format=csv")).text
    head, *rows = csv.removeprefix("\ufeff").splitlines()
    assert head == "start,zone,time,day,readers,error"
    assert rows[-1].split(",")[-2:] == [str(today_s[0]), "0.02"]
    assert rows[-2].split(",")[-2:] == ["5", ""]
    for path, status in (
        ("article=nothing", 404),
        ("section=nothing", 404),
        ("from=2026-01-02&to=2026-01-01", 422),
        ("step=week", 422),
    ):
        answer = await system.http.get(f"{stats.url}/stats/readers?{path}")
        assert answer.status_code == status, path


async def near(system: System, number: int) -> int:
    """The number of a sketch, once it is near `number`."""

    async def there() -> int:
        found = (await get(system, "/stats/site"))["readers"]["today"]["number"] or 0
        return int(found) if abs(found - number) < 0.03 * number else 0

    return int(await until(there, 15, f"about {number} readers"))


@asynccontextmanager
async def keeping(system: System) -> AsyncIterator[ReaderKeeper]:
    """A keeper in this process, which follows the stream."""
    settings = Settings(
        amqp_url=system.broker.url_of("stats"), mongo_url=system.database.url_of("stats")
    )
    client, db = mongo.connect(settings.mongo_url, "stats")
    broker = rabbit.make_broker(settings, "stats")
    await rabbit.connect(broker, settings.amqp_url)
    keeper = ReaderKeeper(ReaderStore(db, ZONE), broker, clock=now, zone=ZONE)
    running = asyncio.create_task(supervised("the fold", keeper.follow, 0.1, outage=keeper.outage))
    try:
        yield keeper
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await broker.stop()
        await mongo.close(client)


async def number_of(system: System, key: ScopeDay) -> int:
    held = await system.db.readers.find_one({"_id": key.id})
    return int(held["number"]) if held else 0


async def test_a_million_reads_are_folded_in_seconds_and_short_turns(system: System) -> None:
    """As after an outage of stats, which answers meanwhile."""
    reads, each = 1_000_000, 2_500
    async with epoch(system) as sender:
        for first in range(0, reads, each * 20):
            starts = [n % 700_000 for n in range(first, first + each * 20, each)]
            await asyncio.gather(
                *(sender.send(f"m{n // each % 40}", *visitors(n, n + each)) for n in starts)
            )
    turns = list[float]()

    async def ticking() -> None:
        """Note how much this thread has worked between two turns of its own."""
        while True:
            used = time.thread_time()
            await asyncio.sleep(0)
            turns.append(time.thread_time() - used)

    # A full collection walks all objects of the tests too, for 70 ms. A service freezes its own.
    gc.collect()
    gc.freeze()
    site, began = ScopeDay(WHOLE_SITE, today()), time.monotonic()
    async with keeping(system) as keeper:
        ticker = asyncio.create_task(ticking())

        async def folded() -> bool:
            return await number_of(system, site) > 700_000 * 0.97

        await until(folded, 60, "all readers")
        took = time.monotonic() - began
        ticker.cancel()
        online = await keeper.online.figures(to_millis(now()), lambda _: "s")
    turns.sort()
    number = await number_of(system, site)
    print(
        f"\n{reads:,} reads folded within {took:.1f} s into {number:,} readers (700,000); longest "
        f"turns {turns[-1] * 1000:.1f} and {turns[-10] * 1000:.1f} ms; online {online.site:,}"
    )
    assert abs(number - 700_000) < 700_000 * 0.03
    assert took < 30
    assert turns[-1] < 0.02
    assert online.site == 700_000
    assert online.sections == {"s": 700_000}


async def test_two_keepers_that_fold_the_same_write_the_same(system: System) -> None:
    """One writes, and the other finds everything stored."""
    async with keeping(system), keeping(system), epoch(system) as sender:
        for n in range(60):
            await sender.send(f"a{n % 7}", *visitors(n * 5, n * 5 + 10))
            await asyncio.sleep(0.1)
        site = ScopeDay(WHOLE_SITE, today())

        async def stored() -> bool:
            return await number_of(system, site) == 305

        await until(stored, 15, "all readers are stored")
        held = await system.db.readers.find_one({"_id": site.id}) or {}
    for n in range(7):
        expected = {v for m in range(n, 60, 7) for v in visitors(m * 5, m * 5 + 10)}
        article = ScopeDay(ReaderScope("article", f"a{n}"), today())
        assert await number_of(system, article) == len(expected)
    print(f"\n60 batches in 6 s, two keepers: {held['writes']} writes of the site's document")
    assert held["writes"] <= 10


async def test_a_stream_that_was_made_again_is_read_from_its_beginning(system: System) -> None:
    site = ScopeDay(WHOLE_SITE, today())

    async def become_stored(number: int) -> None:
        async def is_so() -> bool:
            return await number_of(system, site) == number

        await until(is_so, 15, f"{number} readers")

    async def place_is(generation: int, offset: int) -> None:
        place = {"_id": "place", "generation": generation, "offset": offset}
        stored = partial(system.db.readers.count_documents, place)
        await until(stored, 15, "the place is stored, after the sets")

    async with epoch(system) as sender:
        async with keeping(system):
            for n in range(30):
                await sender.send("a", *visitors(n, n + 1))
            await become_stored(30)
            await place_is(0, 29)
        async with made_again(system):
            await sender.send("a", *visitors(100, 101))
            async with keeping(system):
                await become_stored(31)
                await place_is(1, 0)
            await sender.send("a", *visitors(200, 201))
            async with keeping(system):  # goes on in the new stream
                await become_stored(32)
                await place_is(1, 1)


async def test_a_day_that_stats_has_missed_is_not_known_and_one_that_is_read_again_is(
    system: System,
) -> None:
    """A day's hashes can't be added once its salt is gone."""
    ago, day = timedelta(hours=70), salt_day_number(day_of(now() - timedelta(hours=70), ZONE))
    store = ReaderStore(system.db, ZONE)

    async def known_once(batch: str) -> frozenset[int]:
        async def is_stored() -> bool:
            place = await store.place()
            return place is not None and place.batch == batch

        await until(is_stored, 15, f"{batch} is stored")
        known = await store.known()
        assert known is not None
        return known.missed

    async with epoch(system) as sender:
        await sender.send("a", ago=timedelta(hours=71))
        await sender.send("a", *visitors(0, 9), day=day, ago=ago)
        await sender.send("a", *visitors(0, 9))
        last = batch_id(sender.name, sender.number - 1)
        async with keeping(system):
            assert await known_once(last) == {day}
        stats = await system.start("stats")
        asked = f"/stats/readers?from={salt_day(day)}&to={salt_day(day + 1)}"
        (point,) = (await get(system, asked, stats))["points"]
        assert point["readers"] is None
        assert await stats.stop() == 0
        fresh = {"batch": "again", "missed": []}  # the operator's way to fold all once more
        await system.db.readers.update_one({"_id": "place"}, {"$set": fresh})
        async with keeping(system):
            assert await known_once(last) == frozenset()


async def test_readers_are_known_since_now_if_an_ingest_s_clock_is_ahead(system: System) -> None:
    stats = await system.start("stats")
    async with epoch(system) as sender:
        await sender.send("a", *visitors(0, 3), ago=-timedelta(hours=20))
        await become(system, "/stats/site", (3, None, 3))
    site = await get(system, "/stats/site", stats)
    assert datetime.fromisoformat(site["readers"]["since"]) <= now()


@asynccontextmanager
async def made_again(system: System) -> AsyncIterator[None]:
    """The stream is deleted and made again, as by a restore of RabbitMQ."""
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        log = topology.READS_LOG
        await channel.queue_delete(log.name)
        stream = await channel.declare_queue(log.name, durable=True, arguments=log.arguments)
        await stream.bind(topology.READS_EXCHANGE.name, topology.READS_KEY)
    yield


async def test_without_the_stream_reads_are_counted_and_readers_are_not_known(
    system: System,
) -> None:
    async with await aio_pika.connect(system.broker.url) as connection:
        await (await connection.channel()).queue_delete(topology.READS_LOG.name)
    await system.start_all()
    (await system.put("a1")).raise_for_status()
    assert (await system.read("a1")).status_code == 204

    async def counted() -> bool:
        return bool((await system.site())["counted"] == 1)

    await until(counted, 10, "the read is counted")
    assert await numbers(system, "/stats/site") == (None, None, None)
    (stats,) = system.replicas("stats")
    await until(lambda: "luotdoc.reads.log" in stats.text(), 10, "stats says what it waits for")


async def test_the_fold_goes_on_after_rabbitmq_was_away_and_after_its_stream_was_deleted(
    system: System,
) -> None:
    site = ScopeDay(WHOLE_SITE, today())

    async def become_stored(number: int) -> None:
        async def is_so() -> bool:
            return await number_of(system, site) == number

        await until(is_so, 30, f"{number} readers")

    async with keeping(system) as keeper:
        async with epoch(system) as sender:
            await sender.send("a", *visitors(0, 2))
            await become_stored(2)
        await system.end_broker("kill")
        await until(lambda: (keeper.lag() or 0) > 1, 10, "the lag grows")
        await asyncio.to_thread(system.broker.start)
        # RabbitMQ takes batches before it has brought the stream up, which then misses them.
        await until(lambda: (keeper.lag() or 0) < 1, 20, "the stream is read again")
        async with epoch(system) as sender:
            await sender.send("a", *visitors(1, 4))
            await become_stored(4)
            async with made_again(system):
                await sender.send("a", *visitors(3, 7))
                await become_stored(7)
        await until(lambda: (keeper.lag() or 0) < 1, 10, "the end is reached")


async def test_what_is_no_batch_is_passed_over(system: System) -> None:
    site = ScopeDay(WHOLE_SITE, today())
    async with keeping(system), epoch(system) as sender:
        await sender.send("a", *visitors(0, 2))
        await sender.publish(b"\xff", {})
        await sender.publish(b"{}", {"batch_id": "x-000000000001", "minted_at": 1, "reads": 0})
        await sender.send("a", *visitors(1, 3))

        async def stored() -> bool:
            return await number_of(system, site) == 3

        await until(stored, 15, "both batches are folded")


async def test_stats_killed_at_each_write_loses_and_doubles_nothing(system: System) -> None:
    """A process ends itself just before or after each of its writes, one step further each time,
    while batches arrive; sections and articles are stored in several writes.
    """
    ended, sent = 0, 0
    async with epoch(system) as sender:
        for step in range(3, 13):
            stats = await system.start(
                "stats",
                module="tests.support.readers_that_die",
                die_at=str(step),
                wait=False,
            )
            while stats.popen.poll() is None:
                await sender.send(f"a{sent % 3}", *visitors(sent, sent + 2))
                sent += 1
                await asyncio.sleep(0.05)
                assert sent < 2000
            assert await stats.ended() == -signal.SIGKILL
            ended += 1
        await system.start("stats")
        key = ScopeDay(WHOLE_SITE, today())

        async def all_stored() -> bool:
            return await number_of(system, key) == sent + 1

        await until(all_stored, 15, "all readers")
    for n in range(3):
        expected = {v for m in range(n, sent, 3) for v in visitors(m, m + 2)}
        article = ScopeDay(ReaderScope("article", f"a{n}"), today())
        assert await number_of(system, article) == len(expected)
    print(f"\nkilled at {ended} steps, {sent} batches: {sent + 1} readers, as sent")


# ── the store ─────────────────────────────────────────────────────────────────────────────────────

DAY = 20_785
BEGIN = begin_of(salt_day(DAY), ZONE)


@pytest.fixture
def store(emptied: Emptied) -> ReaderStore:
    return ReaderStore(emptied.db, ZONE)


async def test_a_write_over_another_one_is_refused(store: ReaderStore) -> None:
    keys = [ScopeDay(ReaderScope("article", name), DAY) for name in "abc"]
    one, two = (DistinctReaders().united(bytes([n]) * 8) for n in (1, 2))
    assert await store.write(dict.fromkeys(keys[:2], (0, one))) == []
    assert await store.write(dict.fromkeys(keys, (0, two))) == keys[:2]
    assert await store.write({keys[0]: (1, two)}) == []
    both = {keys[0]: (1, one), keys[1]: (1, two)}
    assert await store.write(both) == keys[:2]  # which of them was refused is not told
    held = await store.held(keys)
    assert [(held[key.id].readers, held[key.id].writes) for key in keys] == [
        (two, 2),
        (two, 2),
        (two, 1),
    ]


@pytest.mark.parametrize(("most", "rests"), [(10_000, [0.25] * 3), (200, [])])
async def test_a_write_rests_between_its_groups_and_a_backlog_does_not(
    store: ReaderStore, monkeypatch: pytest.MonkeyPatch, most: int, rests: list[float]
) -> None:
    """The counter's flushes need MongoDB meanwhile. More hashes than `most` are a backlog."""
    monkeypatch.setattr(writer, "MAX_FOLDED", most)
    rested = list[float]()

    async def sleep(seconds: float) -> None:
        rested.append(seconds)

    moment = now()
    day, ticks = salt_day_number(day_of(moment, ZONE)), count(0.0, 0.25)
    written = ReaderWriter(store, Budget(1, 1, debt=1), lambda: moment, lambda: next(ticks))
    groups = [
        ("reader", f"a{n}", to_millis(moment) // QUARTER_MS, 1, day, 1)
        for n in range(2 * writer.AT_ONCE + 1)
    ]
    hashes = join_hashes([n.to_bytes(8, "big").hex() for n in range(len(groups))])
    written.add(Batch(batch_id("e1", 0), to_millis(moment), groups, hashes), moment, 0)
    place = LogPlace(0, 1, "", to_millis(moment))
    if most > len(groups):
        assert not await written.look(place, 0, ())
    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "sleep", sleep)
        assert await written.look(place, 0, ())
    assert [each for each in rested if each] == rests
    scopes = [ScopeDay(ReaderScope("article", group[1]), day) for group in groups]
    assert len(await store.numbers(scopes)) == len(groups)


async def test_hashes_go_before_their_salt_and_numbers_stay(
    emptied: Emptied, store: ReaderStore
) -> None:
    small = DistinctReaders().united(b"12345678")
    large = DistinctReaders().united(b"".join(n.to_bytes(8, "big") for n in range(3000)))
    site, article = ScopeDay(WHOLE_SITE, DAY), ScopeDay(ReaderScope("article", "a"), DAY)
    later = ScopeDay(WHOLE_SITE, DAY + 1)
    await store.write({site: (0, large), article: (0, small), later: (0, small)})
    end = BEGIN + timedelta(hours=47)
    assert await store.finish(end - timedelta(minutes=1)) == 0
    assert DAY in store.folded_days(end - timedelta(minutes=1))
    assert await store.finish(end) == 2
    assert DAY not in store.folded_days(end)
    assert await store.finish(end) == 0
    kept = [each async for each in emptied.db.readers.find({"day": DAY}).sort("kind")]
    until_then = (end + timedelta(days=731)).astimezone(UTC)
    assert kept == [
        {"_id": article.id, "v": 1, "kind": "article", "name": "a", "day": DAY, "number": 1,
         "exact": True, "expires_at": until_then},
        {"_id": site.id, "v": 1, "kind": "site", "name": "", "day": DAY, "number": large.number,
         "exact": False},
    ]  # fmt: skip
    (young,) = [each async for each in emptied.db.readers.find({"day": DAY + 1})]
    assert young["expires_at"] == BEGIN + timedelta(hours=72)  # with its salt, if no stats runs
    assert (await store.held([site]))[site.id].is_final
    assert await store.write({site: (1, small)}) == [site]  # a late one can't bring hashes back
    assert await store.write({site: (0, small)}) == [site]
    numbers = await store.numbers([site, article])
    assert {key: (n.number, n.is_exact) for key, n in numbers.items()} == {
        site: (large.number, False),
        article: (1, True),
    }


async def test_readers_are_of_the_section_that_an_article_has_now(
    emptied: Emptied, store: ReaderStore
) -> None:
    """Even of a new article, whose reads are not moved to its section yet."""
    documents: list[dict[str, Any]] = [
        {"_id": "moved", "v": 1, "section": "new", "counted_in": "old"},
        {"_id": "young", "v": 1, "section": "new", "counted_in": ""},
        {"_id": "settled", "v": 1, "section": "old"},
    ]
    await emptied.db.catalogue.insert_many(documents)
    assert await store.sections_of(["moved", "young", "settled", "unknown"]) == {
        "moved": "new",
        "young": "new",
        "settled": "old",
    }


async def test_a_place_never_goes_back(store: ReaderStore) -> None:
    assert await store.place() is None
    assert await store.known() is None
    places = [LogPlace(0, 10, "a", 5), LogPlace(0, 9, "b", 6), LogPlace(1, 3, "c", 7, ((7, 3),))]
    kept = []
    for place, missed in zip((*places, places[0]), ((), (), (DAY,), ()), strict=True):
        await store.advance(place, place.minted, missed)
        kept.append(await store.place())
    assert kept == [places[0], places[0], places[2], places[2]]
    known = await store.known()
    assert known is not None
    assert (known.since, known.missed) == (5, frozenset({DAY}))
