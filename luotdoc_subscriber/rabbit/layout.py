"""The exchanges that subscribers read, and the queues of a subscriber, defined once.

Work queues are quorum queues with a delivery limit and a dead-letter route to `<queue>.parked`. We
park a message by a confirmed publish with the reason in its headers, then an ack; the dead-letter
route is only a safety net. Lost connections count towards the delivery limit, so the limit is
large: a healthy message must not reach it on a bad day.

The retry ladder: a message to be tried later waits in `<queue>.retry.<seconds>`, whose time to live
returns it to the work queue. Retrying and parking use the queue's own exchange, `<queue>.dlx`, not
the default exchange: the right to publish to the default exchange is the right to publish to every
queue.
"""

from dataclasses import dataclass

from faststream.rabbit import ExchangeType, QueueType, RabbitExchange, RabbitQueue
from faststream.rabbit.schemas.queue import QuorumQueueArgs

# Setup declares the shared exchanges.
# A service only checks that they exist: its user may declare no names but its own.
EVENTS_EXCHANGE = RabbitExchange(
    "luotdoc.events", type=ExchangeType.TOPIC, durable=True, declare=False
)
"""All events for subscribers; the routing key is the event's name."""

OWN_EVENTS_EXCHANGE = RabbitExchange(
    "luotdoc.events.own", type=ExchangeType.TOPIC, durable=True, declare=False
)
"""Repeats an event that a subscriber's queue has refused, for our own queues only (ADR 0019)."""


READS_QUEUE = "counter.reads"
"""The queue of batches of reads. Events don't belong there."""

DELIVERY_LIMIT = 1_000_000
"""Must be positive: with a negative limit RabbitMQ 3.10 drops a message at its first nack."""

AT_LEAST_ONCE: QuorumQueueArgs = {
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}
"""At-least-once dead-lettering. RabbitMQ supports it only together with `reject-publish`."""


@dataclass(frozen=True)
class WorkQueue:
    """A durable quorum queue that one service consumes, with its retry queues and its parked
    queue.
    """

    name: str
    exchange: RabbitExchange
    keys: tuple[str, ...]
    delays: tuple[float, ...] = ()
    """Seconds that a message waits before each retry, in rising order: the retry ladder."""
    foreign: bool = False
    """True for another team's queue.
    A full one drops its oldest messages; refusing would stop our publishing."""

    @property
    def queue(self) -> RabbitQueue:
        """The queue that the consumer takes messages from."""
        return self._quorum(self.name, self.parked.name, {} if self.foreign else AT_LEAST_ONCE)

    @property
    def bindings(self) -> tuple[tuple[RabbitExchange, str], ...]:
        """The exchanges and routing keys that the queue is bound to."""
        own = (
            (OWN_EVENTS_EXCHANGE,) if self.exchange == EVENTS_EXCHANGE and not self.foreign else ()
        )
        return tuple((exchange, key) for exchange in (self.exchange, *own) for key in self.keys)

    @property
    def dlx(self) -> RabbitExchange:
        """The exchange that leads to this queue, its parked queue and its retry queues;
        the routing key is the name.
        """
        return RabbitExchange(f"{self.name}.dlx", type=ExchangeType.DIRECT, durable=True)

    @property
    def retries(self) -> tuple[RabbitQueue, ...]:
        """The retry queues, shortest delay first.
        The delay is part of the name, so a changed one is another queue.
        """
        return tuple(
            self._quorum(
                f"{self.name}.retry.{delay:g}",
                self.name,
                {**AT_LEAST_ONCE, "x-message-ttl": round(delay * 1000)},
            )
            for delay in self.delays
        )

    @property
    def parked(self) -> RabbitQueue:
        """The queue of messages that can't be handled."""
        # Without a limit of its own 4.x drops a message at its 20th return,
        # and each look at one is a return.
        limit: QuorumQueueArgs = {"x-delivery-limit": DELIVERY_LIMIT}
        return RabbitQueue(
            f"{self.name}.parked", queue_type=QueueType.QUORUM, durable=True, arguments=limit
        )

    def _quorum(self, name: str, dead_letters_to: str, more: QuorumQueueArgs) -> RabbitQueue:
        arguments: QuorumQueueArgs = {
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": self.dlx.name,
            "x-dead-letter-routing-key": dead_letters_to,
            **more,
        }
        return RabbitQueue(name, queue_type=QueueType.QUORUM, durable=True, arguments=arguments)


RETRY_DELAYS = (1.0, 10.0, 60.0, 300.0)
"""Seconds. A message that still fails after these six minutes is parked for an operator."""


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
"""The history for new subscribers: events of articles and pages, without counts and heartbeats."""

EVENTS_LOG_KEYS = ("article.#", "page.#")


def is_kept(event: str) -> bool:
    """Whether the history stores events of this name.
    It leaves out events that the next one of the name replaces.
    """
    return any(event.startswith(key.removesuffix("#")) for key in EVENTS_LOG_KEYS)
