"""RabbitMQ through FastStream, with its unsafe defaults changed.

A process has one broker object. It publishes persistent and mandatory messages with publisher
confirms; an unroutable message raises. Subscribers get the raw message, because FastStream's
injection costs a thread hop per parameter for each message.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property, partial
from typing import Any
from urllib.parse import urlsplit

from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
from aiormq.exceptions import AMQPError as WireError
from aiormq.exceptions import ChannelNotFoundEntity
from faststream.message import StreamMessage
from faststream.rabbit import Channel, RabbitBroker

from luotdoc_subscriber.base import metrics
from luotdoc_subscriber.base.errors import Refused
from luotdoc_subscriber.base.settings import SubscriberSettings
from luotdoc_subscriber.base.tracing import UNTRACED, Tracer
from luotdoc_subscriber.rabbit import declaring, layout, properties
from luotdoc_subscriber.rabbit.faststream_internals import close_connection, forget_queues
from luotdoc_subscriber.rabbit.faults import reason_of_wait as reason_of_wait
from luotdoc_subscriber.rabbit.refusals import Refusals

log = logging.getLogger(__name__)

# At import, because every process that connects to RabbitMQ imports this module.
properties.install()

BROKER_ERRORS = (AMQPError, WireError, ChannelInvalidStateError, OSError, RuntimeError)
"""Errors that aio-pika raises while RabbitMQ is away. A TimeoutError is an OSError.
Its "connection was not opened" is a RuntimeError."""

AWAY = "RabbitMQ is away"
RETRY_SECONDS = 1.0
ATTEMPT_SECONDS = 15.0
"""Timeout for one attempt to connect, declare and start consuming."""
REFUSAL_SECONDS = 60.0
"""Shortest time between two log lines about queues that refuse events."""
AGAIN_SECONDS = 60.0
"""Interval at which a reason for waiting is logged again."""


@contextmanager
def calls_end_as_errors() -> Iterator[None]:
    """Raise `ConnectionResetError` if the connection is closed during a call to aio-pika.

    aiormq ends such a call with `CancelledError` or a bare `Exception`. The first looks like a
    cancellation of the calling task, and would silently end a loop that publishes. A real
    cancellation passes through.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise ConnectionResetError("the connection was closed under the call") from error
    except Exception as error:
        if type(error) is not Exception:
            raise
        raise ConnectionResetError("the connection was closed under the call") from error


async def _untouched(message: StreamMessage[Any]) -> Any:
    return message.body


class Broker(RabbitBroker):
    """FastStream's broker with our configuration. `up` is True while the connection works."""

    def __init__(
        self, amqp_url: str, service: str, schemas_url: str, registry: metrics.Registry
    ) -> None:
        """Not connected yet. `service` names the connection in RabbitMQ's lists."""
        super().__init__(
            f"{amqp_url}{'&' if '?' in amqp_url else '?'}name=luotdoc-{service}",
            logger=None,
            apply_types=False,
            decoder=_untouched,
            app_id=f"luotdoc-{service}",
            client_properties={"heartbeat": 20},
            reconnect_interval=RETRY_SECONDS,
            timeout=5.0,
            graceful_timeout=5.0,
            default_channel=Channel(publisher_confirms=True, on_return_raises=True),
            on_close=[self._closed],
            on_reconnected=[self._reconnected],
        )
        self.up = False
        self.away = AWAY
        """The reason why `up` is False, for people."""
        self.registry = registry
        """The process's metrics. Those of consuming and publishing are added at first use."""
        self._link = metrics.ConnectionMetrics(registry)
        self.schemas_url = schemas_url
        self.service = service
        self.tracer = UNTRACED
        self.losses: deque[float] = deque(maxlen=10)
        """Moments at which the connection was lost, by `time.monotonic`."""
        self.works: list[layout.WorkQueue] = []
        """The work queues that this process consumes as a subscriber."""
        self._refusal_told = -REFUSAL_SECONDS
        self.refusals = Refusals()
        """Refusals of what our own queues must take."""
        self.confirmed: dict[str, tuple[str, datetime]] = {}
        """Id and time of the last confirmed event, by the event's name, for heartbeats."""

    @cached_property
    def queues(self) -> metrics.Queues:
        """The metrics of a process that consumes work queues."""
        return metrics.Queues(self.registry)

    @cached_property
    def consuming(self) -> metrics.Consuming:
        """The metrics of a subscriber."""
        return metrics.Consuming(self.registry)

    @cached_property
    def publishing(self) -> metrics.Publishing:
        """The metrics of a producer of events."""
        return metrics.Publishing(self.registry)

    def mark(self, up: bool) -> None:
        """Set `up` and its metric."""
        self.up = up
        self._link.up.set(up)

    def tell_of_refusal(self, event: str) -> None:
        """Log that a subscriber's queue refuses events, at most once a minute."""
        if time.monotonic() >= self._refusal_told + REFUSAL_SECONDS:
            self._refusal_told = time.monotonic()
            log.warning(
                "a subscriber's queue refuses events and misses them, such as %s; others get "
                "them. Queues with `reject-publish`: `rabbitmqctl list_queues name messages "
                "arguments policy`",
                event,
            )

    async def stop(self, *error: Any) -> None:
        """Close the connection. Also succeeds if the connection is lost meanwhile."""
        try:
            with calls_end_as_errors():
                await super().stop(*error)
        except (ExceptionGroup, *BROKER_ERRORS) as failed:
            failures = failed.exceptions if isinstance(failed, ExceptionGroup) else (failed,)
            if not all(
                isinstance(each, BROKER_ERRORS) or type(each) is Exception for each in failures
            ):
                raise
            log.warning(
                "RabbitMQ: the connection was lost while it was being closed: %s", failures[0]
            )
            forget_queues(self)
            with suppress(*BROKER_ERRORS):
                await close_connection(self)
            await super().stop(*error)

    def _closed(self, _connection: Any, error: BaseException | None) -> None:
        self.mark(False)
        self.refusals.forget()
        if error is not None and not isinstance(error, asyncio.CancelledError):
            self.losses.append(time.monotonic())
            log.warning("RabbitMQ: the connection is lost, reconnecting: %s", error)

    def _reconnected(self, _connection: Any) -> None:
        self.mark(True)
        log.info("RabbitMQ: connected again")


def make_broker(
    settings: SubscriberSettings,
    service: str,
    registry: metrics.Registry | None = None,
    tracer: Tracer = UNTRACED,
) -> Broker:
    """A broker that is not connected yet. Its metrics go into `registry`, or into a new
    registry, and its spans to `tracer`.
    """
    registry = registry or metrics.new_registry()
    broker = Broker(settings.amqp_url, service, settings.schemas_url, registry)
    broker.tracer = tracer
    return broker


Declare = Callable[[Broker], Awaitable[None]]
"""Declares what a process consumes and checks for what it needs. Raises `BROKER_ERRORS`."""


async def connect(
    broker: Broker,
    amqp_url: str,
    declare: Declare | None = None,
    seconds: float = ATTEMPT_SECONDS,
    hopeless: Callable[[BaseException], str | None] = lambda _: None,
) -> None:
    """Connect, declare and start consuming. Tries again every second until it works.

    Logs the reason for waiting, again each minute.
    `declare` declares the queues; by default those that handlers are registered for. Raises
    `Refused` with the text of `hopeless` for an error that it has one for.
    """
    told, told_at = "", 0.0
    where = urlsplit(amqp_url)
    while True:
        try:
            await connect_once(broker, declare, seconds)
        except BROKER_ERRORS as error:
            if why := hopeless(error):
                raise Refused(why) from error
            reason = reason_of_wait(error)
            if reason != told or time.monotonic() - told_at > AGAIN_SECONDS:
                log.warning(
                    "waiting for RabbitMQ at %s:%s: %s", where.hostname, where.port or 5672, reason
                )
                told_at = time.monotonic()
            told = reason
            broker.away = (
                reason if isinstance(error, ChannelNotFoundEntity | declaring.QueueDown) else AWAY
            )
            await broker.stop()
            await asyncio.sleep(RETRY_SECONDS)
        else:
            broker.mark(True)
            log.info("RabbitMQ: connected")
            return


async def connect_once(
    broker: Broker, declare: Declare | None = None, seconds: float = ATTEMPT_SECONDS
) -> None:
    """Connect, declare and start consuming, within `seconds`. Raises one of `BROKER_ERRORS`."""
    declare = declare or partial(declaring.declare_works, works=broker.works)
    with calls_end_as_errors():
        async with asyncio.timeout(seconds):
            await broker.connect()
            await declare(broker)
            await broker.start()
