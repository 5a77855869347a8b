"""Builds the comparison of a site's, section's or article's periods with earlier ones. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.clock import rfc3339
from services.stats.answers import Compared, PeriodPairReads
from services.stats.periods import Period
from services.stats.traffic.compare import ComparedBy, PeriodPair, compared_periods
from services.stats.traffic.course import LongCourse
from shared.storage.quarters import quarter_of, start_of


def compared_answer(
    by: ComparedBy,
    as_of: datetime,
    pairs: Mapping[str, PeriodPair],
    since: int | None,
    reads: Callable[[Period], int],
) -> Compared:
    """The answer at `as_of`. `pairs` are those of `compared_periods`, `since` is the quarter before
    which reads are not known (None: none are known at all), `reads` says how many a period has.
    """
    found = {
        name: PeriodPairReads(
            reads=reads(pair.current),
            before=None if since is None or pair.before[0] < since else reads(pair.before),
        )
        for name, pair in pairs.items()
    }
    return Compared(by=by, through=rfc3339(start_of(quarter_of(as_of))), **found)


def course_compared(
    by: ComparedBy, as_of: datetime, zone: ZoneInfo, since: int | None, course: LongCourse
) -> Compared:
    """The answer of a course that is in memory. `zone` is the site's; `since` as above."""
    pairs = compared_periods(as_of, zone, by)
    return compared_answer(by, as_of, pairs, since, lambda each: course.between(*each))
