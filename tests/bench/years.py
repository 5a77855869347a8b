"""Years of a portal's history, put into the database directly: buckets, archive, counts and
catalogue, in the shape of counter's and stats'. All of them agree, as after years of counting.

Each day brings 20 new articles. Each article is read all day for its first days, less for a month,
and now and then for ever, the older the less often: some 2,800 articles a day, in 3,424 buckets of
two slots. So two years are 2.5 million buckets of 19,600 articles. Some 5,000 of them were
published before the first read, in an earlier system.
"""

import multiprocessing
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import groupby, islice
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient, WriteConcern

from shared.rabbit.batch import BATCH, DEVICES, REFERRERS
from shared.storage.archive import archived, first_month_kept
from shared.storage.counts import SITE
from tests.bench.traffic import article
from tests.support.archived import carry_out

KEEP_DAYS = 400
"""Days for which counter keeps buckets unless it is told otherwise."""
NEW_A_DAY, EARLIER = 20, 5_000
SECTIONS = ("kinh-te", "phap-luat", "the-thao", "thoi-su", "van-hoa")
YOUNG_DAYS = 30
"""Days for which an article is read each day."""
OLD_A_DAY = 2_222
"""Older articles that are read on a day."""
BUCKETS_A_DAY = 2 * NEW_A_DAY * YOUNG_DAYS + OLD_A_DAY + 2
SHAPES = 64
"""Number of different days that an article of one age can have."""
_AGES = ((1, 60, 40), (3, 40, 12), (YOUNG_DAYS, 18, 4), (None, 3, 1))
"""(age in days below which it holds, quarters with reads, most reads of a quarter)."""
CHUNK = 5_000

Quarters = dict[str, int]


@dataclass(frozen=True)
class Shape:
    """What people read of one article on one day in one slot."""

    q: Quarters
    bots: Quarters
    raw: bytes
    """The fields but for the ids, as elements of a BSON document."""

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of a bucket but for its ids."""
        return day_fields(self.q, {"bot": self.bots} if self.bots else {})


def day_fields(q: Quarters, by: Mapping[str, Quarters]) -> dict[str, Any]:
    """The fields of a bucket but for its ids."""
    filtered = {kind: sum(each.values()) for kind, each in by.items() if kind != BATCH}
    return {"reads": sum(q.values()), "q": q, "filtered": filtered, "by": dict(by)}


@dataclass(frozen=True)
class Years:
    """The history of `days` UTC days, whose last one is `today`; it ends with the quarter `until`
    of that day.
    """

    days: int
    today: date
    until: int

    @classmethod
    def ending(cls, days: int, moment: datetime) -> "Years":
        """The history of `days` days until `moment`."""
        utc = moment.astimezone(UTC)
        return cls(days, utc.date(), utc.hour * 4 + utc.minute // 15)

    @property
    def articles(self) -> int:
        """The number of all articles; the youngest have the highest numbers."""
        return EARLIER + NEW_A_DAY * self.days

    def day(self, place: int) -> date:
        """Day number `place`, from 0."""
        return self.today - timedelta(days=self.days - 1 - place)

    def published(self, number: int) -> datetime:
        """The moment at which an article was published."""
        day = self.day((number - EARLIER) // NEW_A_DAY)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)


def put(mongo_url: str, years: Years, processes: int) -> tuple[int, int]:
    """Write `years` into an empty database. Answers the number of buckets, those that are in the
    archive included, and of the archive's documents. Blocks.
    """
    months = [
        list(places)
        for _, places in groupby(range(years.days), lambda place: years.day(place).isoformat()[:7])
    ]
    totals: Counter[int] = Counter()
    written = archives = 0
    # Not forked: this process has threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        for reads, buckets, documents in pool.map(_put_month, *zip(*(
            (mongo_url, years, places) for places in months
        ), strict=True)):  # fmt: skip
            totals.update(reads)
            written += buckets
            archives += documents
    with MongoClient[Any](mongo_url) as client:
        db = client.get_default_database()
        _send(db.counts, _counts(totals))
        _send(db.catalogue, _catalogue(years))
        client.admin.command("fsync")  # what follows is not measured while this is written to disk
    return written, archives


def _put_month(mongo_url: str, years: Years, places: list[int]) -> tuple[dict[int, int], int, int]:
    """Write the days `places`, all of one UTC month: (reads by article, buckets, documents of the
    archive).
    """
    month = years.day(places[0]).isoformat()[:7]
    old = month < first_month_kept(
        datetime.combine(years.today, datetime.min.time(), UTC), KEEP_DAYS
    )
    reads: Counter[int] = Counter()
    kept: dict[int, list[dict[str, Any]]] = {}
    written = documents = 0
    with MongoClient[Any](mongo_url) as client:
        db = client.get_default_database()
        for place in places:
            rows = _rows(years, place)
            written += len(rows) + 2
            for number, _, shape in rows:
                reads[number] += sum(shape.q.values())
            _send(db.buckets, _site(years, place, rows))
            if old:
                for each in rows:
                    kept.setdefault(each[0], []).append(_bucket(years, place, *each))
            else:
                _send(db.buckets, (_raw(years, place, *each) for each in rows))
        if old:
            documents = len(kept)
            _send(db.archive, (_archive(number, month, all_of) for number, all_of in kept.items()))
    return dict(reads), written, documents


def _send(collection: Any, documents: Iterable[Any]) -> None:
    hurried = collection.with_options(write_concern=WriteConcern(w=1, j=False))
    rest = iter(documents)
    while chunk := list(islice(rest, CHUNK)):
        hurried.insert_many(chunk, ordered=False)


Row = tuple[int, int, Shape]
"""(article, slot, shape) of a bucket."""


def _rows(years: Years, place: int) -> list[Row]:
    """The buckets of articles on a day."""
    chance = random.Random(place)
    end = EARLIER + NEW_A_DAY * (place + 1)
    young = end - NEW_A_DAY * YOUNG_DAYS
    found: list[Row] = []
    for number in range(young, end):
        shapes = _shapes(_age_class((end - 1 - number) // NEW_A_DAY))
        found += [(number, slot, chance.choice(shapes)) for slot in (0, 1)]
    old: set[int] = set()
    while len(old) < OLD_A_DAY:
        # Ages are spread evenly by their logarithm.
        old.add(young - int(500 * (young / 500) ** chance.random() - 499))
    shapes = _shapes(len(_AGES) - 1)
    found += [(number, 0, chance.choice(shapes)) for number in sorted(old)]
    return [_begun(row, years.until) for row in found] if place == years.days - 1 else found


def _begun(row: Row, until: int) -> Row:
    """A row of today: only its quarters before `until`, and one that has certainly been read."""
    number, slot, shape = row
    q = {name: n for name, n in shape.q.items() if int(name) < until} or {"0": 1}
    return number, slot, _shape(q, {})


def _age_class(age: int) -> int:
    return next(place for place, (below, *_) in enumerate(_AGES) if below is None or age < below)


@cache
def _shapes(age_class: int) -> list[Shape]:
    """The days that an article of an age can have; the portal is read from 5 to 24 o'clock."""
    chance = random.Random(age_class)
    _, quarters, most = _AGES[age_class]
    found = []
    for _ in range(SHAPES):
        places = chance.sample(range(76), chance.randint(1, quarters))
        q = {str((place + 88) % 96): chance.randint(1, most) for place in sorted(places)}
        bots = dict.fromkeys(list(q)[:2], 1) if most > 1 else {}
        found.append(_shape(q, bots))
    return found


def _shape(q: Quarters, bots: Quarters) -> Shape:
    fields = day_fields(q, {"bot": bots} if bots else {})
    return Shape(q, bots, bson.encode(fields)[4:-1])


def _ids(years: Years, place: int, who: str, slot: int) -> dict[str, Any]:
    day = years.day(place).isoformat()
    return {"_id": f"{who}/{day}/{slot}", "v": 1, "article": who, "day": day, "slot": slot}


def _bucket(years: Years, place: int, number: int, slot: int, shape: Shape) -> dict[str, Any]:
    return _ids(years, place, article(number), slot) | shape.fields


def _raw(years: Years, place: int, number: int, slot: int, shape: Shape) -> RawBSONDocument:
    head = bson.encode(_ids(years, place, article(number), slot))[4:-1]
    size = (len(head) + len(shape.raw) + 5).to_bytes(4, "little")
    return RawBSONDocument(size + head + shape.raw + b"\0")


def _site(years: Years, place: int, rows: list[Row]) -> Iterator[dict[str, Any]]:
    """The site's buckets of a day: the sums of the articles', and of what only the site has."""
    for slot in (0, 1):
        q, bots = Counter[str](), Counter[str]()
        for shape, times in Counter(id(row[2]) for row in rows if row[1] == slot).items():
            held = next(row[2] for row in rows if id(row[2]) == shape)
            for into, quarters in ((q, held.q), (bots, held.bots)):
                for name, number in quarters.items():
                    into[name] += times * number
        by = {BATCH: _share(q, 20), "bot": dict(bots), "reload": _share(q, 9)}
        yield {
            **_ids(years, place, SITE, slot),
            **day_fields(dict(q), by),
            "referrer": {kind: _share(q, 7) for kind in REFERRERS},
            "device": {kind: _share(q, 6) for kind in DEVICES},
        }


def _share(q: Mapping[str, int], part: int) -> Quarters:
    return {name: number // part for name, number in q.items() if number >= part}


def _archive(number: int, month: str, buckets: list[dict[str, Any]]) -> dict[str, Any]:
    """The document to which counter moves `buckets`."""
    made: dict[str, dict[str, Any]] = {}
    upsert = archived(article(number), month, buckets)
    upsert.update["$setOnInsert"]["v"] = 1
    carry_out(made, upsert)
    return made[upsert.id]


def _counts(totals: Mapping[int, int]) -> Iterator[dict[str, Any]]:
    yield _count(SITE, sum(totals.values()))
    for number, reads in totals.items():
        yield _count(article(number), reads)


def _count(who: str, reads: int) -> dict[str, Any]:
    return {"_id": f"{who}/0", "v": 1, "article": who, "slot": 0, "reads": reads}


def section(number: int) -> str:
    """The section of an article."""
    return SECTIONS[number % len(SECTIONS)]


def _catalogue(years: Years) -> Iterator[dict[str, Any]]:
    for number in range(years.articles):
        yield {
            "_id": article(number),
            "v": 1,
            "revision": 1,
            "state": "withdrawn" if number % 97 == 0 else "published",
            "title": f"Bài số {number}: sông Hương mùa nước nổi",
            "url": f"https://portal.example/{section(number)}/bai-{article(number)}.html",
            "section": section(number),
            "baseline": 1_000 if number < EARLIER else 0,
            "published_at": years.published(number),
            "content_revision": 1,
        }
