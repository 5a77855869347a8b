"""The day's secret for hashing visitors, fetched ahead so that midnight needs no database."""

import asyncio
import logging
from datetime import datetime, timedelta

from pymongo.errors import PyMongoError

from services.ingest.store import ArticleStore
from shared.clock import Clock

log = logging.getLogger(__name__)

CHECK_SECONDS = 60.0


class Salts:
    """Holds today's and tomorrow's secrets (UTC)."""

    def __init__(self, store: ArticleStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._held: dict[str, bytes] = {}

    def today(self) -> bytes:
        """Today's secret; if MongoDB was away for a whole day, the newest one that is held."""
        day = self._clock().date().isoformat()
        return self._held.get(day) or self._held[max(self._held)]

    async def load(self) -> None:
        """Fetch what is missing and drop what is past."""
        today = _midnight(self._clock())
        wanted = [today, today + timedelta(days=1)]
        held = {}
        for day in wanted:
            name = day.date().isoformat()
            held[name] = self._held.get(name) or await self._store.salt(day)
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
