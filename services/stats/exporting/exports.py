"""The exports of stats: tables whose rows are made while they are sent."""

from array import array
from collections.abc import AsyncGenerator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.clock import Clock
from services.stats import periods
from services.stats.exporting.places import ExportPlaces
from services.stats.exporting.reads import ReadsExport
from services.stats.parameters import (
    MAX_LONG_POINTS,
    MAX_POINTS,
    ExportParameters,
    SeriesParameters,
    export_span,
    series_span,
    too_many_points,
)
from services.stats.reports import Reports
from services.stats.store import Store
from services.stats.traffic.archive_export import ARCHIVE_COLUMNS
from services.stats.traffic.export import NOTHING_YET, ExportRow
from services.stats.traffic.lines import columns_of, point_rows
from shared.base.errors import Problem
from shared.storage.quarters import quarter_of

POINTS_AT_ONCE = 500
"""Points that are made at a time, in a few milliseconds; other work runs in between."""


@dataclass(frozen=True, slots=True)
class ExportTable:
    """A table on its way. `name` is for its file. `is_long`: it has certainly many chunks."""

    name: str
    columns: Sequence[str]
    rows: AsyncGenerator[ExportRow, None]
    is_long: bool = True


class Exports:
    """Makes the tables. `zone` is the site's. Series of more than 2000 points, and all reads by
    quarter of an hour, take a place.
    """

    def __init__(
        self, store: Store, reports: Reports, places: ExportPlaces, clock: Clock, zone: ZoneInfo
    ) -> None:
        self._store, self._reports, self._places = store, reports, places
        self._clock, self._zone = clock, zone
        self._reads = ReadsExport(store.days, places, clock)

    async def reads(self, query: ExportParameters) -> ExportTable:
        """Every article's reads, by quarter of an hour. Raises `Problem` 422 for an impossible span
        and 404 for an unknown article, `Unavailable` if no place is free; so do the rows.
        """
        zone = self._zone_of(query.tz)
        span = export_span(query, zone)
        await self._check_article(query.article)
        self._places.check()  # HEAD takes no rows, and is answered as GET would be
        rows = self._reads.rows(span, zone, query.article)
        name = f"reads-{query.article}" if query.article else "reads"
        return ExportTable(name, ARCHIVE_COLUMNS, rows)

    async def series(self, query: SeriesParameters) -> ExportTable:
        """A series of up to 200,000 points. Raises `Problem` 422 for an impossible span, 404 for an
        unknown article or section; the rows raise `Unavailable`.
        """
        zone = self._zone_of(query.tz)
        span = series_span(query, self._clock(), zone)
        is_long = (points := periods.least_steps(query.step, *span)) > MAX_POINTS
        if points > MAX_LONG_POINTS:
            raise too_many_points(MAX_LONG_POINTS)
        await self._check_article(query.article)
        if query.section:
            await self._reports.series_lines(query, (0, 0))
        rows = self._series_rows(query, span, zone, is_long=is_long)
        return ExportTable(f"series-{query.step}", columns_of(query.split), rows, is_long)

    def _zone_of(self, name: str | None) -> ZoneInfo:
        return ZoneInfo(name) if name else self._zone

    async def _check_article(self, article: str | None) -> None:
        if article is not None:
            async with self._store.snapshot() as session:
                if not await self._store.article(session, article):
                    raise Problem(404, "no article has this id")

    async def _series_rows(
        self,
        query: SeriesParameters,
        span: tuple[datetime, datetime],
        zone: ZoneInfo,
        *,
        is_long: bool,
    ) -> AsyncGenerator[ExportRow, None]:
        with self._places.place() if is_long else nullcontext():
            edges = array("q")
            for edge in periods.steps(query.step, *span, zone):
                edges.append(quarter_of(edge))
                if len(edges) > MAX_LONG_POINTS + 1:
                    raise too_many_points(MAX_LONG_POINTS)
                if len(edges) % POINTS_AT_ONCE == 0:
                    yield NOTHING_YET
            series = await self._reports.series_lines(query, (edges[0], edges[-1]))
            for at in range(0, len(edges) - 1, POINTS_AT_ONCE):
                for row in point_rows(edges[at : at + POINTS_AT_ONCE + 1], zone, series):
                    yield row
                yield NOTHING_YET
