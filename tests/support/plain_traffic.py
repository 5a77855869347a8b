"""A plain list of reads, from which every figure is computed the slow way; and a writer that counts
them in a database as the counter does, late markers and moves to the archive included.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from pymongo import DeleteMany, UpdateOne

from shared.storage.quarters import PER_DAY, day_name, late_before, quarter_of, start_of
from shared.storage.transactions import transaction
from shared.storage.types import Client, MongoDatabase, Session
from shared.storage.versions import Document
from tests.support.wall_clock import first_showing, wall

PEOPLE = ("reader", "batch")
FAR = 10**9


@dataclass(frozen=True)
class PlainRead:
    """`number` equal reads."""

    article: str
    quarter: int
    number: int
    kind: str = "reader"


@dataclass
class PlainArticle:
    """What the catalogue knows of an article."""

    section: str
    baseline: int = 0
    published: bool = True


@dataclass
class PlainTraffic:
    """All reads, and all articles."""

    reads: list[PlainRead] = field(default_factory=list)
    articles: dict[str, PlainArticle] = field(default_factory=dict)

    def total(
        self,
        first: int = 0,
        end: int = FAR,
        *,
        article: str | None = None,
        section: str | None = None,
        kind: str | None = None,
    ) -> int:
        """The reads of a span of quarters, of people or of one class."""
        return sum(
            read.number
            for read in self.reads
            if first <= read.quarter < end
            and (read.kind in PEOPLE if kind is None else read.kind == kind)
            and article in (None, read.article)
            and (section is None or self.section(read.article) == section)
        )

    def is_known(self, first: int, end: int, now: datetime) -> bool:
        """Whether a span without reads was counted: it ends after the start of the first UTC day
        with people's reads, and has begun.
        """
        counted = [read.quarter for read in self.reads if read.kind in PEOPLE]
        return bool(counted) and end > min(counted) // 96 * 96 and start_of(first) <= now

    def section(self, article: str) -> str | None:
        """The section of an article; None if it is not known."""
        return self.articles[article].section if article in self.articles else None

    def top(self, first: int, end: int, section: str | None) -> list[tuple[str, int]]:
        """The 100 most read published articles."""
        found: Counter[str] = Counter()
        for read in self.reads:
            if first <= read.quarter < end and read.kind in PEOPLE:
                found[read.article] += read.number
        listed = [
            (article, number)
            for article, number in found.items()
            if article in self.articles
            and self.articles[article].published
            and section in (None, self.articles[article].section)
        ]
        return sorted(listed, key=lambda each: (-each[1], each[0]))[:100]


def first_moment(day: date, zone: ZoneInfo) -> int:
    """The first quarter of a local day, found by looking at each quarter around it."""
    noon = quarter_of(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
    for quarter in range(noon - 2 * PER_DAY, noon + 2 * PER_DAY):
        if start_of(quarter).astimezone(zone).date() >= day:
            return quarter
    raise AssertionError(day)


def calendar_periods(now: datetime, zone: ZoneInfo) -> dict[str, tuple[int, int]]:
    """The site's periods around `now`, each end found by looking."""
    today = now.astimezone(zone).date()
    end = first_moment(today + timedelta(days=1), zone)
    starts = {
        "today": today,
        "week": today - timedelta(days=today.weekday()),
        "month": today.replace(day=1),
        "year": today.replace(month=1, day=1),
    }
    found = {name: (first_moment(day, zone), end) for name, day in starts.items()}
    yesterday = first_moment(today - timedelta(days=1), zone)
    return found | {"yesterday": (yesterday, found["today"][0])}


def rolling_windows(now: datetime, zone: ZoneInfo) -> dict[str, tuple[int, int]]:
    """The windows that end now."""
    hours = {
        "1h": 1,
        "6h": 6,
        "24h": 24,
        "7d": 168,
        "30d": 720,
        "90d": 2160,
        "5h": 5,
        "2d": 48,
        "31d": 744,
    }
    found = {name: (quarter_of(now - timedelta(hours=n)), FAR) for name, n in hours.items()}
    shown = wall(quarter_of(now), zone.key)
    back = shown.replace(year=shown.year - 1, day=min(shown.day, 28 if shown.month == 2 else 31))
    return found | {"12mo": (first_showing(back, zone.key), FAR), "all": (0, FAR)}


class PlainWriter:
    """Counts reads in a database, each call in one transaction."""

    def __init__(self, client: Client, db: MongoDatabase, plain: PlainTraffic) -> None:
        self._client, self._db, self._plain = client, db, plain

    async def count(self, reads: list[PlainRead], now: datetime, slot: int) -> None:
        """Count `reads`, and leave a marker for those that come late."""
        writes: dict[str, list[UpdateOne]] = {"counts": [], "buckets": [], "late": []}
        for read in reads:
            for article in (read.article, "*"):
                self._read(writes, read, article, slot)
        closed = late_before(now)
        for day in sorted({r.quarter // PER_DAY for r in reads if r.quarter < closed}):
            fixed = {"$setOnInsert": {"v": 1, "day": day_name(day), "slot": slot}}
            name = {"_id": f"{day_name(day)}/{slot}"}
            writes["late"].append(UpdateOne(name, {"$inc": {"number": 1}, **fixed}, upsert=True))

        async def once(session: Session) -> None:
            for collection, updates in writes.items():
                if updates:
                    await self._db[collection].bulk_write(updates, session=session)

        await transaction(self._client, once)
        self._plain.reads += reads

    def _read(
        self, writes: dict[str, list[UpdateOne]], read: PlainRead, article: str, slot: int
    ) -> None:
        day, quarter = day_name(read.quarter // PER_DAY), read.quarter % PER_DAY
        number, kind = read.number, read.kind
        added = {f"by.{kind}.{quarter}": number} if kind != "reader" else {}
        fixed: Document = {"v": 1, "article": article, "slot": slot}
        if kind in PEOPLE:
            added |= {f"q.{quarter}": number, "reads": number}
            update = {"$inc": {"reads": number}, "$setOnInsert": fixed}
            writes["counts"].append(UpdateOne({"_id": f"{article}/{slot}"}, update, upsert=True))
        else:
            added |= {f"filtered.{kind}": number, "reads": 0}
        name = {"_id": f"{article}/{day}/{slot}"}
        update = {"$inc": added, "$setOnInsert": fixed | {"day": day}}
        writes["buckets"].append(UpdateOne(name, update, upsert=True))
        if kind not in PEOPLE:  # readers expect the field
            missing = {**name, "q": {"$exists": False}}
            writes["buckets"].append(UpdateOne(missing, {"$set": {"q": {}}}))

    async def archive(self, article: str, month: str) -> None:
        """Move the days of an article's month to the archive."""

        async def once(session: Session) -> None:
            wanted = {"article": article, "day": {"$regex": f"^{month}"}}
            added: Counter[str] = Counter()
            async for bucket in self._db.buckets.find(wanted, session=session):
                under = f"days.{bucket['day'][8:]}"
                for path, number in _flat(under, bucket):
                    added[path] += number
                added.setdefault(f"{under}.reads", 0)
            if added:
                fixed = {"v": 1, "article": article, "month": month}
                await self._db.archive.update_one(
                    {"_id": f"{article}/{month}"},
                    {"$inc": dict(added), "$setOnInsert": fixed},
                    upsert=True,
                    session=session,
                )
                await self._db.buckets.bulk_write([DeleteMany(wanted)], session=session)

        await transaction(self._client, once)


def _flat(under: str, bucket: Document) -> list[tuple[str, int]]:
    found = [(f"{under}.reads", bucket.get("reads", 0))]
    found += [(f"{under}.q.{quarter}", n) for quarter, n in bucket["q"].items()]
    found += [(f"{under}.filtered.{kind}", n) for kind, n in bucket.get("filtered", {}).items()]
    for kind, quarters in bucket.get("by", {}).items():
        found += [(f"{under}.by.{kind}.{quarter}", n) for quarter, n in quarters.items()]
    return found


def random_reads(
    chance: random.Random, now: datetime, articles: list[str], number: int, *, oldest: int
) -> list[PlainRead]:
    """Reads of the last hours, some late, some from any time since the quarter `oldest`, and a few
    of an ingest whose clock is ahead.
    """
    current, found = quarter_of(now), []
    for _ in range(number):
        kind = chance.choices(("reader", "batch", "bot", "reload", "other"), (70, 10, 10, 6, 4))[0]
        back = chance.choices(
            (
                chance.randrange(0, 8),
                chance.randrange(8, 40),
                chance.randrange(40, 300),
                chance.randrange(0, max(1, current - oldest)),
                -chance.randrange(1, 60),
            ),
            (70, 12, 8, 5, 5),
        )[0]
        quarter = max(oldest, current - back)
        found.append(PlainRead(chance.choice(articles), quarter, chance.randrange(1, 9), kind))
    return found
