"""Hostile histories are as hostile as they say, and on them the oracle of traffic agrees with the
pure modules that there are.
"""

from bisect import bisect_left
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest

from services.stats.periods import Step, site_periods, steps
from services.stats.traffic.compare import ComparedBy, compared_periods
from services.stats.traffic.trending import RecentReads, trending, trending_start
from shared.storage.quarters import quarter_of
from tests.support.traffic_histories import (
    LATE_HOURS,
    MAX_AHEAD,
    TrafficHistory,
    flushes,
    hostile_history,
    read_groups,
    read_sources,
)
from tests.support.traffic_oracle import CLASSES, PEOPLE, READER, WINDOWS, Read
from tests.support.wall_clock import ODD_ZONES, begin, clock_moves, quarter_at

HOUR = timedelta(hours=1)
PLACES = [  # the clock moves shortly before each end
    ("Asia/Ho_Chi_Minh", "2028-03-01T03:00"),
    ("Asia/Kathmandu", "2026-11-25T05:07"),
    ("Australia/Lord_Howe", "2026-10-05T02:10"),
    ("Pacific/Apia", "2012-01-02T05:00"),
    ("Africa/Cairo", "2026-04-25T20:00"),
    ("Europe/Berlin", "2026-10-26T12:00"),
    ("America/Havana", "2026-11-02T12:00"),
]


def history(zone: str, end: str, seed: int = 1, days: int = 9, reads: int = 600) -> TrafficHistory:
    return hostile_history(seed, zone, datetime.fromisoformat(end).replace(tzinfo=UTC), days, reads)


def people(reads: list[Read], as_of: datetime) -> list[Read]:
    return [read for read in reads if read.counted <= as_of and read.kind in PEOPLE]


def known_since(reads: list[Read]) -> int:
    """The first quarter of the first UTC day with reads; never without any."""
    first = min((read.quarter for read in reads), default=1 << 40)
    return first - first % 96


@pytest.mark.parametrize(("zone", "end"), PLACES)
def test_every_kind_of_hostility_is_there(zone: str, end: str) -> None:
    made = history(zone, end)
    reads = made.reads
    assert len(reads) == 600
    assert [read.counted for read in reads] == sorted(read.counted for read in reads)
    delays = [read.counted - read.accepted for read in reads]
    assert sum(delay > 2 * HOUR for delay in delays) > 60
    assert sum(delay > LATE_HOURS * HOUR for delay in delays) > 5  # forced
    assert sum(delay > 60 * 24 * HOUR for delay in delays) > 5
    assert sum(delay < timedelta(0) for delay in delays) > 10  # ahead
    assert min(delays) >= -MAX_AHEAD
    assert {read.kind for read in reads} == set(CLASSES)
    assert {"", "ghost1"} < {read.article for read in reads}
    assert any(read.referrer is None and read.device for read in reads)
    assert not any(read.referrer and not read.device for read in reads)
    assert all(read.device is None for read in reads if read.kind != READER)
    assert len(made.looks) > 15


@pytest.mark.parametrize(("zone", "end"), PLACES)
def test_reads_lie_on_both_sides_of_midnights_and_moves(zone: str, end: str) -> None:
    made = history(zone, end)
    last = quarter_of(made.looks[-1])
    read = {quarter_of(each.accepted) for each in made.reads}
    today = made.looks[-1].astimezone(ZoneInfo(zone)).date()
    midnights = [begin(today - timedelta(days=n), zone) for n in range(8)]
    assert sum(quarter - 1 in read for quarter in midnights) >= 2
    assert sum(quarter in read for quarter in midnights) >= 2
    for move in clock_moves(zone, last - last % 96 - 9 * 96, last):
        assert {move - 1, move} <= read


def test_the_clocks_of_the_histories_move() -> None:
    moving = [
        zone
        for zone, end in PLACES
        for last in [quarter_of(datetime.fromisoformat(end).replace(tzinfo=UTC))]
        if clock_moves(zone, last - last % 96 - 9 * 96, last)
    ]
    assert moving == [zone for zone, _ in PLACES[2:]]
    assert {zone for zone, _ in PLACES[1:]} <= set(ODD_ZONES)


def test_a_seed_makes_one_history() -> None:
    a, b, c = (history("Europe/Berlin", "2026-10-26T12:00", seed) for seed in (1, 1, 2))
    assert a == b
    assert a.reads != c.reads


@pytest.mark.parametrize(("zone", "end"), PLACES)
def test_periods_agree_with_those_of_the_site(zone: str, end: str) -> None:
    made = history(zone, end)
    oracle = made.oracle()
    for as_of in made.looks:
        figures = oracle.site(as_of)
        quarters = [read.quarter for read in people(made.reads, as_of)]
        for name, (first, after) in site_periods(as_of, ZoneInfo(zone)).items():
            assert figures[name] == sum(first <= quarter < after for quarter in quarters), name
        assert figures["counted"] == len(quarters)


@pytest.mark.parametrize(("zone", "end"), PLACES)
def test_comparisons_agree(zone: str, end: str) -> None:
    made = history(zone, end)
    oracle = made.oracle()
    ways: list[ComparedBy] = ["previous", "last_week", "last_year"]
    for as_of in made.looks[::2]:
        reads = people(made.reads, as_of)
        quarters, since = [read.quarter for read in reads], known_since(reads)
        for by in ways:
            expected = {
                name: tuple(
                    sum(first <= quarter < after for quarter in quarters) if known else None
                    for (first, after), known in (
                        (pair.current, True),
                        (pair.before, pair.before[0] >= since),
                    )
                )
                for name, pair in compared_periods(as_of, ZoneInfo(zone), by).items()
            }
            assert oracle.compared(as_of, by) == expected


@pytest.mark.parametrize(("zone", "end"), PLACES)
@pytest.mark.parametrize("step", ["hour", "day", "month"])
def test_series_agree_with_steps(zone: str, end: str, step: Step) -> None:
    made = history(zone, end)
    oracle, random = made.oracle(), Random(step)
    for as_of in made.looks[-6:]:
        start = as_of - random.random() * timedelta(days=9)
        for name in (zone, random.choice(ODD_ZONES)):
            edges = list(steps(step, start, as_of, ZoneInfo(name)))
            reads = people(made.reads, as_of)
            quarters, since = sorted(read.quarter for read in reads), known_since(reads)
            places = [bisect_left(quarters, quarter_of(edge)) for edge in edges]
            expected = [
                (edge, b - a or (0 if quarter_of(end) > since and edge <= as_of else None))
                for (edge, end), (a, b) in zip(pairwise(edges), pairwise(places), strict=True)
            ]
            assert oracle.series(step, start, as_of, as_of, zone=name) == expected


@pytest.mark.parametrize(("zone", "end"), PLACES)
def test_trending_agrees(zone: str, end: str) -> None:
    made = history(zone, end, reads=1500)
    oracle, compared = made.oracle(), 0
    for as_of in made.looks:
        known, start = oracle.catalogue(as_of), trending_start(as_of)
        reads = people(made.reads, as_of)
        latest = Counter(read.article for read in reads if read.quarter >= start)
        day = [read for read in reads if start - 96 <= read.quarter < start]
        by_quarter = Counter(read.quarter for read in day)
        published = {article: quarter_at(each.published_at) for article, each in known.items()}
        found = trending(
            RecentReads(
                start=start,
                latest=latest,
                day=Counter(read.article for read in day),
                site_day=[by_quarter[quarter] for quarter in range(start - 96, start)],
                site_latest=latest.total(),
                young={a: quarter for a, quarter in published.items() if quarter >= start - 96},
            )
        )
        shown = [
            (each.article, each.reads, round(each.expected, 9), round(each.score, 9))
            for each in found
            if each.article in known and known[each.article].state == "published"
        ]
        compared += len(shown)
        assert shown == [
            (each.article, each.reads, round(each.expected, 9), round(each.score, 9))
            for each in oracle.trending(as_of)
        ]
    assert compared > 10


@pytest.mark.parametrize(("zone", "end"), PLACES)
def test_parts_add_up(zone: str, end: str) -> None:
    made = history(zone, end)
    oracle = made.oracle()
    for as_of in made.looks[::3]:
        site, classes = oracle.site(as_of), oracle.classes(as_of)
        for name, kinds in classes.items():
            whole = "counted" if name == "total" else name
            assert site[whole] == kinds["reader"] + kinds["batch"]
            for sources in (oracle.referrers(as_of), oracle.devices(as_of)):
                assert sum(sources[name].values()) == kinds["reader"]
        known = oracle.catalogue(as_of)
        sections = [oracle.section(each, as_of) for each in oracle.sections(as_of)]
        articles = [oracle.article(each, as_of) for each in known]
        in_sections = sum(each["counted"] for each in sections if each)
        assert in_sections == sum(each["counted"] for each in articles if each)
        unknown = [r for r in people(made.reads, as_of) if r.article not in known]
        assert site["counted"] == in_sections + len(unknown)
        for window in WINDOWS:
            parts = [oracle.top(window, as_of, each) for each in oracle.sections(as_of)]
            assert sorted(sum(parts, [])) == sorted(oracle.top(window, as_of))  # noqa: RUF017


def test_groups_and_sources_have_the_reads_of_their_flush() -> None:
    made = history("Asia/Kathmandu", "2026-11-25T05:07")
    groups: Counter[tuple[str, str, int]] = Counter()
    referrers: Counter[str] = Counter()
    devices: Counter[str] = Counter()
    moments = []
    for moment, reads in flushes(made.reads):
        moments.append(moment)
        assert {read.counted for read in reads} == {moment}
        for *group, number, _, _ in read_groups(reads):
            groups[tuple(group)] += number  # type: ignore[index]
        for _, by_referrer, by_device in read_sources(reads):
            referrers.update(by_referrer)
            devices.update(by_device)
    assert moments == sorted(set(moments))
    assert groups == Counter((read.kind, read.article, read.quarter) for read in made.reads)
    assert devices == Counter(read.device for read in made.reads if read.device)
    assert referrers == Counter(read.referrer for read in made.reads if read.referrer)
