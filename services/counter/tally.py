"""The fold: batches of reads become increments. Pure, and the only place that counts.

Increments are kept per batch until the ledger has been looked into: which batches are new is known only then.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from shared.rabbit.batch import NO_ARTICLE, PEOPLE, Batch
from shared.storage.counts import SITE
from shared.storage.quarters import PER_DAY, day_name


@dataclass
class EpochSums:
    """What the books gain for one start of ingest. Times in milliseconds since 1970."""

    batches: int = 0
    max_seq: int = -1
    first_minted_at: int = 1 << 60
    last_minted_at: int = 0
    accepted: int = 0
    filtered: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0


@dataclass
class Increments:
    """What a flush adds."""

    reads: Counter[str]
    """By article."""
    quarters: Counter[tuple[str, int]]
    """By article and quarter of an hour since 1970, UTC."""
    filtered: Counter[tuple[str, str, int]]
    """Reads that are not counted, by class, article and quarter."""
    epochs: dict[str, EpochSums]

    @property
    def total(self) -> int:
        """Reads of all articles, filtered ones not among them."""
        return self.reads.total()


@dataclass
class Day:
    """What one bucket document gains: reads by quarter of its day, 0-95, people's and those of each filtered class."""

    people: Counter[int] = field(default_factory=Counter)
    filtered: dict[str, Counter[int]] = field(default_factory=dict)


def fold(batches: Iterable[Batch], known: Collection[str] = ()) -> Increments:
    """Add up `batches`, each id once, and none that is in `known`, the ids that the ledger holds."""
    quarters: Counter[tuple[str, int]] = Counter()
    filtered: Counter[tuple[str, str, int]] = Counter()
    epochs: dict[str, EpochSums] = {}
    seen = set(known)
    for batch in batches:
        epoch, sequence = batch.place
        sums = epochs.setdefault(epoch, EpochSums())
        if batch.batch_id in seen:
            sums.duplicates += 1
            continue
        seen.add(batch.batch_id)
        sums.accepted += batch.reads
        for kind, article, quarter, number, _, _ in batch.groups:
            if kind in PEOPLE:
                key = article, quarter
                quarters[key] = quarters.get(key, 0) + number  # with a Counter, += takes twice as long
            else:
                filtered[kind, article, quarter] += number
                sums.filtered[kind] += number
                sums.accepted += number
        sums.batches += 1
        sums.max_seq = max(sums.max_seq, sequence)
        sums.first_minted_at = min(sums.first_minted_at, batch.minted_at)
        sums.last_minted_at = max(sums.last_minted_at, batch.minted_at)
    reads: Counter[str] = Counter()
    for (article, _), number in quarters.items():
        reads[article] = reads.get(article, 0) + number
    return Increments(reads, quarters, filtered, epochs)


def by_day(added: Increments) -> dict[tuple[str, str], Day]:
    """Sort what was read under (article, UTC day as `2026-11-23`). The whole site is in it under `SITE`."""
    days: dict[tuple[str, str], Day] = defaultdict(Day)
    names: dict[int, str] = {}

    def touched(article: str, day: int) -> Iterable[Day]:
        name = names.get(day)
        if name is None:
            name = names[day] = day_name(day)
        return (days[who, name] for who in (article, SITE) if who != NO_ARTICLE)

    for (article, quarter), number in added.quarters.items():
        day, place = divmod(quarter, PER_DAY)
        for one in touched(article, day):
            one.people[place] += number
    for (kind, article, quarter), number in added.filtered.items():
        day, place = divmod(quarter, PER_DAY)
        for one in touched(article, day):
            one.filtered.setdefault(kind, Counter())[place] += number
    return days
