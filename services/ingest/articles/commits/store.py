"""Commits changes of articles with their events in MongoDB."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from pymongo import InsertOne, ReplaceOne
from pymongo.errors import BulkWriteError, PyMongoError

from services.ingest.articles.article import StoredArticle
from services.ingest.articles.changes import Decision
from services.ingest.articles.commits.group import NotTogether, Outcome, PendingChange
from services.ingest.articles.documents import (
    document_of,
    document_of_outgoing,
    outgoing_of,
    stored_article_of,
)
from shared.storage.errors import is_duplicate, store
from shared.storage.transactions import transaction
from shared.storage.types import Client, MongoDatabase, Session
from shared.storage.versions import Document

CHANGE_SECONDS = 10.0
"""Timeout for a change by a client. `transaction` alone would repeat it for two minutes."""


ArticleWrite = InsertOne[Document] | ReplaceOne[Document]


@store
class CommitStore:
    """Commits groups of changes. Every change is in one transaction with its event."""

    def __init__(
        self, client: Client, db: MongoDatabase, clock: Callable[[], datetime], schemas_url: str
    ) -> None:
        self._client, self._db, self._clock, self._schemas_url = client, db, clock, schemas_url

    async def together(self, group: Sequence[PendingChange]) -> Sequence[Outcome]:
        """Commit changes of different articles in one transaction. A change's own error is its
        outcome.

        Raises `NotTogether` if it fails before its commit; else what PyMongo raises, and the
        changes may then have been committed nevertheless.
        """
        begun = False

        async def once(session: Session) -> Sequence[Outcome]:
            nonlocal begun
            if begun:
                raise NotTogether
            begun = True
            try:
                return await self._changed(group, session)
            except PyMongoError as error:
                if error.has_error_label("TransientTransactionError"):
                    raise
                raise NotTogether from error
            except Exception as error:
                raise NotTogether from error

        async with asyncio.timeout(CHANGE_SECONDS):
            return await transaction(self._client, once)

    async def alone(self, change: PendingChange) -> Decision:
        """Commit one change; again after a conflict. Raises the error of `decide`, and `Transient`
        while MongoDB is away; the change may then have been committed nevertheless.
        """

        async def once(session: Session) -> Outcome:
            (outcome,) = await self._changed([change], session)
            return outcome

        async with asyncio.timeout(CHANGE_SECONDS):
            while True:
                try:
                    outcome = await transaction(self._client, once)
                except BulkWriteError as error:
                    if not is_duplicate(error):
                        raise
                    continue  # created by another request since our snapshot: decide again
                if isinstance(outcome, Exception):
                    raise outcome
                return outcome

    async def _changed(self, group: Sequence[PendingChange], session: Session) -> list[Outcome]:
        """Decide and write each change. An error of `decide` is its outcome, and writes nothing."""
        ids = [each.article for each in group]
        found = self._db.articles.find({"_id": {"$in": ids}}, session=session)
        stored = {d["_id"]: stored_article_of(d) async for d in found}
        outcomes, articles, outbox = list[Outcome](), list[ArticleWrite](), list[Document]()
        for each in group:
            try:
                decision = each.decide(stored.get(each.article))
            except Exception as error:
                outcomes.append(error)
                continue
            outcomes.append(decision)
            if decision.changed:
                articles.append(_write(decision.article))
                outbox += self._entries(each, decision)
        if articles:
            done = await self._db.articles.bulk_write(articles, ordered=False, session=session)
            if done.inserted_count + done.matched_count != len(articles):
                raise RuntimeError("an article changed within its own transaction")
        if outbox:
            await self._db.outbox.insert_many(outbox, ordered=False, session=session)
        return outcomes

    def _entries(self, change: PendingChange, decision: Decision) -> list[Document]:
        if decision.event is None:
            return []
        entry = outgoing_of(
            decision.article,
            decision.event,
            correlation_id=change.correlation_id,
            traceparent=change.traceparent,
            now=self._clock(),
            schemas_url=self._schemas_url,
        )
        return [document_of_outgoing(entry)]


def _write(article: StoredArticle) -> ArticleWrite:
    """The write of an article, which expects the revision before."""
    document = document_of(article)
    if article.revision == 1:
        return InsertOne(document)
    return ReplaceOne({"_id": article.id, "revision": article.revision - 1}, document)
