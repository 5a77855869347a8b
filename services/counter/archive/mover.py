"""The mover: takes articles' buckets of old months to the archive, gently."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable

from luotdoc_subscriber.base.clock import Clock
from luotdoc_subscriber.base.errors import Permanent
from luotdoc_subscriber.base.tasks import Pause, supervised
from services.counter.archive.store import ArchiveStore
from services.counter.metrics import ArchiveMetrics
from shared.storage.archive import first_month_kept

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 3600.0
"""Time between two passes."""
NEXT_TRY_SECONDS = 60.0
"""Upper bound for the time after which a pass that failed is begun again."""
BUCKETS_PER_SECOND = 200
"""Upper bound for the pace of the background: about 3 % of a processor of MongoDB. A month of
100,000 buckets takes eight minutes."""
WAIT_SECONDS = 1.0
"""Time between two looks whether the flushes keep up again."""


class Mover:
    """Moves what is older than `keep_days`, one article and month after the other.

    It rests after each move at least as long as the move took, and moves nothing while `behind()`.
    `per_second` bounds its pace, in buckets.
    """

    def __init__(
        self,
        *,
        store: ArchiveStore,
        clock: Clock,
        keep_days: int,
        per_second: float = BUCKETS_PER_SECOND,
        behind: Callable[[], bool] = lambda: False,
        pause: Pause = asyncio.sleep,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._clock, self._keep_days = store, clock, keep_days
        self._per_second, self._behind = per_second, behind
        self._pause, self._seconds = pause, seconds

    async def waiting(self) -> int:
        """The number of buckets that are old enough to be moved. Raises `Transient`."""
        return await self._store.waiting(self._before())

    async def moves(self) -> AsyncIterator[int]:
        """Move everything that is old enough, and answer the number of buckets of each move.

        A month with a bucket that can't be read, such as one of a newer release, stays and is
        logged. Raises `Transient`; then what was moved stays moved.
        """
        before, day = self._before(), ""
        while found := await self._store.first_day(day, before):
            day = found
            articles = await self._store.articles_of(day)
            # In the same order two movers would meet at every article, and one would wait.
            random.shuffle(articles)
            for article in articles:
                while self._behind():
                    await self._pause(WAIT_SECONDS)
                yield await self._move(article, day[:7])

    async def _move(self, article: str, month: str) -> int:
        began = self._seconds()
        try:
            moved = await self._store.move(article, month)
        except Permanent as error:
            log.warning("%s of the article %s stays in the buckets: %s", month, article, error)
            moved = 0
        await self._pause(max(self._seconds() - began, moved / self._per_second))
        return moved

    def _before(self) -> str:
        """The first day whose buckets stay."""
        return f"{first_month_kept(self._clock(), self._keep_days)}-01"


async def keep_moving(mover: Mover, metrics: ArchiveMetrics) -> None:
    """For ever: move what has become old, each hour."""

    async def step() -> None:
        waiting = await mover.waiting()
        metrics.waiting.set(waiting)
        total = 0
        async for moved in mover.moves():
            metrics.archived.inc(moved)
            total += moved
            metrics.waiting.set(max(0, waiting - total))
        if total:
            log.info("%d buckets were moved to the archive", total)
            metrics.waiting.set(await mover.waiting())

    await supervised("the mover of old buckets", step, INTERVAL_SECONDS, longest=NEXT_TRY_SECONDS)
