"""The only module that reaches below aio-pika's public interface, into aiormq's channels.

`requirements.in` bounds both versions. tests/unit/test_reached.py fails if a name changes, and
tests/integration/test_path.py and test_subscriber.py if the behaviour does.
"""

from typing import Any

from aio_pika import RobustChannel, RobustExchange
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import ChannelInvalidStateError, DeliveryError
from aiormq import spec

Properties = spec.Basic.Properties
DRAINED_EVERY = 8
"""One publish in so many waits, before its confirm, until its bytes have left the process. The
others behind it wait for it, so little piles up here while RabbitMQ reads nothing. If every publish
waited, those that come together would each take several turns of the event loop, one after the
other."""


async def publish_on_wire(
    exchange: RobustExchange, body: bytes, routing_key: str, properties: Properties
) -> None:
    """Publish a mandatory message and wait for its confirm. Raises what aio-pika raises.

    aio-pika's own publish makes a message object for each, which costs over 0.1 ms
    (docs/performance.md), and a reader waits for this call.
    """
    channel = exchange.channel
    if channel.is_closed and isinstance(channel, RobustChannel):
        # aio-pika restores it only once, and fails if an exchange is missing then.
        await channel.restore()
    if channel.is_closed:
        raise ChannelInvalidStateError("the channel is closed")
    wire: Any = await channel.get_underlay_channel()
    await wire.basic_publish(
        body,
        exchange=exchange.name,
        routing_key=routing_key,
        properties=properties,
        mandatory=True,
        wait=wire.delivery_tag % DRAINED_EVERY == 0,
    )


async def close_channel(exchange: RobustExchange) -> None:
    """Close the channel of `exchange` at RabbitMQ. aio-pika opens a new one in its place; what is
    in flight on it ends with an error. Raises what aio-pika raises.
    """
    wire = await exchange.channel.get_underlay_channel()
    await wire.close()


def is_refusal(error: DeliveryError) -> bool:
    """True if a queue did not take the message: it is full or failing. False if none is bound."""
    return isinstance(error.frame, spec.Basic.Nack)


def has_consumer(channel: AbstractChannel, tag: str) -> bool:
    """True if the consumer `tag` lives on an open channel: RabbitMQ may have cancelled it."""
    wire: Any = channel
    return tag in wire._channel.channel.consumers
