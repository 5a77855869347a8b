"""The figures that `tests.support.traffic_oracle` doesn't have: splits of a series, rows of the
export, and the books. Without any code of the product, too.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache

from tests.oracle.visitors import reader_day
from tests.support.traffic_oracle import (
    CLASSES,
    DEVICES,
    PEOPLE,
    READER,
    REFERRERS,
    ArticleChange,
    Read,
    TrafficOracle,
    calendar_steps,
)
from tests.support.wall_clock import quarter_at, start_at

UNKNOWN = "not_known"
SPLITS = {"class": CLASSES, "referrer": (*REFERRERS, UNKNOWN), "device": (*DEVICES, UNKNOWN)}


@dataclass
class Books:
    """The sums of what was published: reads that count, filtered ones by reason, and parked."""

    counted: int = 0
    filtered: Counter[str] = field(default_factory=Counter)
    parked: int = 0
    corrected: Counter[str] = field(default_factory=Counter)
    """What corrections have changed in each class."""

    def correct(self, changed: Counter[str]) -> None:
        """Take a correction, which is in all the other sums, too."""
        self.corrected.update(changed)
        self.counted += sum(changed[kind] for kind in PEOPLE)
        self.filtered.update({kind: n for kind, n in changed.items() if kind not in PEOPLE})


@dataclass(frozen=True)
class PointRow:
    """One point of a series: its reads, None if they are not known, and those of each part."""

    start: datetime
    reads: int | None
    by: dict[str, int | None]


@dataclass(frozen=True)
class ExportedRow:
    """The reads of an article in a quarter of an hour, by class."""

    article: str
    start: datetime
    by: dict[str, int]


class Figures(TrafficOracle):
    """All figures of a site at a moment at which everything is counted."""

    def __init__(
        self,
        reads: Iterable[Read],
        changes: Iterable[ArticleChange],
        zone: str,
        books: Books,
        readers_since: date | None = None,
    ) -> None:
        super().__init__(reads, changes, zone)
        self.books = Books(
            books.counted, Counter(books.filtered), books.parked, Counter(books.corrected)
        )
        self._since: datetime | None = None
        self.readers_since = readers_since or date.max
        self._visitors: dict[tuple[date, str], set[int]] = {}
        for read in self.reads:
            if read.visitor:
                day = reader_day(read.quarter, zone)
                for article in ("", read.article):
                    self._visitors.setdefault((day, article), set()).add(read.visitor)

    def readers(self, day: date, article: str = "") -> int:
        """The distinct readers of an article, or the site, on one of their days."""
        return len(self._visitors.get((day, article), ()))

    def reader_numbers(self) -> dict[tuple[date, str], int]:
        """By day and article, or "" for the site: all that are not 0."""
        return {key: len(visitors) for key, visitors in self._visitors.items()}

    def since(self, as_of: datetime) -> datetime | None:
        """As of any moment: all reads are counted."""
        self._since = self._since or super().since(as_of)
        return self._since

    def points(
        self,
        step: str,
        first: datetime,
        end: datetime,
        as_of: datetime,
        *,
        zone: str = "",
        article: str = "",
        section: str = "",
        kind: str = "",
        split: str = "",
    ) -> list[PointRow]:
        """A series, with what is not known, split by class, referrer or device."""
        chosen = self._chosen(as_of, article, section, (kind,) if kind else PEOPLE)
        spans = steps(step, quarter_at(first), _last(end), zone or self.zone)
        total = _by_span(spans, [read.quarter for read in chosen])
        parts = {
            name: _by_span(spans, quarters)
            for name, quarters in self._parts(as_of, article, split).items()
        }
        found = []
        for place, quarters in enumerate(spans):
            known = self._is_known(quarters, as_of)
            # A read that is there is known, wherever it lies.
            by = {name: part[place] or (0 if known else None) for name, part in parts.items()}
            reads = total[place] or (0 if known else None)
            found.append(PointRow(start_at(quarters[0]), reads, by))
        return found

    def _parts(self, as_of: datetime, article: str, split: str) -> dict[str, list[int]]:
        """The quarters of the reads of each part."""
        found: dict[str, list[int]] = {name: [] for name in SPLITS.get(split, ())}
        kinds = CLASSES if split == "class" else (READER,)
        for read in self._chosen(as_of, article, kinds=kinds) if split else ():
            part = read.kind if split == "class" else getattr(read, split) or UNKNOWN
            found[part].append(read.quarter)
        return found

    def exported(
        self, first: datetime, end: datetime, as_of: datetime, article: str = ""
    ) -> list[ExportedRow]:
        """Every quarter of an hour that [first, end) touches and in which an article has reads of
        any class, by article and time.
        """
        chosen = self._chosen(as_of, article, kinds=CLASSES)
        reads: dict[tuple[str, int], Counter[str]] = {}
        for read in chosen:
            if read.article and quarter_at(first) <= read.quarter <= _last(end):
                reads.setdefault((read.article, read.quarter), Counter())[read.kind] += 1
        return [
            ExportedRow(
                name, start_at(quarter), {kind: reads[name, quarter][kind] for kind in CLASSES}
            )
            for name, quarter in sorted(reads)
        ]


def _last(end: datetime) -> int:
    """The quarter before `end`."""
    return quarter_at(end - timedelta(microseconds=1))


def _by_span(spans: Sequence[range], quarters: Iterable[int]) -> list[int]:
    """How many of `quarters` lie in each span."""
    places = {quarter: place for place, span in enumerate(spans) for quarter in span}
    found = Counter(places.get(quarter) for quarter in quarters)
    return [found[place] for place in range(len(spans))]


@lru_cache(maxsize=4000)
def steps(step: str, first: int, last: int, zone: str) -> list[range]:
    """The quarters of each step that the quarters from `first` to `last` touch."""
    return list(calendar_steps(step, start_at(first), start_at(last + 1), zone))
