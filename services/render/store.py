"""render's MongoDB module: its pages, and what it only reads: the counter's totals, ingest's
pictures and stats' figures for pages.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pymongo import ASCENDING, DESCENDING, UpdateOne
from pymongo.read_concern import ReadConcern

from luotdoc_subscriber.base.errors import Transient
from services.render.figures import PortalFigures, portal_figures
from services.render.page import Page, PageChange, Wanted
from services.render.page_documents import (
    CHANGED_FIELDS,
    change_of,
    changed_fields,
    filter_of,
    outdated_filter,
    page_document,
    page_of,
)
from shared.base.grouped import Grouped
from shared.storage.bulk import each_written
from shared.storage.changes import Opened, changes
from shared.storage.counts import NOTHING, SITE, Total, reads_by_article, totals
from shared.storage.errors import is_duplicate, store
from shared.storage.types import MongoDatabase
from shared.storage.versions import Document, readable_document, with_version
from shared.web.state_listing import Held

Stored = Literal["stored", "repeated", "stale"]

_MARKS = {"untold": "", "redone_by": ""}
IDS_AHEAD = 1000
"""Outdated pages that MongoDB looks for at a time: it still has them in memory when they are
rendered.
"""
_LISTED = {"parts": 0, "article": 0, "pictures": 0}
MOST_LINKED = 31
"""Translations that are read for each page: one more than a group may have."""


@store
class PageStore:
    """Pages by article id; each write is a compare-and-swap on the revision.

    `untold` marks a page that was rendered again and whose `page.rendered` is not confirmed yet. A
    newer revision needs no mark: its article event is redelivered until `page.rendered` is
    confirmed.
    """

    def __init__(self, db: MongoDatabase) -> None:
        self._db = db
        self._puts: Grouped[Page, Stored] = Grouped(self._put_all)
        # Majority read concern: a count that was shown must not be taken back by a failover.
        self._counts = db.get_collection("counts", read_concern=ReadConcern("majority"))

    async def put(self, page: Page) -> Stored:
        """Store `page` if it is newer than the stored one, together with others that come at once.
        `repeated`: the same revision is already stored.
        """
        return await self._puts.do(page)

    async def _put_all(self, pages: Sequence[Page]) -> list[Stored | Exception]:
        writes = [
            UpdateOne(
                {"_id": page.id, "revision": {"$lt": page.revision}},
                {"$set": page_document(page), "$unset": _MARKS},
                upsert=True,
            )
            for page in pages
        ]
        faults = await each_written(self._db.pages, writes)
        taken = [page.id for page, fault in zip(pages, faults, strict=True) if is_duplicate(fault)]
        found = self._db.pages.find({"_id": {"$in": taken}}, {"revision": 1}) if taken else None
        held = {d["_id"]: d["revision"] async for d in found} if found else {}
        outcomes: list[Stored | Exception] = []
        for page, fault in zip(pages, faults, strict=True):
            if is_duplicate(fault) and held.get(page.id, 0) >= page.revision:
                outcomes.append("repeated" if held[page.id] == page.revision else "stale")
            elif is_duplicate(fault):
                outcomes.append(Transient("another render has just stored an older revision"))
            else:
                outcomes.append(fault or "stored")
        return outcomes

    async def redo(self, pages: Sequence[tuple[Page, Page]], call: str) -> set[str]:
        """Replace each second page by the first if its revision and template are unchanged, and
        mark it with `call`, which no other call has. Returns the ids of those that were replaced.
        """
        if not pages:
            return set()
        marks = {"untold": True, "redone_by": call}
        writes = [
            UpdateOne(
                {"_id": page.id, "revision": page.revision, "template": old.template},
                {"$set": {**changed_fields(page, old), **marks}},
            )
            for page, old in pages
        ]
        done = await self._db.pages.bulk_write(writes, ordered=False)
        ids = [page.id for page, _ in pages]
        if done.matched_count == len(ids):
            return set(ids)
        mine = self._db.pages.find({"_id": {"$in": ids}, "redone_by": call}, {"_id": 1})
        return {document["_id"] async for document in mine}

    async def unmark(self, ids: Sequence[str], call: str) -> None:
        """Remove the mark that `call` has left, unless the page was stored again since."""
        if ids:
            mine = {"_id": {"$in": [*ids]}, "redone_by": call}
            await self._db.pages.update_many(mine, {"$unset": _MARKS})

    async def outdated(self, template: str) -> AsyncIterator[str]:
        """Ids of public pages that have a mark, or were not rendered with `template`."""
        ids = self._db.pages.find(outdated_filter(template), {"_id": 1}, batch_size=IDS_AHEAD)
        async for document in ids:
            yield document["_id"]

    async def outdated_among(self, ids: Sequence[str], template: str) -> list[Page]:
        """Those of these pages that are `outdated`, without parts."""
        wanted = {"_id": {"$in": [*ids]}, **outdated_filter(template)}
        found = await self._db.pages.find(wanted, {"parts": 0}).to_list(None)
        return [page_of(document) for document in found]

    async def outdated_number(self, template: str) -> int:
        """The number of pages that are `outdated`."""
        return await self._db.pages.count_documents(outdated_filter(template))

    async def get(self, article_id: str) -> Page | None:
        """The page or tombstone of an article."""
        document = await self._db.pages.find_one({"_id": article_id}, {"article": 0, "pictures": 0})
        return page_of(document) if document else None

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

    async def listing(self, wanted: Wanted, limit: int) -> list[Page]:
        """Public pages without their parts, newest first; with `wanted.newer` oldest first."""
        direction = ASCENDING if wanted.newer else DESCENDING
        cursor = self._db.pages.find(filter_of(wanted), _LISTED)
        cursor = cursor.sort([("published_at", direction), ("_id", direction)]).limit(limit)
        return [page_of(document) async for document in cursor]

    async def found(self, ids: list[str]) -> list[Page]:
        """The public pages of these articles with their article, without their parts."""
        wanted = {"_id": {"$in": ids}, "state": "published"}
        return [page_of(document) async for document in self._db.pages.find(wanted, {"parts": 0})]

    async def months(self, wanted: Wanted, zone: ZoneInfo) -> list[tuple[int, int, int]]:
        """(year, month, number of pages) in `zone`, newest first."""
        date = {"date": "$published_at", "format": "%Y-%m", "timezone": str(zone)}
        pipeline: list[Document] = [
            {"$match": filter_of(wanted)},
            {"$group": {"_id": {"$dateToString": date}, "pages": {"$sum": 1}}},
            {"$sort": {"_id": DESCENDING}},
        ]
        rows = [row async for row in self._db.pages.aggregate(pipeline)]
        return [(int(r["_id"][:-3]), int(r["_id"][-2:]), r["pages"]) for r in rows]

    async def translations(self, pages: Sequence[Page]) -> list[Page]:
        """Public pages that some of `pages` name as translations, or that name one of them."""
        named = sorted({name for page in pages for name in page.translated_as})
        either = [
            {"_id": {"$in": named}},
            {"translated_as": {"$in": [page.id for page in pages]}},
        ]
        found = self._db.pages.find({"state": "published", "$or": either}, _LISTED)
        return [page_of(each) async for each in found.limit(MOST_LINKED * len(pages))]

    async def related(self, page: Page, limit: int) -> list[Page]:
        """The newest public pages with one of the page's tags, then those of its section."""
        language, found = page.language or None, list[Page]()
        same_section = Wanted(sections=(page.section,), language=language)
        lists = [Wanted(tags=tuple(page.tags), language=language)] if page.tags else []
        for wanted in [*lists, same_section]:
            held = {page.id, *(each.id for each in found)}
            more = await self.listing(wanted, limit + len(held))
            found += [each for each in more if each.id not in held]
            if len(found) >= limit:
                break
        return found[:limit]

    async def watch(self, opened: Opened) -> AsyncIterator[PageChange | None]:
        """The changes of pages from now on; None after each half second without one.

        Awaits `opened` once the change stream is open.
        """
        async for change in changes(self._db.pages, CHANGED_FIELDS, opened):
            yield change_of(change) if change else None

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

    async def figures(self) -> PortalFigures:
        """What stats has stored for pages."""
        # By MongoDB's clock, because those of stats and render may differ.
        age = {"$divide": [{"$subtract": ["$$NOW", "$stored_at"]}, 1000]}
        found = self._db.online.aggregate([{"$set": {"age": age}}])
        return portal_figures([readable_document("online", each) async for each in found])

    async def picture(self, name: str) -> tuple[str, bytes] | None:
        """Type and content of a picture, or None."""
        document = await self._db.media.find_one({"_id": name}, {"type": 1, "data": 1, "v": 1})
        if document is None:
            return None
        return readable_document("media", document)["type"], bytes(document["data"])

    async def picture_facts(self, names: Sequence[str]) -> dict[str, dict[str, Any]]:
        """`type`, `size` in bytes, `width` and `height` of pictures, by name; without those that
        are not there, or that an earlier release has stored.
        """
        if not names:
            return {}
        facts = ("type", "size", "width", "height")
        found = self._db.media.find({"_id": {"$in": [*names]}}, dict.fromkeys((*facts, "v"), 1))
        return {
            each["_id"]: {name: each[name] for name in facts}
            async for each in found
            if readable_document("media", each) and all(name in each for name in facts)
        }
