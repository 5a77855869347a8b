"""render's MongoDB module: its pages, and the counter's totals, ingest's pictures and stats' number
of readers online, which it only reads.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pymongo import DESCENDING
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from luotdoc_events import events
from shared.storage.changes import Opened, changes
from shared.storage.counts import NOTHING, SITE, Total, reads_by_article, totals
from shared.storage.errors import store
from shared.storage.types import MongoDatabase
from shared.storage.versions import DOCUMENT_VERSION, Document, readable_document, with_version
from shared.web.state_listing import Held

Stored = Literal["stored", "repeated", "stale"]


@dataclass(frozen=True)
class Page:
    """A page, or its tombstone if `state` is not `published`."""

    id: str
    revision: int
    state: Literal["published", "withdrawn", "rescheduled"]
    template: str
    baseline: int = 0
    path: str = ""
    section: str = ""
    published_at: datetime | None = None
    parts: list[str] = field(default_factory=list)
    summary: Document = field(default_factory=dict)
    """The fields that lists show: title, lead, image."""
    article: Document = field(default_factory=dict)
    """The event's data, for rendering again with other templates."""


@store
class PageStore:
    """Pages by article id; each write is a compare-and-swap on the revision.

    `untold` marks a page that was rendered again and whose `page.rendered` is not confirmed yet. A
    newer revision needs no mark: its article event is redelivered until `page.rendered` is
    confirmed.
    """

    def __init__(self, db: MongoDatabase) -> None:
        self._db = db
        # Majority read concern: a count that was shown must not be taken back by a failover.
        self._counts = db.get_collection("counts", read_concern=ReadConcern("majority"))

    async def put(self, page: Page) -> Stored:
        """Store `page` if it is newer than the stored one.
        `repeated`: the same revision is already stored.
        """
        document = _document(page)
        try:
            await self._db.pages.update_one(
                {"_id": page.id, "revision": {"$lt": page.revision}},
                {"$set": document, "$unset": {"untold": ""}},
                upsert=True,
            )
        except DuplicateKeyError:
            held = await self._db.pages.find_one({"_id": page.id}, {"revision": 1})
            return "repeated" if held and held["revision"] == page.revision else "stale"
        return "stored"

    async def redo(self, page: Page, template: str) -> bool:
        """Replace the page if its revision and `template` are unchanged, and mark it.
        False if they have changed.
        """
        wanted = {"_id": page.id, "revision": page.revision, "template": template}
        done = await self._db.pages.update_one(
            wanted, {"$set": {**_document(page), "untold": True}}
        )
        return done.matched_count == 1

    async def unmark(self, page: Page) -> None:
        """Remove the mark from `page`, unless it was stored again since."""
        wanted = {"_id": page.id, "revision": page.revision, "template": page.template}
        await self._db.pages.update_one(wanted, {"$unset": {"untold": ""}})

    async def outdated(self, template: str) -> AsyncIterator[Page]:
        """Public pages that have a mark, or were not rendered with `template`."""
        due = [{"template": {"$ne": template}}, {"untold": True}]
        async for document in self._db.pages.find({"state": "published", "$or": due}):
            yield _page(document)

    async def get(self, article_id: str) -> Page | None:
        """The page or tombstone of an article."""
        document = await self._db.pages.find_one({"_id": article_id}, {"article": 0})
        return _page(document) if document else None

    async def held(self, after: str, limit: int) -> list[Held]:
        """Pages and tombstones for the state listing, sorted by id, with ids after `after`."""
        cursor = (
            self._db.pages.find({"_id": {"$gt": after}}, {"revision": 1, "state": 1, "v": 1})
            .sort("_id")
            .limit(limit)
        )
        return [
            Held(d["_id"], d["revision"], d["state"])
            async for d in cursor
            if readable_document("pages", d)
        ]

    async def latest(self, section: str | None, skip: int, limit: int) -> list[Page]:
        """Public pages, newest first, without their parts."""
        wanted: Document = {"state": "published"}
        if section is not None:
            wanted["section"] = section
        cursor = self._db.pages.find(wanted, {"parts": 0, "article": 0})
        cursor = (
            cursor.sort([("published_at", DESCENDING), ("_id", DESCENDING)]).skip(skip).limit(limit)
        )
        return [_page(document) async for document in cursor]

    async def watch(self, opened: Opened) -> AsyncIterator[str | None]:
        """Ids of pages that change from now on; None after each half second without a change.

        Awaits `opened` once the change stream is open.
        """
        async for change in changes(self._db.pages, {}, opened):
            yield change["documentKey"]["_id"] if change else None

    async def counted(self) -> dict[str, Total]:
        """Counted reads of every article, and of the whole site under `SITE`."""
        return await self._reads()

    async def site_counted(self) -> Total:
        """Counted reads of all articles together."""
        return (await self._reads([SITE])).get(SITE, NOTHING)

    async def _reads(self, articles: list[str] | None = None) -> dict[str, Total]:
        rows = self._counts.aggregate(with_version(reads_by_article(articles)))
        return totals([readable_document("counts", row) async for row in rows])

    async def baseline(self) -> int:
        """The sum of all baselines."""
        pipeline: list[Document] = [
            {"$match": {"baseline": {"$gt": 0}}},
            {"$group": {"_id": None, "sum": {"$sum": "$baseline"}}},
        ]
        return sum([d["sum"] async for d in self._db.pages.aggregate(pipeline)])

    async def online(self) -> tuple[int, datetime] | None:
        """The number of readers online, and the moment at which stats stored it; None if it never
        did.
        """
        held = await self._db.online.find_one({})
        if held is None:
            return None
        readable_document("online", held)
        return held["online"], held["as_of"]

    async def picture(self, name: str) -> tuple[str, bytes] | None:
        """Type and content of a picture, or None."""
        document = await self._db.media.find_one({"_id": name}, {"type": 1, "data": 1, "v": 1})
        if document is None:
            return None
        return readable_document("media", document)["type"], bytes(document["data"])


def _document(page: Page) -> Document:
    names = [name for name in page.__dataclass_fields__ if name != "id"]
    document = {"v": DOCUMENT_VERSION, **{name: getattr(page, name) for name in names}}
    if page.state != "published":
        # A tombstone keeps the baseline: reads that happened stay in the site's total.
        del document["baseline"]
    return document


def _page(document: Document) -> Page:
    readable_document("pages", document)
    fields = {
        name: document[name]
        for name in Page.__dataclass_fields__
        if name in document and name != "id"
    }
    return Page(id=document["_id"], **fields)


def stored_article(page: Page) -> events.Article:
    """The article that the page shows."""
    return events.Article.model_validate(page.article)
