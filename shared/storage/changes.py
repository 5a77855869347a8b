"""The change stream: follows the changes of a collection, and opens the stream again when lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn, TypeVar

from luotdoc_subscriber.base.tasks import Outage, supervised
from shared.storage.change_batches import next_batch
from shared.storage.versions import Document

T = TypeVar("T")

WAIT_MS = 500
"""Time for which the server may hold one poll of the stream; a stop waits as long."""
GATHER_SECONDS, GATHER_LONG_SECONDS = 0.005, 0.1
"""Pause after a batch, in which the next one grows: while a poll waits, each write to any
collection costs the server a look into its oplog. The long one is for followers that need not know
at once."""
REOPEN_SECONDS = 0.5

Opened = Callable[[], Awaitable[None]]
Watch = Callable[[Opened], AsyncIterator[T]]
"""A store's method: yields the changes from now on, and awaits its argument once the stream is
open. Raises `Transient` when the stream is lost."""


async def changes(
    collection: Any, fields: Document, opened: Opened, gather: float = GATHER_SECONDS
) -> AsyncIterator[Document | None]:
    """The changes of `collection` from now on; None after each half second without one.

    Awaits `opened` once the stream is open, so that what it loads misses no change. `fields` are
    the fields of the change event to send, besides `documentKey`. The stream rests for `gather`
    seconds after changes. Ends if the collection is
    dropped; raises PyMongo's errors.
    """
    pipeline = [{"$project": {"documentKey": 1, **fields}}]
    async with collection.watch(pipeline, max_await_time_ms=WAIT_MS) as stream:
        await opened()
        while stream.alive:
            found = await next_batch(stream)
            if not found:
                yield None
                continue
            for change in found:
                yield change if "documentKey" in change else None
            await asyncio.sleep(gather)


async def follow(
    name: str,
    watch: Watch[T],
    *,
    opened: Opened,
    changed: Callable[[T], None],
    lost: Callable[[], None] = lambda: None,
) -> NoReturn:
    """For ever: follow a change stream, and open it again after it was lost.

    Awaits `opened` after each opening, then calls `changed` with each change, and `lost` at the
    stream's end. `name` is how log lines call the stream.
    """
    outage = Outage(name)

    async def has_opened() -> None:
        await opened()
        outage.over()

    async def step() -> None:
        try:
            async for change in watch(has_opened):
                changed(change)
        finally:
            lost()

    await supervised(name, step, REOPEN_SECONDS, outage=outage)
