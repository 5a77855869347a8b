"""Subscribing to events: one decorator declares the queue, decodes, keeps order, retries and parks.

    @subscribe(broker, "search.articles", guard=OnDisk("search.sqlite"))
    async def index(event: Event[Article | ArticleWithdrawn]) -> None: ...

The annotation of the handler's parameter names the events, and their versions, that the queue is
bound to; a base class such as `Article` stands for all its events. Other events, which an older
binding or a replay may bring, are acked and counted as `ignored`. An event with a name that the
contract does not know is parked.

The handler returns False if the event was not new to it. It raises an error of
`luotdoc_subscriber.base.errors`:

- `Transient` if a server that it needs is away. The message is retried in
  place; if others succeed meanwhile, or after half a minute, it goes to a retry queue. It is never
  parked.
- `Retry` if this message failed. It climbs the retry ladder and is parked at its end.
- `Permanent` if the message can never be handled. It is parked at once.
- Any other exception is a bug: the message is parked at once, with the traceback.

Events of one article are handled one after the other, in the order of the queue, and only if the
guard lets them through; `luotdoc_subscriber/guard.py` says which guard to choose. A message is
acked only after its effect is committed or a copy of it is in another queue.
"""

import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitQueue

from luotdoc_events import events
from luotdoc_subscriber.base.clock import Clock, now
from luotdoc_subscriber.base.errors import Permanent
from luotdoc_subscriber.consumer import Consumer
from luotdoc_subscriber.decision import Delivery, Event, kinds_of, read
from luotdoc_subscriber.guard import Guard
from luotdoc_subscriber.parking import prepare_parking
from luotdoc_subscriber.rabbit.broker import Broker
from luotdoc_subscriber.rabbit.faststream_internals import message_of
from luotdoc_subscriber.rabbit.layout import EVENTS_EXCHANGE, RETRY_DELAYS, WorkQueue
from luotdoc_subscriber.rabbit.message_spans import handling_span

__all__ = ["Event", "kinds_of", "listen", "subscribe"]

log = logging.getLogger(__name__)

H = TypeVar("H", bound=Callable[[Event[Any]], Awaitable[bool | None]])

LISTEN_PREFETCH = 100


def subscribe(
    broker: Broker,
    queue: str | WorkQueue,
    *,
    guard: Guard | None,
    clock: Clock = now,
    prefetch: int = 20,
) -> Callable[[H], H]:
    """Make the decorated function the handler of `queue`;
    consuming starts with `luotdoc_subscriber.rabbit.broker.connect`.

    `queue` is a name `<subscriber>.<what>`, or a `WorkQueue` that says its arguments itself, as the
    portal's services pass. Up to `prefetch` messages are in flight at once. The guard drops
    older events; with None the handler gets every event. Raises TypeError if the handler's
    annotation names no event.
    """

    def register(handle: H) -> H:
        kinds = kinds_of(handle)
        work = _named(queue, kinds) if isinstance(queue, str) else queue
        consumer = Consumer(broker, work, kinds, handle, guard, clock, prefetch)
        prepare_parking(broker, work)
        broker.works.append(work)

        @broker.subscriber(
            work.queue,
            ack_policy=AckPolicy.MANUAL,
            # else FastStream publishes a reply to any queue that the message's reply_to names
            no_reply=True,
            channel=Channel(prefetch_count=prefetch, publisher_confirms=True),
        )
        async def consume(_body: bytes) -> None:
            await consumer.take(message_of(broker))

        return handle

    return register


def _named(name: str, kinds: Iterable[type[events.Data]]) -> WorkQueue:
    """Another team's work queue for events of `kinds`."""
    keys = tuple({kind.name: None for kind in kinds})
    return WorkQueue(name, EVENTS_EXCHANGE, keys, RETRY_DELAYS, foreign=True)


def listen(broker: Broker, name: str) -> Callable[[H], H]:
    """Make the decorated function the handler of events that may be missed, such as those that
    the next one replaces.

    Each process has a temporary queue `<name>.<random>`, which ends with its connection. Events are
    acked on receipt and handled concurrently. An event that can't be read, or whose handler fails,
    is logged and dropped; the handler's answer is ignored. Raises TypeError as `subscribe` does.
    """

    def register(handle: H) -> H:
        kinds = kinds_of(handle)
        types = {events.type_of(kind) for kind in kinds}
        queue = _temporary(name, kinds)

        @broker.subscriber(
            queue,
            EVENTS_EXCHANGE,
            ack_policy=AckPolicy.ACK_FIRST,
            no_reply=True,
            channel=Channel(prefetch_count=LISTEN_PREFETCH, publisher_confirms=True),
        )
        async def consume(_body: bytes) -> None:
            message = message_of(broker)
            extra = {"queue": queue.name}
            try:
                with handling_span(broker.tracer, name, message):
                    event = read(Delivery(message.body, message.headers), types)
                    if event is not None:
                        await handle(event)
            except Permanent as error:
                log.warning("an event is dropped: %s: %.500s", error.reason, error, extra=extra)
            except Exception:
                log.exception("a bug in the handler; the event is dropped", extra=extra)

        return handle

    return register


def _temporary(name: str, kinds: Iterable[type[events.Data]]) -> RabbitQueue:
    return RabbitQueue(
        f"{name}.{secrets.token_hex(6)}",
        durable=False,
        exclusive=True,
        auto_delete=True,
        routing_key=binding_of(kind.name for kind in kinds),
    )


def binding_of(names: Iterable[str]) -> str:
    """The routing key that a temporary queue is bound under: FastStream takes one.

    It may bring more events than `names`, which are passed over.
    """
    wanted = set(names)
    if len(wanted) == 1:
        return wanted.pop()
    groups = {name.partition(".")[0] for name in wanted}
    return f"{groups.pop()}.*" if len(groups) == 1 else "#"
