"""What searches ask the collection `search`, each with a time limit. `store` has its documents."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pymongo import DESCENDING

from services.render.search.ranking import Candidate
from shared.storage.errors import store
from shared.storage.types import MongoDatabase
from shared.storage.versions import Document, readable_document

LOOKED_AT = 1000
"""Articles that a search looks at: the newest that have the rarest of the sought terms."""
READ_AT_ONCE = 100
"""Articles with the rarest term whose entries are read, whatever other terms they have: one query
more would take as long."""
QUERY_MILLISECONDS = 1000
_INDEX = "keys_1_at_-1"
_TIME_ALONE = {"_id": 0, "at": 1}
"""What the index has itself, so that no entry is read."""

Term = tuple[int, ...]
"""Keys of which an article must have one."""
Written = tuple[str, ...]
"""Accented words, or words side by side, of which an article must have one. They are letters,
digits and marks, so they are regular expressions as they are."""


@store
class FindingStore:
    """Finds entries by their keys."""

    def __init__(self, db: MongoDatabase) -> None:
        self._db = db

    async def sizes(self, terms: Sequence[Term]) -> list[int]:
        """For each term the number of articles that have it, `LOOKED_AT` at most."""
        if not terms:
            return []
        parts: list[list[Document]] = [
            [
                {"$match": {"keys": _one_of_keys(term)}},
                {"$limit": LOOKED_AT},
                {"$count": "size"},
                {"$set": {"term": number}},
            ]
            for number, term in enumerate(terms)
        ]
        unions = [{"$unionWith": {"coll": "search", "pipeline": part}} for part in parts[1:]]
        rows = self._aggregate([*parts[0], *unions])
        found = {row["term"]: int(row["size"]) async for row in rows}
        return [found.get(number, 0) for number in range(len(terms))]

    async def nth_newest(self, term: Term, place: int) -> int | None:
        """The time of publication of the article at `place` among those that have `term`, the
        newest first; None if there are fewer.
        """
        found = self._db.search.find({"keys": _one_of_keys(term)}, _TIME_ALONE)
        found = found.sort("at", DESCENDING).skip(place).limit(1).hint(_INDEX)
        times = [d["at"] async for d in found.max_time_ms(QUERY_MILLISECONDS)]
        return times[0] if times else None

    async def candidates(
        self,
        sizes: Mapping[Term, int],
        *,
        between: tuple[int | None, int | None],
        like: Iterable[Written],
        most: int,
    ) -> list[Candidate]:
        """The newest articles that have every term, were published in the seconds `between`, and
        have the words `like` with their accents. `sizes`: of the terms, the rarest first.
        """
        rarest, *others = sizes
        signs = zip(("$gte", "$lt"), between, strict=True)
        times: Document = {sign: value for sign, value in signs if value is not None}
        wanted: Document = {"keys": _one_of_keys(rarest), **({"at": times} if times else {})}
        # A negation has no bounds in the index. Else MongoDB would choose by trial which of the
        # terms gives the bounds, and remember its choice for other terms.
        if lacking := [{"keys": {"$nin": sorted(term)}} for term in others]:
            wanted["$nor"] = lacking
        if written := [{"accented": {"$regex": _any_of(each)}} for each in like]:
            wanted["$and"] = written
        if not others or sizes[rarest] <= READ_AT_ONCE:
            return await self._entries(wanted, most, newest_first=True)
        found, part = list[Candidate](), most
        moments = sorted(await self._common_moments(sizes, times, most), reverse=True)
        while moments and len(found) < most:
            wanted["at"] = {"$in": moments[:part]}
            found += await self._entries(wanted, LOOKED_AT, newest_first=False)
            moments, part = moments[part:], 2 * part
        return sorted(found, key=lambda each: -each.at)[:most]

    async def _entries(self, wanted: Document, most: int, *, newest_first: bool) -> list[Candidate]:
        fields = {"at": 1, "folded": 1, "accented": 1, "v": 1}
        found = self._db.search.find(wanted, fields).limit(most).hint(_INDEX)
        if newest_first:
            found = found.sort("at", DESCENDING)
        return [
            Candidate(row["_id"], row["at"], bytes(row["folded"]), row["accented"].encode())
            async for row in found.max_time_ms(QUERY_MILLISECONDS)
            if readable_document("search", row)
        ]

    async def _common_moments(
        self, sizes: Mapping[Term, int], times: Document, few: int
    ) -> set[int]:
        """The times of publication of the articles that have all terms, and of others by chance; or
        those of articles with some of the terms, if they are `few`. From the index alone: an entry
        is 20 KB, and to read it takes a hundred times as long.
        """
        rarest, *others = sizes
        found = await self._moments(rarest, times)
        for term in others:
            if len(found) <= few:
                break
            # To seek each of them takes longer than to pass over the others of a rare term.
            near = {"$gte": min(found), "$lte": max(found)}
            seen = near if sizes[term] < LOOKED_AT else {"$in": sorted(found)}
            found &= await self._moments(term, seen)
        return found

    async def _moments(self, term: Term, times: Document) -> set[int]:
        wanted: Document = {"keys": _one_of_keys(term), **({"at": times} if times else {})}
        found = self._db.search.find(wanted, _TIME_ALONE, batch_size=2 * LOOKED_AT).hint(_INDEX)
        return {row["at"] for row in await found.max_time_ms(QUERY_MILLISECONDS).to_list(None)}

    def _aggregate(self, pipeline: list[Document]) -> Any:
        return self._db.search.aggregate(pipeline, hint=_INDEX, maxTimeMS=QUERY_MILLISECONDS)


def _any_of(written: Written) -> str:
    return "|".join(f" {each} " for each in written)


def _one_of_keys(term: Term) -> object:
    return term[0] if len(term) == 1 else {"$in": sorted(term)}
