"""Who has read within the last five minutes, by hand."""

from services.stats.readers.online import OnlineFigures, OnlineReaders
from shared.rabbit.batch import Batch, batch_id, join_hashes

NOON = 1_795_860_000_000
SECOND = 1000
SECTIONS = {"x": "van-hoa", "y": "van-hoa", "z": "thoi-su"}
A, B, C = "aa" * 8, "bb" * 8, "cc" * 8


def batch(at: int, article: str, *visitors: str) -> Batch:
    """A batch that was minted `at`."""
    rows = [("reader", article, at // 900_000, max(1, len(visitors)), 20_785, len(visitors))]
    return Batch(batch_id("e1", 0), at, rows, join_hashes(visitors))


async def figures(online: OnlineReaders, now: int) -> OnlineFigures:
    return await online.figures(now, lambda article: SECTIONS.get(article, ""))


async def test_each_reader_is_counted_once() -> None:
    online = OnlineReaders()
    for at, article, *visitors in (
        (0, "x", A, B),
        (10, "x", B),
        (20, "y", A),
        (30, "z", C),
        (40, "unknown", A, C),
        (50, "x"),
    ):
        online.add(batch(NOON + int(at) * SECOND, article, *visitors), NOON + 60 * SECOND)
    found = await figures(online, NOON + 60 * SECOND)
    assert found == OnlineFigures(3, {"van-hoa": 2, "thoi-su": 1})
    numbers = [online.of_article(each, NOON + 60 * SECOND) for each in ("x", "y", "z", "w")]
    assert numbers == [2, 1, 1, 0]


async def test_a_reader_is_online_for_five_minutes() -> None:
    online = OnlineReaders()
    online.add(batch(NOON, "x", A), NOON)
    online.add(batch(NOON + 100 * SECOND, "x", B), NOON + 100 * SECOND)
    seen = {}
    for seconds in (0, 100, 299, 304, 305, 399, 404, 405, 1000):
        seen[seconds] = (await figures(online, NOON + seconds * SECOND)).site
    assert seen == {0: 2, 100: 2, 299: 2, 304: 2, 305: 1, 399: 1, 404: 1, 405: 0, 1000: 0}


async def test_what_is_old_does_not_come_back() -> None:
    online = OnlineReaders()
    now = NOON + 400 * SECOND
    online.add(batch(NOON, "x", A), now)  # from a spool
    assert (await figures(online, now)).site == 0
    assert (await figures(online, NOON)).site == 0


async def test_an_ingest_s_clock_that_is_ahead_keeps_nobody_online_longer() -> None:
    online = OnlineReaders()
    online.add(batch(NOON + 3_600 * SECOND, "x", A), NOON)
    assert (await figures(online, NOON)).site == 1
    assert (await figures(online, NOON + 310 * SECOND)).site == 0


async def test_a_clock_that_is_set_back_keeps_nobody_online_for_longer() -> None:
    online = OnlineReaders()
    for seconds, visitor in ((0, A), (10, B), (10, A)):
        online.add(batch(NOON + seconds * SECOND, "x", visitor), NOON + seconds * SECOND)
    back = NOON - 3_600 * SECOND
    assert (await figures(online, back)).site == 2
    assert online.of_article("x", back + 299 * SECOND) == 2
    assert (await figures(online, back + 305 * SECOND)).site == 0
