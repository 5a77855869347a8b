"""Consuming events: decode, hand over, settle. Every verdict is chosen here.

A handler gets a typed event and answers True (handled) or False (stale: not newer than what it holds). It raises
`Transient` to be tried again, `Permanent` to have the message parked; anything else is a bug and is parked with its
traceback. A message is acked only after its effect is committed or its copy is parked.
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import ChannelInvalidStateError
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitExchange, RabbitQueue
from pydantic import ValidationError
from pymongo.errors import PyMongoError

from shared import events, metrics
from shared.broker import BROKER_ERRORS
from shared.clock import Clock
from shared.errors import Permanent, Transient
from shared.log import correlation
from shared.parking import park, prepare
from shared.topology import WorkQueue

log = logging.getLogger(__name__)

Handler = Callable[[events.Envelope, events.Data], Awaitable[bool]]
FIRST_DELAY, LAST_DELAY = 0.1, 10.0
"""Seconds between attempts while something is away: doubled each time, up to the last."""


def delay(attempt: int) -> float:
    """Seconds to wait after failed attempt number `attempt`, from 1."""
    return float(min(LAST_DELAY, FIRST_DELAY * 2 ** min(attempt - 1, 10)))


def decode(body: bytes) -> tuple[events.Envelope, events.Data]:
    """Read an event, or raise `Permanent` with the reason `unknown_event` or `bad_event`."""
    try:
        return events.decode(body)
    except KeyError as error:
        raise Permanent("unknown_event", f"no event is named {error}") from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        )
        raise Permanent("bad_event", faults) from error


def subscribe(broker: RabbitBroker, work: WorkQueue, handle: Handler, clock: Clock, prefetch: int = 20) -> None:
    """Register `handle` for `work`; up to `prefetch` messages are in hand at once, in no fixed order.

    Consuming starts with `broker.start()`.
    """
    prepare(work)

    @broker.subscriber(
        work.queue,
        ack_policy=AckPolicy.MANUAL,
        channel=Channel(prefetch_count=prefetch, publisher_confirms=True),
    )
    async def consume(_body: bytes) -> None:
        stream_message: Any = broker.context.get_local("message")
        message: AbstractIncomingMessage = stream_message.raw_message
        correlation.set(message.correlation_id or "")
        try:
            outcome = await _settle(broker, work, handle, clock, message)
            await message.ack()
        except (*BROKER_ERRORS, ChannelInvalidStateError, Transient) as error:
            log.warning("unsettled, it will come again: %s", error, extra={"queue": work.name})
        else:
            metrics.CONSUMED.labels(work.name, outcome).inc()


def listen(broker: RabbitBroker, queue: RabbitQueue, exchange: RabbitExchange, handle: Handler) -> None:
    """Register `handle` for news that may be missed: acked on receipt, and what fails is logged and dropped."""

    @broker.subscriber(
        queue, exchange, ack_policy=AckPolicy.ACK_FIRST, channel=Channel(prefetch_count=100, publisher_confirms=True)
    )
    async def consume(body: bytes) -> None:
        try:
            await handle(*decode(body))
        except Exception:
            log.exception("news is dropped", extra={"queue": queue.name})


async def _settle(
    broker: RabbitBroker, work: WorkQueue, handle: Handler, clock: Clock, message: AbstractIncomingMessage
) -> str:
    attempt = 0
    while True:
        try:
            return "handled" if await handle(*decode(message.body)) else "stale"
        except Permanent as error:
            reason, detail = error.reason, str(error)
        except (Transient, PyMongoError) as error:
            attempt += 1
            if attempt == 1:
                log.warning("trying again until it works: %s", error, extra={"queue": work.name})
            metrics.CONSUME_RETRIES.labels(work.name).inc()
            await asyncio.sleep(delay(attempt))
            continue
        except Exception as error:
            reason, detail = "bug", f"{error!r}\n{traceback.format_exc()}"
            log.exception("a bug in the handler; the message is parked", extra={"queue": work.name})
        await park(broker, work, message, reason, detail, clock)
        log.error("parked: %s: %s", reason, detail, extra={"queue": work.name})
        return "parked"
