"""The plain lists of one site: its reads and the changes of its articles, and what is published."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random

from luotdoc_events import events
from tests.oracle.corrections import Corrections
from tests.oracle.figures import Books, Figures
from tests.oracle.traffic import ALWAYS, HOUR, YEARS, Delivery, Post, Traffic
from tests.oracle.visitors import reader_day
from tests.support import wire
from tests.support.traffic_oracle import PEOPLE, ArticleChange, Read
from tests.support.wall_clock import DAY, quarter_at

SECTIONS = ("thoi-su", "van-hoa", "the-thao", "2026", "kinh-te")
ODD_IDS = ("1e5", "00123", "may1")
"""Ids that a spreadsheet would take for numbers or dates."""
GHOSTS = ("ghost1", "ghost2")
"""Articles that are read, and whose events never come."""


@dataclass(frozen=True)
class Size:
    """How much a site has: articles, reads of the past on so many days, and reads of each round."""

    articles: int
    past: int
    days: int
    live: int
    seconds: float
    """Time for which the reads of a round arrive."""
    points: int
    """About the most points of a series."""


@dataclass
class Portal:
    """One site, whose time zone is `zone`. Its lists hold what was published, in order."""

    random: Random
    zone: str
    size: Size
    reads: list[Read] = field(default_factory=list)
    changes: list[ArticleChange] = field(default_factory=list)
    books: Books = field(default_factory=Books)
    revisions: dict[str, int] = field(default_factory=dict)
    readers_since: date | None = None
    """The day of the first round: since then at the latest readers are known."""

    def __post_init__(self) -> None:
        self.traffic = Traffic(self.random, self.zone)
        self.post = Post(self.random, "o", self.zone)
        self.corrections = Corrections(self.random)
        self.batches: list[Delivery] = []
        """All that were published."""

    def figures(self) -> Figures:
        """What stats must answer now."""
        return Figures(self.reads, self.changes, self.zone, self.books, self.readers_since)

    @property
    def articles(self) -> list[str]:
        """The known ones, and those that are only read."""
        return [*self.revisions, *GHOSTS]

    def past(self, now: datetime) -> list[Delivery]:
        """The two years before `now`."""
        self.traffic.past_days(now, self.size.days)
        reads = self.traffic.reads(
            self.articles, self.size.past, lambda: self.traffic.old_moment(now)
        )
        return self._counted(reads, now)

    def live(self, now: datetime) -> list[Delivery]:
        """The batches of a round."""
        reads = self.traffic.reads(self.articles, self.size.live, lambda: self.traffic.moment(now))
        self.readers_since = self.readers_since or reader_day(quarter_at(now), self.zone)
        found = self._counted(self.traffic.seen(reads, now), now)
        lost = self.traffic.reads(
            self.articles, 5, lambda: now - 4 * DAY - self.random.random() * DAY
        )
        refused = self.post.refused(lost, now)
        self.books.parked += refused.batch.reads
        self.batches.append(refused)
        return [*found, refused]

    def corrected(self, now: datetime) -> list[Delivery]:
        """The correcting batches of a recount, after which the plain list is another one."""
        before = Counter(read.kind for read in self.reads)
        found = self.corrections.correct(self.reads, now)
        changed = Counter(read.kind for read in self.reads)
        changed.subtract(before)
        self.books.correct(changed)
        self.batches += found
        return found

    def _counted(self, reads: Sequence[Read], now: datetime) -> list[Delivery]:
        self.reads += reads
        self.books.counted += sum(read.kind in PEOPLE for read in reads)
        self.books.filtered.update(read.kind for read in reads if read.kind not in PEOPLE)
        found = self.post.batches(reads, now)
        self.batches += found
        return found

    def born(self, now: datetime) -> list[events.Data]:
        """The events of all articles of the first day: most are old, some were published within
        the last day.
        """
        names = [*ODD_IDS, *(f"a{n}" for n in range(self.size.articles - len(ODD_IDS)))]
        found = list[events.Data]()
        for place, name in enumerate(names):
            age = self.random.random() * (DAY if place % 5 == 0 else YEARS)
            found.append(self._publish(name, now - age, self.random.choice((0, 0, 700))))
        return found

    def changed(self, now: datetime) -> list[events.Data]:
        """Some articles move to another section, are withdrawn or come back, and two are new."""
        found = list[events.Data]()
        for name in self.random.sample(sorted(self.revisions), max(2, len(self.revisions) // 4)):
            last = self._last(name)
            if last.state == "published" and self.random.random() < 0.3:
                found.append(self._withdraw(name, now))
            else:
                found.append(self._publish(name, last.published_at, last.baseline))
        for _ in range(2):
            name = f"new{len(self.revisions)}"
            found.append(self._publish(name, now - self.random.random() * 3 * HOUR, 0))
        self.random.shuffle(found)  # a later revision may arrive first
        return found

    def _last(self, article: str) -> ArticleChange:
        return next(each for each in reversed(self.changes) if each.article == article)

    def _publish(self, article: str, published_at: datetime, baseline: int) -> events.Data:
        section = self.random.choice(SECTIONS)
        self._note(article, "published", section, baseline, published_at)
        return wire.sample(
            "article.published",
            article,
            self.revisions[article],
            section=section,
            reads_baseline=baseline,
            published_at=published_at,
        )

    def _withdraw(self, article: str, now: datetime) -> events.Data:
        last = self._last(article)
        self._note(article, "withdrawn", last.section, last.baseline, last.published_at)
        return wire.sample("article.withdrawn", article, self.revisions[article])

    def _note(
        self, article: str, state: str, section: str, baseline: int, published_at: datetime
    ) -> None:
        self.revisions[article] = self.revisions.get(article, 0) + 1
        # All of them are past for the oracle, in this order.
        at = ALWAYS + timedelta(milliseconds=len(self.changes)) - HOUR
        self.changes.append(ArticleChange(at, article, state, section, baseline, published_at))
