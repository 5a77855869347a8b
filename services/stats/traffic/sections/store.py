"""The sections' MongoDB module: the catalogue as the figures need it, and the quarters of each
section in `projections` (`services/stats/traffic/projections.py` has the documents).

A day is made, and an article's reads are moved to another section, in a transaction that also
changes the document `shifts`. So the two conflict, and the later one runs again.
"""

from collections.abc import AsyncIterator, Collection, Mapping

from pymongo import ReplaceOne, UpdateOne

from luotdoc_subscriber.base.clock import Clock
from services.stats.traffic.projections import STATE_ID
from services.stats.traffic.sections.listed import (
    LISTED_FIELDS,
    Listed,
    ListedArticles,
    listed_article,
)
from services.stats.traffic.sections.moves import section_shifts
from services.stats.traffic.shares import by_section
from services.stats.traffic.store import (
    ANSWER_MILLISECONDS,
    BATCH_SIZE,
    WORK_MILLISECONDS,
    ArticleDays,
    TrafficStore,
)
from shared.storage.changes import GATHER_LONG_SECONDS, Opened, changes
from shared.storage.errors import store
from shared.storage.quarters import PER_DAY, day_name, day_number
from shared.storage.transactions import transaction
from shared.storage.types import Client, MongoDatabase, Session
from shared.storage.versions import DOCUMENT_VERSION, Document, readable_document


@store
class SectionStore:
    """Reads the catalogue, and reads and writes the sections' quarters."""

    def __init__(
        self, client: Client, db: MongoDatabase, traffic: TrafficStore, clock: Clock
    ) -> None:
        self._client, self._db, self._traffic, self._clock = client, db, traffic, clock

    async def watch(self, opened: Opened) -> AsyncIterator[str | None]:
        """The ids of articles whose catalogue document has changed, from now on; None in between.
        Awaits `opened` once the change stream is open.
        """
        async for change in changes(self._db.catalogue, {}, opened, GATHER_LONG_SECONDS):
            yield change["documentKey"]["_id"] if change else None

    async def listed(self, session: Session, articles: Collection[str] | None) -> dict[str, Listed]:
        """Those of `articles` that the catalogue has; all of it for None."""
        wanted = {} if articles is None else {"_id": {"$in": sorted(articles)}}
        cursor = self._db.catalogue.find(
            wanted,
            LISTED_FIELDS,
            session=session,
            max_time_ms=WORK_MILLISECONDS,
            batch_size=BATCH_SIZE,
        )
        return {
            held["_id"]: listed_article(held)
            async for document in cursor
            if (held := readable_document("catalogue", document))
        }

    async def baseline(self, session: Session) -> int:
        """The sum of all baselines, of withdrawn articles too."""
        # Answered from the index alone.
        pipeline: list[Document] = [
            {"$match": {"baseline": {"$gt": 0}}},
            {"$group": {"_id": None, "baseline": {"$sum": "$baseline"}}},
        ]
        rows = self._db.catalogue.aggregate(pipeline, session=session, maxTimeMS=WORK_MILLISECONDS)
        return sum([row["baseline"] async for row in rows])

    async def titles(self, articles: Collection[str]) -> dict[str, tuple[str, str]]:
        """(title, URL) of each of `articles` that the catalogue has, as they are now."""
        cursor = self._db.catalogue.find(
            {"_id": {"$in": sorted(articles)}},
            {"title": 1, "url": 1, "v": 1},
            max_time_ms=ANSWER_MILLISECONDS,
        )
        return {
            held["_id"]: (held["title"], held["url"])
            async for document in cursor
            if (held := readable_document("catalogue", document))
        }

    async def any_in(self, section: str, articles: Collection[str]) -> bool:
        """True if one of `articles` is in `section` now."""
        wanted = {"_id": {"$in": sorted(articles)}, "section": section}
        held = await self._db.catalogue.find_one(wanted, {"v": 1}, max_time_ms=ANSWER_MILLISECONDS)
        return bool(held and readable_document("catalogue", held))

    async def shifts(self, session: Session) -> int:
        """How often the reads of closed days were moved to another section."""
        state = await self._db.projections.find_one(
            {"_id": STATE_ID}, session=session, max_time_ms=WORK_MILLISECONDS
        )
        return int(readable_document("projections", state)["number"]) if state else 0

    async def made_days(self, session: Session) -> dict[int, int]:
        """{UTC day, counted from 1970: number of its markers when it was made}."""
        cursor = self._db.projections.find(
            {"kind": "sections"},
            {"day": 1, "late": 1, "v": 1},
            session=session,
            max_time_ms=WORK_MILLISECONDS,
            batch_size=BATCH_SIZE,
        )
        return {
            day_number(held["day"]): held["late"]
            async for document in cursor
            if (held := readable_document("projections", document))
        }

    async def quarters(
        self, session: Session, days: Collection[int]
    ) -> AsyncIterator[tuple[str, int, dict[str, int]]]:
        """The (section, UTC day, {quarter of the day: reads}) of `days`."""
        cursor = self._db.projections.find(
            {"kind": "section", "day": {"$in": [day_name(day) for day in days]}},
            {"section": 1, "day": 1, "q": 1, "v": 1},
            session=session,
            max_time_ms=WORK_MILLISECONDS,
            batch_size=BATCH_SIZE,
        )
        async for document in cursor:
            held = readable_document("projections", document)
            yield held["section"], day_number(held["day"]), held["q"]

    async def make_day(self, day: int) -> None:
        """Write the quarters of every section on a closed UTC day, counted from 1970."""
        await transaction(self._client, lambda session: self._make_day(session, day))

    async def check_day(self, day: int) -> bool:
        """Compare a day that is made with its buckets. Makes it again and answers False if it is
        wrong, as after a release that moved an article to another section and not its reads.
        """
        return await transaction(self._client, lambda session: self._check_day(session, day))

    async def _check_day(self, session: Session, day: int) -> bool:
        name = day_name(day)
        head = await self._db.projections.find_one(
            {"_id": f"sections/{name}"}, session=session, max_time_ms=WORK_MILLISECONDS
        )
        if not head or head["late"] != await self._traffic.markers_of(session, name):
            return True
        rows = await self._traffic.day_quarters(session, day)
        listed = ListedArticles(await self.listed(session, rows.keys()))
        held = {
            section: {day * PER_DAY + int(place): n for place, n in quarters.items() if n}
            async for section, _, quarters in self.quarters(session, [day])
        }
        sections = await by_section(rows, listed.section_of)
        if sections == {name: q for name, q in held.items() if q}:
            return True
        await self._make_day(session, day)
        await self._db.projections.bulk_write([self._noted(moved=1)], session=session)
        return False

    async def _make_day(self, session: Session, day: int) -> None:
        name = day_name(day)
        late = await self._traffic.markers_of(session, name)
        rows = await self._traffic.day_quarters(session, day)
        listed = ListedArticles(await self.listed(session, rows.keys()))
        sections = await by_section(rows, listed.section_of)
        made = [
            {
                "_id": f"section/{section}/{name}",
                "v": DOCUMENT_VERSION,
                "kind": "section",
                "section": section,
                "day": name,
                "q": {str(q - day * PER_DAY): number for q, number in sorted(reads.items())},
            }
            for section, reads in sections.items()
        ]
        head = {
            "_id": f"sections/{name}",
            "v": DOCUMENT_VERSION,
            "kind": "sections",
            "day": name,
            "late": late,
            "made_at": self._clock(),
        }
        await self._db.projections.delete_many(
            {"kind": "section", "day": name, "section": {"$nin": list(sections)}}, session=session
        )
        await self._db.projections.bulk_write(
            [
                self._noted(moved=0),
                *(ReplaceOne({"_id": each["_id"]}, each, upsert=True) for each in [*made, head]),
            ],
            session=session,
        )

    async def moving(self, limit: int) -> list[str]:
        """At most `limit` articles whose reads are still counted in an old section."""
        cursor = self._db.catalogue.find(
            {"counted_in": {"$exists": True}}, {"_id": 1}, max_time_ms=WORK_MILLISECONDS
        )
        return [held["_id"] for held in await cursor.limit(limit).to_list(None)]

    async def move(self, articles: Collection[str]) -> None:
        """Move articles' reads of closed days to their sections from other ones. Idempotent."""
        await transaction(self._client, lambda session: self._move(session, articles))

    async def _move(self, session: Session, articles: Collection[str]) -> None:
        wanted = {"_id": {"$in": sorted(articles)}, "counted_in": {"$exists": True}}
        found = self._db.catalogue.find(wanted, session=session, max_time_ms=WORK_MILLISECONDS)
        held = [readable_document("catalogue", document) async for document in found]
        if not held:
            return
        sections = {each["_id"]: (each["counted_in"], each["section"]) for each in held}
        moves = {article: move for article, move in sections.items() if move[0] != move[1]}
        reads = await self._traffic.articles_quarters(session, moves) if moves else {}
        writes = await self._moves(session, moves, reads) if reads else []
        # Noted even if nothing is moved: a day that is being made counts the articles' reads in the
        # old section, and nobody would move them later; and a view counts its open time there.
        # An article without reads, such as a new one, is in no view.
        noted = self._noted(moved=int(bool(reads)))
        await self._db.projections.bulk_write([noted, *writes], session=session)
        moved = {"_id": {"$in": [each["_id"] for each in held]}}
        await self._db.catalogue.update_many(moved, {"$unset": {"counted_in": 1}}, session=session)

    async def _moves(
        self, session: Session, moves: Mapping[str, tuple[str, str]], reads: ArticleDays
    ) -> list[UpdateOne]:
        made, markers = await self.made_days(session), await self._traffic.markers(session)
        shifts = section_shifts(moves, reads, made, markers)
        writes = [
            UpdateOne({"_id": f"sections/{name}"}, {"$set": {"late": -1}}) for name in shifts.stale
        ]
        for (section, name), added in shifts.added.items():
            fixed = {"v": DOCUMENT_VERSION, "kind": "section", "section": section, "day": name}
            increments = {f"q.{quarter}": number for quarter, number in added.items()}
            update: Document = {"$inc": increments, "$setOnInsert": fixed}
            writes.append(UpdateOne({"_id": f"section/{section}/{name}"}, update, upsert=True))
        return writes

    def _noted(self, *, moved: int) -> UpdateOne:
        update: Document = {
            "$inc": {"number": moved, "made": 1 - moved},
            "$setOnInsert": {"v": DOCUMENT_VERSION, "kind": STATE_ID},
        }
        return UpdateOne({"_id": STATE_ID}, update, upsert=True)
