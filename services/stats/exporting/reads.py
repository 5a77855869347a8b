"""The export of every article's reads, by quarter of an hour."""

from collections.abc import AsyncGenerator, Iterable, Iterator
from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.clock import Clock
from services.stats.exporting.places import ExportPlaces
from services.stats.exporting.store import DaysStore
from services.stats.periods import Period
from services.stats.traffic.archive_export import ArticleDay, archive_rows
from services.stats.traffic.export import NOTHING_YET, ExportRow
from services.stats.traffic.pipelines import may_be_archived
from shared.storage.quarters import quarter_of
from shared.storage.types import Session


class ReadsExport:
    """Rows of `ARCHIVE_COLUMNS`, sorted by article and time.

    One article is read at a time: all of its days, from one snapshot. So its rows are exact,
    whatever counter or its mover of old buckets do meanwhile; the next article's are of a later
    moment. No snapshot is held while the client takes its time: MongoDB keeps one for five minutes.
    """

    def __init__(self, store: DaysStore, places: ExportPlaces, clock: Clock) -> None:
        self._store, self._places, self._clock = store, places, clock

    async def rows(
        self, span: Period, zone: ZoneInfo, article: str | None = None
    ) -> AsyncGenerator[ExportRow, None]:
        """The rows of the quarters in `span`, of one article or of all of them, with `NOTHING_YET`
        after each article.

        Raises `Unavailable` before the first row if too many exports run, and `Transient`.
        """
        with self._places.place():
            archived = may_be_archived(span[0], quarter_of(self._clock()))
            if article is not None:
                async with self._places.reading(), self._store.snapshot() as session:
                    days = await self._days(session, article, span, archived)
                for row in _rows(days, zone, span):
                    yield row
                return
            after = ""
            while (found := await self._next(after, span, archived)) is not None:
                after, days = found
                for row in _rows(days, zone, span):
                    yield row
                yield NOTHING_YET

    async def _next(
        self, after: str, span: Period, archived: bool
    ) -> tuple[str, list[ArticleDay]] | None:
        """The next article with its days, which may be none."""
        # Both from one snapshot: an article that moves to the archive between the two queries for
        # it would be in neither.
        async with self._places.reading(), self._store.snapshot() as session:
            article = await self._store.next_article(session, after, span, archived=archived)
            if article is None:
                return None
            return article, await self._days(session, article, span, archived)

    async def _days(
        self, session: Session, article: str, span: Period, archived: bool
    ) -> list[ArticleDay]:
        days = self._store.days(session, article, span, archived=archived)
        return [day async for day in days]


def _rows(days: Iterable[ArticleDay], zone: ZoneInfo, span: Period) -> Iterator[ExportRow]:
    return (row for day in days for row in archive_rows(day, zone, span))
