"""The unique readers of a portal's past, written into a database as stats would have left them."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.clock import to_millis
from services.stats.readers.distinct import EXACT
from services.stats.readers.scopes import WHOLE_SITE, ReaderScope, ScopeDay
from shared.base.salt_days import begin_of, day_of, salt_day_number
from shared.storage.types import MongoDatabase
from tests.support.page_figures import HANOI

NOBODY_YET = {"generation": 0, "offset": -1, "batch": "", "minted": 0, "marks": []}


async def write_readers(
    db: MongoDatabase,
    now: datetime,
    days: int,
    scopes: tuple[ReaderScope, ...] = (WHOLE_SITE,),
    zone: ZoneInfo = HANOI,
) -> None:
    """The readers of the last `days` days: some thousands of the site, fewer at weekends; some
    hundreds of anything else. They are known since the first of these days.
    """
    today = day_of(now, zone)
    documents: list[dict[str, Any]] = []
    for each in range(days):
        day = today - timedelta(days=each)
        share = (0.6 if day.weekday() >= 5 else 1) * (0.9 + 0.1 * ((each * 7) % 5))
        for scope in scopes:
            number = int((9000 if scope == WHOLE_SITE else 1300) * share * 0.995**each)
            documents.append(_number(ScopeDay(scope, salt_day_number(day)), number))
    first = begin_of(today - timedelta(days=days - 1), zone)
    place = {"_id": "place", "v": 1, "since": to_millis(first), **NOBODY_YET}
    await db.readers.insert_many([place, *documents])


def _number(scope_day: ScopeDay, number: int) -> dict[str, Any]:
    scope = scope_day.scope
    return {
        "_id": scope_day.id, "v": 1, "kind": scope.kind, "name": scope.name,
        "day": scope_day.day, "number": number, "exact": number <= EXACT,
    }  # fmt: skip
