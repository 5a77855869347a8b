"""Our own exchanges, queues and bindings, defined once. `shared/rabbit/declaring.py` declares them.

`luotdoc_subscriber/rabbit/layout.py` has the exchanges that subscribers read, and what belongs to
a work queue.
"""

from faststream.rabbit import ExchangeType, QueueType, RabbitExchange, RabbitQueue

from luotdoc_subscriber.rabbit.layout import (
    EVENTS_EXCHANGE,
    READS_QUEUE,
    RETRY_DELAYS,
    WorkQueue,
)
from shared.rabbit.batch import COUNTED_HOURS

READS_EXCHANGE = RabbitExchange(
    "luotdoc.reads", type=ExchangeType.DIRECT, durable=True, declare=False
)
"""Batches of reads from ingest to counter. Internal: it carries visitor hashes."""

READS_KEY = "batch"


COUNTER_READS = WorkQueue(READS_QUEUE, READS_EXCHANGE, (READS_KEY,))
RENDER_ARTICLES = WorkQueue("render.articles", EVENTS_EXCHANGE, ("article.*",), RETRY_DELAYS)
STATS_ARTICLES = WorkQueue("stats.articles", EVENTS_EXCHANGE, ("article.*",), RETRY_DELAYS)
WORK_QUEUES = (COUNTER_READS, RENDER_ARTICLES, STATS_ARTICLES)

READS_LOG = RabbitQueue(
    "luotdoc.reads.log",
    queue_type=QueueType.STREAM,
    durable=True,
    arguments={
        "x-max-age": f"{COUNTED_HOURS}h",
        "x-max-length-bytes": 50_000_000_000,
        # RabbitMQ deletes whole segments, and never the one that is written to. An ingest without
        # reads fills one of this size in half a day or less: so hashes leave in time.
        "x-stream-max-segment-size-bytes": 4_000_000,
    },
)
"""The batches of the last `COUNTED_HOURS`, as long as the ledger tells whether they were counted.
stats finds unique readers in it, and a restore of MongoDB sends it to the counter again."""
