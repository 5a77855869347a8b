"""Writes the projections of hours, days and months, and counts those that were wrong."""

from collections.abc import Iterable

from pymongo.errors import DuplicateKeyError

from services.stats.traffic.projections import REPAIRS_ID
from shared.storage.errors import store
from shared.storage.transactions import transaction
from shared.storage.types import Client, MongoDatabase, Session
from shared.storage.versions import DOCUMENT_VERSION, Document, readable_document


@store
class ProjectionStore:
    """What is written of `projections`, but for those of sections."""

    def __init__(self, client: Client, db: MongoDatabase, milliseconds: int) -> None:
        """`milliseconds` is the timeout for one query."""
        self._client, self._db, self._milliseconds = client, db, milliseconds

    async def write(self, made: Document, over: Document | None) -> bool:
        """Write a projection whole, in place of the one with the head `over`, which the snapshot
        had that it was made from. False, and nothing is written, if another process has written
        meanwhile: that may be of a later snapshot.
        """
        if over is None:
            try:
                await self._db.projections.insert_one(made)
            except DuplicateKeyError:
                return False
            return True
        replaced = {name: over[name] for name in ("_id", "late", "site", "made_at")}
        result = await self._db.projections.replace_one(replaced, made)
        return result.matched_count == 1

    async def repair(self, name: str) -> None:
        """Delete a wrong projection, and tell every process that it was wrong, at once."""
        counted = {
            "$inc": {"number": 1},
            "$setOnInsert": {"v": DOCUMENT_VERSION, "kind": "repairs"},
        }

        async def once(session: Session) -> None:
            await self._db.projections.delete_one({"_id": name}, session=session)
            await self._db.projections.update_one(
                {"_id": REPAIRS_ID}, counted, upsert=True, session=session
            )

        await transaction(self._client, once)

    async def repairs(self, session: Session) -> int:
        """How often a wrong projection was deleted."""
        held = await self._db.projections.find_one(
            {"_id": REPAIRS_ID}, session=session, max_time_ms=self._milliseconds
        )
        return int(readable_document("projections", held)["number"]) if held else 0

    async def delete(self, names: Iterable[str]) -> None:
        """Delete projections."""
        await self._db.projections.delete_many({"_id": {"$in": list(names)}})
