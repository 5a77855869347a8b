"""The traffic figures' MongoDB module: reads buckets, archive, markers and `projections`.

Every method with a session reads its snapshot.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from services.stats.periods import Period
from services.stats.traffic import pipelines
from services.stats.traffic.made.store import ProjectionStore
from services.stats.traffic.projections import HEAD_FIELDS, Sums, add
from services.stats.traffic.shares import add_quarters
from shared.storage.counts import NOTHING, SITE, Total, reads_by_article, totals
from shared.storage.errors import store
from shared.storage.quarters import PER_DAY, day_name, day_number, quarters
from shared.storage.transactions import snapshot
from shared.storage.types import Client, MongoDatabase, Session
from shared.storage.versions import Document, readable_document, with_version

WORK_MILLISECONDS = 60_000
"""Timeout for one query of the background work."""
ANSWER_MILLISECONDS = 10_000
"""Timeout for a query that a client waits for, after which it gets 503."""
ArticleDays = dict[str, dict[int, dict[str, int]]]
"""{article: {UTC day, counted from 1970: {quarter of the day: reads}}}."""
BATCH_SIZE = 500
"""Documents that the driver decodes at a time; meanwhile nothing else runs."""


@store
class TrafficStore:
    """Queries of the background work, and of series of one article. `milliseconds` is the timeout
    for one query; `for_answers` has that of queries which a client waits for.
    """

    def __init__(
        self, client: Client, db: MongoDatabase, milliseconds: int = WORK_MILLISECONDS
    ) -> None:
        self._client, self._db, self._milliseconds = client, db, milliseconds
        self.made = ProjectionStore(client, db, milliseconds)

    def for_answers(self) -> "TrafficStore":
        """The same queries, for a client that waits."""
        return TrafficStore(self._client, self._db, ANSWER_MILLISECONDS)

    def snapshot(self) -> AbstractAsyncContextManager[Session]:
        """A session in which all queries see the data of the same moment."""
        return snapshot(self._client)

    async def markers(self, session: Session) -> dict[str, int]:
        """The number of late markers of each UTC day that has any."""
        pipeline = [{"$group": {"_id": "$day", "number": {"$sum": "$number"}}}]
        return {row["_id"]: row["number"] async for row in self._rows(session, "late", pipeline)}

    async def counted(self, session: Session) -> Total:
        """All counted reads of the site."""
        rows = self._rows(session, "counts", reads_by_article([SITE]))
        return totals([row async for row in rows]).get(SITE, NOTHING)

    async def markers_of(self, session: Session, day: str) -> int:
        """The number of late markers of one UTC day."""
        # By the id, which is `<day>/<slot>`: "0" comes just after "/".
        wanted = {"_id": {"$gte": f"{day}/", "$lt": f"{day}0"}}
        held = self._db.late.find(wanted, session=session, max_time_ms=self._milliseconds)
        return sum([readable_document("late", each)["number"] async for each in held])

    async def site_buckets(self, session: Session, days: Document) -> AsyncIterator[Document]:
        """The site's buckets; `days` is a condition on the day."""
        wanted = {"article": SITE, "day": days}
        fields = {"filtered": 0, "reads": 0}
        async for bucket in self._find(session, "buckets", wanted, fields):
            yield bucket

    async def first_day(self, session: Session) -> str | None:
        """The first UTC day with reads, or None."""
        first = await self._db.buckets.find_one(
            {"article": SITE},
            {"day": 1},
            sort=[("day", 1)],
            session=session,
            max_time_ms=self._milliseconds,
        )
        return first["day"] if first else None

    async def since(self, session: Session) -> int | None:
        """The first quarter of the first UTC day with counted reads, or None."""
        first = await self._db.buckets.find_one(
            {"article": SITE, "reads": {"$gt": 0}},
            {"day": 1, "v": 1},
            sort=[("day", 1)],
            session=session,
            max_time_ms=ANSWER_MILLISECONDS,
        )
        return day_number(readable_document("buckets", first)["day"]) * PER_DAY if first else None

    async def bucket_documents(self) -> int:
        """The number of buckets, from the collection's metadata: no scan."""
        return await self._db.buckets.estimated_document_count(maxTimeMS=self._milliseconds)

    async def sums(self, session: Session, span: Period, today: int) -> Sums:
        """The reads of each article in `span`, from buckets and archive. `today` is a quarter."""
        found: Sums = {}
        sources = [("buckets", pipelines.reads_of_buckets(span))]
        if pipelines.may_be_archived(span[0], today):
            sources.append(("archive", pipelines.reads_of_archive(span)))
        for collection, pipeline in sources:
            async for row in self._rows(session, collection, pipeline):
                add(found, {row["_id"]: row["reads"]})
        return found

    async def open_quarters(self, session: Session, closed: int) -> dict[str, dict[int, int]]:
        """{article: {quarter: reads}} of the quarters from `closed` on."""
        found: dict[str, dict[int, int]] = {}
        for pipeline in pipelines.open_quarters(closed):
            async for row in self._rows(session, "buckets", pipeline):
                add_quarters(found, row["article"], quarters(row["day"], row["q"]))
        return found

    async def day_quarters(self, session: Session, day: int) -> dict[str, dict[int, int]]:
        """{article: {quarter: reads}} of a UTC day, counted from 1970, from buckets and archive."""
        name = day_name(day)
        found: dict[str, dict[int, int]] = {}
        wanted = {"day": name, "article": {"$ne": SITE}}
        async for bucket in self._find(session, "buckets", wanted, {"article": 1, "q": 1}):
            add_quarters(found, bucket["article"], quarters(name, bucket["q"]))
        field = f"days.{name[8:]}.q"
        wanted = {"month": name[:7], field: {"$exists": True}}
        async for held in self._find(session, "archive", wanted, {"article": 1, field: 1}):
            add_quarters(found, held["article"], quarters(name, held["days"][name[8:]]["q"]))
        return found

    async def articles_quarters(self, session: Session, articles: Collection[str]) -> ArticleDays:
        """The reads of `articles`, ever. An article or a day without reads is left out."""
        found: ArticleDays = {}

        def note(article: str, day: str, quarters_of_day: Mapping[str, int]) -> None:
            if any(quarters_of_day.values()):
                days = found.setdefault(article, {})
                add(days.setdefault(day_number(day), {}), quarters_of_day)

        wanted: Document = {"article": {"$in": sorted(articles)}}
        async for bucket in self._find(
            session, "buckets", wanted, {"article": 1, "day": 1, "q": 1}
        ):
            note(bucket["article"], bucket["day"], bucket["q"])
        ids = [{"_id": {"$gte": f"{each}/", "$lt": f"{each}0"}} for each in sorted(articles)]
        fields = {"article": 1, "month": 1, "days": 1}
        async for held in self._find(session, "archive", {"$or": ids}, fields):
            for day, moved in held["days"].items():
                note(held["article"], f"{held['month']}-{day}", moved.get("q", {}))
        return found

    async def article_parts(
        self, session: Session, article: str, edges: Sequence[int], kind: str
    ) -> list[tuple[int, int]]:
        """The reads of one article between the first and the last of `edges`, as parts (quarter,
        reads) for `shared.storage.quarters.add_up`. `kind`: see `pipelines.article_days`.
        """
        span, places = (edges[0], edges[-1]), pipelines.segments(edges)
        found: list[tuple[int, int]] = []
        sources = [("buckets", pipelines.article_days(article, span, places, kind))]
        if article != SITE:
            sources.append(("archive", pipelines.archived_days(article, span, places, kind)))
        for collection, pipeline in sources:
            rows = self._rows(session, collection, pipeline, ANSWER_MILLISECONDS)
            async for row in rows:
                found += pipelines.day_rows(row, places)
        return found

    async def heads(
        self, session: Session, names: Collection[str] | None = None
    ) -> dict[str, Document]:
        """The projections of hours, days and months called `names`, or all of them, without their
        reads, by id.
        """
        wanted: Document = {"kind": {"$in": ["hour", "day", "month"]}}
        if names is not None:
            wanted = {"_id": {"$in": sorted(names)}}
        return {
            head["_id"]: head
            async for head in self._find(session, "projections", wanted, HEAD_FIELDS)
        }

    async def head(self, session: Session, name: str) -> Document | None:
        """One projection without its reads, or None."""
        return await self._one(session, name, HEAD_FIELDS)

    async def projections(
        self, session: Session, names: Collection[str]
    ) -> AsyncIterator[Document]:
        """The whole projections called `names`, a few at a time."""
        wanted = {"_id": {"$in": sorted(names)}}
        cursor = self._db.projections.find(
            wanted, session=session, max_time_ms=self._milliseconds, batch_size=2
        )
        async for held in cursor:
            yield readable_document("projections", held)

    async def projection(self, session: Session, name: str) -> Document | None:
        """One whole projection, or None."""
        return await self._one(session, name, None)

    async def _one(self, session: Session, name: str, fields: Document | None) -> Document | None:
        held = await self._db.projections.find_one(
            {"_id": name}, fields, session=session, max_time_ms=self._milliseconds
        )
        return readable_document("projections", held) if held else None

    async def _find(
        self, session: Session, collection: str, wanted: Document, fields: Document
    ) -> AsyncIterator[Document]:
        included = {} if 0 in fields.values() else {"v": 1}
        cursor = self._db[collection].find(
            wanted,
            {**fields, **included},
            session=session,
            max_time_ms=self._milliseconds,
            batch_size=BATCH_SIZE,
        )
        async for document in cursor:
            yield readable_document(collection, document)

    async def _rows(
        self,
        session: Session,
        collection: str,
        pipeline: list[Document],
        milliseconds: int | None = None,
    ) -> AsyncIterator[Any]:
        cursor = self._db[collection].aggregate(
            with_version(pipeline),
            session=session,
            maxTimeMS=milliseconds or self._milliseconds,
            batchSize=BATCH_SIZE,
        )
        async for row in cursor:
            yield readable_document(collection, row)
