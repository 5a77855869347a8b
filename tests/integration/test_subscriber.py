"""The subscriber kit on the real broker: order, retries that block nobody, parking, the guard."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aiormq.exceptions import AMQPConnectionError

from luotdoc_events.events import (
    REPLAY_HEADER,
    Article,
    ArticlePublished,
    ArticleWithdrawn,
    Data,
    PageRemoved,
    PageRendered,
)
from luotdoc_subscriber.base.clock import now
from luotdoc_subscriber.base.errors import Permanent, Retry, Transient
from luotdoc_subscriber.base.settings import SubscriberSettings
from luotdoc_subscriber.guard import Guard, InMemory, OnDisk
from luotdoc_subscriber.rabbit import broker as rabbit
from luotdoc_subscriber.rabbit import declaring, layout
from luotdoc_subscriber.subscribing import Event, subscribe
from tests.support.system import System, until
from tests.support.wire import message, publish, sample

NAME = "probe.events"
Anything = Event[Data]


def queue(delays: tuple[float, ...], *keys: str) -> layout.WorkQueue:
    """The probe's queue, with other delays than the usual minutes."""
    return layout.WorkQueue(
        NAME, layout.EVENTS_EXCHANGE, keys or ("article.*",), delays, foreign=True
    )


@asynccontextmanager
async def consuming(
    system: System,
    work: layout.WorkQueue,
    handle: Any,
    prefetch: int = 20,
    guard: Guard | None = None,
) -> AsyncIterator[rabbit.Broker]:
    """A subscriber for as long as the block runs."""
    broker = rabbit.make_broker(SubscriberSettings(amqp_url=system.broker.url), "probe")
    subscribe(broker, work, guard=guard or InMemory(), prefetch=prefetch)(handle)
    try:
        await rabbit.connect(
            broker, system.broker.url, partial(declaring.declare_works, works=broker.works)
        )
        yield broker
    finally:
        await broker.stop()


@pytest.fixture(autouse=True)
async def _no_queues_left(system: System) -> AsyncIterator[None]:
    yield
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        for name in await system.queues():
            if name.startswith(NAME):
                await channel.queue_delete(name)


async def parked(system: System) -> list[tuple[str, str, dict[str, Any]]]:
    """Reason, detail and headers of what is parked; they are gone then."""
    found = []
    async with await aio_pika.connect(system.broker.url) as connection:
        own = await (await connection.channel()).get_queue(f"{NAME}.parked")
        while one := await own.get(fail=False):
            headers = dict(one.headers)
            found.append(
                (str(headers["x-luotdoc-reason"]), str(headers["x-luotdoc-detail"]), headers)
            )
            await one.ack()
    return found


def depth(system: System, name: str, wanted: int) -> Callable[[], Any]:
    """A condition for `until`."""

    async def reached() -> bool:
        return await system.queue_depth(name) == wanted

    return reached


async def test_an_hour_of_events_waits_for_a_subscriber_that_is_down(system: System) -> None:
    articles, revisions = 20, 180
    got: dict[str, list[int]] = defaultdict(list)
    in_hand, most = 0, 0

    async def handle(event: Event[Article]) -> None:
        nonlocal in_hand, most
        in_hand += 1
        most = max(most, in_hand)
        await asyncio.sleep(random.random() / 50)
        got[event.data.id].append(event.data.revision)
        in_hand -= 1

    work = queue(layout.RETRY_DELAYS)
    async with consuming(system, work, handle):
        pass
    everything = [
        sample("article.published" if revision == 1 else "article.updated", f"a{number}", revision)
        for revision in range(1, revisions + 1)
        for number in range(articles)
    ]
    await publish(system, everything)
    assert await system.queue_depth(NAME) == len(everything) == 3600
    async with consuming(system, work, handle, prefetch=50):
        await until(lambda: sum(map(len, got.values())) >= 3600, 60, "all are handled")
        assert dict(got) == {
            f"a{number}": list(range(1, revisions + 1)) for number in range(articles)
        }
        assert most > 1, "articles are handled side by side"


async def test_what_fails_steps_aside_for_the_others(system: System) -> None:
    """Four times as many failing events as may be in hand at once, and the others all get
    through.
    """
    handled = []

    async def handle(event: Event[Article]) -> None:
        if event.data.id.startswith("bad"):
            raise Retry("refused", "the cache answers 500")
        handled.append(event.data.id)

    work = queue((3600.0,))
    async with consuming(system, work, handle, prefetch=5):
        await publish(
            system, [sample("article.published", f"bad{number}", 1) for number in range(20)]
        )
        await publish(
            system, [sample("article.published", f"good{number}", 1) for number in range(50)]
        )
        await until(lambda: len(handled) == 50, 20, "the good ones are handled")
        await until(depth(system, f"{NAME}.retry.3600", 20), 10, "the bad ones wait")
        await until(depth(system, NAME, 0), 10, "the queue is empty")


async def test_one_article_that_fails_is_parked_and_delays_nobody(system: System) -> None:
    delays = (0.2, 0.4, 0.8)
    sent: dict[str, float] = {}
    latency: dict[str, float] = {}
    attempts: list[float] = []

    async def handle(event: Event[Article]) -> None:
        if event.data.id == "bad":
            attempts.append(time.monotonic())
            raise Retry("refused", "the cache answers 500")
        latency[event.data.id] = time.monotonic() - sent[event.data.id]

    async def others(turn: int, failing: bool) -> float:
        """Publishes 300 articles at 200 a second; answers the 99th percentile of their latency in
        seconds.
        """
        latency.clear()
        async with await aio_pika.connect(system.broker.url) as connection:
            exchange = await (await connection.channel()).get_exchange("luotdoc.events")
            begun = time.monotonic()
            for number in range(300):
                await asyncio.sleep(begun + number / 200 - time.monotonic())
                name = f"good{turn}{failing:d}{number}"
                sent[name] = time.monotonic()
                await exchange.publish(
                    message(sample("article.published", name, 1)), "article.published"
                )
                if failing and number % 10 == 0:
                    one = sample("article.updated", "bad", 300 * turn + number + 1)
                    await exchange.publish(message(one), one.name)
        await until(lambda: len(latency) == 300, 20, "the others are handled")
        return sorted(latency.values())[296]

    without, beside = [], []
    async with consuming(system, queue(delays), handle, prefetch=10):
        await others(0, failing=False)
        for turn in range(1, 4):
            without.append(await others(turn, failing=False))
            beside.append(await others(turn, failing=True))
        await until(
            depth(system, f"{NAME}.parked", 90),
            20,
            "all of the failing article's events are parked",
        )
    print(
        f"\np99 of the others, median of three: {sorted(without)[1] * 1000:.1f} ms without a "
        f"failing article, {sorted(beside)[1] * 1000:.1f} ms with one"
    )
    found = await parked(system)
    assert {(reason, detail) for reason, detail, _ in found} == {
        ("refused", "the cache answers 500")
    }
    assert {headers["x-luotdoc-retries"] for _, _, headers in found} == {3}
    assert len(attempts) == 90 * 4
    assert not any(name.startswith("x-death") for _, _, headers in found for name in headers)


async def test_while_everything_fails_nothing_is_parked_and_all_is_handled_later(
    system: System,
) -> None:
    away, tried, handled = True, 0, set()

    async def handle(event: Event[Article]) -> None:
        nonlocal tried
        tried += 1
        if away:
            raise Transient("the database does not answer")
        handled.add(event.data.id)

    async with consuming(system, queue((0.1, 0.2)), handle, prefetch=10):
        await publish(
            system, [sample("article.published", f"a{number}", 1) for number in range(30)]
        )
        await until(lambda: tried >= 50, 20, "they are tried again and again")
        # Those in hand are held, so the rest has not even been looked at.
        assert await system.queue_depth(NAME) == 20
        away = False
        await until(lambda: len(handled) == 30, 30, "all are handled")
    assert await system.queue_depth(f"{NAME}.parked") == 0


async def test_trouble_of_one_message_steps_aside_for_ever(system: System) -> None:
    tried, mended, handled = 0, False, set()

    async def handle(event: Event[Article]) -> None:
        nonlocal tried
        if event.data.id == "bad" and not mended:
            tried += 1
            raise Transient("its part of the database does not answer")
        handled.add(event.data.id)

    stop = asyncio.Event()

    async def traffic() -> None:
        number = 0
        while not stop.is_set():
            await publish(system, [sample("article.published", f"a{number}", 1)])
            number += 1

    async with consuming(system, queue((0.05, 0.1)), handle, prefetch=2):
        await publish(system, [sample("article.published", "bad", 1)])
        async with asyncio.TaskGroup() as group:
            group.create_task(traffic())
            # Three attempts at a time; with a limit of retries it would be parked after the ninth.
            await until(lambda: tried > 12, 40, "it came again and again")
            mended = True
            await until(lambda: "bad" in handled, 20, "it is handled in the end")
            stop.set()
        await until(depth(system, NAME, 0), 20, "the queue is empty")
    assert await system.queue_depth(f"{NAME}.parked") == 0


async def test_trouble_of_one_article_with_many_events_keeps_nobody_out(system: System) -> None:
    """Its later events wait for its first one, and would fill the prefetch."""
    handled = []

    async def handle(event: Event[Article]) -> None:
        if event.data.id == "bad":
            raise Transient("its part of the database does not answer")
        handled.append(event.data.id)

    async with consuming(system, queue((3600.0,)), handle, prefetch=3):
        await publish(
            system, [sample("article.updated", "bad", revision) for revision in range(1, 7)]
        )
        await publish(system, [sample("article.published", "good", 1)])
        await until(lambda: handled, 15, "the good one is handled")


async def test_older_events_and_repetitions_are_dropped(system: System) -> None:
    got: list[tuple[str, int, str]] = []

    async def handle(event: Anything) -> None:
        data: Any = event.data
        got.append((data.name, getattr(data, "revision", 0), event.replay))

    async with consuming(system, queue(layout.RETRY_DELAYS, "#"), handle):
        await publish(system, [sample("article.withdrawn", "a1", 3)])
        await publish(
            system, [sample("article.published", "a1", 1), sample("article.updated", "a1", 2)]
        )
        await publish(system, [sample("article.withdrawn", "a1", 3)])
        # A page has the revision of its article, and is told again when its template has changed.
        await publish(system, [sample("page.rendered", "a1", 3), sample("page.rendered", "a1", 3)])
        await publish(system, [sample("page.rendered", "a1", 2)])
        # Counts have no revision.
        await publish(system, [sample("reads.counted", "a1", 1)] * 2)
        replay = {REPLAY_HEADER: "for-the-archive"}
        await publish(
            system,
            [sample("article.updated", "a1", 2), sample("article.withdrawn", "a1", 3)],
            replay,
        )
        await publish(system, [sample("article.published", "a1", 4)])
        await until(lambda: got and got[-1][1] == 4, 10, "the last one is handled")
        await until(depth(system, NAME, 0), 10, "the queue is empty")
    assert got == [
        ("article.withdrawn", 3, ""),
        ("page.rendered", 3, ""),
        ("page.rendered", 3, ""),
        ("reads.counted", 0, ""),
        ("reads.counted", 0, ""),
        ("article.withdrawn", 3, "for-the-archive"),
        ("article.published", 4, ""),
    ]


async def test_what_was_withdrawn_stays_away_after_a_restart(
    system: System, tmp_path: Path
) -> None:
    """Older events come late in three ways, each to another process than the one that had the newer
    ones.
    """
    shown: dict[str, int] = {}
    mended = False

    async def index(event: Event[Article | ArticleWithdrawn]) -> None:
        data = event.data
        if isinstance(data, ArticleWithdrawn):
            shown.pop(data.id, None)
        elif data.id == "parked" and data.revision == 3 and not mended:
            raise ZeroDivisionError("a bug")
        elif data.id == "slow" and data.revision == 3 and not mended:
            raise Retry("refused", "the index answers 500")
        else:
            shown[data.id] = data.revision

    @asynccontextmanager
    async def process() -> AsyncIterator[None]:
        guard = OnDisk(tmp_path / "guard.sqlite")
        try:
            async with consuming(system, queue((8.0,)), index, guard=guard):
                yield
        finally:
            guard.close()

    three = [("article.published", 1), ("article.updated", 2), ("article.updated", 3)]
    async with process():
        for article in ("parked", "slow"):
            await publish(system, [sample(name, article, revision) for name, revision in three])
        await until(depth(system, f"{NAME}.parked", 1), 10, "the bug has parked an update")
        await until(depth(system, f"{NAME}.retry.8", 1), 10, "another waits for its retry")
        await publish(
            system, [sample("article.withdrawn", article, 4) for article in ("parked", "slow")]
        )
        await publish(system, [sample("article.published", "told", 6)])
        await until(lambda: shown == {"told": 6}, 10, "two are withdrawn")
    mended = True
    old = [sample("article.updated", "told", revision) for revision in range(1, 6)]
    await publish(system, old, {REPLAY_HEADER: "for-a-newcomer"}, NAME)
    redriven = await system.command("shared.parked", "redrive", NAME, "--all")
    assert (redriven.returncode, redriven.stdout.count("redriven")) == (0, 1), redriven.stderr
    async with process():
        await until(depth(system, f"{NAME}.retry.8", 0), 20, "the retry comes")
        await publish(system, [sample("article.published", "last", 1)])
        await until(lambda: "last" in shown, 10, "what was sent last is handled")
        await until(depth(system, NAME, 0), 10, "the queue is empty")
    assert shown == {"told": 6, "last": 1}
    assert await parked(system) == []


async def test_one_guard_serves_two_queues(system: System, tmp_path: Path) -> None:
    """What one handler has done is news for the other."""
    got = []
    guard = OnDisk(tmp_path / "guard.sqlite")
    broker = rabbit.make_broker(SubscriberSettings(amqp_url=system.broker.url), "probe")

    @subscribe(broker, NAME, guard=guard)
    async def first(event: Event[Article]) -> None:
        got.append((1, event.data.revision))

    @subscribe(broker, f"{NAME}2", guard=guard)
    async def second(event: Event[Article]) -> None:
        got.append((2, event.data.revision))

    try:
        await rabbit.connect(
            broker, system.broker.url, partial(declaring.declare_works, works=broker.works)
        )
        await publish(system, [sample("article.updated", "a1", revision) for revision in (2, 1, 3)])
        await until(lambda: len(got) == 4, 10, "both have handled two")
    finally:
        await broker.stop()
        guard.close()
    assert sorted(got) == [(1, 2), (1, 3), (2, 2), (2, 3)]


async def test_what_never_works_is_parked_at_once_with_its_reason(system: System) -> None:
    tried = 0

    async def handle(event: Event[ArticlePublished | PageRendered]) -> None:
        nonlocal tried
        tried += 1
        if event.data.revision == 1:
            raise Permanent("no_such_cache", "there is no cache for this section")
        raise ZeroDivisionError("a bug")

    async with consuming(system, queue((0.05,), "article.*"), handle):
        await publish(
            system, [sample("article.published", "a1", 1), sample("article.published", "a2", 2)]
        )
        await until(depth(system, f"{NAME}.parked", 2), 10, "both are parked")
    found = {reason: detail for reason, detail, _ in await parked(system)}
    assert found.keys() == {"no_such_cache", "bug"}
    assert "there is no cache" in found["no_such_cache"]
    assert "Traceback" in found["bug"]
    assert "ZeroDivisionError" in found["bug"]
    assert tried == 2


async def test_a_lost_connection_brings_back_what_was_in_hand(system: System) -> None:
    begun, handled, may_end = 0, [], asyncio.Event()

    async def handle(event: Event[Article]) -> bool:
        nonlocal begun
        begun += 1
        await may_end.wait()
        handled.append(event.data.id)
        return True

    async with consuming(system, queue(layout.RETRY_DELAYS), handle):
        await publish(system, [sample("article.published", f"a{number}", 1) for number in range(5)])
        await until(lambda: begun == 5, 10, "all are in hand")
        await asyncio.to_thread(system.broker.control, "close_all_connections", "a test")
        may_end.set()
        await until(lambda: len(handled) >= 5, 20, "they are handled")

        async def nothing_left() -> bool:
            listed = await asyncio.to_thread(
                system.broker.control,
                "list_queues",
                "--no-table-headers",
                "name",
                "messages",
                "consumers",
            )
            return f"{NAME}\t0\t1" in listed

        await until(nothing_left, 20, "the consumer is back and every message is acked")
    assert set(handled) == {f"a{number}" for number in range(5)}


@pytest.mark.parametrize(
    "error", [AMQPConnectionError("reset"), Exception("closed"), asyncio.CancelledError("closed")]
)
async def test_a_connection_that_is_lost_while_it_closes_can_be_made_again(
    system: System, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    got = []

    async def handle(event: Event[Article]) -> None:
        got.append(event.data.id)

    async def connections() -> int:
        return (
            await asyncio.to_thread(system.broker.control, "list_connections", "client_properties")
        ).count("-probe")

    async with consuming(system, queue(layout.RETRY_DELAYS), handle) as broker:

        async def lost(*_: Any) -> None:
            await asyncio.to_thread(system.broker.control, "close_all_connections", "a test")
            raise error

        with monkeypatch.context() as patched:
            patched.setattr(aio_pika.RobustQueue, "cancel", lost)
            await broker.stop()
        await rabbit.connect(
            broker, system.broker.url, partial(declaring.declare_works, works=broker.works)
        )
        await publish(system, [sample("article.published", "a1", 1)])
        await until(lambda: got == ["a1"], 10, "it consumes again")
        await until(lambda: connections(), 10, "the lists know the new connection")
        assert await connections() == 1
    assert not broker.up


async def test_a_version_not_asked_for_is_passed_over(system: System) -> None:
    """It is told in the version asked for as well. An event that nobody has heard of is parked, so
    that it is seen.
    """
    got = []

    async def handle(event: Event[ArticlePublished]) -> None:
        got.append(event.envelope.type)

    async with consuming(system, queue((1.0,)), handle):
        v1 = message(sample("article.published", "a1", 1))
        others = [
            aio_pika.Message(v1.body.replace(b"article.published.v1", other))
            for other in (b"article.published.v2", b"article.published.v0", b"article.exploded.v1")
        ]
        async with await aio_pika.connect(system.broker.url) as connection:
            exchange = (await connection.channel()).default_exchange
            for one in (*others, v1):
                await exchange.publish(one, NAME)
        await until(lambda: got, 10, "the version asked for is handled")
        await until(depth(system, f"{NAME}.parked", 1), 10, "the unknown event is parked")
    assert got == ["luotdoc.article.published.v1"]
    assert [reason for reason, _, _ in await parked(system)] == ["unknown_event"]


async def test_a_replay_of_everything_into_a_subscriber_of_one_event(system: System) -> None:
    """The history holds every other event as well; those are passed over, and counted as that."""
    articles = [f"a{number}" for number in range(20)]
    for revision, name in enumerate(
        ("article.published", "article.updated", "article.withdrawn", "page.rendered"), 1
    ):
        await publish(system, [sample(name, article, revision) for article in articles])
    got = []

    async def handle(event: Event[ArticlePublished]) -> None:
        got.append((event.data.id, event.replay != ""))

    async with consuming(system, queue((1.0,), "article.published"), handle) as broker:

        def ignored() -> float:
            labels = {"queue": NAME, "outcome": "ignored"}
            return broker.registry.get_sample_value("luotdoc_consumed_total", labels) or 0

        done = await system.command("shared.replay", "--to", NAME)
        assert (done.returncode, "80 events sent" in done.stdout) == (0, True), done.stderr
        await until(lambda: len(got) + ignored() == 80, 20, "every event is settled")
        await until(depth(system, NAME, 0), 10, "the queue is empty")
    assert sorted(got) == sorted((article, True) for article in articles)
    assert await parked(system) == []


async def test_a_subscriber_of_another_team_declares_what_it_needs(system: System) -> None:
    """By its name alone; and a full queue of theirs does not stop our publishing."""
    broker = rabbit.make_broker(SubscriberSettings(amqp_url=system.broker.url), "probe")
    got = []

    @subscribe(broker, NAME, guard=InMemory(), clock=now)
    async def handle(event: Event[ArticleWithdrawn | PageRemoved]) -> None:
        got.append(event.data.name)

    await broker.connect()
    await declaring.declare_works(broker, broker.works)
    try:
        policy = [
            "small",
            f"^{NAME}$",
            '{"max-length": 5}',
            "--apply-to",
            "queues",
            "--priority",
            "9",
        ]
        await asyncio.to_thread(system.broker.control, "set_policy", *policy)

        async def is_full() -> (
            bool
        ):  # the policy holds for what comes some moment after the command has ended
            await publish(
                system, [sample("article.withdrawn", f"a{number}", 1) for number in range(30)]
            )
            return await system.queue_depth(NAME) <= 5

        await until(is_full, 10, "only the newest wait")
        await publish(
            system, [sample("page.removed", "a1", 1), sample("article.published", "a1", 2)]
        )
        await rabbit.connect(
            broker, system.broker.url, partial(declaring.declare_works, works=broker.works)
        )
        await until(lambda: "page.removed" in got, 10, "the newest is there")
        assert "article.published" not in got
        assert len(got) <= 5
    finally:
        await asyncio.to_thread(system.broker.control, "clear_policy", "small")
        await broker.stop()
    assert {name for name in await system.queues() if name.startswith(NAME)} == {
        NAME,
        f"{NAME}.parked",
        *(f"{NAME}.retry.{seconds}" for seconds in (1, 10, 60, 300)),
    }
