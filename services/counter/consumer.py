"""The consumer: buffers deliveries, flushes them by size or time, and acks them after the commit.

While MongoDB is away the flush is retried with the batches unacked. After `hold` seconds the
connection is closed, so that RabbitMQ can deliver them to another counter. Consuming starts again
once MongoDB answers.

A delivery can't be acked once its channel is closed. Then the buffer is dropped, RabbitMQ delivers
the batches again, and the ledger drops those that were committed.
"""

import asyncio
import logging
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import ChannelInvalidStateError

from luotdoc_subscriber.base.clock import Clock
from luotdoc_subscriber.base.tracing import UNTRACED, Tracer
from luotdoc_subscriber.rabbit.broker import BROKER_ERRORS
from services.counter.batch_traces import (
    MAX_TRACED_BATCHES,
    end_batches,
    flushing,
    trace_batch,
)
from services.counter.deliveries import Tags
from services.counter.holding import HoldExpired, hold
from services.counter.metrics import CounterMetrics
from services.counter.pace import FlushPace
from services.counter.parker import Parker, ToPark
from services.counter.reading import Buffer
from services.counter.stages import Stage, no_stage
from services.counter.store import CounterStore, Flushed
from shared.rabbit.batch import Batch

log = logging.getLogger(__name__)

Announce = Callable[[Flushed], Awaitable[None]]
"""Publishes the result of a flush. Must not raise."""


class Poison(Exception):
    """At least one of these batches can never be committed."""


class ReadsConsumer:
    """Gathers the deliveries of one queue and flushes them.

    `slot` returns the slot to write under. `hold_seconds` bounds the retries of a flush.
    """

    def __init__(
        self,
        *,
        store: CounterStore,
        parker: Parker,
        announce: Announce,
        slot: Callable[[], int],
        clock: Clock,
        flush_reads: int,
        flush_interval: float,
        hold_seconds: float,
        metrics: CounterMetrics,
        at_stage: Stage = no_stage,
        tracer: Tracer = UNTRACED,
    ) -> None:
        self._store, self._parker, self._announce = store, parker, announce
        self._slot, self._clock = slot, clock
        self._flush_reads = flush_reads
        self._hold_seconds, self._metrics, self._at_stage = hold_seconds, metrics, at_stage
        self._tracer = tracer
        self._buffer = Buffer()
        self._tags: dict[Any, Tags] = {}
        self._flushing = asyncio.Lock()
        self._due = asyncio.Event()
        self.pace = FlushPace(flush_interval)

    def take(self, message: AbstractIncomingMessage) -> None:
        """Add a delivery to the buffer. A flush settles it."""
        try:
            channel = message.channel
        except ChannelInvalidStateError:
            return  # its channel is closed; RabbitMQ delivers it again on the next channel
        if self._buffer.channel is not channel:
            self.discard()
            self._buffer.channel = channel
        self._buffer.add(message, self._clock())
        if len(self._buffer.spans) < MAX_TRACED_BATCHES and (
            span := trace_batch(self._tracer, message)
        ):
            self._buffer.spans.append(span)
        self._metrics.buffered.set(self._buffer.reads)
        if self._buffer.reads >= self._flush_reads:
            self._due.set()

    def discard(self) -> None:
        """Drop the buffer. To be called when its channel is closed."""
        self._discard(self._buffer)
        self._buffer = Buffer()
        self._metrics.buffered.set(0)

    def _discard(self, buffer: Buffer) -> None:
        if buffer.messages:
            log.warning(
                "%d deliveries are dropped with their channel; RabbitMQ repeats them",
                len(buffer.messages),
            )
            self._metrics.discarded.inc(len(buffer.messages))
        end_batches(buffer.spans, "discarded")
        self._tags.pop(buffer.channel, None)

    async def run(self) -> None:
        """Flush by size or time, for ever. Raises `HoldExpired`."""
        while True:
            try:
                async with asyncio.timeout(self.pace.pause):
                    await self._due.wait()
            except TimeoutError:
                pass
            self._due.clear()
            await self.flush()

    async def flush(self) -> None:
        """Commit, park and ack the buffer, and publish `reads.counted`.
        Raises `HoldExpired`; then nothing is acked.

        One flush runs at a time, so the last flush at a stop waits for the current one.
        """
        async with self._flushing:
            await self._flush()

    async def _flush(self) -> None:
        buffer, self._buffer = self._buffer, Buffer(channel=self._buffer.channel)
        self._metrics.buffered.set(0)
        if not buffer.messages:
            self.pace.idle()
            return
        if buffer.channel.is_closed:
            self._discard(buffer)
            return
        with flushing(self._tracer, buffer.spans) as span:
            flushed = (
                await self._commit(buffer.channel, buffer.batches, buffer.sources)
                if buffer.batches
                else []
            )
            self._at_stage("committed")
            # After the commit: before it, a flood of messages to park would delay counting.
            await self._parker.park(buffer.channel, buffer.to_park)
            await self._ack(buffer)
            self._at_stage("acked")
            span.note(
                {
                    "luotdoc.batches": len(buffer.batches),
                    "luotdoc.reads": sum(one.increments.total for one in flushed),
                }
            )
            for one in flushed:
                await self._announce(one)

    async def _commit(
        self, channel: Any, batches: list[Batch], sources: list[AbstractIncomingMessage]
    ) -> list[Flushed]:
        """Commit `batches`. If that can never succeed, find the faulty batch by bisection, park it
        and commit the others.
        """
        try:
            return [await self._commit_together(batches)]
        except Poison as error:
            if len(batches) == 1:
                log.exception("a batch that can never be counted; it is parked")
                await self._parker.park(channel, [ToPark(sources[0], "bug", str(error))])
                return []
            half = len(batches) // 2
            first = await self._commit(channel, batches[:half], sources[:half])
            return first + await self._commit(channel, batches[half:], sources[half:])

    async def _commit_together(self, batches: list[Batch]) -> Flushed:
        """Commit `batches` in one transaction. Raises `Poison` if that can never succeed."""
        self._at_stage("folded")
        started = 0.0

        async def flush() -> Flushed:
            nonlocal started
            started = time.perf_counter()
            return await self._store.flush(batches, self._slot())

        def failed(error: Exception) -> None:
            self.pace.failed(started)
            self._metrics.flushes.labels("failed").inc()
            log.warning(
                "a flush failed and is tried again: %s", str(error)[:300] or type(error).__name__
            )

        try:
            flushed = await hold(flush, self._hold_seconds, failed, "no flush succeeded")
        except HoldExpired:
            raise
        except Exception as error:
            raise Poison(f"{error!r}\n{traceback.format_exc()}") from error
        took = time.perf_counter() - started
        self.pace.flushed(took)
        _measure(self._metrics, flushed, took)
        log.info(
            "flushed %d reads of %d batches",
            flushed.increments.total,
            flushed.fresh,
            extra={"correlation_id": batches[0].batch_id, "last_batch": batches[-1].batch_id},
        )
        return flushed

    async def _ack(self, buffer: Buffer) -> None:
        if buffer.channel.is_closed:
            self._tags.pop(buffer.channel, None)
            log.warning(
                "committed but not acked, the ledger will drop the repetition: the channel is "
                "closed"
            )
            return
        by_tag = {message.delivery_tag or 0: message for message in buffer.messages}
        through, alone = self._tags.setdefault(buffer.channel, Tags()).settle(by_tag)
        try:
            if through is not None:
                await by_tag[through].ack(multiple=True)
            for tag in alone:
                await by_tag[tag].ack()
        except BROKER_ERRORS as error:
            log.warning("committed but not acked, the ledger will drop the repetition: %s", error)


def _measure(metrics: CounterMetrics, flushed: Flushed, seconds: float) -> None:
    metrics.flushes.labels("committed").inc()
    metrics.flushes.labels("conflict").inc(flushed.conflicts)
    metrics.flush_seconds.observe(seconds)
    metrics.flush_reads.observe(flushed.increments.newly_read)
    metrics.counted.inc(flushed.increments.newly_read)
    for (was, now), number in flushed.increments.moved.items():
        metrics.corrected.labels(was, now).inc(number)
    metrics.late_markers.inc(flushed.late)
    metrics.duplicates.inc(sum(sums.duplicates for sums in flushed.increments.epochs.values()))
