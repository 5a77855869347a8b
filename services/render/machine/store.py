"""What files for machines are made of: articles with their texts, and the parts of the sitemap."""

from dataclasses import dataclass
from datetime import UTC, datetime

from pymongo import ASCENDING, DESCENDING

from services.render.cursors import PagePlace
from services.render.page import Page, Wanted
from services.render.page_documents import filter_of, page_of
from shared.storage.errors import store
from shared.storage.types import MongoDatabase
from shared.storage.versions import Document


@dataclass(frozen=True, slots=True)
class SitemapMonth:
    """The public articles of a month, in UTC."""

    begin: datetime
    pages: int
    modified: datetime | None

    @property
    def end(self) -> datetime:
        """The beginning of the next month."""
        year, month = divmod(self.begin.year * 12 + self.begin.month, 12)
        return self.begin.replace(year=year, month=month + 1)

    @property
    def wanted(self) -> Wanted:
        """Its articles, oldest first."""
        return Wanted(since=self.begin, until=self.end, newer=True)


@store
class MachineStore:
    """Reads pages for files for machines."""

    def __init__(self, db: MongoDatabase) -> None:
        self._pages = db.pages

    async def with_texts(self, wanted: Wanted, limit: int, most_bytes: int) -> list[Page]:
        """Public pages with their articles, newest first. A text of more than `most_bytes` is
        empty.
        """
        text = "$article.body_html"
        is_short = {"$lte": [{"$strLenBytes": {"$ifNull": [text, ""]}}, most_bytes]}
        pipeline: list[Document] = [
            {"$match": filter_of(wanted)},
            {"$sort": {"published_at": DESCENDING, "_id": DESCENDING}},
            {"$limit": limit},
            {"$project": {"parts": 0}},
            {"$set": {"article.body_html": {"$cond": [is_short, text, ""]}}},
        ]
        return [page_of(each) async for each in self._pages.aggregate(pipeline)]

    async def sitemap_months(self) -> list[SitemapMonth]:
        """The months with articles, oldest first."""
        pipeline: list[Document] = [
            {"$match": filter_of(Wanted())},
            {
                "$group": {
                    "_id": {"$dateToString": {"date": "$published_at", "format": "%Y-%m"}},
                    "pages": {"$sum": 1},
                    "modified": {"$max": "$modified_at"},
                }
            },
            {"$sort": {"_id": ASCENDING}},
        ]
        rows = [row async for row in self._pages.aggregate(pipeline)]
        return [
            SitemapMonth(
                datetime(int(row["_id"][:-3]), int(row["_id"][-2:]), 1, tzinfo=UTC),
                row["pages"],
                row["modified"],
            )
            for row in rows
        ]

    async def every(self, step: int, wanted: Wanted) -> list[PagePlace]:
        """The places of each `step`th article that `wanted` describes, oldest first."""
        found = list[PagePlace]()
        while True:
            place = found[-1] if found else None
            query = filter_of(
                Wanted(since=wanted.since, until=wanted.until, place=place, newer=True)
            )
            # The index has all that is read, so that articles are passed over quickly.
            cursor = self._pages.find(query, {"published_at": 1})
            cursor = cursor.sort([("published_at", ASCENDING), ("_id", ASCENDING)])
            rows = [row async for row in cursor.skip(step - 1).limit(1)]
            if not rows:
                return found
            found.append(PagePlace(rows[0]["published_at"], rows[0]["_id"]))
