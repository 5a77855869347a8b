"""Reads the batches in the stream of reads, each that was counted once, in the stream's order."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from luotdoc_subscriber.base.errors import Permanent, Refused
from luotdoc_subscriber.commands.history import last_offset
from luotdoc_subscriber.commands.history import read_history as read_stream
from services.counter.recount.seen import SeenBatches
from services.counter.recount.store import RecountStore
from shared.rabbit.batch import Batch
from shared.rabbit.batch_parsing import parse
from shared.rabbit.topology import READS_LOG

CHUNK = 500
"""Messages between two acks, and batches in one look into the ledger."""
EMPTY = "no batch of reads has arrived since setup has declared it"

ShowProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class StreamEnds:
    """The offsets of the stream's first and last message, and what its first batches say."""

    first: int
    last: int
    first_batch: str
    """The id of the first batch; "" if the stream begins with something else."""
    minted_at: int
    """Its time in milliseconds."""
    latest: int
    """The latest time of the first batches. The first may be older than the stream's beginning by
    the time that it was in a spool."""


async def ends_of(connection: AbstractConnection) -> StreamEnds:
    """What the stream has now. Raises `Refused` if it is empty."""
    last = await last_offset(connection, READS_LOG.name, EMPTY)
    found: list[Batch] = []
    first: int | None = None
    async with aclosing(
        read_stream(connection, "first", last, 2 * CHUNK, READS_LOG.name)
    ) as messages:
        async for at, message in messages:
            first = at if first is None else first
            if (batch := _batch(message)) is not None:
                found.append(batch)
            if at - first >= CHUNK:
                break
    if first is None or not found:
        raise Refused(f"the beginning of the history {READS_LOG.name} has no batch of reads")
    latest = max(batch.minted_at for batch in found)
    return StreamEnds(first, last, found[0].batch_id, found[0].minted_at, latest)


async def batches(
    connection: AbstractConnection, ends: StreamEnds, advance: ShowProgress
) -> AsyncGenerator[list[Batch], None]:
    """The batches between two ends, some at a time, with repetitions. What is no batch of reads is
    left out: the counter has parked it, or it is a correcting batch.

    Raises `Refused` if the first messages are not there any more.
    """
    some: list[Batch] = []
    async with aclosing(
        read_stream(connection, "first", ends.last, 2 * CHUNK, READS_LOG.name)
    ) as messages:
        read = 0
        async for at, message in messages:
            # Without them, what was corrected in their reads would be taken back.
            if not read and at > ends.first:
                raise Refused(
                    f"the beginning of {READS_LOG.name} has just expired, as it does every few "
                    "hours; nothing was changed: run the same command again"
                )
            read += 1
            batch = _batch(message)
            if batch is not None and batch.agents is not None:
                some.append(batch)
            if read % CHUNK == 0:
                await message.ack(multiple=True)
                advance(at - ends.first + 1, ends.last - ends.first + 1)
                yield some
                some = []
    yield some


async def counted_once(
    found: AsyncGenerator[list[Batch], None], store: RecountStore
) -> AsyncGenerator[Batch, None]:
    """Those batches that the ledger has, each once."""
    seen = SeenBatches()
    async with aclosing(found):
        async for some in found:
            counted = await store.counted([batch.batch_id for batch in some]) if some else set()
            for batch in some:
                if batch.batch_id in counted and seen.add(batch.batch_id):
                    yield batch


def _batch(message: AbstractIncomingMessage) -> Batch | None:
    try:
        batch = parse(message.headers, message.body)
    except Permanent:
        return None
    return None if batch.corrects else batch
