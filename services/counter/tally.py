"""The fold: turns batches of reads into increments. Pure, and the only code that counts reads.

Batches are folded within the flush, once the ledger has shown which of them are new.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from shared.rabbit.batch import BATCH, NO_ARTICLE, PEOPLE, Batch, Move
from shared.rabbit.batch_parsing import LATEST_MS
from shared.storage.counts import SITE, DayEntry
from shared.storage.quarters import PER_DAY, day_name


@dataclass
class EpochSums:
    """The increments of one epoch's books. Times in milliseconds since 1970.

    While all batches are duplicates, `max_seq` is -1 and the times are those of no batch.
    """

    batches: int = 0
    max_seq: int = -1
    first_minted_at: int = LATEST_MS
    last_minted_at: int = 0
    accepted: int = 0
    filtered: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    corrected: Counter[str] = field(default_factory=Counter)
    """What correcting batches change in each class, people's among them. Adds up to 0."""

    def note(self, batch: Batch, sequence: int) -> None:
        """Note the number, the time and people's reads of a batch that is new."""
        self.batches += 1
        self.accepted += batch.reads
        self.max_seq = max(self.max_seq, sequence)
        self.first_minted_at = min(self.first_minted_at, batch.minted_at)
        self.last_minted_at = max(self.last_minted_at, batch.minted_at)


@dataclass
class Increments:
    """The increments of one flush."""

    reads: Counter[str]
    """People's reads by article."""
    quarters: Counter[tuple[str, int]]
    """People's reads by article and quarter of an hour since 1970, UTC."""
    of_batches: Counter[tuple[str, int]]
    """Those of class batch among them."""
    filtered: Counter[tuple[str, str, int]]
    """Filtered reads by class, article and quarter."""
    referrers: Counter[tuple[str, int]]
    """The site's reads of class reader by the class of their referrer, if it is known, and
    quarter."""
    devices: Counter[tuple[str, int]]
    """The same by the class of the device."""
    epochs: dict[str, EpochSums]
    corrections: Counter[str] = field(default_factory=Counter)
    """What correcting batches change in people's reads, by article; included in `reads`."""
    moved: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Reads that correcting batches move, by class and new class."""

    @property
    def total(self) -> int:
        """People's reads of all articles; negative if corrections take more than was read."""
        return self.reads.total()

    @property
    def newly_read(self) -> int:
        """People's reads of all articles without corrections."""
        return self.total - self.corrections.total()

    def lowers(self, article: str) -> bool:
        """True if corrections lower the total of `article`, or of the whole `SITE`."""
        if article == SITE:
            return self.corrections.total() < 0
        return self.corrections[article] < 0


def fold(batches: Iterable[Batch], known: Collection[str] = ()) -> Increments:
    """Add up `batches`. Repeated ids and those in `known`, which are in the ledger, only count as
    duplicates.
    """
    sums, epochs, seen = _Folding(), defaultdict[str, EpochSums](EpochSums), set(known)
    for batch in batches:
        epoch, sequence = batch.place
        books = epochs[epoch]
        if batch.batch_id in seen:
            books.duplicates += 1
            continue
        seen.add(batch.batch_id)
        books.note(batch, sequence)
        sums.add(batch, books)
    return sums.increments(epochs)


class _Folding:
    """What a fold adds up, by keys that cost little for each group and source."""

    def __init__(self) -> None:
        self._people: dict[int, dict[str, int]] = {}
        """By quarter, then by article: nearly all groups of a batch have one quarter."""
        self._of_batches: Counter[tuple[str, int]] = Counter()
        self._filtered: Counter[tuple[str, str, int]] = Counter()
        self._referrers: dict[int, dict[str, int]] = {}
        self._devices: dict[int, dict[str, int]] = {}
        """By quarter, then by class."""
        self._corrections: Counter[str] = Counter()
        self._moved: Counter[tuple[str, str]] = Counter()

    def add(self, batch: Batch, books: EpochSums) -> None:
        """Add a batch that is new. Its filtered reads are added to `books` too."""
        people: dict[str, int] = {}
        of_quarter = -1
        for kind, article, quarter, number, _, _ in batch.groups:
            if kind in PEOPLE:
                if quarter != of_quarter:
                    people, of_quarter = self._people.setdefault(quarter, {}), quarter
                # With a Counter, += takes twice as long.
                people[article] = people.get(article, 0) + number
                if kind == BATCH:
                    self._of_batches[article, quarter] += number
            else:
                self._filtered[kind, article, quarter] += number
                books.filtered[kind] += number
                books.accepted += number
        for quarter, referrers, devices in batch.sources:
            came_from = self._referrers.setdefault(quarter, {})
            for kind, number in referrers.items():
                came_from[kind] = came_from.get(kind, 0) + number
            read_on = self._devices.setdefault(quarter, {})
            for kind, number in devices.items():
                read_on[kind] = read_on.get(kind, 0) + number
        if batch.corrects:
            self._correct(batch.moves, books)

    def _correct(self, moves: Iterable[Move], books: EpochSums) -> None:
        """Add what a correcting batch moves. Accepted reads stay what they were."""
        for was, now, article, quarter, number in moves:
            self._moved[was, now] += number
            for kind, change in ((was, -number), (now, number)):
                books.corrected[kind] += change
                if kind in PEOPLE:
                    people = self._people.setdefault(quarter, {})
                    people[article] = people.get(article, 0) + change
                    self._corrections[article] += change
                else:
                    self._filtered[kind, article, quarter] += change
                    books.filtered[kind] += change

    def increments(self, epochs: dict[str, EpochSums]) -> Increments:
        """The sums by article, quarter and class."""
        reads: Counter[str] = Counter()
        for people in self._people.values():
            reads.update(people)
        quarters, referrers, devices = map(_by_name, (self._people, self._referrers, self._devices))
        return Increments(
            reads, quarters, self._of_batches, self._filtered, referrers, devices, epochs,
            self._corrections, self._moved,
        )  # fmt: skip


def _by_name(sums: dict[int, dict[str, int]]) -> Counter[tuple[str, int]]:
    """Sums by quarter and name, by (name, quarter)."""
    return Counter(
        {
            (name, quarter): number
            for quarter, of_quarter in sums.items()
            for name, number in of_quarter.items()
        }
    )


def days_before(added: Increments, quarter: int) -> list[str]:
    """The UTC days, such as `2026-11-23`, on which `added` has reads of any class, or sources of
    reads, before `quarter`.
    """
    touched = {one for _, one in added.quarters} | {one for _, _, one in added.filtered}
    # Those of reads are among them; a correction may change sources alone.
    touched |= {one for _, one in added.referrers} | {one for _, one in added.devices}
    return [day_name(day) for day in sorted({one // PER_DAY for one in touched if one < quarter})]


def by_day(added: Increments) -> dict[tuple[str, str], DayEntry]:
    """The increments by (article, UTC day as `2026-11-23`).
    The article `SITE` stands for the whole site.
    """
    days: dict[tuple[str, str], DayEntry] = defaultdict(DayEntry)
    names: dict[int, str] = {}

    def touched(article: str, day: int) -> Iterable[DayEntry]:
        name = names.get(day)
        if name is None:
            name = names[day] = day_name(day)
        return (days[who, name] for who in (article, SITE) if who != NO_ARTICLE)

    for (article, quarter), number in added.quarters.items():
        day, place = divmod(quarter, PER_DAY)
        for one in touched(article, day):
            one.people[place] += number
    for (article, quarter), number in added.of_batches.items():
        day, place = divmod(quarter, PER_DAY)
        for one in touched(article, day):
            one.batch[place] += number
    for (kind, article, quarter), number in added.filtered.items():
        day, place = divmod(quarter, PER_DAY)
        for one in touched(article, day):
            one.filtered.setdefault(kind, Counter())[place] += number
    for (kind, quarter), number in added.referrers.items():
        day, place = divmod(quarter, PER_DAY)
        for one in touched(NO_ARTICLE, day):
            one.referrers.setdefault(kind, Counter())[place] += number
    for (kind, quarter), number in added.devices.items():
        day, place = divmod(quarter, PER_DAY)
        for one in touched(NO_ARTICLE, day):
            one.devices.setdefault(kind, Counter())[place] += number
    return days
