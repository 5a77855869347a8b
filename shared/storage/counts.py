"""The documents of counts, buckets and books: ids, fields, updates and sums. Pure.

counter writes them; stats and render read them. A document exists once per slot,
so that two counters write different documents; readers add the slots up.

    counts    <article>/<slot>         {article, slot, reads, generation}
    buckets   <article>/<day>/<slot>   {article, day, slot, reads, q: {quarter: n},
                                        filtered: {class: n}, by: {class: {quarter: n}},
                                        referrer: {class: {quarter: n}},
                                        device: {class: {quarter: n}}}
    late      <day>/<slot>             {day, slot, number}
    books     <epoch>/<slot>           {epoch, slot, batches, accepted, duplicates,
                                        filtered: {class: n}, max_seq, first_minted_at,
                                        last_minted_at, corrected: {class: n}}
    corrections <batch id>             {moves, sources, counted_at}

`generation` of an article is the number of corrections that lowered its total, added up over the
slots like its reads; a missing one is 0. So of two pairs (generation, total) the later one is never
the smaller, as `Total` compares them.

`reads` and `q` are people's reads, of the classes reader and batch (`shared.rabbit.batch`).
`by.batch` are those of class batch among them; the others are of class reader. A document of an
earlier release has no `by.batch`: its reads all pass for class reader. `filtered` and the rest of
`by` are reads that are not counted, by class. `day` is a UTC day such as `2026-11-23`, a quarter is
0 to 95 of that day.

The site's buckets alone have `referrer` and `device`: reads of class reader by where they came from
and by the device. What the sum of the classes lacks of the reads of class reader is not known, as
of all reads of an earlier release; a class that is missing beside others has none.

`corrected` is what correcting batches have changed in a class: it is in the other numbers already,
and adds up to 0. `corrections` keeps these batches, for the recounts that follow.

`number` of `late` counts the flushes that added reads of that day after `quarters.LATE`. A sum of a
closed time is right as long as the numbers of its days are those of the snapshot it was made from.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.rabbit.batch import BATCH
from shared.storage.versions import Document

SITE = "*"
"""The id that stands for the whole site. No article can have it."""


@dataclass(frozen=True, slots=True, order=True)
class Total:
    """An article's counted reads. The larger of two is the later one: corrections that lower the
    reads raise the generation.
    """

    generation: int
    reads: int


NOTHING = Total(0, 0)


@dataclass(frozen=True, slots=True)
class Upsert:
    """An update of the document `id`, which creates it if it does not exist."""

    id: str
    update: Document


@dataclass(slots=True)
class DayEntry:
    """The increments of one bucket by a flush: reads by quarter of the day, 0 to 95."""

    people: Counter[int] = field(default_factory=Counter)
    batch: Counter[int] = field(default_factory=Counter)
    """Those of class batch among `people`."""
    filtered: dict[str, Counter[int]] = field(default_factory=dict)
    """Filtered reads by class."""
    referrers: dict[str, Counter[int]] = field(default_factory=dict)
    """Reads of class reader by the class of their referrer. The site's bucket only."""
    devices: dict[str, Counter[int]] = field(default_factory=dict)
    """The same reads by the class of the device."""


@dataclass(frozen=True, slots=True)
class BookEntry:
    """The increments of one epoch's books by a flush. `seen` is None if it had no new batch."""

    batches: int
    accepted: int
    duplicates: int
    filtered: Mapping[str, int]
    seen: tuple[int, datetime, datetime] | None
    """(highest sequence, time of the first batch, time of the last batch)."""
    corrected: Mapping[str, int] = field(default_factory=dict)


def count(article: str, slot: int, reads: int, lowered: bool = False) -> Upsert:
    """The update that adds `reads` to the count of `article`. `lowered` raises its generation."""
    fixed = {"article": article, "slot": slot}
    added = {"reads": reads, "generation": 1} if lowered else {"reads": reads}
    return Upsert(f"{article}/{slot}", {"$inc": added, "$setOnInsert": fixed})


def bucket(article: str, day: str, slot: int, entry: DayEntry) -> Upsert:
    """The update that adds reads of `article` on `day`."""
    fixed: Document = {"article": article, "day": day, "slot": slot}
    added = _quarters("q", entry.people)
    if added:
        added["reads"] = entry.people.total()
    else:  # readers expect both fields
        fixed |= {"q": {}, "reads": 0}
    added |= _quarters(f"by.{BATCH}", entry.batch)
    for kind, quarters in entry.filtered.items():
        added |= _quarters(f"by.{kind}", quarters)
        added[f"filtered.{kind}"] = quarters.total()
    for name, classes in (("referrer", entry.referrers), ("device", entry.devices)):
        for kind, quarters in classes.items():
            added |= _quarters(f"{name}.{kind}", quarters)
    return Upsert(f"{article}/{day}/{slot}", {"$inc": added, "$setOnInsert": fixed})


def _quarters(path: str, quarters: Mapping[int, int]) -> dict[str, int]:
    return {f"{path}.{quarter}": number for quarter, number in quarters.items()}


def late(day: str, slot: int) -> Upsert:
    """The update that marks `day`: a flush has added reads to a quarter of it that ended long
    ago.
    """
    return Upsert(
        f"{day}/{slot}", {"$inc": {"number": 1}, "$setOnInsert": {"day": day, "slot": slot}}
    )


def book(epoch: str, slot: int, entry: BookEntry) -> Upsert:
    """The update that adds a flush to the books of `epoch`."""
    added = {"batches": entry.batches, "accepted": entry.accepted, "duplicates": entry.duplicates}
    added |= {f"filtered.{reason}": number for reason, number in entry.filtered.items()}
    added |= {f"corrected.{kind}": number for kind, number in entry.corrected.items()}
    update: Document = {"$inc": added, "$setOnInsert": {"epoch": epoch, "slot": slot}}
    if entry.seen:
        sequence, first, last = entry.seen
        update["$max"] = {"max_seq": sequence, "last_minted_at": last}
        update["$min"] = {"first_minted_at": first}
    return Upsert(f"{epoch}/{slot}", update)


def reads_by_article(articles: Collection[str] | None = None) -> list[Document]:
    """A pipeline over `counts`: rows {_id: article, reads, generation} of `articles`, or of all
    articles and `SITE`.
    """
    chosen: list[Document] = (
        [] if articles is None else [{"$match": {"article": {"$in": list(articles)}}}]
    )
    sums: Document = {"reads": {"$sum": "$reads"}, "generation": {"$sum": "$generation"}}
    return [*chosen, {"$group": {"_id": "$article"} | sums}]


def totals(rows: Iterable[Mapping[str, Any]]) -> dict[str, Total]:
    """The rows of `reads_by_article`, by article."""
    return {row["_id"]: Total(row.get("generation", 0), row["reads"]) for row in rows}


def bucket_reads_from(day: str, place: int, per_day: int) -> Document:
    """An expression for a bucket's reads; on `day` only those from quarter `place` on."""
    rest = {"$sum": [f"$q.{quarter}" for quarter in range(place, per_day)]}
    return {"$cond": [{"$eq": ["$day", day]}, rest, "$reads"]}
