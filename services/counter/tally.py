"""The fold: batches of reads become increments. Pure, and the only place that counts.

Increments are kept per batch until the ledger has been looked into: which batches are new is known only then.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.batch import Batch

SITE = "*"
"""The name under which all articles together are counted; no article's id looks like it."""

QUARTER_MS = 15 * 60 * 1000
QUARTERS = 96


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
    epochs: dict[str, EpochSums]

    @property
    def total(self) -> int:
        """Reads of all articles."""
        return self.reads.total()


def fold(batches: Iterable[Batch], known: Collection[str] = ()) -> Increments:
    """Add up `batches`, each id once, and none that is in `known`, the ids that the ledger holds."""
    quarters: Counter[tuple[str, int]] = Counter()
    epochs: dict[str, EpochSums] = {}
    seen = set(known)
    for batch in batches:
        epoch, sequence = batch.place
        sums = epochs.setdefault(epoch, EpochSums())
        if batch.batch_id in seen:
            sums.duplicates += 1
            continue
        seen.add(batch.batch_id)
        quarters.update([(article, accepted // QUARTER_MS) for article, accepted, _, _ in batch.reads])
        sums.batches += 1
        sums.max_seq = max(sums.max_seq, sequence)
        sums.first_minted_at = min(sums.first_minted_at, batch.minted_at)
        sums.last_minted_at = max(sums.last_minted_at, batch.minted_at)
        sums.accepted += len(batch.reads) + sum(batch.filtered.values())
        sums.filtered.update(batch.filtered)
    reads: Counter[str] = Counter()
    for (article, _), number in quarters.items():
        reads[article] += number
    return Increments(reads, quarters, epochs)


def by_day(quarters: Counter[tuple[str, int]]) -> dict[tuple[str, str], Counter[int]]:
    """Sort quarters under (article, UTC day as `2026-11-23`): the number of reads by quarter of that day, 0-95.

    The whole site is in it under `SITE`.
    """
    days: dict[tuple[str, str], Counter[int]] = {}
    names: dict[int, str] = {}
    for (article, quarter), number in quarters.items():
        day, place = divmod(quarter, QUARTERS)
        name = names.get(day)
        if name is None:
            name = names[day] = datetime.fromtimestamp(day * 86400, UTC).date().isoformat()
        for who in (article, SITE):
            days.setdefault((who, name), Counter())[place] += number
    return days
