"""The live figures' MongoDB module: reads the counts and baselines of articles."""

from collections.abc import Collection

from shared.storage import counts
from shared.storage.errors import store
from shared.storage.transactions import snapshot
from shared.storage.types import Client, MongoDatabase
from shared.storage.versions import readable_document, with_version

LIVE_QUERY_MILLISECONDS = 5_000
"""Timeout for a query, after which it is tried again."""


@store
class LiveStore:
    """Reads what open pages show when they begin to listen."""

    def __init__(self, client: Client, db: MongoDatabase) -> None:
        self._client, self._db = client, db

    async def reads(self, articles: Collection[str]) -> dict[str, tuple[int, counts.Total]]:
        """(baseline, counted reads) of each of `articles` that was ever published."""
        wanted = list(articles)
        pipeline = with_version(counts.reads_by_article(wanted))
        async with snapshot(self._client) as session:
            known = self._db.catalogue.find(
                {"_id": {"$in": wanted}},
                {"baseline": 1, "v": 1},
                session=session,
                max_time_ms=LIVE_QUERY_MILLISECONDS,
            )
            baselines = {
                each["_id"]: int(readable_document("catalogue", each)["baseline"])
                async for each in known
            }
            rows = self._db.counts.aggregate(
                pipeline, session=session, maxTimeMS=LIVE_QUERY_MILLISECONDS
            )
            counted = counts.totals([readable_document("counts", row) async for row in rows])
        return {
            each: (baseline, counted.get(each, counts.NOTHING))
            for each, baseline in baselines.items()
        }
