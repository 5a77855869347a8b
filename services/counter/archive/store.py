"""The MongoDB module of the archive: finds what is old, and moves it.

A move is one transaction: it reads an article's buckets of one month, adds them to the archive and
deletes them. A killed one has moved nothing or everything. A flush or another mover that writes one
of these buckets at the same time conflicts with it, and the later one runs again on what it then
finds. A bucket that is made meanwhile is not among those that were read; it stays for the next
move. So any number of movers may run, and an article's reads in buckets and archive together are
the same in every snapshot.
"""

from pymongo.errors import PyMongoError

from luotdoc_subscriber.base.errors import Transient
from services.counter.stages import Stage, no_stage
from shared.storage.archive import archived
from shared.storage.counts import SITE
from shared.storage.errors import is_duplicate, store
from shared.storage.transactions import transaction
from shared.storage.types import Client, MongoDatabase, Session
from shared.storage.versions import DOCUMENT_VERSION, readable_document

MILLISECONDS = 60_000
"""Timeout for one query."""


@store
class ArchiveStore:
    """Moves buckets to the archive. `at_stage` is a fault-injection hook for tests."""

    def __init__(self, client: Client, db: MongoDatabase, at_stage: Stage = no_stage) -> None:
        self._client, self._db, self._at_stage = client, db, at_stage

    async def waiting(self, before: str) -> int:
        """The number of articles' buckets of days before `before`. Answered from indexes alone."""
        old = {"day": {"$lt": before}}
        every = await self._db.buckets.count_documents(old, maxTimeMS=MILLISECONDS)
        of_site = {"article": SITE} | old
        return every - await self._db.buckets.count_documents(of_site, maxTimeMS=MILLISECONDS)

    async def first_day(self, after: str, before: str) -> str | None:
        """The first day between the two on which an article has a bucket, or None."""
        days = {"$gt": after, "$lt": before}
        # By the index of days only the site's own buckets are passed over. The other one has an
        # entry for each article.
        found = await self._db.buckets.find_one(
            {"day": days, "article": {"$ne": SITE}},
            {"day": 1},
            sort=[("day", 1)],
            hint=[("day", 1)],
            max_time_ms=MILLISECONDS,
        )
        return found["day"] if found else None

    async def articles_of(self, day: str) -> list[str]:
        """The articles with a bucket of `day`."""
        found = await self._db.buckets.distinct("article", {"day": day}, maxTimeMS=MILLISECONDS)
        return [article for article in found if article != SITE]

    async def move(self, article: str, month: str) -> int:
        """Move the buckets of `article` in the UTC month `month`. Returns their number.

        Raises `Transient`, after which the outcome may be unknown, and `Permanent` for a bucket
        that can't be read, such as one of a newer release. Calling it again is always safe.
        """

        async def once(session: Session) -> int:
            of_month = {"article": article, "day": {"$gte": f"{month}-01", "$lte": f"{month}-31"}}
            found = [
                readable_document("buckets", bucket)
                async for bucket in self._db.buckets.find(
                    of_month, session=session, max_time_ms=MILLISECONDS
                )
            ]
            self._at_stage("found")
            if not found:
                return 0
            added = archived(article, month, found)
            added.update["$setOnInsert"]["v"] = DOCUMENT_VERSION
            await self._db.archive.update_one(
                {"_id": added.id}, added.update, upsert=True, session=session
            )
            self._at_stage("added")
            # By id: one that a flush has made meanwhile must stay.
            ids = [bucket["_id"] for bucket in found]
            await self._db.buckets.delete_many({"_id": {"$in": ids}}, session=session)
            self._at_stage("deleted")
            return len(found)

        try:
            moved = await transaction(self._client, once)
        except PyMongoError as error:
            if is_duplicate(error):  # not a bug: the next attempt finds the document
                raise Transient("another mover archives the same month") from error
            raise
        self._at_stage("moved")
        return moved
