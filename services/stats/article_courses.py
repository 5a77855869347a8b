"""An article's reads by quarter, from the database."""

import asyncio
from datetime import datetime

from services.stats.exporting.store import DaysStore
from services.stats.periods import Period
from services.stats.traffic.course import SparseCourse
from services.stats.traffic.pipelines import may_be_archived
from services.stats.traffic.site_buckets import SiteKey, add_bucket
from shared.storage.quarters import quarter_of
from shared.storage.types import Session

DAYS_AT_ONCE = 32
"""Days that are added up at a time; other work runs in between."""


async def article_courses(
    store: DaysStore,
    session: Session,
    article: str,
    span: Period,
    now: datetime,
    wanted: SiteKey | None = None,
) -> dict[SiteKey, SparseCourse]:
    """The courses of an article as of the snapshot, of the days that `span` touches; that of the
    key `wanted` alone, if it is given.
    """
    found: dict[SiteKey, dict[int, int]] = {}
    number = 0
    archived = may_be_archived(span[0], quarter_of(now))
    async for day in store.parts(session, article, span, archived=archived):
        add_bucket(found, {"day": day.day, "q": day.q, "by": day.by}, wanted)
        number += 1
        if number % DAYS_AT_ONCE == 0:
            await asyncio.sleep(0)
    return {key: SparseCourse(reads) for key, reads in found.items()}
