"""Subscribing to events: one decorator declares the queue, decodes, keeps order, retries and parks.

    @subscribe(broker, "search.articles", guard=OnDisk("search.sqlite"))
    async def index(event: Event[Article | ArticleWithdrawn]) -> None: ...

The annotation says which events the queue is bound to, and in which versions; a base such as `Article` means all of
them. What else comes, by an older binding, a replay, or in another version, is acked and counted as `ignored`; but an
event whose name the contract does not know is parked. The handler may answer False: it holds something as new. It
raises what `shared/base/errors.py` draws:

- `Transient` (or a `PyMongoError`): something that it needs is away. The message is held and tried again; if others
  are handled meanwhile, or after half a minute, it steps aside into a retry queue. That goes on until it works.
- `Retry`: this message failed. It steps aside, each time for longer, and is parked when the delays are used up.
- `Permanent`: parked at once. Anything else is a bug, and is parked at once with its traceback.

Events of one article are handled one after the other, in the order of the queue, and without what is older than the
guard holds; `shared/subscriber/guard.py` says which guard to take. A message is acked only after its
effect is committed or its copy is in another queue.
"""

import logging
from collections.abc import Awaitable, Callable
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitExchange, RabbitQueue

from luotdoc_events import events
from shared.base.clock import Clock, now
from shared.base.errors import Permanent
from shared.rabbit.broker import Broker
from shared.rabbit.topology import EVENTS, RETRY_DELAYS, WorkQueue
from shared.subscriber.consumer import Consumer, Event, decode
from shared.subscriber.guard import Guard
from shared.subscriber.parking import check_readable, prepare

__all__ = ["Event", "listen", "subscribe"]

log = logging.getLogger(__name__)

H = TypeVar("H", bound=Callable[[Event[Any]], Awaitable[bool | None]])


def subscribe(
    broker: Broker, queue: str | WorkQueue, *, guard: Guard, clock: Clock = now, prefetch: int = 20
) -> Callable[[H], H]:
    """Make the decorated function the handler of `queue`; consuming starts with `shared.rabbit.broker.connect`.

    A queue of another team is given by name, `<subscriber>.<what>`; one of ours stands in `shared/rabbit/topology.py`.
    Up to `prefetch` messages are in hand at once. What is older than the guard holds is dropped.
    """

    def register(handle: H) -> H:
        kinds = kinds_of(handle)
        keys = tuple({kind.name: None for kind in kinds})
        work = WorkQueue(queue, EVENTS, keys, RETRY_DELAYS, foreign=True) if isinstance(queue, str) else queue
        consumer = Consumer(broker, work, kinds, handle, guard, clock, prefetch)
        prepare(broker, work)
        broker.works.append(work)

        @broker.subscriber(
            work.queue,
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,  # else FastStream answers into whatever queue the message's reply_to names
            channel=Channel(prefetch_count=prefetch, publisher_confirms=True),
        )
        async def consume(_body: bytes) -> None:
            stream_message: Any = broker.context.get_local("message")
            await consumer.take(stream_message.raw_message)

        return handle

    return register


def kinds_of(handle: Callable[..., Any]) -> tuple[type[events.Data], ...]:
    """The events that a handler's annotation `Event[…]` asks for; a base such as `Article` means all of its kind."""
    asked = next(iter(get_type_hints(handle).values()), None)
    if get_origin(asked) is not Event:
        raise TypeError(f"{handle.__qualname__}: annotate its parameter, such as `event: Event[PageRendered]`")
    (data,) = get_args(asked)
    wanted = get_args(data) if get_origin(data) in (Union, UnionType) else (data,)
    return tuple(kind for kind in events.KINDS if issubclass(kind, wanted))


News = Callable[[events.Envelope, events.Data], Awaitable[bool]]


def listen(broker: RabbitBroker, queue: RabbitQueue, exchange: RabbitExchange, handle: News) -> None:
    """Register `handle` for news that may be missed: acked on receipt, and what fails is logged and dropped."""

    @broker.subscriber(
        queue,
        exchange,
        ack_policy=AckPolicy.ACK_FIRST,
        no_reply=True,
        channel=Channel(prefetch_count=100, publisher_confirms=True),
    )
    async def consume(body: bytes) -> None:
        stream_message: Any = broker.context.get_local("message")
        try:
            check_readable(stream_message.raw_message)
            await handle(*decode(body))
        except Permanent as error:
            log.warning("news is dropped: %s: %.500s", error.reason, error, extra={"queue": queue.name})
        except Exception:
            log.exception("news is dropped", extra={"queue": queue.name})
