"""The closed time of each fixed window: reads by article, kept sorted."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from services.stats.periods import Period
from services.stats.traffic.pieces import RAW, Piece, cover, month_start, whole
from services.stats.traffic.projections import Markers, Sums, add, is_right, marks
from services.stats.traffic.ranking import Ranking
from services.stats.traffic.site_courses import SiteCourses
from services.stats.traffic.store import TrafficStore
from shared.storage.quarters import PER_DAY
from shared.storage.types import Session
from shared.storage.versions import Document

MAX_RAW_DOCUMENTS = 200_000
"""Upper bound for the buckets that one window may need while its projections are missing: a second
of MongoDB's CPU. With more the window is not there until they are made."""
STEP = PER_DAY
"""Quarters by which a window's start or end may move without being added up from the beginning."""


@dataclass(frozen=True, slots=True)
class Base:
    """The reads of one window's closed time, the quarters of `period`."""

    period: Period
    markers: Markers
    ranking: Ranking

    def moves_to(self, period: Period, markers: Markers) -> bool:
        """True if the base of `period` differs by a day's quarters at the start and the end."""
        (first, end), (start, stop) = self.period, period
        return (
            0 <= start - first <= STEP
            and 0 <= stop - end <= STEP
            and start <= end
            and first < end
            and marks(_days(self.period), markers) == self.markers
        )


def _days(period: Period) -> range:
    return range(period[0] // PER_DAY, (period[1] - 1) // PER_DAY + 1)


class Bases:
    """Keeps the bases, and makes those anew whose window has moved or whose markers have changed.
    `zone` is the site's.
    """

    def __init__(self, store: TrafficStore, zone: ZoneInfo) -> None:
        self._store, self._zone = store, zone
        self._held: dict[str, Base] = {}
        self._state = (0, 0)
        """How often all was read again, and a projection repaired, when they were made."""
        self.not_ready: frozenset[str] = frozenset()
        """The windows that wait for their projections."""

    async def read(
        self, session: Session, spans: Mapping[str, Period], site: SiteCourses
    ) -> dict[str, Ranking]:
        """The ranking of the closed time of each window that is ready, as of the snapshot."""
        state = (site.loads, await self._store.made.repairs(session))
        if state != self._state:
            self._held, self._state = {}, state
        found: dict[str, Base] = {}
        begin = month_start(site.first, self._zone)
        sums = _Sums(self._store, session, site)
        for name, (start, end) in spans.items():
            first = max(start, begin)
            period = (first, max(first, min(end, site.closed)))
            base = await self._renewed(sums, self._held.get(name), period)
            if base:
                found[name] = base
        self._held = found
        self.not_ready = frozenset(spans.keys() - found.keys())
        return {name: base.ranking for name, base in found.items()}

    async def _renewed(self, sums: "_Sums", held: Base | None, period: Period) -> Base | None:
        markers = marks(_days(period), sums.site.markers)
        if held and (held.period, held.markers) == (period, markers):
            return held
        if held and held.moves_to(period, sums.site.markers):
            reads = dict(held.ranking.reads)
            add(reads, await sums.of((held.period[1], period[1])))
            add(reads, await sums.of((held.period[0], period[0])), -1)
        else:
            made = await self._added_up(sums, period)
            if made is None:
                return None
            reads = made
        await asyncio.sleep(0)
        return Base(period, markers, Ranking(reads))

    async def _added_up(self, sums: "_Sums", period: Period) -> Sums | None:
        """The reads of `period` from its projections; None if too many are missing."""
        pieces = await self._pieces(sums, period)
        right = await sums.right(pieces, self._zone)
        raw = [piece for piece in pieces if piece.id(self._zone) not in right]
        if raw and await sums.documents(raw) > MAX_RAW_DOCUMENTS:
            return None
        reads: Sums = {}
        async for part in sums.projected(right):
            add(reads, part)
        for piece in raw:
            add(reads, await sums.of((piece.first, piece.end)))
        return reads

    async def _pieces(self, sums: "_Sums", period: Period) -> list[Piece]:
        """The pieces of `period` that have reads. A month that is not right is given in days: after
        a late read all but one of them are right.
        """
        found: list[Piece] = []
        pieces = cover(period, self._zone)
        right = await sums.right(pieces, self._zone)
        for piece in pieces:
            if piece.kind == "month" and piece.id(self._zone) not in right:
                found += whole("day", (piece.first, piece.end), self._zone)
            else:
                found.append(piece)
        return [each for each in found if sums.site.reads((each.first, each.end))]


class _Sums:
    """Reads by article from one snapshot. Each is read once, although several windows need it."""

    def __init__(self, store: TrafficStore, session: Session, site: SiteCourses) -> None:
        self._store, self._session, self.site = store, session, site
        self._found: dict[Period, Sums] = {}
        self._heads: dict[str, Document | None] = {}

    async def of(self, period: Period) -> Sums:
        """The reads of a period, from buckets and archive."""
        if not self.site.reads(period):
            return {}
        if period not in self._found:
            self._found[period] = await self._store.sums(self._session, period, self.site.closed)
        return self._found[period]

    async def right(self, pieces: list[Piece], zone: ZoneInfo) -> set[str]:
        """The ids of those of `pieces` whose projection is right."""
        named = {piece.id(zone): piece for piece in pieces if piece.kind != RAW}
        if missing := named.keys() - self._heads.keys():
            self._heads |= dict.fromkeys(missing)
            self._heads |= await self._store.heads(self._session, missing)
        markers = self.site.markers
        return {
            name
            for name, piece in named.items()
            if is_right(self._heads[name], piece, zone, markers)
        }

    async def projected(self, names: set[str]) -> AsyncIterator[Sums]:
        """The reads of each of the projections called `names`."""
        if names:
            async for held in self._store.projections(self._session, names):
                yield held["reads"]

    async def documents(self, pieces: list[Piece]) -> float:
        """About how many buckets `pieces` have."""
        days = {day for piece in pieces for day in piece.days}
        known = max(1, self.site.closed // PER_DAY - self.site.first // PER_DAY)
        return await self._store.bucket_documents() * len(days) / max(known, len(days))
