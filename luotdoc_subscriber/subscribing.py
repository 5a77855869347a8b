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
from collections.abc import Awaitable, Callable
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitExchange, RabbitQueue

from luotdoc_events import events
from luotdoc_subscriber.base.clock import Clock, now
from luotdoc_subscriber.base.errors import Permanent
from luotdoc_subscriber.consumer import Consumer, Event, parse_event
from luotdoc_subscriber.guard import Guard
from luotdoc_subscriber.parking import check_readable, prepare_parking
from luotdoc_subscriber.rabbit.broker import Broker
from luotdoc_subscriber.rabbit.faststream_internals import message_of
from luotdoc_subscriber.rabbit.layout import EVENTS_EXCHANGE, RETRY_DELAYS, WorkQueue

__all__ = ["Event", "listen", "subscribe"]

log = logging.getLogger(__name__)

H = TypeVar("H", bound=Callable[[Event[Any]], Awaitable[bool | None]])


def subscribe(
    broker: Broker, queue: str | WorkQueue, *, guard: Guard, clock: Clock = now, prefetch: int = 20
) -> Callable[[H], H]:
    """Make the decorated function the handler of `queue`;
    consuming starts with `luotdoc_subscriber.rabbit.broker.connect`.

    `queue` is a name `<subscriber>.<what>`, or a `WorkQueue` that says its arguments itself, as the
    portal's services pass. Up to `prefetch` messages are in flight at once. The guard drops
    older events.
    """

    def register(handle: H) -> H:
        kinds = kinds_of(handle)
        keys = tuple({kind.name: None for kind in kinds})
        work = (
            WorkQueue(queue, EVENTS_EXCHANGE, keys, RETRY_DELAYS, foreign=True)
            if isinstance(queue, str)
            else queue
        )
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


def kinds_of(handle: Callable[..., Any]) -> tuple[type[events.Data], ...]:
    """The events in a handler's annotation `Event[…]`;
    a base class such as `Article` stands for all its events.
    """
    asked = next(iter(get_type_hints(handle).values()), None)
    if get_origin(asked) is not Event:
        raise TypeError(
            f"{handle.__qualname__}: annotate its parameter, such as `event: Event[PageRendered]`"
        )
    (data,) = get_args(asked)
    wanted = get_args(data) if get_origin(data) in (Union, UnionType) else (data,)
    return tuple(kind for kind in events.KINDS if issubclass(kind, wanted))


News = Callable[[events.Envelope, events.Data], Awaitable[bool]]


def listen(
    broker: RabbitBroker, queue: RabbitQueue, exchange: RabbitExchange, handle: News
) -> None:
    """Register `handle` for events that may be missed:
    acked on receipt; a failure is logged, the event dropped.
    """

    @broker.subscriber(
        queue,
        exchange,
        ack_policy=AckPolicy.ACK_FIRST,
        no_reply=True,
        channel=Channel(prefetch_count=100, publisher_confirms=True),
    )
    async def consume(body: bytes) -> None:
        try:
            check_readable(message_of(broker))
            await handle(*parse_event(body))
        except Permanent as error:
            log.warning(
                "an event is dropped: %s: %.500s", error.reason, error, extra={"queue": queue.name}
            )
        except Exception:
            log.exception("a bug in the handler; the event is dropped", extra={"queue": queue.name})
