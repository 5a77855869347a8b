"""A way into one queue for commands, with no more rights than on the queue's own names.

Who may publish to the default exchange may publish to every queue, so a subscriber's user may not. The exchange
`<queue>.direct` leads to that queue, and the user whose name they begin with may make it.
"""

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractExchange
from aiormq.exceptions import ChannelAccessRefused


async def way_into(channel: AbstractChannel, queue: str, *more: str) -> AbstractExchange:
    """The exchange that leads to `queue`, and to `more` queues, each under its own name; they must be there."""
    exchange = await channel.declare_exchange(f"{queue}.direct", ExchangeType.DIRECT, durable=True)
    for name in (queue, *more):
        await (await channel.get_queue(name, ensure=False)).bind(exchange, routing_key=name)
    return exchange


def told_of_rights(error: ChannelAccessRefused) -> str:
    """What to do when RabbitMQ refuses a command what it needs."""
    return (
        f"RabbitMQ: {error}. A subscriber's user reaches the queues whose names begin with its own name and a dot; "
        "for any other, set LUOTDOC_AMQP_URL to the owner's address or an administrator's"
    )
