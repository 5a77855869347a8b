"""Figures of a portal that look real, for pages: a course of the day and of the week, a few bots,
and a course of years.
"""

import math
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from services.stats import answers
from services.stats.readers.answers import Readers, ReadersOfDay
from services.stats.reports import SiteFigures
from services.stats.traffic.course import Course, LongCourse
from services.stats.traffic.site_buckets import READS, SiteKey
from services.stats.traffic.site_courses import SiteCourses
from shared.storage.counts import NOTHING, Total
from shared.storage.quarters import PER_DAY, quarter_of, start_of

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 23, 7, 36, 5, tzinfo=UTC)
"""14:36:05 of a Monday in Hanoi."""
_NO_DAY = ReadersOfDay(number=None, error=None)
NO_READERS = Readers(today=_NO_DAY, yesterday=_NO_DAY, mean_7d=None, mean_30d=None, since=None)
"""Those of a portal that has just started."""
SHARES: Mapping[SiteKey, float] = {
    ("class", "batch"): 0.02, ("class", "bot"): 0.24, ("class", "reload"): 0.09,
    ("class", "prefetch"): 0.05, ("class", "origin"): 0.01, ("class", "limit"): 0.004,
    ("referrer", "direct"): 0.28, ("referrer", "site"): 0.31, ("referrer", "search"): 0.22,
    ("referrer", "social"): 0.12, ("referrer", "other"): 0.02, ("device", "mobile"): 0.71,
    ("device", "desktop"): 0.2, ("device", "tablet"): 0.04, ("device", "other"): 0.01,
}  # fmt: skip
"""Reads of each key for one of people's."""


def busy(quarter: int, zone: ZoneInfo = HANOI) -> float:
    """How much is read in a quarter: 0 to about 1."""
    local = start_of(quarter).astimezone(zone)
    hour = local.hour + local.minute / 60
    morning, evening = (math.exp(-(((hour - at) / 2.6) ** 2)) for at in (8.5, 20.5))
    noon = math.exp(-(((hour - 12.3) / 1.4) ** 2))
    weekend = 0.62 if local.weekday() >= 5 else 1.0
    season = 1 + 0.25 * math.sin(local.timetuple().tm_yday / 58)
    return weekend * season * (0.04 + 0.7 * morning + 0.45 * noon + 0.85 * evening)


def site_courses(days: int, most: int = 900, seed: int = 7, now: datetime = NOW) -> SiteCourses:
    """The quarters of a site that has been read for so many days: at most about `most` reads a
    quarter.
    """
    chance, current = random.Random(seed), quarter_of(now)
    first = (current // PER_DAY - days) * PER_DAY
    closed = current - 12
    people = [
        int(most * busy(quarter) * (0.5 + 0.5 * (place + 1) / (current - first + 1))
            * chance.uniform(0.85, 1.15))
        for place, quarter in enumerate(range(first, current + 1))
    ]  # fmt: skip
    courses: dict[SiteKey, LongCourse] = {READS: _long(first, people, closed)}
    batch = [int(each * SHARES["class", "batch"]) for each in people]
    reader = [each - other for each, other in zip(people, batch, strict=True)]
    courses["class", "reader"] = _long(first, reader, closed)
    for key, share in SHARES.items():
        courses[key] = _long(first, [int(each * share) for each in people], closed)
    return SiteCourses(closed, first, {}, courses, Total(0, sum(people)), 1)


def empty_courses(now: datetime = NOW) -> SiteCourses:
    """Those of a site that was never read."""
    return SiteCourses(quarter_of(now), quarter_of(now), {}, {}, NOTHING, 1)


def _long(first: int, reads: list[int], closed: int) -> LongCourse:
    cut = closed - first
    return LongCourse(Course(first, reads[:cut]), Course(closed, reads[cut:]))


def site_figures(courses: SiteCourses, now: datetime = NOW) -> SiteFigures:
    """The answer that goes with `courses`; its periods are all 1."""
    answer = answers.Site(
        total=courses.counted.reads + 1000, baseline=1000,
        counted=courses.counted.reads, generation=0,
        as_of="2026-11-23T07:36:05.000Z", complete_through="2026-11-23T07:36:04.100Z",
        since=answers.moment_of(courses.since), today=1, yesterday=1, week=1, month=1, year=1,
        online=None, readers=NO_READERS,
    )  # fmt: skip
    return SiteFigures(answer, courses, now)
