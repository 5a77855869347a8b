"""Reads drawn from a seed: of now, late by hours, days and years, ahead of the clock, and at
borders of quarters, hours, days, months and years of several zones.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from random import Random

from shared.rabbit.batch import COUNTED_HOURS, Batch, batch_id, join_hashes
from tests.oracle.visitors import with_visitors
from tests.support.traffic_histories import read_sources
from tests.support.traffic_oracle import DEVICES, FILTERED, OTHER, REFERRERS, Read
from tests.support.wall_clock import DAY, begin, clock_moves, quarter_at, start_at

HOUR = timedelta(hours=1)
TICK = timedelta(milliseconds=1)
YEARS = 2 * 365 * DAY
ALWAYS = datetime.fromisoformat("1970-01-02T00:00:00+00:00")
"""When reads are counted, for the oracle: it is asked once all are."""
LATEST = timedelta(hours=COUNTED_HOURS - 1)
"""Age of the oldest batch that is counted without being forced."""
AHEAD = 20 * HOUR
STEPS = (timedelta(0), -TICK, TICK, -HOUR, HOUR, timedelta(minutes=14, seconds=59))
BORDER_ZONES = ("UTC", "Asia/Kathmandu", "Australia/Lord_Howe")


@dataclass(frozen=True)
class Delivery:
    """A batch as it is published."""

    batch: Batch
    forced: bool = False
    too_old: bool = False
    """It is parked and not counted."""
    copies: int = 1
    hashes: tuple[str, ...] = ()
    """Those of its visitors."""


@dataclass
class Traffic:
    """Draws reads of a site whose zone is `zone`."""

    random: Random
    zone: str
    days: list[date] = field(default_factory=list)
    """The far past: its reads lie on few days, so that these have several."""

    def past_days(self, now: datetime, number: int) -> None:
        """Choose the days of the two years before `now`."""
        today = now.date()
        firsts = [date(today.year - n // 12, 12 - n % 12, 1) for n in range(30)]
        near = [first - DAY * self.random.randrange(2) for first in firsts]
        near += [today - self.random.randrange(730) * DAY for _ in range(number)]
        self.days = sorted({day for day in near if today - YEARS < day < today})

    def moment(self, now: datetime) -> datetime:
        """When a read is accepted."""
        random, way = self.random, self.random.random()
        if way < 0.40:
            return now - random.random() * 2 * HOUR
        if way < 0.52:
            return now - random.random() * DAY
        if way < 0.60:
            return now - random.random() * 5 * DAY
        if way < 0.66:
            return now + random.random() * AHEAD
        if way < 0.74:
            return start_at(quarter_at(now) - random.randrange(300)) + random.choice(STEPS)
        return min(self.old_moment(now), now)

    def old_moment(self, now: datetime) -> datetime:
        """When a read of the far past is accepted."""
        random, day = self.random, self.random.choice(self.days)
        if random.random() < 0.5:
            return start_at(begin(day, self.zone)) + random.random() * DAY
        zone = random.choice((self.zone, self.zone, *BORDER_ZONES))
        if random.random() < 0.3 and (moves := self.moves(now)):
            return start_at(random.choice(moves)) + random.choice(STEPS)
        return start_at(begin(day, zone)) + random.choice(STEPS)

    def moves(self, now: datetime) -> list[int]:
        """The moves of the site's clock."""
        end = quarter_at(now)
        return clock_moves(self.zone, end - end % 96 - 730 * 96, end)

    def read(self, article: str, accepted: datetime) -> Read:
        """A read of some class."""
        random, kinds = self.random, ("reader", "batch", *FILTERED, OTHER)
        kind = random.choices(kinds, (60, 15, 8, 4, 3, 2, 2, 2))[0]
        if kind == "limit" and random.random() < 0.5:
            article = ""  # ingest had no room to remember it
        known = random.random() if kind == "reader" else 1.0
        return Read(
            article,
            kind,
            accepted,
            ALWAYS,
            random.choice(REFERRERS) if known < 0.6 else None,
            random.choice(DEVICES) if known < 0.8 else None,
        )

    def seen(self, reads: Sequence[Read], now: datetime) -> list[Read]:
        """The reads, most of the young ones of class reader with their visitor."""
        random = self.random
        return [
            replace(read, visitor=random.randrange(1, VISITORS))
            if read.kind == "reader" and now - SEEN < read.accepted <= now and random.random() < 0.9
            else read
            for read in reads
        ]

    def reads(
        self, articles: Sequence[str], number: int, moment: Callable[[], datetime]
    ) -> list[Read]:
        """About `number` reads, accepted at `moment`s."""
        found = list[Read]()
        weights = [1 / (place + 3) for place in range(len(articles))]
        while len(found) < number:
            article, accepted = self.random.choices(articles, weights)[0], moment()
            # A read is often not alone in its quarter, article and flush.
            for _ in range(self.random.choice((1, 1, 1, 2, 7))):
                found.append(self.read(article, accepted))
        return found


VISITORS = 300
SEEN = 20 * HOUR
"""Age of reads whose visitors are known: of older ones the salt may be deleted soon."""


@dataclass
class Post:
    """Puts reads of a site whose zone is `zone` into batches, numbered without gaps, whose epochs
    are named by `name`.
    """

    random: Random
    name: str
    zone: str
    numbers: dict[str, int] = field(default_factory=dict)

    def batches(self, reads: Sequence[Read], now: datetime) -> list[Delivery]:
        """Batches of all `reads`, in any order: some are late, forced, or sent twice."""
        left, found = list(reads), list[Delivery]()
        self.random.shuffle(left)
        while left:
            size = self.random.randrange(1, 60)
            found += self._deliveries(left[:size], now)
            left = left[size:]
        self.random.shuffle(found)
        return found

    def refused(self, reads: Sequence[Read], now: datetime) -> Delivery:
        """A batch that is too old to be counted."""
        minted = now - LATEST - 5 * HOUR
        old = [read for read in reads if read.accepted <= minted]
        return Delivery(self._batch("refused", old, minted)[0], too_old=True)

    def _deliveries(self, reads: list[Read], now: datetime) -> list[Delivery]:
        epoch = self.random.choice(("a", "b"))
        if self.random.random() < 0.15:
            # As an operator's forced redrive: minted when its reads were accepted.
            old = [read for read in reads if read.accepted < now - LATEST]
            new = [read for read in reads if read.accepted >= now - LATEST]
            found = [
                Delivery(self._batch("forced", [read], read.accepted)[0], forced=True)
                for read in old
            ]
            if new:
                batch, hashes = self._batch(epoch, new, self._minted(new, now))
                found.append(Delivery(batch, hashes=hashes))
            return found
        copies = self.random.choices((1, 2, 3), (85, 12, 3))[0]
        batch, hashes = self._batch(epoch, reads, self._minted(reads, now))
        return [Delivery(batch, copies=copies, hashes=hashes)]

    def _minted(self, reads: Sequence[Read], now: datetime) -> datetime:
        """Some are from a spool. A read may be a day later than its batch, and not more."""
        late = self.random.choice((0.0, 0.0, 1.0, self.random.random()))
        minted = now - late * LATEST
        return min(now, max(minted, *(read.accepted - DAY + HOUR for read in reads)))

    def _batch(
        self, epoch: str, reads: Sequence[Read], minted: datetime
    ) -> tuple[Batch, tuple[str, ...]]:
        """A batch, and the hashes of its visitors."""
        epoch = f"{self.name}{epoch}"
        number = self.numbers[epoch] = self.numbers.get(epoch, -1) + 1
        groups, hashes = with_visitors(reads, self.zone)
        batch = Batch(
            batch_id(epoch, number),
            round(minted.timestamp() * 1000),
            [("gadget" if g[0] == OTHER else g[0], *g[1:]) for g in groups],
            join_hashes(hashes),
            tuple(read_sources(reads)),
        )
        return batch, tuple(hashes)
