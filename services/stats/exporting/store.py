"""The exports' MongoDB module: reads the days of articles from buckets and archive."""

from collections.abc import AsyncGenerator, Collection
from contextlib import AbstractAsyncContextManager, aclosing

from services.stats.periods import Period
from services.stats.traffic.archive_export import (
    ArticleDay,
    bucket_day,
    days_of_archive,
    merged_days,
    months_pattern,
)
from shared.storage.counts import SITE
from shared.storage.errors import store
from shared.storage.quarters import PER_DAY, day_name, quarters
from shared.storage.transactions import snapshot
from shared.storage.types import Client, MongoDatabase, Session
from shared.storage.versions import Document, readable_document

QUERY_MILLISECONDS = 10_000
"""Timeout for one query."""
DOCUMENTS_A_BATCH = 100
"""Documents that the driver decodes at a time for an export; meanwhile nothing else runs."""
A_BATCH_FOR_A_QUESTION = 1000
"""Those of one article for a question: nearly always all, because each batch is a query more. An
article that is read each day has 400 to 430 buckets for each slot, the older days are archived."""


@store
class DaysStore:
    """Reads the days of articles. Every method reads the snapshot of its session.

    `archived` says whether days of the span may be in the archive.
    """

    def __init__(self, client: Client, db: MongoDatabase) -> None:
        self._client, self._db = client, db

    def snapshot(self) -> AbstractAsyncContextManager[Session]:
        """A session in which all queries see the data of the same moment."""
        return snapshot(self._client)

    async def next_article(
        self, session: Session, after: str, span: Period, *, archived: bool
    ) -> str | None:
        """The first article after `after` (""; or an article) that has a bucket of a day in `span`,
        or an archived month; None if there is none.

        Both queries are answered from an index alone: MongoDB jumps from article to article.
        """
        first, last = _days(span)
        found = []
        bucket = await self._db.buckets.find_one(
            {"article": {"$gt": after or SITE}, "day": {"$gte": first, "$lte": last}},
            {"_id": 0, "article": 1},
            sort=[("article", 1)],
            hint=[("article", 1), ("day", 1)],
            session=session,
            max_time_ms=QUERY_MILLISECONDS,
        )
        if bucket:
            found.append(str(bucket["article"]))
        if archived:
            # An id is `<article>/<month>`: "0" comes just after "/".
            ids = {"$gt": f"{after or SITE}0", "$regex": months_pattern(span)}
            month = await self._db.archive.find_one(
                {"_id": ids},
                {"_id": 1},
                sort=[("_id", 1)],
                session=session,
                max_time_ms=QUERY_MILLISECONDS,
            )
            if month:
                found.append(str(month["_id"]).partition("/")[0])
        return min(found, default=None)

    async def days(
        self, session: Session, article: str, span: Period, *, archived: bool
    ) -> AsyncGenerator[ArticleDay, None]:
        """The days of an article that `span` touches, in order."""
        streams = [self._buckets(session, article, span)]
        if archived:
            streams.append(self._archive(session, article, span))
        # Python closes an abandoned generator at some later time: a cursor would stay open.
        async with aclosing(merged_days(*streams)) as days:
            async for day in days:
                yield day

    async def parts(
        self, session: Session, article: str, span: Period, *, archived: bool
    ) -> AsyncGenerator[ArticleDay, None]:
        """The days of an article that `span` touches, in no order: one may come in parts."""
        streams = [self._buckets(session, article, span, A_BATCH_FOR_A_QUESTION)]
        if archived:
            streams.append(self._archive(session, article, span))
        for stream in streams:
            async with aclosing(stream) as days:
                async for day in days:
                    yield day

    async def quarters_of(
        self, session: Session, articles: Collection[str], span: Period
    ) -> dict[str, dict[int, int]]:
        """People's reads of a few articles by quarter: {article: {quarter: reads}}. `span` touches
        few days, none of which is archived.
        """
        first, last = _days(span)
        wanted = {"article": {"$in": sorted(articles)}, "day": {"$gte": first, "$lte": last}}
        fields = {"article": 1, "day": 1, "q": 1, "v": 1}
        buckets = self._db.buckets.find(
            wanted,
            fields,
            hint=[("article", 1), ("day", 1)],
            session=session,
            max_time_ms=QUERY_MILLISECONDS,
            batch_size=DOCUMENTS_A_BATCH,
        )
        found: dict[str, dict[int, int]] = {}
        try:
            async for bucket in buckets:
                held = readable_document("buckets", bucket)
                into = found.setdefault(held["article"], {})
                for quarter, reads in quarters(held["day"], held["q"]):
                    into[quarter] = into.get(quarter, 0) + reads
        finally:
            await buckets.close()
        return found

    async def _buckets(
        self, session: Session, article: str, span: Period, batch: int = DOCUMENTS_A_BATCH
    ) -> AsyncGenerator[ArticleDay, None]:
        first, last = _days(span)
        ids = {"$gte": f"{article}/{first}/", "$lt": f"{article}/{last}0"}
        fields = {"article": 1, "day": 1, "q": 1, "by": 1, "v": 1}
        async with aclosing(self._find(session, "buckets", ids, fields, batch)) as buckets:
            async for bucket in buckets:
                yield bucket_day(bucket)

    async def _archive(
        self, session: Session, article: str, span: Period
    ) -> AsyncGenerator[ArticleDay, None]:
        first, last = _days(span)
        ids = {"$gte": f"{article}/{first[:7]}", "$lte": f"{article}/{last[:7]}"}
        async with aclosing(self._find(session, "archive", ids, {})) as months:
            async for month in months:
                for day in days_of_archive(month):
                    if first <= day.day <= last:
                        yield day

    async def _find(
        self,
        session: Session,
        collection: str,
        ids: Document,
        fields: Document,
        batch: int = DOCUMENTS_A_BATCH,
    ) -> AsyncGenerator[Document, None]:
        cursor = self._db[collection].find(
            {"_id": ids},
            fields or None,
            sort=[("_id", 1)],
            session=session,
            max_time_ms=QUERY_MILLISECONDS,
            batch_size=batch,
        )
        try:
            async for document in cursor:
                yield readable_document(collection, document)
        finally:
            await cursor.close()


def _days(span: Period) -> tuple[str, str]:
    """The first and the last UTC day that `span` touches."""
    return day_name(span[0] // PER_DAY), day_name((span[1] - 1) // PER_DAY)
