"""ingest's MongoDB module:
articles with their outbox, media, salts, keys, and the change stream of articles.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import date, datetime, timedelta

from bson import Binary
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from luotdoc_subscriber.base.tracing import current_traceparent
from services.ingest.articles.article import State, StoredArticle
from services.ingest.articles.changes import Decision
from services.ingest.articles.commits.group import Decide, GroupCommit, PendingChange
from services.ingest.articles.commits.store import CHANGE_SECONDS, CommitStore
from services.ingest.articles.documents import (
    Outgoing,
    Place,
    behind,
    matching,
    outgoing_in,
    stored_article_of,
)
from services.ingest.articles.media import Picture
from services.ingest.reads.read_batches import KeyNote
from shared.storage.changes import GATHER_LONG_SECONDS, Opened, changes
from shared.storage.collections import KEY_HOURS, SALT_HOURS
from shared.storage.errors import store
from shared.storage.types import Client, MongoDatabase
from shared.storage.versions import DOCUMENT_VERSION, readable_document
from shared.web.state_listing import Held


@store
class ArticleStore:
    """Articles and their outbox. Every change is one transaction."""

    def __init__(
        self, client: Client, db: MongoDatabase, clock: Callable[[], datetime], schemas_url: str
    ) -> None:
        """`schemas_url` is the public address of `/schemas`, which events refer to."""
        self._db, self._clock = db, clock
        commits = CommitStore(client, db, clock, schemas_url)
        self._group = GroupCommit(commits.together, commits.alone)

    async def get(self, article_id: str) -> StoredArticle | None:
        """The article in any state, or None."""
        document = await self._db.articles.find_one({"_id": article_id})
        return stored_article_of(document) if document else None

    async def change(self, article_id: str, decide: Decide, correlation_id: str) -> Decision:
        """Apply `decide` to the stored article, and commit the change and its event in one
        transaction, which other articles' changes may share.

        After a lost race `decide` runs again on the new state, so it must be pure. Its errors are
        passed on. Raises `Transient` while MongoDB is away; the change may then have been
        committed nevertheless.
        """

        async with asyncio.timeout(CHANGE_SECONDS):
            traceparent = current_traceparent.get()
            return await self._group.change(
                PendingChange(article_id, decide, correlation_id, traceparent)
            )

    async def listing(
        self, section: str | None, state: State | None, limit: int, after: Place | None
    ) -> list[StoredArticle]:
        """Articles after `after`, newest time of publication first."""
        wanted = matching(section, state)
        if after is not None:
            wanted["$or"] = behind("published_at", "$lt", after)
        order = [("published_at", DESCENDING), ("_id", ASCENDING)]
        return [
            stored_article_of(d)
            async for d in self._db.articles.find(wanted).sort(order).limit(limit)
        ]

    async def changes(
        self, section: str | None, state: State | None, limit: int, after: Place
    ) -> list[StoredArticle]:
        """Articles changed after `after`, the oldest change first."""
        wanted = matching(section, state)
        wanted["$or"] = behind("modified_at", "$gt", after)
        articles = self._db.articles.with_options(read_concern=ReadConcern("majority"))
        order = [("modified_at", ASCENDING), ("_id", ASCENDING)]
        return [stored_article_of(d) async for d in articles.find(wanted).sort(order).limit(limit)]

    async def ever_public(self, after: str, limit: int) -> list[StoredArticle]:
        """Articles that were ever public, in their current state,
        sorted by id, with ids after `after`.
        """
        wanted = {"_id": {"$gt": after}, "was_public": True}
        found = self._db.articles.find(wanted).sort("_id").limit(limit)
        return [stored_article_of(document) async for document in found]

    async def held(self, after: str, limit: int) -> list[Held]:
        """Id, revision and state of articles that were ever public,
        sorted by id, with ids after `after`.
        """
        wanted = {"_id": {"$gt": after}, "was_public": True}
        cursor = (
            self._db.articles.find(wanted, {"revision": 1, "state": 1, "v": 1})
            .sort("_id")
            .limit(limit)
        )
        return [
            Held(d["_id"], d["revision"], d["state"])
            async for d in cursor
            if readable_document("articles", d)
        ]

    async def number_ever_public(self) -> int:
        """The number of articles that were ever public."""
        return await self._db.articles.count_documents({"was_public": True})

    async def due(self, now: datetime, limit: int = 100) -> list[str]:
        """Ids of scheduled articles whose time has come."""
        wanted = {"state": "scheduled", "published_at": {"$lte": now}}
        cursor = self._db.articles.find(wanted, {"_id": 1}).sort("published_at").limit(limit)
        return [document["_id"] async for document in cursor]

    async def is_published(self, article_id: str) -> bool:
        """Whether the article is public, by majority read concern."""
        return bool(await self.published_among({article_id}))

    async def published(self) -> set[str]:
        """Ids of all public articles."""
        cursor = self._db.articles.find({"state": "published"}, {"_id": 1}).batch_size(10_000)
        return {document["_id"] async for document in cursor}

    async def watch(self, opened: Opened) -> AsyncIterator[tuple[str, bool]]:
        """Changes from now on: (article id, whether it is public).
        Awaits `opened` once the change stream is open.
        """
        fields = {"operationType": 1, "fullDocument.state": 1}
        async for change in changes(self._db.articles, fields, opened, GATHER_LONG_SECONDS):
            if change:
                public = change.get("fullDocument", {}).get("state") == "published"
                yield change["documentKey"]["_id"], public

    async def outgoing(self, limit: int) -> list[Outgoing]:
        """The events in the outbox, lowest revision of each article first.

        They are read in one snapshot, so an event is never seen without its predecessor.
        """
        outbox = self._db.outbox.with_options(read_concern=ReadConcern("snapshot"))
        cursor = (
            outbox.find({}).sort([("article", ASCENDING), ("revision", ASCENDING)]).limit(limit)
        )
        return [outgoing_in(document) async for document in cursor]

    async def sent(self, ids: list[str]) -> None:
        """Delete events that RabbitMQ has confirmed."""
        await self._db.outbox.delete_many({"_id": {"$in": ids}})

    async def waiting(self) -> tuple[int, datetime | None]:
        """The number of events in the outbox, and the time of the oldest."""
        number = await self._db.outbox.estimated_document_count()
        oldest = await self._db.outbox.find_one(
            {}, {"created_at": 1}, sort=[("created_at", ASCENDING)]
        )
        return number, oldest["created_at"] if oldest else None

    async def put_media(self, picture: Picture, filename: str) -> None:
        """Store a picture under its content's name. Idempotent."""
        document = {
            "v": DOCUMENT_VERSION,
            "type": picture.type,
            "filename": filename,
            "data": Binary(picture.data),
            "created_at": self._clock(),
        }
        # A picture that an earlier release has stored has none of these.
        facts = {"size": len(picture.data), "width": picture.width, "height": picture.height}
        update = {"$setOnInsert": document, "$set": facts}
        await self._db.media.update_one({"_id": picture.name}, update, upsert=True)

    async def published_among(self, ids: set[str]) -> set[str]:
        """The ids in `ids` of articles that are public."""
        articles = self._db.articles.with_options(read_concern=ReadConcern("majority"))
        cursor = articles.find({"_id": {"$in": list(ids)}, "state": "published"}, {"_id": 1})
        return {document["_id"] async for document in cursor}

    async def remember_key(self, batch_id: str, note: KeyNote) -> KeyNote:
        """The stored note of the key's first request. Stores `note` if this is the first one."""
        made = {
            "v": DOCUMENT_VERSION,
            "digest": note.digest,
            "minted_at": note.minted_at,
            "unknown": sorted(note.unknown),
            "expires_at": self._clock() + timedelta(hours=KEY_HOURS),
        }
        while True:
            try:
                held = await self._db.read_keys.find_one_and_update(
                    {"_id": batch_id}, {"$setOnInsert": made}, upsert=True, return_document=True
                )
            except DuplicateKeyError:
                continue  # the same request arrived twice at once
            readable_document("read_keys", held)
            return KeyNote(held["digest"], held["minted_at"], frozenset(held["unknown"]))

    async def salt(self, day: date, begin: datetime) -> bytes:
        """The salt of the site's `day`, which begins at `begin`.
        The first call creates it; all get the same.
        """
        fresh = {
            "v": DOCUMENT_VERSION,
            "salt": Binary(secrets.token_bytes(32)),
            "expires_at": begin + timedelta(hours=SALT_HOURS),
        }
        document = await self._db.salts.find_one_and_update(
            {"_id": day.isoformat()}, {"$setOnInsert": fresh}, upsert=True, return_document=True
        )
        return bytes(readable_document("salts", document)["salt"])
