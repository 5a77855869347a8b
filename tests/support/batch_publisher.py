"""A RabbitMQ in memory that takes batches of reads, and the contract of publishing to it."""

import asyncio
from collections.abc import Callable

import pytest
from aio_pika.exceptions import DeliveryError
from pamqp.commands import Basic

from luotdoc_subscriber.base.errors import Transient
from services.ingest.reads.outlet import PublishBatch
from shared.rabbit.batch import Batch, batch_id

AWAY = Transient("RabbitMQ did not confirm")
UNROUTED = DeliveryError(
    None, Basic.Return(312, "NO_ROUTE", "luotdoc.reads", "reads")
)  # no queue is bound


class ConfirmsInMemory:
    """Publishes batches as `make_publisher`'s function does. It confirms what it gets, unless
    `fails` returns an error for a batch's number.
    """

    def __init__(self) -> None:
        self.asked: list[int] = []
        """The number of each batch that was published."""
        self.queue: list[Batch] = []
        """The confirmed ones."""
        self.fails: Callable[[int], Exception | None] = lambda _number: None

    @property
    def confirmed(self) -> list[int]:
        """The numbers of the confirmed batches."""
        return [number_of(batch) for batch in self.queue]

    async def __call__(self, batch: Batch) -> None:
        self.asked.append(number_of(batch))
        await asyncio.sleep(0)
        if error := self.fails(number_of(batch)):
            raise error
        self.queue.append(batch)


def number_of(batch: Batch) -> int:
    """The sequence number of a batch."""
    return int(batch.batch_id.rpartition("-")[2])


def some_batch(number: int) -> Batch:
    """A batch with a reader's read and a bot's."""
    return Batch(
        batch_id("e1", number),
        1_795_417_500_000 + number,
        [("reader", "a1", 1_994_908, 2, 0, 0), ("bot", "a2", 1_994_908, 1, 0, 0)],
        sources=((1_994_908, {"direct": 1}, {"mobile": 2}),),
    )


class PublishContract:
    """What publishing a batch does. A subclass has the fixture `publish`."""

    async def arrived(self, publish: PublishBatch) -> list[Batch]:
        """The batches in the queue, in their order, which is empty afterwards."""
        raise NotImplementedError

    async def unbind(self, publish: PublishBatch) -> None:
        """From now on no queue is bound."""
        raise NotImplementedError

    async def leave(self, publish: PublishBatch) -> None:
        """From now on RabbitMQ gives no answer."""
        raise NotImplementedError

    async def test_a_confirmed_batch_is_in_the_queue(self, publish: PublishBatch) -> None:
        batches = [some_batch(number) for number in (7, 8, 7)]
        for batch in batches:
            await publish(batch)
        assert await self.arrived(publish) == batches  # sent twice, it arrives twice

    async def test_without_a_queue_the_batch_is_returned(self, publish: PublishBatch) -> None:
        await self.unbind(publish)
        with pytest.raises(DeliveryError):
            await publish(some_batch(7))
        assert await self.arrived(publish) == []

    async def test_without_an_answer_publishing_fails_in_time(self, publish: PublishBatch) -> None:
        await self.leave(publish)
        async with asyncio.timeout(10):
            with pytest.raises(Transient):
                await publish(some_batch(7))
