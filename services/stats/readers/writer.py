"""Stores what is folded: hashes wait for a second or two, then the sets are united and written, and
after them the place in the stream.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from luotdoc_subscriber.base.clock import Clock
from services.stats.readers.distinct import PIECE, DistinctReaders
from services.stats.readers.fold import ReaderFold
from services.stats.readers.place import LogPlace
from services.stats.readers.scopes import ScopeDay
from services.stats.readers.store import ReaderStore
from shared.base.budget import Budget
from shared.rabbit.batch import Batch

IDLE_MS = 30_000
"""Time after which a place is stored although nobody has read since."""
MAX_FOLDED = 200_000
"""Upper bound for the hashes that wait to be stored: some 2 MB."""
AT_ONCE = 100
"""Documents that are read, united and written together: at most 0.8 MB."""
REST_BETWEEN = 1.0
"""After such a group the next one waits for so many times as long as it took, so that the counter's
flushes find MongoDB free. A backlog waits for nothing: it is held back while it is folded."""


class ReaderWriter:
    """The hashes that wait, in two parts. The older part was there at the last look: it is stored
    at this one, unless another stats has stored a later place meanwhile. So one of them writes.
    """

    def __init__(
        self,
        store: ReaderStore,
        budget: Budget,
        clock: Clock,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._budget, self._clock, self._seconds = store, budget, clock, seconds
        self._older, self._newer = ReaderFold(), ReaderFold()
        self._older_until: LogPlace | None = None
        self._stored_minted = 0
        self.waits_since: datetime | None = None
        """The moment since which hashes wait to be stored."""

    def add(self, batch: Batch, now: datetime, folded_until: int) -> None:
        """Add the visitors of a batch, of days whose readers may still be added to. `folded_until`:
        the latest time of the batches before it, in milliseconds since 1970.
        """
        self._newer.add(batch, self._store.folded_days(now), folded_until)
        if self.waits_since is None and self._newer.hashes:
            self.waits_since = now

    def is_full(self) -> bool:
        """True if too many hashes wait."""
        return self._older.hashes + self._newer.hashes > MAX_FOLDED

    async def look(self, place: LogPlace, since: int, missed: Collection[int]) -> bool:
        """Store what has waited, if another stats has not; everything until `place` is folded.
        `since` and `missed`: see `ReaderStore.advance`. Whether it was stored.
        """
        waits = self._older.hashes + self._newer.hashes
        if not waits and place.minted - self._stored_minted <= IDLE_MS:
            return False
        stored = await self._store.place()
        if self._older_until and stored and stored.covers(self._older_until):
            self._older, self._older_until = ReaderFold(), None
            self.waits_since = self._clock() if self._newer.hashes else None
        if self._older_until or self.is_full():
            await self._write(place, since, missed)
            return True
        if self._newer.hashes or stored is None or not stored.covers(place):
            self._older, self._newer = self._newer, ReaderFold()
            self._older_until = place
        else:
            self._stored_minted = place.minted
        return False

    async def _write(self, place: LogPlace, since: int, missed: Collection[int]) -> None:
        whole, is_backlog = ReaderFold(), self.is_full()
        whole.take(self._older)
        whole.take(self._newer)
        if whole.hashes:
            sections = await self._store.sections_of(whole.articles())
            fresh = whole.scopes(sections)
            keys = list(fresh)
            for at in range(0, len(keys), AT_ONCE):
                began = self._seconds()
                await self._unite({key: fresh[key] for key in keys[at : at + AT_ONCE]})
                if not is_backlog:
                    await asyncio.sleep(REST_BETWEEN * (self._seconds() - began))
        await self._store.advance(place, since, whole.lost.union(missed))
        self._older, self._newer, self._older_until = ReaderFold(), ReaderFold(), None
        self._stored_minted, self.waits_since = place.minted, None

    async def _unite(self, fresh: Mapping[ScopeDay, bytes]) -> None:
        """Add hashes to the stored sets, until no other process has written in between."""
        left = dict(fresh)
        while left:
            held = await self._store.held(left)
            made: dict[ScopeDay, tuple[int, DistinctReaders]] = {}
            for key, hashes in left.items():
                before = held.get(key.id)
                if before and before.is_final:
                    continue
                readers = before.readers if before else DistinctReaders()
                united = await self._united(readers, hashes)
                if united != readers:
                    made[key] = (before.writes if before else 0, united)
            again = await self._store.write(made) if made else []
            left = {key: left[key] for key in again}

    async def _united(self, readers: DistinctReaders, hashes: bytes) -> DistinctReaders:
        for at in range(0, len(hashes), PIECE):
            with self._budget.spending():
                readers = readers.united(hashes[at : at + PIECE])
            await asyncio.sleep(self._budget.wait())
        return readers
