"""Every exchange, queue and binding, declared once.

Work queues are quorum queues with a delivery limit and a dead-letter route to `<queue>.parked`. The route is a net
only: parking is our own confirmed publish with the reason in the headers, then an ack. Lost connections count
towards the limit, so it is large where a message must never be lost to an unlucky day.
"""

from dataclasses import dataclass

from faststream.rabbit import ExchangeType, QueueType, RabbitBroker, RabbitExchange, RabbitQueue
from faststream.rabbit.schemas.queue import QuorumQueueArgs

EVENTS = RabbitExchange("luotdoc.events", type=ExchangeType.TOPIC, durable=True)
"""Everything that other services may subscribe to; the routing key is the event's name."""

READS = RabbitExchange("luotdoc.reads", type=ExchangeType.DIRECT, durable=True)
"""Batches of reads from ingest to counter. Internal: it carries visitor hashes."""

READS_KEY = "batch"


@dataclass(frozen=True)
class WorkQueue:
    """A durable quorum queue that one service consumes, with its place for parked messages."""

    queue: RabbitQueue
    exchange: RabbitExchange
    keys: tuple[str, ...]

    @property
    def name(self) -> str:
        """The queue's name."""
        return self.queue.name

    @property
    def parked(self) -> RabbitQueue:
        """Where messages wait that cannot be handled."""
        # 4.x would drop a message at its 20th return, and looking at one is a return.
        limit: QuorumQueueArgs = {"x-delivery-limit": 1_000_000}
        return RabbitQueue(f"{self.name}.parked", queue_type=QueueType.QUORUM, durable=True, arguments=limit)


def work_queue(name: str, exchange: RabbitExchange, keys: tuple[str, ...], delivery_limit: int) -> WorkQueue:
    """Declare a quorum queue of ours. `delivery_limit` must be positive: 3.10 would drop at the first nack."""
    arguments: QuorumQueueArgs = {
        "x-delivery-limit": delivery_limit,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": f"{name}.parked",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    queue = RabbitQueue(name, queue_type=QueueType.QUORUM, durable=True, arguments=arguments)
    return WorkQueue(queue, exchange, keys)


COUNTER_READS = work_queue("counter.reads", READS, (READS_KEY,), delivery_limit=1_000_000)
RENDER_ARTICLES = work_queue("render.articles", EVENTS, ("article.*",), delivery_limit=1_000_000)
STATS_ARTICLES = work_queue("stats.articles", EVENTS, ("article.*",), delivery_limit=1_000_000)
WORK_QUEUES = (COUNTER_READS, RENDER_ARTICLES, STATS_ARTICLES)

EVENTS_LOG = RabbitQueue(
    "luotdoc.events.log",
    queue_type=QueueType.STREAM,
    durable=True,
    arguments={
        "x-max-age": "30D",
        "x-max-length-bytes": 5_000_000_000,
        "x-stream-max-segment-size-bytes": 50_000_000,
    },
)
"""History for new subscribers: articles and pages, without counts and heartbeats."""

EVENTS_LOG_KEYS = ("article.#", "page.#")


def counts_queue(instance: str) -> RabbitQueue:
    """`reads.counted` for one process alone, for as long as it listens. `instance` must be unique."""
    return RabbitQueue(
        f"render.counts.{instance}",
        durable=False,
        exclusive=True,
        auto_delete=True,
        routing_key="reads.counted",
    )


async def declare(broker: RabbitBroker) -> None:
    """Make everything above; a repetition changes nothing. The broker must be connected.

    Each object is declared on the publisher's channel, which makes FastStream use that one, with its confirms,
    even where a subscriber names the same exchange later.
    """
    exchanges = {}
    for exchange in (EVENTS, READS):
        exchanges[exchange.name] = await broker.declare_exchange(exchange)
    for work in WORK_QUEUES:
        await broker.declare_queue(work.parked)
        queue = await broker.declare_queue(work.queue)
        for key in work.keys:
            await queue.bind(exchanges[work.exchange.name], routing_key=key)
    log = await broker.declare_queue(EVENTS_LOG)
    for key in EVENTS_LOG_KEYS:
        await log.bind(exchanges[EVENTS.name], routing_key=key)
