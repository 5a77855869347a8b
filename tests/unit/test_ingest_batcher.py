"""Group commit, on a clock of its own: the event loop jumps to the next timer instead of waiting
for it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import orjson
import pytest

from luotdoc_subscriber.base.errors import LuotdocError
from luotdoc_subscriber.base.metrics import new_registry
from services.ingest.metrics import IngestMetrics
from services.ingest.reads import batcher as module
from services.ingest.reads.batcher import Batcher
from shared.base.errors import Unavailable
from shared.rabbit.batch import Batch
from tests.support.delivering import DeliverInMemory, filtered, millis
from tests.support.jumping import play

START = 1_795_417_500_000
"""The time of day at which every test begins, in milliseconds; it lies in quarter `QUARTER` since
1970.
"""
QUARTER = 1_994_908


def batcher(deliver: Callable[[Batch], Awaitable[None]], burst: int = 0) -> Batcher:
    return Batcher(
        epoch="e1",
        deliver=deliver,
        millis=lambda: START + millis(),
        metrics=IngestMetrics(new_registry()),
        burst=burst,
    )


async def until(milliseconds: int) -> None:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(milliseconds / 1000 - loop.time())


def test_a_single_read_goes_at_once_and_is_answered_with_its_batch() -> None:
    async def scene() -> None:
        deliver = DeliverInMemory(takes=0.002)
        one = batcher(deliver)
        await until(20)

        assert await one.add("a1", 20_782, "0123456789abcdef") == "e1-000000000000"
        assert millis() == 22
        assert deliver.sent_at == [20]
        assert deliver.durable == [
            Batch("e1-000000000000", START + 20, [("reader", "a1", QUARTER, 1, 20_782, 1)],
                  "ASNFZ4mrze8")
        ]  # fmt: skip

    play(scene)


def test_reads_that_come_together_share_a_batch_in_their_order() -> None:
    async def scene() -> None:
        deliver = DeliverInMemory()
        one = batcher(deliver)
        ids = await asyncio.gather(*(one.add(article, 0, "") for article in "abc"))

        assert ids == ["e1-000000000000"] * 3
        assert deliver.articles == ["abc"]

    play(scene)


def test_the_next_batch_goes_five_milliseconds_after_the_last() -> None:
    async def scene() -> None:
        deliver = DeliverInMemory()
        one = batcher(deliver)
        waiting = []
        for at, article in [(0, "a"), (1, "b"), (4, "c"), (6, "d"), (11, "e"), (30, "f")]:
            await until(at)
            waiting.append(one.add(article, 0, ""))
        await asyncio.gather(*waiting)

        assert deliver.sent_at == [0, 5, 10, 15, 30]
        assert [set(articles) for articles in deliver.articles] == [
            {"a"},
            {"b", "c"},
            {"d"},
            {"e"},
            {"f"},
        ]

    play(scene)


def test_what_a_quiet_time_has_saved_goes_without_the_gap() -> None:
    async def scene() -> None:
        deliver = DeliverInMemory(takes=0.001)
        one = batcher(deliver, burst=3)
        for _ in range(5):  # one reader, the next read as soon as the last is answered
            await one.add("a", 0, "")
        assert deliver.sent_at == [0, 1, 2, 7, 12]

        await until(
            12 + 10
        )  # two gaps long nothing was sent: one is saved, the other is the batch's own
        for _ in range(3):
            await one.add("a", 0, "")
        assert deliver.sent_at[5:] == [22, 23, 28]

    play(scene)


def test_no_quiet_time_saves_more_than_the_burst() -> None:
    async def scene() -> None:
        deliver = DeliverInMemory(takes=0.001)
        one = batcher(deliver, burst=2)
        await until(60_000)
        for _ in range(4):
            await one.add("a", 0, "")
        assert [at - 60_000 for at in deliver.sent_at] == [0, 1, 6, 11]

    play(scene)


def test_what_comes_while_a_saved_batch_is_on_its_way_shares_the_next() -> None:
    async def scene() -> None:
        deliver = DeliverInMemory(takes=0.003)
        one = batcher(deliver, burst=100)
        waiting = []
        for at, article in [(0, "a"), (1, "b"), (2, "c"), (5, "d")]:
            await until(at)
            waiting.append(one.add(article, 0, ""))
        await asyncio.gather(*waiting)

        assert deliver.articles == ["a", "bc", "d"]
        assert deliver.sent_at == [0, 3, 6]

    play(scene)


def test_two_are_on_their_way_at_most_and_the_third_takes_all_that_came_meanwhile() -> None:
    async def scene() -> None:
        deliver = DeliverInMemory(takes=0.1)
        one = batcher(deliver)
        waiting = []
        for number in range(50):
            await until(number * 2)
            waiting.append(one.add("x", 0, ""))
        await asyncio.gather(*waiting)

        assert deliver.most_at_once == 2
        assert deliver.sent_at == [0, 5, 100]
        assert [batch.reads for batch in deliver.durable] == [1, 2, 47]

    play(scene)


def test_batches_are_numbered_without_gaps() -> None:
    async def scene() -> None:
        deliver = DeliverInMemory(takes=0.003)
        one = batcher(deliver)
        waiting = []
        for number in range(40):
            await until(number * 2)
            waiting.append(one.add("x", 0, ""))
        await asyncio.gather(*waiting)

        assert [batch.batch_id for batch in deliver.durable] == [
            f"e1-{number:012d}" for number in range(len(deliver.durable))
        ]
        assert sum(batch.reads for batch in deliver.durable) == 40

    play(scene)


def test_a_batch_has_a_largest_size_and_a_bounded_number_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_BATCH", 3)
    monkeypatch.setattr(module, "MAX_GATHERED", 2)

    async def scene() -> None:
        deliver = DeliverInMemory()
        one = batcher(deliver)
        waiting = [one.add(article, 0, "") for article in "abcdef"]
        with pytest.raises(Unavailable, match="too many reads wait"):
            one.add("g", 0, "")
        await asyncio.gather(*waiting)

        assert deliver.articles == ["abc", "def"]
        await one.add("h", 0, "")
        assert deliver.articles == ["abc", "def", "h"]

    play(scene)


def test_filtered_reads_are_carried_once_by_the_next_batch() -> None:
    async def scene() -> None:
        deliver = DeliverInMemory()
        one = batcher(deliver)
        for reason in ("bot", "reload", "bot"):
            one.filtered(reason, "a")
        assert deliver.attempts == []
        await one.add("a", 0, "")
        one.filtered("reload", "a")
        await one.add("b", 0, "")
        await one.add("c", 0, "")

        assert deliver.filtered == [{"bot a": 2, "reload a": 1}, {"reload a": 1}, {}]

    play(scene)


def test_filtered_reads_travel_with_article_and_quarter() -> None:
    async def scene() -> None:
        deliver = DeliverInMemory()
        one = batcher(deliver)
        for reason, article in [("bot", "a"), ("bot", "b"), ("limit", "b"), ("bot", "a")]:
            one.filtered(reason, article)
        await until(15 * 60_000)
        one.filtered("bot", "a")
        await one.add("a", 0, "")

        (batch,) = deliver.durable
        assert batch.groups == [
            ("reader", "a", QUARTER + 1, 1, 0, 0), ("bot", "a", QUARTER, 2, 0, 0), ("bot", "b",
             QUARTER, 1, 0, 0),
            ("limit", "b", QUARTER, 1, 0, 0), ("bot", "a", QUARTER + 1, 1, 0, 0),
        ]  # fmt: skip
        assert batch.reads == 1

    play(scene)


def test_filtered_reads_that_pile_up_lose_their_article_but_not_their_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_NAMED", 3)

    async def scene() -> None:
        deliver = DeliverInMemory()
        one = batcher(deliver)
        for article in "abcdeab":
            one.filtered("bot", article)
        one.filtered("reload", "a")
        await one.drain()
        assert deliver.filtered == [{"bot a": 2, "bot b": 2, "bot c": 1, "bot": 2, "reload": 1}]
        one.filtered("bot", "d")
        await one.drain()
        assert deliver.filtered[1:] == [{"bot d": 1}]

    play(scene)


def test_equal_reads_are_one_group_with_their_distinct_visitors() -> None:
    async def scene() -> None:
        deliver = DeliverInMemory()
        one = batcher(deliver)
        reads = [
            ("a", 7, "00" * 8),
            ("b", 7, "11" * 8),
            ("a", 7, "22" * 8),
            ("a", 8, "00" * 8),
            ("a", 7, "00" * 8),
        ]
        await asyncio.gather(*(one.add(*read) for read in reads))
        (batch,) = deliver.durable
        assert list(batch.visitors()) == [
            (("reader", "a", QUARTER, 3, 7, 2), b"\x00" * 8 + b"\x22" * 8),
            (("reader", "b", QUARTER, 1, 7, 1), b"\x11" * 8),
            (("reader", "a", QUARTER, 1, 8, 1), b"\x00" * 8),
        ]

    play(scene)


def test_sources_add_up_by_quarter_and_go_with_the_reads_of_their_batch() -> None:
    async def scene() -> None:
        deliver = DeliverInMemory()
        one = batcher(deliver)
        near, far = ("search", "mobile"), ("", "desktop")
        await asyncio.gather(
            *(
                one.add(article, 0, "", source)
                for article, source in zip("abca", (near, far, near, None), strict=True)
            )
        )
        await until(15 * 60_000)
        one.filtered("bot", "a")
        await one.add("a", 0, "", near)
        await one.add("a", 0, "")

        first, second, third = deliver.durable
        assert first.sources == ((QUARTER, {"search": 2}, {"mobile": 2, "desktop": 1}),)
        assert second.sources == ((QUARTER + 1, {"search": 1}, {"mobile": 1}),)
        assert not third.sources

    play(scene)


def test_a_batch_that_is_repeated_has_the_same_bytes() -> None:
    bodies: list[bytes] = []

    async def deliver(batch: Batch) -> None:
        bodies.append(batch.body())
        if len(bodies) < 3:
            raise LuotdocError("away")

    async def scene() -> None:
        one = batcher(deliver)
        one.filtered("bot", "a")
        waiting = one.add("a", 7, "00" * 8)
        await until(100)
        assert waiting.exception()
        one.filtered("bot", "b")  # for the next batch
        await until(1200)
        assert len(bodies) == 3
        assert len(set(bodies)) == 1
        await one.drain()
        assert [orjson.loads(body)["groups"] for body in bodies[3:]] == [
            [["bot", "b", QUARTER, 1, 0, 0]]
        ]

    play(scene)


def test_every_read_before_minted_at_is_in_the_batch_or_an_earlier_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`complete_through` rests on it: a batch is minted now, or when the oldest read was accepted
    that still waits behind it.
    """
    monkeypatch.setattr(module, "MAX_BATCH", 1)

    async def scene() -> None:
        deliver = DeliverInMemory(takes=0.1)
        one = batcher(deliver)
        waiting = []
        for at in (0, 1, 7, 9, 50):
            await until(at)
            waiting.append(one.add("a", 0, ""))
        await asyncio.gather(*waiting)

        batches = sorted(deliver.durable, key=lambda batch: batch.batch_id)
        assert deliver.sent_at == [0, 5, 100, 105, 200]
        assert [batch.minted_at - START for batch in batches] == [0, 5, 9, 50, 200]

    play(scene)


def test_an_idle_second_ends_with_an_empty_batch() -> None:
    async def scene() -> None:
        deliver = DeliverInMemory()
        one = batcher(deliver)
        running = asyncio.create_task(one.run())
        one.filtered("bot", "a")
        await until(2600)
        await one.add("a", 0, "")
        await until(3900)
        running.cancel()

        assert deliver.sent_at == [250, 1250, 2250, 2600, 3750]
        assert [(batch.reads, filtered(batch)) for batch in deliver.durable] == [
            (0, {"bot a": 1}), (0, {}), (0, {}), (1, {}), (0, {})
        ]  # fmt: skip

    play(scene)


def test_nothing_empty_is_sent_while_a_batch_is_on_its_way() -> None:
    async def scene() -> None:
        deliver = DeliverInMemory(takes=3.0)
        one = batcher(deliver)
        running = asyncio.create_task(one.run())
        read = one.add("a", 0, "")
        await until(2900)
        running.cancel()
        assert deliver.sent_at == [0]
        await read

    play(scene)


# ── failures
# ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_batch_that_fails_is_told_and_stays_the_same_batch_until_it_is_durable() -> None:
    async def scene() -> None:
        deliver = DeliverInMemory()
        one = batcher(deliver)
        one.filtered("bot", "a")
        deliver.broken = LuotdocError("the disk took no more")
        with pytest.raises(Unavailable, match="the disk took no more") as error:
            await one.add("a", 0, "")
        assert error.value.retry_after == 1
        await until(1200)
        deliver.broken = None
        await one.add("b", 0, "")
        await until(2000)

        assert deliver.attempts == [
            (0, "e1-000000000000"),
            (500, "e1-000000000000"),
            (1000, "e1-000000000000"),
            (1200, "e1-000000000001"),
            (1500, "e1-000000000000"),
        ]
        assert [
            (batch.batch_id[-1], batch.groups[0][1], filtered(batch)) for batch in deliver.durable
        ] == [
            ("1", "b", {}),
            ("0", "a", {"bot a": 1}),
        ]

    play(scene)


def test_when_two_are_stuck_further_reads_are_refused_at_once() -> None:
    async def scene() -> None:
        deliver = DeliverInMemory()
        one = batcher(deliver)
        deliver.broken = LuotdocError("full")
        for article in "ab":
            with pytest.raises(Unavailable, match="full"):
                await one.add(article, 0, "")
        for _ in range(3):
            with pytest.raises(Unavailable, match="neither at the broker nor on disk"):
                one.add("c", 0, "")

        deliver.broken = None
        await until(600)
        assert await one.add("d", 0, "") == "e1-000000000002"
        assert deliver.articles == ["a", "b", "d"]

    play(scene)


def test_reads_that_wait_behind_two_that_get_stuck_are_told_too() -> None:
    async def scene() -> None:
        deliver = DeliverInMemory(takes=2.0)
        deliver.broken = LuotdocError("full")
        one = batcher(deliver)
        first = one.add("a", 0, "")
        await until(10)
        second = one.add("b", 0, "")
        await until(20)
        third = one.add("c", 0, "")
        outcomes = await asyncio.gather(first, second, third, return_exceptions=True)

        assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
        assert millis() == 2010

        deliver.broken = None
        await until(10_000)
        assert sorted(deliver.articles) == ["a", "b"]  # c was refused before it had a number
        assert await one.add("d", 0, "") == "e1-000000000002"

    play(scene)


def test_a_reader_that_left_does_not_disturb_the_others() -> None:
    async def scene() -> None:
        deliver = DeliverInMemory(takes=0.01)
        one = batcher(deliver)
        first, second = (asyncio.shield(one.add(article, 0, "")) for article in "ab")
        await until(1)
        first.cancel()
        assert await second == "e1-000000000000"
        assert deliver.articles == ["ab"]

    play(scene)


def test_a_bug_on_the_way_is_logged_and_told_to_the_readers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scene() -> None:
        deliver = DeliverInMemory()
        deliver.broken = ZeroDivisionError("a bug")
        one = batcher(deliver)
        with pytest.raises(Unavailable, match="could not be stored"):
            await one.add("a", 0, "")
        deliver.broken = None
        assert await one.add("b", 0, "") == "e1-000000000001"

    play(scene)
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL]
    assert "ZeroDivisionError" in caplog.text


# ── the end
# ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_at_the_end_everything_is_sent_and_settled() -> None:
    async def scene() -> None:
        deliver = DeliverInMemory(takes=0.1)
        one = batcher(deliver)
        waiting = []
        for at, article in [(0, "a"), (5, "b"), (7, "c")]:
            await until(at)
            waiting.append(one.add(article, 0, ""))
        one.filtered("bot", "a")
        await one.drain()

        assert deliver.articles == ["a", "b", "c"]
        assert deliver.filtered[-1] == {"bot a": 1}
        assert all(future.done() for future in waiting)

    play(scene)


def test_reads_that_come_after_the_end_has_begun_are_refused() -> None:
    async def scene() -> None:
        deliver = DeliverInMemory(takes=0.1)
        one = batcher(deliver)
        waiting = one.add("a", 0, "")
        draining = asyncio.create_task(one.drain())
        await until(10)
        with pytest.raises(Unavailable, match="ingest is stopping"):
            one.add("b", 0, "")
        await draining
        assert await waiting == "e1-000000000000"
        with pytest.raises(Unavailable, match="ingest is stopping"):
            one.add("c", 0, "")
        assert deliver.articles == ["a"]

    play(scene)


def test_a_batcher_is_made_without_a_loop() -> None:
    deliver = DeliverInMemory()
    one = batcher(deliver)

    async def scene() -> None:
        assert await one.add("a", 0, "") == "e1-000000000000"

    play(scene)


def test_at_the_end_filtered_reads_alone_are_worth_a_batch() -> None:
    async def scene() -> None:
        deliver = DeliverInMemory()
        one = batcher(deliver)
        one.filtered("reload", "a")
        await one.drain()
        assert [(batch.reads, filtered(batch)) for batch in deliver.durable] == [
            (0, {"reload a": 1})
        ]
        await one.drain()
        assert len(deliver.durable) == 1

    play(scene)


def test_the_end_waits_for_a_batch_that_is_being_retried() -> None:
    async def scene() -> None:
        deliver = DeliverInMemory()
        deliver.broken = LuotdocError("away")
        one = batcher(deliver)
        with pytest.raises(Unavailable):
            await one.add("a", 0, "")
        draining = asyncio.create_task(one.drain())
        await until(900)
        assert not draining.done()
        deliver.broken = None
        await draining
        assert (millis(), deliver.articles) == (1000, ["a"])

    play(scene)
