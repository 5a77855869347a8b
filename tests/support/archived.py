"""Reads in buckets and archive, added up the slow way, and old ones to move."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from shared.rabbit.batch import QUARTER_MS, Batch, Group, batch_id
from shared.storage.counts import Upsert
from shared.storage.quarters import PER_DAY, day_number
from shared.storage.types import MongoDatabase, Session

Sums = Counter[tuple[str, str, int]]
"""Reads by class (`people` for all that count), article and quarter since 1970."""


Stored = dict[str, dict[str, Any]]
"""Documents of a collection by id."""


def carry_out(documents: Stored, upsert: Upsert) -> None:
    """Do to the documents what MongoDB does with an update."""
    document = documents.get(upsert.id)
    if document is None:
        document = documents[upsert.id] = {"_id": upsert.id, **upsert.update["$setOnInsert"]}
    for path, number in upsert.update["$inc"].items():
        *way, name = path.split(".")
        place = document
        for step in way:
            place = place.setdefault(step, {})
        place[name] = place.get(name, 0) + number


def quarter_at(day: str, place: int = 0) -> int:
    """A quarter of a UTC day."""
    return day_number(day) * PER_DAY + place


def old_batch(sequence: int, *groups: Group, epoch: str = "e1") -> Batch:
    """A batch that was minted now, as a forced one is counted: its reads may be of any time."""
    latest = max((group[2] for group in groups), default=1)
    return Batch(batch_id(epoch, sequence), latest * QUARTER_MS, list(groups))


async def all_sums(db: MongoDatabase, session: Session | None = None) -> Sums:
    """Every number in both collections. The sums of a day must be those of its quarters."""
    found: Sums = Counter()
    async for bucket in db.buckets.find({}, session=session):
        _add(found, bucket["article"], bucket["day"], bucket)
    async for archived in db.archive.find({}, session=session):
        for name, fields in archived["days"].items():
            _add(found, archived["article"], f"{archived['month']}-{name}", fields)
    return found


def _add(found: Sums, article: str, day: str, fields: Mapping[str, Any]) -> None:
    for kind, quarters in _classes(fields):
        for place, number in quarters.items():
            found[kind, article, quarter_at(day, int(place))] += number
        if kind != "batch":
            whole = fields["reads"] if kind == "people" else fields["filtered"][kind]
            assert whole == sum(quarters.values()), (article, day, kind)


def _classes(fields: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, int]]]:
    yield "people", fields.get("q", {})
    yield from fields.get("by", {}).items()
