"""The background work: folds the stream of batches, and stores what is new.

Sets of readers are united, so whatever is folded twice changes nothing: after a kill, in a second
stats, or from an older place. The place in the stream is stored after the sets, and is the ack:
everything before it is in the database, whichever process has written it.

Every stats folds everything, because each needs the readers online in memory. What it has folded
for a while and another one has stored meanwhile, it drops: so one writes, and the others follow.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from luotdoc_subscriber.base.clock import Clock, from_millis, to_millis
from luotdoc_subscriber.base.errors import Permanent, Transient
from luotdoc_subscriber.base.tasks import Outage
from luotdoc_subscriber.rabbit.broker import (
    BROKER_ERRORS,
    Broker,
    calls_end_as_errors,
    reason_of_wait,
)
from services.stats.readers.log import (
    FIRST,
    ReadsLog,
    batch_of,
    end_offset,
    has_batch,
    log_offset,
    reads_log,
)
from services.stats.readers.online import WINDOW_MS, OnlineReaders
from services.stats.readers.place import LogPlace
from services.stats.readers.store import ReaderStore
from services.stats.readers.writer import ReaderWriter
from shared.base.budget import Budget
from shared.base.salt_days import day_of, salt_day_number
from shared.rabbit.batch import Batch
from shared.rabbit.batch_parsing import parse

log = logging.getLogger(__name__)

QUIET_SECONDS = 0.25
"""Time without a message after which the stream's end is looked for."""
WRITE_SECONDS = 1.0
"""Time between two looks at what is to be stored: it is stored after two of them."""
REST = 1.5
"""After a write that took long, the next look waits for so many times as long: with the rests
within it (`REST_BETWEEN`) MongoDB works on it for a fifth of the time at most."""
FRESH_MS, NEAR_MS = 2_000, 60_000
"""A batch that is younger than the first is the stream's last, more or less. One that is younger
than the second is, if no other has arrived yet: the clocks of ingest and stats may differ."""
SHARE, BURST_SECONDS, DEBT_SECONDS = 0.4, 1.0, 0.1
"""The share of a core that folding may use, what it may use at once, and the most that a rest makes
good: a backlog must not take the time of answers, or of the counter beside it."""
GAP_MS = 3_600_000
"""A day is incomplete if more of it is missing between two streams."""


class ReaderKeeper:
    """Keeps the readers of the days, and those online. `zone` is the site's."""

    def __init__(
        self,
        store: ReaderStore,
        broker: Broker,
        *,
        clock: Clock,
        zone: ZoneInfo,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._broker = store, broker
        self._clock, self._zone, self._seconds = clock, zone, seconds
        self._budget = Budget(SHARE, BURST_SECONDS, debt=DEBT_SECONDS, seconds=seconds)
        self.online = OnlineReaders()
        self._place: LogPlace | None = None
        self._since = 0
        self._missed: set[int] = set()
        self._gap_from: int | None = None
        self._read = self._end = -1
        """Offsets: of the last message that was read, and of the stream's end when reading began.
        RabbitMQ may take its time to send the first message, which is not a sign of the end."""
        self._writer = ReaderWriter(store, self._budget, clock, seconds)
        self._look_at = 0.0
        self.known_until: datetime | None = None
        """The moment until which this process knows all batches; None until it has reached the
        stream's end once."""
        self._told = False
        self.outage = Outage("the fold of unique readers")

    def lag(self) -> float | None:
        """Seconds by which the fold, or what is stored of it, is behind the stream; None until it
        has begun.
        """
        if self._place is None and self.known_until is None:
            return None
        latest = from_millis(self._place.minted) if self._place else self._clock()
        known = max(latest, self.known_until) if self.known_until else latest
        waits_since = self._writer.waits_since
        if waits_since is not None:
            known = min(known, waits_since)
        return max(0.0, (self._clock() - known).total_seconds())

    async def follow(self) -> None:
        """Fold the stream, until the connection is lost. Raises `Transient`, or MongoDB's."""
        if not self._broker.up:
            raise Transient("RabbitMQ is away")
        try:
            with calls_end_as_errors():
                await self._follow(await self._broker.connect())
        except BROKER_ERRORS as error:
            raise Transient(f"the stream of reads: {reason_of_wait(error)}") from error

    async def _follow(self, connection: AbstractConnection) -> None:
        begin = await self._begin(connection)
        self._read, self._end = (begin - 1 if isinstance(begin, int) else -1), -1
        if begin != FIRST:  # the stream has the batch that was read last
            self._end = await end_offset(connection)
        async with reads_log(connection, begin) as messages:
            self.outage.over()
            while True:
                message = await messages.next(QUIET_SECONDS)
                if message is not None:
                    await self._take(message, messages)
                elif self._read >= self._end:
                    self.known_until = self._clock()
                if self._seconds() >= self._look_at or self._writer.is_full():
                    await self._look()

    async def _begin(self, connection: AbstractConnection) -> str | int:
        """Where to read from: after the last message that is folded, or some minutes before it, so
        that the readers online are known.
        """
        own, stored = self._place, await self._store.place()
        for place in (own, stored):
            if place is None or place.offset < 0:
                continue
            if await has_batch(connection, place.offset, place.batch):
                is_own = place is own
                self._place = place
                return place.offset + 1 if is_own else place.begin(self._online_since())
        if latest := own or stored:
            log.warning(
                "the stream of reads does not have the batch %s any more, up to which it was "
                "folded: it is read from its beginning",
                latest.batch,
            )
            # Offsets are those of another stream from now on, and less than before.
            generation = max(each.generation for each in (own, stored) if each) + 1
            self._gap_from = latest.minted or self._gap_from
            self._place = LogPlace(generation, -1, "", latest.minted)
        return FIRST

    def _online_since(self) -> int:
        return to_millis(self._clock()) - WINDOW_MS

    async def _take(self, message: AbstractIncomingMessage, messages: ReadsLog) -> None:
        """Fold a message. What is no batch is passed over: the counter parks it."""
        held = self._place or LogPlace(0, -1, "", 0)
        offset, now = log_offset(message, held.offset), self._clock()
        try:
            with self._budget.spending():
                batch = parse(message.headers, message.body)
        except Permanent as error:
            if not self._told:
                self._told = True
                log.warning("a message of the stream of reads is passed over: %s", error)
            minted = 0
        else:
            minted = min(batch.minted_at, to_millis(now))
            await self._fold(batch, held.minted if offset > held.offset else None, now)
        if offset > held.offset:
            self._note_gap(minted)
            self._place = held.moved(offset, batch_of(message), minted)
        self._read, age = max(self._read, offset), to_millis(now) - minted
        is_last = age < FRESH_MS or (age < NEAR_MS and messages.is_taken())
        if is_last and self._read >= self._end:
            self.known_until = now
        await asyncio.sleep(self._budget.wait())

    async def _fold(self, batch: Batch, folded_until: int | None, now: datetime) -> None:
        """`folded_until` is None for a batch that was folded before."""
        await asyncio.sleep(0)  # parsing a large batch takes a turn of its own
        with self._budget.spending():
            self.online.add(batch, to_millis(now))
            if folded_until is not None:
                self._since = self._since or min(batch.minted_at, to_millis(now))
                self._writer.add(batch, now, folded_until)

    def _note_gap(self, minted: int) -> None:
        """Note the days that are not whole, with the first batch of another stream."""
        if self._gap_from is None or not minted:
            return
        if minted - self._gap_from > GAP_MS:
            first, last = (
                salt_day_number(day_of(from_millis(each), self._zone))
                for each in (self._gap_from, minted)
            )
            self._missed |= set(range(first, last + 1))
        self._gap_from = None

    async def _look(self) -> None:
        started, place = self._seconds(), self._place
        if place is not None and place.offset >= 0:
            since = self._since or place.minted
            if await self._writer.look(place, since, self._missed):
                self._missed.clear()
        took = self._seconds() - started
        self._look_at = self._seconds() + max(WRITE_SECONDS, REST * took)

    async def finish(self) -> None:
        """Leave only numbers of the days whose salt ends."""
        if number := await self._store.finish(self._clock()):
            log.info("%d sets of readers are numbers only: their salt is deleted", number)
