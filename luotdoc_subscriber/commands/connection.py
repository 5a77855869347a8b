"""The connection of a command: every fault of RabbitMQ ends it with a line that says what to do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import ChannelPreconditionFailed, DeliveryError
from aiormq.exceptions import ChannelAccessRefused

from luotdoc_subscriber.base.errors import Refused
from luotdoc_subscriber.base.plainly import first_line
from luotdoc_subscriber.rabbit.broker import BROKER_ERRORS, calls_end_as_errors, reason_of_wait
from luotdoc_subscriber.rabbit.direct import told_of_rights

CONNECT_SECONDS = 10.0
CONFIRM_SECONDS = 30.0
"""Timeout in seconds for the publisher confirm of what a command publishes."""


@asynccontextmanager
async def connected(amqp_url: str, again: str) -> AsyncIterator[AbstractConnection]:
    """A connection, closed at the end. Raises `Refused` for errors of RabbitMQ inside.

    `again` says what its user can do once a fault that ends by itself has ended.
    """
    try:
        with calls_end_as_errors():
            async with await aio_pika.connect(amqp_url, timeout=CONNECT_SECONDS) as connection:
                yield connection
    except BROKER_ERRORS as error:
        raise Refused(_explained(error, again)) from None


def _explained(error: BaseException, again: str) -> str:
    match error:
        case ChannelAccessRefused():
            return told_of_rights(error)
        case DeliveryError():
            return (
                f"the queue takes no messages, it is full or gone: {first_line(error)}; mend that, "
                f"then {again}"
            )
        case ChannelPreconditionFailed():
            return (
                f"RabbitMQ: {first_line(error)}. The name is there with other properties than this "
                f"command gives it: delete it, then {again}"
            )
        case _:
            return f"RabbitMQ: {reason_of_wait(error)}; {again}"
