"""The only module that reaches below FastStream's public interface: the message in its context, and
its consumers' queues.

`requirements.in` bounds FastStream's version. tests/unit/test_reached.py fails if a name changes,
and tests/integration/test_subscriber.py and test_parking.py if the behaviour does.
"""

from typing import Any

from aio_pika.abc import AbstractIncomingMessage
from faststream.rabbit import RabbitBroker

from luotdoc_subscriber.rabbit.underlay import has_consumer


def message_of(broker: RabbitBroker) -> AbstractIncomingMessage:
    """The message that the running handler was called with.

    FastStream would inject it into the handler, which costs a thread hop for each message.
    """
    stream_message: Any = broker.context.get_local("message")
    message: AbstractIncomingMessage = stream_message.raw_message
    return message


def queue_of(subscriber: Any) -> Any:
    """The aio-pika queue that a FastStream subscriber consumes; None if it has not started."""
    return subscriber._queue_obj


def consumes(subscriber: Any) -> bool:
    """True if RabbitMQ knows the subscriber's consumer: the channel is open and has its tag."""
    queue, tag = queue_of(subscriber), subscriber._consumer_tag
    if queue is None or tag is None or queue.channel.is_closed:
        return False
    return has_consumer(queue.channel, tag)


def forget_queues(broker: RabbitBroker) -> None:
    """Make the subscribers forget their queues on a connection that is lost.

    Without this `stop` cancels each consumer there, and waits for an answer.
    """
    for subscriber in broker.subscribers:
        subscriber._queue_obj = None  # type: ignore[attr-defined]


async def close_connection(broker: RabbitBroker) -> None:
    """Close the broker's connection, if it has one. Raises what aio-pika raises."""
    if broker._connection is not None:
        await broker._connection.close()
