"""The day's secret for hashing visitors, fetched ahead so that midnight needs no database."""

import asyncio
import logging
from datetime import datetime, timedelta

from pymongo.errors import PyMongoError

from services.ingest.store import ArticleStore
from shared.clock import Clock, to_millis

log = logging.getLogger(__name__)

CHECK_SECONDS = 60.0
DAY_MS = 86_400_000


class Salts:
    """Holds today's and tomorrow's secrets (UTC), by days since 1970."""

    def __init__(self, store: ArticleStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._held: dict[int, bytes] = {}

    def at(self, milliseconds: int) -> bytes:
        """The secret of that time's day; if MongoDB was away for a whole day, the newest one that is held."""
        return self._held.get(milliseconds // DAY_MS) or self._held[max(self._held)]

    async def load(self) -> None:
        """Fetch what is missing and drop what is past."""
        today = _midnight(self._clock())
        held = {}
        for day in (today, today + timedelta(days=1)):
            number = to_millis(day) // DAY_MS
            held[number] = self._held.get(number) or await self._store.salt(day)
        self._held = held

    async def run(self) -> None:
        """Keep up with the calendar, for ever."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                await self.load()
            except PyMongoError as error:
                log.warning("tomorrow's salt cannot be fetched yet: %s", str(error)[:200])


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
