"""Every figure of traffic, computed the slow way: from a plain list of reads and one of changes of
articles, with the clock on the wall (`tests.support.wall_clock`) and without any code of the
product.

A figure at `as_of` has the reads that were counted until then, whenever they were accepted, and the
articles as they were then known. A read belongs to the quarter of an hour in which it was accepted,
and nothing finer is known of it. People's reads are those of the classes reader and batch; "reads"
without more means these.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import sqrt

from tests.support.wall_clock import (
    DAY,
    PERIODS,
    begin,
    compared,
    first_showing,
    quarter_at,
    start_at,
    wall,
)

READER, BATCH = "reader", "batch"
PEOPLE = (READER, BATCH)
FILTERED = ("bot", "reload", "prefetch", "origin", "limit")
OTHER = "other"
CLASSES = (*PEOPLE, *FILTERED, OTHER)
REFERRERS = ("direct", "site", "search", "social", OTHER)
DEVICES = ("mobile", "tablet", "desktop", OTHER)
NOT_KNOWN = "not known"
STEPS = ("hour", "day", "week", "month")
WINDOWS = (
    *("1h", "6h", "24h", "7d", "30d", "90d", "12mo"),
    *("today", "yesterday", "week", "month", "year", "all"),
)


@dataclass(frozen=True, slots=True)
class Read:
    """One read. `article` is "" if a filtered read's article is not known. Of reads of class reader
    `referrer` and `device` are known or None; a referrer is never known without the device.
    """

    article: str
    kind: str
    accepted: datetime
    counted: datetime
    referrer: str | None = None
    device: str | None = None
    visitor: int = 0
    """Who reads; 0 if that is not known."""

    @property
    def quarter(self) -> int:
        """The quarter in which it was accepted."""
        return quarter_at(self.accepted)


@dataclass(frozen=True, slots=True)
class ArticleChange:
    """What stats knows of an article from the moment `at` on."""

    at: datetime
    article: str
    state: str
    """`published` or `withdrawn`."""
    section: str
    baseline: int
    published_at: datetime


@dataclass(frozen=True, slots=True)
class ScoredArticle:
    """One trending article: c, e and (c - e) / √(e + 4)."""

    article: str
    score: float
    reads: int
    expected: float


class TrafficOracle:
    """The figures of `reads` and `changes`, for a site whose time zone is `zone`."""

    def __init__(self, reads: Iterable[Read], changes: Iterable[ArticleChange], zone: str) -> None:
        self.reads, self.changes, self.zone = list(reads), list(changes), zone

    def catalogue(self, as_of: datetime) -> dict[str, ArticleChange]:
        """The last change of each article until `as_of`."""
        changes = sorted(self.changes, key=lambda change: change.at)
        return {change.article: change for change in changes if change.at <= as_of}

    def since(self, as_of: datetime) -> datetime | None:
        """The start of the first UTC day with counted reads: what was before is not known."""
        quarters = [read.quarter for read in self._chosen(as_of)]
        if not quarters:
            return None
        return start_at(begin(wall(min(quarters), "UTC").date(), "UTC"))

    def site(self, as_of: datetime) -> dict[str, int]:
        """total, baseline, counted and the reads of each period."""
        return self._figures(as_of, self._chosen(as_of), self.catalogue(as_of).values())

    def article(self, article: str, as_of: datetime) -> dict[str, int] | None:
        """An article's figures, also after its withdrawal; None if it is not known."""
        known = self.catalogue(as_of).get(article)
        return self._figures(as_of, self._chosen(as_of, article), [known]) if known else None

    def section(self, section: str, as_of: datetime) -> dict[str, int] | None:
        """The figures of all articles that are in the section now, withdrawn ones included, with
        the number of its published `articles`; None if it has none.
        """
        inside = self._inside(section, as_of).values()
        if not inside:
            return None
        figures = self._figures(as_of, self._chosen(as_of, section=section), inside)
        return {"articles": sum(each.state == "published" for each in inside), **figures}

    def compared(
        self, as_of: datetime, by: str, *, article: str = "", section: str = ""
    ) -> dict[str, tuple[int, int | None]]:
        """By period: its reads until the last quarter's start, and those of the period before until
        the same moment of it, None if they are not known. Of the site, an article or a section.
        """
        quarters = [read.quarter for read in self._chosen(as_of, article, section)]
        since = self.since(as_of)
        found = {}
        for name in PERIODS:
            now, before = compared(as_of, self.zone, by, name)
            a, b = (sum(first <= q < end for q in quarters) for first, end in (now, before))
            known = since is not None and start_at(before[0]) >= since
            found[name] = a, b if known else None
        return found

    def sections(self, as_of: datetime) -> list[str]:
        """Every section that has an article, by name."""
        return sorted({change.section for change in self.catalogue(as_of).values()})

    def series(
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
    ) -> list[tuple[datetime, int | None]]:
        """(start in UTC, reads) of each step of `zone` that [first, end) touches: of the site, an
        article or a section, of people or of one class. Reads that are not known are None.
        """
        chosen = self._chosen(as_of, article, section, (kind,) if kind else PEOPLE)
        by_quarter = Counter(read.quarter for read in chosen)
        return [
            (
                start_at(quarters[0]),
                sum(by_quarter[quarter] for quarter in quarters)
                or (0 if self._is_known(quarters, as_of) else None),
            )
            for quarters in calendar_steps(step, first, end, zone or self.zone)
        ]

    def _is_known(self, quarters: range, as_of: datetime) -> bool:
        """Whether some of the time of a step has been counted, and some of it is not to come."""
        since = self.since(as_of)
        ends_after = since is not None and start_at(quarters[-1] + 1) > since
        return ends_after and start_at(quarters[0]) <= as_of

    def top(self, window: str, as_of: datetime, section: str = "") -> list[tuple[str, int]]:
        """(article, reads) of all published articles that were read in the window, the most read
        first, ties by id. `window`: one of `WINDOWS`, or `<n>h` or `<n>d`.
        """
        inside = self._window(window, as_of)
        chosen = self._chosen(as_of, section=section)
        reads = Counter(read.article for read in chosen if inside(read))
        known = self.catalogue(as_of)
        found = [(a, n) for a, n in reads.items() if a in known and known[a].state == "published"]
        return sorted(found, key=lambda each: (-each[1], each[0]))

    def trending(self, as_of: datetime, section: str = "") -> list[ScoredArticle]:
        """Published articles that were read more in the last two hours than was to be expected,
        the highest score first, ties by id.
        """
        start = quarter_at(as_of - timedelta(hours=2))
        people = self._chosen(as_of)
        latest = Counter(read.article for read in people if read.quarter >= start)
        day = [read for read in people if start - 96 <= read.quarter < start]
        own = Counter(read.article for read in day)
        known = self.catalogue(as_of)
        published = {a: quarter_at(each.published_at) for a, each in known.items()}
        young = [a for a, quarter in published.items() if quarter >= start - 96]
        found = []
        for article, reads in latest.items():
            since = published[article] if article in young else start - 96
            site = sum(read.quarter >= since for read in day)
            expected = own[article] * latest.total() / site if site else 0.0
            if article in young:
                others = [latest[each] for each in young if each != article]
                means = [sum(others) / len(others)] if others else []
                expected = max([expected, latest.total() / len(latest), *means])
            shown = article in known and known[article].state == "published"
            if shown and section in ("", known[article].section) and reads > expected:
                score = (reads - expected) / sqrt(expected + 4)
                found.append(ScoredArticle(article, score, reads, expected))
        return sorted(found, key=lambda each: (-each.score, each.article))

    def classes(self, as_of: datetime, article: str = "") -> dict[str, dict[str, int]]:
        """By period and class: the number of reads, of the site or an article."""
        reads = self._chosen(as_of, article, kinds=CLASSES)
        return self._by_period(as_of, reads, CLASSES, lambda read: read.kind)

    def referrers(self, as_of: datetime) -> dict[str, dict[str, int]]:
        """By period: reads of class reader by referrer, and those `NOT_KNOWN`."""
        readers, kinds = self._chosen(as_of, kinds=(READER,)), (*REFERRERS, NOT_KNOWN)
        return self._by_period(as_of, readers, kinds, lambda read: read.referrer or NOT_KNOWN)

    def devices(self, as_of: datetime) -> dict[str, dict[str, int]]:
        """By period: reads of class reader by device, and those `NOT_KNOWN`."""
        readers, kinds = self._chosen(as_of, kinds=(READER,)), (*DEVICES, NOT_KNOWN)
        return self._by_period(as_of, readers, kinds, lambda read: read.device or NOT_KNOWN)

    def _chosen(
        self,
        as_of: datetime,
        article: str = "",
        section: str = "",
        kinds: tuple[str, ...] = PEOPLE,
    ) -> list[Read]:
        """The reads that are counted at `as_of`, of these classes."""
        inside = self._inside(section, as_of) if section else {}
        return [
            read
            for read in self.reads
            if read.counted <= as_of
            and read.kind in kinds
            and (not article or read.article == article)
            and (not section or read.article in inside)
        ]

    def _inside(self, section: str, as_of: datetime) -> dict[str, ArticleChange]:
        known = self.catalogue(as_of)
        return {article: each for article, each in known.items() if each.section == section}

    def _figures(
        self, as_of: datetime, reads: Sequence[Read], articles: Iterable[ArticleChange]
    ) -> dict[str, int]:
        baseline = sum(each.baseline for each in articles)
        figures = {"total": baseline + len(reads), "baseline": baseline, "counted": len(reads)}
        for name, within in self._periods(as_of).items():
            figures[name] = sum(within(read) for read in reads)
        return figures

    def _periods(self, as_of: datetime) -> dict[str, Callable[[Read], bool]]:
        """Whether a read lies in a period. All but yesterday end with today, so that they have the
        reads of an ingest whose clock is ahead.
        """
        today = wall(quarter_at(as_of), self.zone).date()

        def shown(read: Read) -> date:
            return wall(read.quarter, self.zone).date()

        monday = today - today.weekday() * DAY
        return {
            "today": lambda read: shown(read) == today,
            "yesterday": lambda read: shown(read) == today - DAY,
            "week": lambda read: monday <= shown(read) <= today,
            "month": lambda read: (
                (shown(read).year, shown(read).month) == (today.year, today.month)
                and shown(read) <= today
            ),
            "year": lambda read: shown(read).year == today.year and shown(read) <= today,
        }

    def _window(self, window: str, as_of: datetime) -> Callable[[Read], bool]:
        if window == "all":
            return lambda _: True
        if window in PERIODS:
            return self._periods(as_of)[window]
        if window == "12mo":
            start = self._year_before(as_of)
        else:
            unit = {"h": timedelta(hours=1), "d": timedelta(days=1)}[window[-1]]
            start = quarter_at(as_of - int(window[:-1]) * unit)
        return lambda read: read.quarter >= start

    def _year_before(self, as_of: datetime) -> int:
        """The quarter at which the clock showed, a year ago, what it showed at the start of this
        one; of 29 February, on the 28th.
        """
        shown = wall(quarter_at(as_of), self.zone)
        if (shown.month, shown.day) == (2, 29):
            shown -= DAY
        return first_showing(shown.replace(year=shown.year - 1), self.zone)

    def _by_period(
        self,
        as_of: datetime,
        reads: Iterable[Read],
        kinds: Iterable[str],
        kind_of: Callable[[Read], str],
    ) -> dict[str, dict[str, int]]:
        within: dict[str, Callable[[Read], bool]] = {"total": lambda _: True}
        within |= self._periods(as_of)
        listed = list(reads)
        found = {}
        for name, inside in within.items():
            counts = Counter(kind_of(read) for read in listed if inside(read))
            found[name] = {kind: counts[kind] for kind in kinds}
        return found


def calendar_steps(step: str, first: datetime, end: datetime, zone: str) -> Iterator[range]:
    """The quarters of each step that [first, end) touches. Two quarters belong to one step if their
    clocks show the same hour with the same distance from UTC, or the same day, week or month.
    """

    def label(quarter: int) -> object:
        shown = wall(quarter, zone)
        if step == "hour":
            return shown.date(), shown.hour, shown - wall_utc(quarter)
        day = shown.date()
        return {"day": day, "week": day.isocalendar()[:2], "month": (day.year, day.month)}[step]

    start = quarter_at(first)
    while label(start - 1) == label(start):
        start -= 1
    last = quarter_at(end - timedelta(microseconds=1))
    while start <= last:
        after = start
        while label(after) == label(start):
            after += 1
        yield range(start, after)
        start = after


def wall_utc(quarter: int) -> datetime:
    """What a clock in UTC shows at the start of a quarter."""
    return start_at(quarter).replace(tzinfo=None)
