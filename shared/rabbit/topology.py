"""Our own exchanges, queues and bindings, defined once. `shared/rabbit/declaring.py` declares them.

`luotdoc_subscriber/rabbit/layout.py` has the exchanges that subscribers read, and what belongs to
a work queue.
"""

from faststream.rabbit import ExchangeType, RabbitExchange

from luotdoc_subscriber.rabbit.layout import (
    EVENTS_EXCHANGE,
    READS_QUEUE,
    RETRY_DELAYS,
    WorkQueue,
)

READS_EXCHANGE = RabbitExchange(
    "luotdoc.reads", type=ExchangeType.DIRECT, durable=True, declare=False
)
"""Batches of reads from ingest to counter. Internal: it carries visitor hashes."""

READS_KEY = "batch"


COUNTER_READS = WorkQueue(READS_QUEUE, READS_EXCHANGE, (READS_KEY,))
RENDER_ARTICLES = WorkQueue("render.articles", EVENTS_EXCHANGE, ("article.*",), RETRY_DELAYS)
STATS_ARTICLES = WorkQueue("stats.articles", EVENTS_EXCHANGE, ("article.*",), RETRY_DELAYS)
WORK_QUEUES = (COUNTER_READS, RENDER_ARTICLES, STATS_ARTICLES)
