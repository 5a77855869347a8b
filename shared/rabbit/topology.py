"""Every exchange, queue and binding, told once; `shared/rabbit/declaring.py` makes them.

Work queues are quorum queues with a delivery limit and a dead-letter route to `<queue>.parked`. The route is a net
only: parking is our own confirmed publish with the reason in the headers, then an ack. Lost connections count
towards the limit, so it is large where a message must never be lost to an unlucky day.

A message that shall be tried again later waits in `<queue>.retry.<seconds>`, whose time to live brings it back. All
of this goes through an exchange of the queue's own, `<queue>.dlx`: who may publish to the default exchange may
publish to every queue.
"""

from dataclasses import dataclass

from faststream.rabbit import ExchangeType, QueueType, RabbitExchange, RabbitQueue
from faststream.rabbit.schemas.queue import QuorumQueueArgs

# Setup makes the exchanges: a process only looks for them, since its user may not declare what is everybody's.
EVENTS = RabbitExchange("luotdoc.events", type=ExchangeType.TOPIC, durable=True, declare=False)
"""Everything that other services may subscribe to; the routing key is the event's name."""

OWN_EVENTS = RabbitExchange("luotdoc.events.own", type=ExchangeType.TOPIC, durable=True, declare=False)
"""Articles and pages for our own queues alone, when a subscriber's queue has refused an event (ADR 0019)."""

READS = RabbitExchange("luotdoc.reads", type=ExchangeType.DIRECT, durable=True, declare=False)
"""Batches of reads from ingest to counter. Internal: it carries visitor hashes."""

READS_KEY = "batch"

DELIVERY_LIMIT = 1_000_000
"""Must be positive: 3.10 would drop at the first nack."""

AT_LEAST_ONCE: QuorumQueueArgs = {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}
"""The broker takes the one only with the other."""


@dataclass(frozen=True)
class WorkQueue:
    """A durable quorum queue that one service consumes, with its places for messages to retry and to park."""

    name: str
    exchange: RabbitExchange
    keys: tuple[str, ...]
    delays: tuple[float, ...] = ()
    """Seconds that a message waits before each retry; the rungs of the ladder."""
    foreign: bool = False
    """Another team's. If it is full it loses its oldest messages: refusing new ones would stop our publishing."""

    @property
    def queue(self) -> RabbitQueue:
        """Where messages wait for the consumer."""
        return self._quorum(self.name, self.parked.name, {} if self.foreign else AT_LEAST_ONCE)

    @property
    def bindings(self) -> tuple[tuple[RabbitExchange, str], ...]:
        """Exchanges and routing keys that the queue listens to."""
        own = (OWN_EVENTS,) if self.exchange == EVENTS and not self.foreign else ()
        return tuple((exchange, key) for exchange in (self.exchange, *own) for key in self.keys)

    @property
    def dlx(self) -> RabbitExchange:
        """Leads to this queue, its parked queue and its retry queues, by their names."""
        return RabbitExchange(f"{self.name}.dlx", type=ExchangeType.DIRECT, durable=True)

    @property
    def retries(self) -> tuple[RabbitQueue, ...]:
        """Where messages wait to be tried again, shortest delay first. Changed delays are queues of other names."""
        return tuple(
            self._quorum(
                f"{self.name}.retry.{delay:g}", self.name, {**AT_LEAST_ONCE, "x-message-ttl": round(delay * 1000)}
            )
            for delay in self.delays
        )

    @property
    def parked(self) -> RabbitQueue:
        """Where messages wait that cannot be handled."""
        # 4.x would drop a message at its 20th return, and looking at one is a return.
        limit: QuorumQueueArgs = {"x-delivery-limit": DELIVERY_LIMIT}
        return RabbitQueue(f"{self.name}.parked", queue_type=QueueType.QUORUM, durable=True, arguments=limit)

    def _quorum(self, name: str, dead_letters_to: str, more: QuorumQueueArgs) -> RabbitQueue:
        arguments: QuorumQueueArgs = {
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": self.dlx.name,
            "x-dead-letter-routing-key": dead_letters_to,
            **more,
        }
        return RabbitQueue(name, queue_type=QueueType.QUORUM, durable=True, arguments=arguments)


RETRY_DELAYS = (1.0, 10.0, 60.0, 300.0)
"""Seconds. What still fails after these six minutes is for a person to look at."""


COUNTER_READS = WorkQueue("counter.reads", READS, (READS_KEY,))
RENDER_ARTICLES = WorkQueue("render.articles", EVENTS, ("article.*",), RETRY_DELAYS)
STATS_ARTICLES = WorkQueue("stats.articles", EVENTS, ("article.*",), RETRY_DELAYS)
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


def is_kept(event: str) -> bool:
    """Whether events of this name are in the history. Others may be missed: the next one says all that matters."""
    return any(event.startswith(key.removesuffix("#")) for key in EVENTS_LOG_KEYS)


def counts_queue(instance: str) -> RabbitQueue:
    """`reads.counted` for one process alone, for as long as it listens. `instance` must be unique."""
    return RabbitQueue(
        f"render.counts.{instance}",
        durable=False,
        exclusive=True,
        auto_delete=True,
        routing_key="reads.counted",
    )


def heartbeats_queue(instance: str) -> RabbitQueue:
    """Every heartbeat for one process alone, for as long as it listens. `instance` must be unique."""
    return RabbitQueue(
        f"stats.heartbeats.{instance}",
        durable=False,
        exclusive=True,
        auto_delete=True,
        routing_key="heartbeat",
    )
