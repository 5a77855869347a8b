"""How long a series in JSON holds the event loop, with as many points as it may have."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.stats.answers import SeriesPoints
from services.stats.parameters import MAX_POINTS, SeriesParameters
from services.stats.series import SeriesReports
from services.stats.traffic.course import Course, LongCourse
from services.stats.traffic.lines import SPLITS, SeriesLines, lines_of, point_rows
from services.stats.traffic.site_buckets import READS, SiteKey
from shared.base.budget import Budget
from shared.storage.quarters import quarter_of

NOW = datetime(2026, 11, 23, 5, 7, tzinfo=UTC)
HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
LONGEST_SECONDS = 0.01


def series() -> SeriesLines:
    first = quarter_of(NOW - timedelta(days=90))
    course = LongCourse(Course(first, range(9000)), Course(first + 9000))
    keys: list[SiteKey] = [READS, *(("class", kind) for kind in SPLITS["class"])]
    return SeriesLines(lines_of(dict.fromkeys(keys, course), None, "class"), first + 96, NOW)


async def longest_turn(work: Any) -> tuple[float, Any]:
    """The processor time of the longest step of `work`, and its result."""
    longest = 0.0
    while True:
        started = time.thread_time()
        try:
            work.send(None)
        except StopIteration as end:
            return max(longest, time.thread_time() - started), end.value
        longest = max(longest, time.thread_time() - started)
        await asyncio.sleep(0)


async def test_no_turn_of_a_series_is_long_and_its_points_are_those_of_its_rows() -> None:
    store: Any = None
    reports = SeriesReports(store, Budget(1, 1, debt=1), lambda: NOW, HANOI)
    edges, body, took, query = list[int](), b"", [], SeriesParameters()
    for hours in range(3):  # the least of them: another process may disturb one; none is cached
        start, end = NOW - timedelta(hours=MAX_POINTS - 1 + hours), NOW - timedelta(hours=hours)
        wanted = {"step": "hour", "from": start.isoformat(), "to": end.isoformat()}
        query = SeriesParameters.model_validate(wanted | {"split": "class"})
        of_edges, edges = await longest_turn(reports.edges(query))
        of_points, body = await longest_turn(reports.points(query, edges, series()))
        took.append((max(of_edges, of_points), of_edges, of_points))
    longest, of_edges, of_points = min(took)
    print(f"\nlongest turns: edges {of_edges * 1e3:.1f} ms, points {of_points * 1e3:.1f} ms")
    assert longest < LONGEST_SECONDS
    found = SeriesPoints.model_validate_json(body)
    assert (found.step, found.tz, found.as_of) == ("hour", HANOI.key, "2026-11-23T05:07:00.000Z")
    assert len(found.points) in (MAX_POINTS, MAX_POINTS - 1)
    rows = list(point_rows(edges, HANOI, series()))
    told = [(p.start, HANOI.key, p.time, p.reads, *(p.by or {}).values()) for p in found.points]
    assert told == rows
    assert found.model_dump_json().encode() == body
