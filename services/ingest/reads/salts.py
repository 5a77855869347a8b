"""The salts for hashing visitors.
They are fetched a day ahead, so that the turn of the day needs no database.
"""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.clock import Clock, to_millis
from luotdoc_subscriber.base.tasks import supervised
from services.ingest.store import ArticleStore
from shared.base.salt_days import begin_of, day_of, salt_day_number

CHECK_SECONDS = 60.0


class Salts:
    """Holds the salts of yesterday, today and tomorrow. `zone` is the site's."""

    def __init__(self, store: ArticleStore, clock: Clock, zone: ZoneInfo) -> None:
        self._store, self._clock, self._zone = store, clock, zone
        self._held: dict[date, bytes] = {}
        self._newest_first: list[tuple[int, int, bytes]] = []

    def at(self, milliseconds: int, window: float) -> tuple[int, bytes, bytes | None]:
        """(day since 1970, its salt, the previous day's salt) at the time `milliseconds`.

        The third is None except during `window` seconds after the turn, when it finds visitors
        from before the turn. If MongoDB was away for a whole day, the newest salt stays in use.
        """
        for place, (begin, day, salt) in enumerate(self._newest_first):
            if begin <= milliseconds:
                turned = milliseconds - begin < window * 1000 and place + 1 < len(
                    self._newest_first
                )
                return day, salt, self._newest_first[place + 1][2] if turned else None
        return *self._newest_first[-1][1:], None

    async def load(self) -> None:
        """Fetch missing salts and drop past ones."""
        today = day_of(self._clock(), self._zone)
        held = {}
        for day in (today + timedelta(days=1), today, today - timedelta(days=1)):
            held[day] = self._held.get(day) or await self._store.salt(
                day, begin_of(day, self._zone)
            )
        self._held = held
        self._newest_first = [
            (to_millis(begin_of(day, self._zone)), salt_day_number(day), salt)
            for day, salt in held.items()
        ]

    async def run(self) -> None:
        """For ever: keep the salts of the current days."""
        await supervised("the fetch of tomorrow's salt", self.load, CHECK_SECONDS)
