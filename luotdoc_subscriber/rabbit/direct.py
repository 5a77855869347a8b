"""The exchange by which commands publish into one queue, `<queue>.direct`.

Not the default exchange: the right to publish to it is the right to publish to every queue, so
subscribers' users don't have it. `<queue>.direct` begins with the user's own name, so the user may
declare it.
"""

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractExchange
from aiormq.exceptions import ChannelAccessRefused


async def way_into(channel: AbstractChannel, queue: str, *more: str) -> AbstractExchange:
    """The exchange that leads to `queue` and to `more` queues, each under its name.
    The queues must exist.
    """
    exchange = await channel.declare_exchange(f"{queue}.direct", ExchangeType.DIRECT, durable=True)
    for name in (queue, *more):
        await (await channel.get_queue(name, ensure=False)).bind(exchange, routing_key=name)
    return exchange


def told_of_rights(error: ChannelAccessRefused) -> str:
    """The error text for a command whose user lacks a right: what failed and what to do."""
    return (
        f"RabbitMQ: {error}. A subscriber's user reaches the queues whose names begin with its "
        "own name and a dot; for any other, set LUOTDOC_AMQP_URL to the owner's address or an "
        "administrator's"
    )
