"""The index in MongoDB: the collection `search`, which render alone writes.

An entry has `wanted`, the highest revision that its article is known to have, and `due` until it
is made of that revision. So an entry follows its page even if a process dies between the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pymongo import ASCENDING, ReturnDocument, UpdateOne
from pymongo.read_concern import ReadConcern

from luotdoc_events import events
from services.render.search.entries import Entry
from shared.base.grouped import Grouped
from shared.storage.bulk import each_written
from shared.storage.errors import store
from shared.storage.types import MongoDatabase
from shared.storage.versions import DOCUMENT_VERSION, Document, readable_document

CLAIM_SECONDS = 30
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


class ToIndex(NamedTuple):
    """An entry that may have to be made again."""

    id: str
    wanted: int
    revision: int
    """The revision of which it is made; 0: it is not made yet."""
    version: str


@dataclass(frozen=True, kw_only=True)
class Indexed:
    """A page as the index needs it. `article`: None if it is not public."""

    id: str
    revision: int
    language: str
    article: events.Article | None


@store
class SearchStore:
    """Entries by article id. Each write expects that no newer revision is known."""

    def __init__(self, db: MongoDatabase) -> None:
        self._db = db
        self._wants: Grouped[tuple[str, int], None] = Grouped(self._want_each)
        # What is read must stay: an entry made of a revision that a failover takes back would
        # not be made again.
        self._pages = db.get_collection("pages", read_concern=ReadConcern("majority"))

    async def want(self, article_id: str, revision: int) -> None:
        """Note that the article's page is at `revision`: its entry is due at once."""
        await self._wants.do((article_id, revision))

    async def _want_each(self, wanted: Sequence[tuple[str, int]]) -> list[Exception | None]:
        due = {"$set": {"due": _FIRST, "v": DOCUMENT_VERSION}}
        return await each_written(
            self._db.search,
            [
                UpdateOne({"_id": name}, {"$max": {"wanted": revision}, **due}, upsert=True)
                for name, revision in wanted
            ],
        )

    async def claim(self, now: datetime) -> ToIndex | None:
        """An entry that is due, the new articles' first; None if there is none. Other processes
        get it `CLAIM_SECONDS` later, if it is not made by then.
        """
        found: Document | None = await self._db.search.find_one_and_update(
            {"due": {"$lte": now}},
            {"$set": {"due": now + timedelta(seconds=CLAIM_SECONDS)}},
            sort=[("due", ASCENDING)],
            projection=["wanted", "revision", "version", "v"],
            return_document=ReturnDocument.AFTER,
        )
        return _to_index(found) if found else None

    async def page(self, article_id: str) -> Indexed | None:
        """The article's page; None if there is none yet."""
        fields = {"parts": 0, "summary": 0}
        found = await self._pages.find_one({"_id": article_id}, fields)
        if found is None:
            return None
        readable_document("pages", found)
        public = found["state"] == "published"
        return Indexed(
            id=article_id,
            revision=found["revision"],
            language=found.get("language", ""),
            article=events.Article.model_validate(found["article"]) if public else None,
        )

    async def put(self, entry: Entry, version: str) -> bool:
        """Store the entry, which is no longer due; False if a newer revision is wanted."""
        fields = {name: getattr(entry, name) for name in ("revision", "at", "keys")}
        texts = {"folded": entry.folded, "accented": entry.accented}
        return await self._settle(
            entry.id, entry.revision, {"$set": {**fields, **texts, "version": version}}
        )

    async def remove(self, article_id: str, revision: int, version: str) -> bool:
        """Leave nothing of the article but its revision; False if a newer one is wanted."""
        gone = dict.fromkeys(("at", "keys", "folded", "accented"), "")
        made = {"revision": revision, "version": version}
        return await self._settle(article_id, revision, {"$set": made, "$unset": gone})

    async def keep(self, article_id: str, revision: int) -> bool:
        """The entry is as it must be, and no longer due; False if a newer revision is wanted."""
        return await self._settle(article_id, revision, {})

    async def _settle(self, article_id: str, revision: int, update: Document) -> bool:
        unset = {"$unset": {**update.get("$unset", {}), "due": ""}}
        done = await self._db.search.update_one(
            {"_id": article_id, "wanted": {"$lte": revision}}, {**update, **unset}
        )
        return done.matched_count == 1

    async def outdated(self, after: str, limit: int, version: str) -> tuple[str, dict[str, int]]:
        """Of the pages whose ids come after `after`, at most `limit`: the last id, empty if there
        are none, and the revisions of those whose entry is missing, older, or not of `version`.
        """
        revisions, last = dict[str, int](), ""
        fields = {"revision": 1, "v": 1}
        pages = self._pages.find({"_id": {"$gt": after}}, fields).sort("_id").limit(limit)
        async for page in pages:
            readable_document("pages", page)
            last = page["_id"]
            revisions[last] = page["revision"]
        asked = {"_id": {"$in": [*revisions]}}
        held = self._db.search.find(asked, ["wanted", "revision", "version", "v"])
        async for document in held:
            entry = _to_index(document)
            if (entry.revision, entry.version) == (revisions[entry.id], version):
                del revisions[entry.id]
        return last, revisions

    async def want_all(self, revisions: dict[str, int], now: datetime) -> None:
        """Make entries due after those of new articles."""
        due = {"$set": {"v": DOCUMENT_VERSION}, "$min": {"due": now}}
        await self._db.search.bulk_write(
            [
                UpdateOne({"_id": name}, {"$max": {"wanted": revision}, **due}, upsert=True)
                for name, revision in revisions.items()
            ],
            ordered=False,
        )

    async def waiting(self, limit: int) -> int:
        """The number of entries that are due or being made, `limit` at most."""
        return int(await self._db.search.count_documents({"due": {"$gt": _FIRST}}, limit=limit))

    async def to_make(self) -> int:
        """The number of articles whose entries are due or being made."""
        return int(await self._db.search.count_documents({"due": {"$gte": _FIRST}}))


def _to_index(document: Document) -> ToIndex:
    readable_document("search", document)
    wanted, revision = document.get("wanted", 0), document.get("revision", 0)
    return ToIndex(document["_id"], wanted, revision, document.get("version", ""))
