"""A past for a stats that was started a minute ago: batches with reads of earlier days, as those of
an ingest with a forgotten spool.
"""

import math
import time
from collections.abc import Iterator, Sequence

import aio_pika

from shared.rabbit import topology
from shared.rabbit.batch import (
    BATCH,
    DEVICES,
    FILTERED_CLASSES,
    NO_ARTICLE,
    QUARTER_MS,
    READER,
    REFERRERS,
    Batch,
    batch_id,
)
from shared.storage.quarters import PER_DAY
from tests.support.system import until
from tests.watch.old_reads import MINTED_AGO_MS
from tests.watch.stack import Stack

PER_HOUR = 4
HOURLY_DAYS = 9
"""Days back with reads in each hour: last week's days before them too."""
DAYS = (*range(HOURLY_DAYS, 63), 740)
"""Days back with reads in one quarter: of last month, and of a day before last year began, so that
every comparison is known.
"""


async def give_history(one: Stack, articles: Sequence[str]) -> None:
    """Publish it, and wait until it is counted."""
    batches = list(history(articles, int(time.time() * 1000) - MINTED_AGO_MS))
    wanted = sum(batch.reads for batch in batches)
    async with await aio_pika.connect(one.system.broker.url) as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(topology.READS_EXCHANGE.name)
        for batch in batches:
            message = aio_pika.Message(batch.body(), headers=batch.headers(), delivery_mode=2)
            await exchange.publish(message, topology.READS_KEY)

    async def counted() -> bool:
        return sum((await one.system.by_article()).values()) >= wanted

    await until(counted, 60, "the reads of earlier days are counted")


def history(articles: Sequence[str], minted: int) -> Iterator[Batch]:
    """A batch for each day."""
    now = minted // QUARTER_MS
    for back in range(HOURLY_DAYS):
        quarters = [now - back * PER_DAY - PER_HOUR * (1 + hour) for hour in range(24)]
        yield _batch(back, minted, articles, quarters)
    for number, back in enumerate(DAYS, HOURLY_DAYS):
        yield _batch(number, minted, articles, [now - back * PER_DAY])


def _batch(number: int, minted: int, articles: Sequence[str], quarters: Sequence[int]) -> Batch:
    groups, sources = [], []
    for quarter in quarters:
        busy = 1.2 + math.sin(2 * math.pi * (quarter - 8) / PER_DAY)
        reads = [1 + int(busy * 200 / (2 + rank)) for rank in range(len(articles))]
        pairs = zip(articles, reads, strict=True)
        groups += [(READER, article, quarter, count, 0, 0) for article, count in pairs]
        groups.append((BATCH, articles[0], quarter, sum(reads) // 8, 0, 0))
        groups += [
            (kind, NO_ARTICLE, quarter, sum(reads) // (9 + 6 * rank), 0, 0)
            for rank, kind in enumerate(FILTERED_CLASSES)
        ]
        known = sum(reads) * 9 // 10
        sources.append((quarter, _shares(REFERRERS, known), _shares(DEVICES, known)))
    return Batch(batch_id("earlier", number), minted, groups, sources=tuple(sources))


def _shares(names: Sequence[str], whole: int) -> dict[str, int]:
    """Shares of `whole`, each half of the one before."""
    return {name: max(1, whole >> (1 + rank)) for rank, name in enumerate(names)}
