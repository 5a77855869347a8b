"""The readers' MongoDB module: it writes `readers`.

`readers` has one document for each day and scope, `{_id: "<kind>:<name>:<day>", v, kind, name, day,
number, exact, writes, hashes or sketch, expires_at}` (`ScopeDay`, `DistinctReaders`). `writes`
counts the writes, for the compare-and-swap. Before the day's salt is deleted, `writes`, `hashes`
and `sketch` go and the number stays; a document that still has them at that moment expires. And one
document `{_id: "place", v, since, missed, …}` says how far the stream is folded (`LogPlace`).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bson import Binary
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from services.stats.readers.distinct import DistinctReaders
from services.stats.readers.place import LogPlace
from services.stats.readers.scopes import ScopeDay, ScopeKind
from shared.base.salt_days import begin_of, day_of, salt_day, salt_day_number
from shared.storage.collections import SALT_HOURS
from shared.storage.errors import DUPLICATE_KEY, store
from shared.storage.types import MongoDatabase
from shared.storage.versions import DOCUMENT_VERSION, Document, readable_document

FINAL_BEFORE = timedelta(hours=1)
"""Hashes and sketches go so long before their salt: if no stats runs then, documents expire with
it."""
KEEP_ARTICLE_DAYS = 731
"""Days for which the numbers of articles are kept; those of the site and of sections stay."""
MAX_MILLISECONDS = 10_000
"""Timeout for a query."""
PLACE_ID = "place"


@dataclass(frozen=True, slots=True)
class HeldReaders:
    """What a document has. It is final once its hashes are gone."""

    readers: DistinctReaders
    writes: int
    is_final: bool


@dataclass(frozen=True, slots=True)
class ReadersNumber:
    """The number of readers of a scope on a day."""

    number: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class KnownReaders:
    """Which days are known: those since `since`, in milliseconds since 1970, but for `missed`, of
    which a part of the stream was lost before it was folded.
    """

    since: int
    missed: frozenset[int]


@store
class ReaderStore:
    """Reads and writes sets of readers. `zone` is the site's."""

    def __init__(self, db: MongoDatabase, zone: ZoneInfo) -> None:
        self._db, self._zone = db, zone

    async def sections_of(self, articles: Collection[str]) -> dict[str, str]:
        """The section of each of `articles` that the catalogue has now."""
        # Not `counted_in`: a new article is counted in no section until the first move of its
        # reads, and its readers of that time would be missing in its section for ever.
        found = self._db.catalogue.find(
            {"_id": {"$in": sorted(articles)}},
            {"section": 1, "v": 1},
            max_time_ms=MAX_MILLISECONDS,
        )
        return {
            held["_id"]: held["section"]
            async for document in found
            if (held := readable_document("catalogue", document))
        }

    async def held(self, wanted: Iterable[ScopeDay]) -> dict[str, HeldReaders]:
        """What there is of `wanted`, by id."""
        found = self._db.readers.find(
            {"_id": {"$in": [each.id for each in wanted]}}, max_time_ms=MAX_MILLISECONDS
        )
        return {each["_id"]: _held(each) async for each in found}

    async def write(self, made: Mapping[ScopeDay, tuple[int, DistinctReaders]]) -> list[ScopeDay]:
        """Write sets, each in place of the one with so many writes. Answers those of which another
        process has written the document meanwhile; these are not written.
        """
        operations = [
            UpdateOne(
                {"_id": key.id, "writes": writes},
                self._update(key, readers, writes),
                upsert=not writes,
            )
            for key, (writes, readers) in made.items()
        ]
        keys = list(made)
        try:
            result = await self._db.readers.bulk_write(operations, ordered=False)
        except BulkWriteError as error:
            failed = error.details["writeErrors"]
            if any(each["code"] not in DUPLICATE_KEY for each in failed):
                raise
            again = [keys[each["index"]] for each in failed]
            matched = error.details["nMatched"] + error.details["nUpserted"]
        else:
            again, matched = [], result.matched_count + len(result.upserted_ids or ())
        # An update that matches nothing is no error. Which one it was is not told: all of them are
        # looked at again, and those that were written don't change.
        return again if matched + len(again) == len(keys) else keys

    def _update(self, key: ScopeDay, readers: DistinctReaders, writes: int) -> Document:
        kept, gone = ("hashes", "sketch") if readers.is_exact else ("sketch", "hashes")
        fields: Document = {
            "v": DOCUMENT_VERSION,
            "kind": key.scope.kind,
            "name": key.scope.name,
            "day": key.day,
            "number": readers.number,
            "exact": readers.is_exact,
            "writes": writes + 1,
            kept: Binary(readers.hashes or readers.sketch),
            "expires_at": self._salt_ends(key.day),
        }
        return {"$set": fields, "$unset": {gone: ""}}

    def _salt_ends(self, day: int) -> datetime:
        return begin_of(salt_day(day), self._zone) + timedelta(hours=SALT_HOURS)

    def folded_days(self, now: datetime) -> range:
        """The days whose readers may still be added to at `now`, and tomorrow."""
        newest = salt_day_number(day_of(now, self._zone)) + 1
        oldest = newest - 4
        while self._salt_ends(oldest) - FINAL_BEFORE <= now:
            oldest += 1
        return range(oldest, newest + 1)

    async def finish(self, now: datetime) -> int:
        """Leave only the numbers of days whose salt ends within `FINAL_BEFORE`. Answers how many
        documents there were.
        """
        wanted: Document = {
            "expires_at": {"$lte": now + FINAL_BEFORE},
            "writes": {"$exists": True},
        }
        gone = {"writes": "", "hashes": "", "sketch": ""}
        kept = await self._db.readers.update_many(
            wanted | {"kind": {"$ne": "article"}}, {"$unset": gone | {"expires_at": ""}}
        )
        until = now + timedelta(days=KEEP_ARTICLE_DAYS)
        expiring = await self._db.readers.update_many(
            wanted | {"kind": "article"}, {"$unset": gone, "$set": {"expires_at": until}}
        )
        return kept.modified_count + expiring.modified_count

    async def place(self) -> LogPlace | None:
        """How far the stream is folded; None if it never was."""
        held = await self._db.readers.find_one({"_id": PLACE_ID}, max_time_ms=MAX_MILLISECONDS)
        if held is None:
            return None
        readable_document("readers", held)
        marks = tuple((moment, offset) for moment, offset in held["marks"])
        return LogPlace(held["generation"], held["offset"], held["batch"], held["minted"], marks)

    async def advance(self, place: LogPlace, since: int, missed: Collection[int]) -> None:
        """Note that everything until `place` is stored, unless a later place is noted. `since`:
        the time of the first batch that was ever folded. `missed`: days of which a part is lost.
        """
        generation = place.generation
        older = [
            {"generation": {"$lt": generation}},
            {"generation": generation, "offset": {"$lt": place.offset}},
        ]
        fields = asdict(place) | {"v": DOCUMENT_VERSION}
        update: Document = {"$set": fields, "$min": {"since": since}}
        if missed:
            update["$addToSet"] = {"missed": {"$each": sorted(missed)}}
        try:
            await self._db.readers.update_one({"_id": PLACE_ID, "$or": older}, update, upsert=True)
        except DuplicateKeyError:
            return  # it is not older

    async def known(self) -> KnownReaders | None:
        """Which days are known; None if none is."""
        held = await self._db.readers.find_one(
            {"_id": PLACE_ID}, {"since": 1, "missed": 1, "v": 1}, max_time_ms=MAX_MILLISECONDS
        )
        if held is None:
            return None
        readable_document("readers", held)
        return KnownReaders(held["since"], frozenset(held.get("missed", ())))

    async def numbers(self, wanted: Collection[ScopeDay]) -> dict[ScopeDay, ReadersNumber]:
        """The numbers that there are of `wanted`."""
        by_id = {each.id: each for each in wanted}
        found = self._db.readers.find(
            {"_id": {"$in": list(by_id)}}, _NUMBERS, max_time_ms=MAX_MILLISECONDS
        )
        return {by_id[each["_id"]]: _number(each) async for each in found}

    async def of_kind(self, kind: ScopeKind, days: range) -> dict[str, dict[int, ReadersNumber]]:
        """By name and day: the numbers of every scope of `kind` on `days`."""
        wanted = {"kind": kind, "day": {"$gte": days.start, "$lt": days.stop}}
        numbers: dict[str, dict[int, ReadersNumber]] = {}
        async for each in self._db.readers.find(wanted, _NUMBERS, max_time_ms=MAX_MILLISECONDS):
            numbers.setdefault(each["name"], {})[each["day"]] = _number(each)
        return numbers


_NUMBERS = {"name": 1, "day": 1, "number": 1, "exact": 1, "v": 1}


def _number(document: Document) -> ReadersNumber:
    held = readable_document("readers", document)
    return ReadersNumber(held["number"], held["exact"])


def _held(document: Document) -> HeldReaders:
    held = readable_document("readers", document)
    readers = DistinctReaders(
        held["number"], bytes(held.get("hashes", b"")), bytes(held.get("sketch", b""))
    )
    return HeldReaders(readers, held.get("writes", 0), "writes" not in held)
