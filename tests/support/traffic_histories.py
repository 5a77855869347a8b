"""Hostile histories of reads, drawn from a seed: borders of days in odd zones, moves of the clock,
late reads, forced old ones, clocks that are ahead, articles that move, come back or are not known.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from tests.support.traffic_oracle import (
    DEVICES,
    FILTERED,
    REFERRERS,
    ArticleChange,
    Read,
    TrafficOracle,
)
from tests.support.wall_clock import DAY, ODD_ZONES, begin, clock_moves, quarter_at, start_at, wall

SECTIONS = ("tin-tuc", "van-hoa", "the-thao", "2026")
MAX_AHEAD = timedelta(hours=24)
"""How far a read may lie in the future of the counter's clock."""
LATE_HOURS = 71
"""The age up to which a batch is counted without being forced."""
TICK = timedelta(milliseconds=1)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class TrafficHistory:
    """Reads in the order in which they are counted, and changes of articles in theirs."""

    zone: str
    reads: list[Read]
    changes: list[ArticleChange]
    looks: list[datetime]
    """Moments at which a figure is most likely to be wrong, in order."""

    def oracle(self) -> TrafficOracle:
        """All of its figures."""
        return TrafficOracle(self.reads, self.changes, self.zone)


def hostile_history(seed: int, zone: str, end: datetime, days: int, reads: int) -> TrafficHistory:
    """`reads` reads of `days` days until `end` in a site whose zone is `zone`. Forced reads are up
    to two years older.
    """
    random = Random(seed)
    first = end - days * DAY
    articles = [f"a{n}" for n in range(10)]
    changes = _changes(random, articles, first, end)
    borders = _borders(zone, first, end)
    unknown = ["ghost1"]  # its event has not come yet, or never does
    weights = [1 / (n + 1) for n in range(len(articles) + 1)]
    found = list[Read]()
    while len(found) < reads:
        accepted = _moment(random, borders, first, end)
        accepted, counted = _counted(random, accepted, end)
        article = random.choices(articles + unknown, weights)[0]
        # A read is often not alone in its quarter, article and flush.
        number = min(random.choice((1, 1, 1, 2, 9)), reads - len(found))
        found += [_read(random, article, accepted, counted) for _ in range(number)]
    found.sort(key=lambda read: read.counted)
    return TrafficHistory(zone, found, changes, _looks(random, borders, found, changes, end))


def read_groups(reads: Iterable[Read]) -> list[tuple[str, str, int, int, int, int]]:
    """The reads as groups of a batch (`shared.rabbit.batch`), without visitors."""
    groups = Counter((read.kind, read.article, read.quarter) for read in reads)
    return [(*group, number, 0, 0) for group, number in groups.items()]


def read_sources(reads: Iterable[Read]) -> list[tuple[int, dict[str, int], dict[str, int]]]:
    """The sources of a batch: (quarter, reads by referrer, reads by device).
    Reads of which nothing is known are not among them.
    """
    found: dict[int, tuple[Counter[str], Counter[str]]] = {}
    for read in reads:
        if read.device:
            referrers, devices = found.setdefault(read.quarter, (Counter(), Counter()))
            referrers.update([read.referrer] if read.referrer else [])
            devices[read.device] += 1
    return [(quarter, dict(a), dict(b)) for quarter, (a, b) in found.items()]


def flushes(reads: Sequence[Read]) -> list[tuple[datetime, list[Read]]]:
    """Reads that are counted at the same moment, in order."""
    found: dict[datetime, list[Read]] = {}
    for read in reads:
        found.setdefault(read.counted, []).append(read)
    return sorted(found.items())


def _borders(zone: str, first: datetime, end: datetime) -> list[list[datetime]]:
    """Midnights in odd zones, and midnights and moves of the clock in the site's."""
    since, until = quarter_at(first), quarter_at(end)

    def midnights(name: str) -> Iterator[datetime]:
        day = wall(since, name).date()
        while begin(day, name) <= until:
            yield start_at(begin(day, name))
            day += DAY

    odd = [moment for name in ("UTC", *ODD_ZONES[:3]) for moment in midnights(name)]
    moves = [start_at(move) for move in clock_moves(zone, since - since % 96, until)]
    return [kind for kind in (odd, list(midnights(zone)), moves) if kind]


def _moment(
    random: Random, borders: Sequence[Sequence[datetime]], first: datetime, end: datetime
) -> datetime:
    if random.random() < 0.5:
        return first + random.random() * (end - first)
    step = random.choice((timedelta(0), -TICK, TICK, timedelta(minutes=15), -_HOUR, _HOUR))
    return random.choice(random.choice(borders)) + step


def _counted(random: Random, accepted: datetime, end: datetime) -> tuple[datetime, datetime]:
    """(accepted, counted) of a read that is accepted at about `accepted`."""
    way = random.random()
    if way < 0.70:
        return accepted, accepted + random.uniform(0.05, 2) * timedelta(seconds=1)
    if way < 0.80:  # from a spool
        return accepted, accepted + random.uniform(0, LATE_HOURS) * _HOUR
    if way < 0.86:  # on both sides of the moments at which an hour is late, and closed
        closing = start_at(quarter_at(accepted) + 1) + random.choice((2, 3, 4)) * _HOUR
        return accepted, closing + random.choice((-1, 0, 1)) * timedelta(seconds=1)
    if way < 0.94:  # the clock of ingest is ahead
        counted = accepted - random.choice((1 / 3600, 0.25, 1, 3, 24)) * _HOUR
        return min(accepted, counted + MAX_AHEAD), counted
    counted = min(accepted, end)  # forced
    return counted - random.uniform(3, 2 * 365) * DAY, counted


def _read(random: Random, article: str, accepted: datetime, counted: datetime) -> Read:
    kind = random.choices(("reader", "batch", *FILTERED, "other"), (60, 15, 8, 4, 3, 2, 2, 1))[0]
    if kind == "limit" and random.random() < 0.5:
        article = ""  # ingest had no room to remember it
    known = random.random() if kind == "reader" else 1.0
    return Read(
        article,
        kind,
        accepted,
        counted,
        random.choice(REFERRERS) if known < 0.6 else None,
        random.choice(DEVICES) if known < 0.8 else None,
    )


def _changes(
    random: Random, articles: Sequence[str], first: datetime, end: datetime
) -> list[ArticleChange]:
    """Each article is published, some before the first read, some within the last day; some move to
    another section, are withdrawn, come back, or get another baseline.
    """
    found = []
    for number, article in enumerate(articles):
        young = number % 3 == 0
        since = end - random.random() * DAY if young else first - random.random() * 400 * DAY
        state, section, baseline = "published", random.choice(SECTIONS), random.choice((0, 0, 700))
        at = published_at = since
        for _ in range(random.choice((1, 1, 2, 4))):
            found.append(ArticleChange(at, article, state, section, baseline, published_at))
            at += random.random() * (end - at)
            match random.choice(("move", "withdraw", "baseline")):
                case "move":
                    section = random.choice(SECTIONS)
                case "withdraw":
                    state = "published" if state == "withdrawn" else "withdrawn"
                case "baseline":
                    baseline += 55
    return sorted(found, key=lambda change: change.at)


def _looks(
    random: Random,
    borders: Sequence[Sequence[datetime]],
    reads: Sequence[Read],
    changes: Sequence[ArticleChange],
    end: datetime,
) -> list[datetime]:
    """Around borders, flushes, closings and changes, and the end."""
    steps = (-TICK, timedelta(0), TICK, timedelta(minutes=7), 3 * _HOUR)
    near = [
        *(random.choice(random.choice(borders)) for _ in range(12)),
        *(read.counted for read in random.sample(list(reads), min(12, len(reads)))),
        *(change.at for change in random.sample(list(changes), min(6, len(changes)))),
    ]
    return sorted({*(min(end, moment + random.choice(steps)) for moment in near), end})
