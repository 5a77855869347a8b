"""The archive's documents and questions, by hand."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from luotdoc_subscriber.base.errors import Permanent
from services.counter.settings import CounterSettings
from services.stats.parameters import MAX_WINDOW
from shared.storage.archive import (
    KEEP_DAYS_AT_LEAST,
    archived,
    first_month_kept,
)
from shared.storage.counts import Upsert

BUCKET = {"_id": "a/2026-01-05/0", "v": 1, "article": "a", "day": "2026-01-05", "slot": 0}


@pytest.mark.parametrize(
    ("moment", "days", "month"),
    [
        (datetime(2026, 11, 27, tzinfo=UTC), 400, "2025-10"),
        (datetime(2026, 4, 11, tzinfo=UTC), 100, "2026-01"),  # 1 January is 100 days ago
        (datetime(2026, 4, 10, 23, 59, tzinfo=UTC), 100, "2025-12"),  # 31 December is 100 days ago
        (datetime(2026, 4, 11, 6, tzinfo=timezone(timedelta(hours=7))), 100, "2025-12"),
        (datetime(2024, 2, 29, tzinfo=UTC), 366, "2023-02"),
    ],
)
def test_a_month_stays_while_a_day_of_it_is_young_enough(
    moment: datetime, days: int, month: str
) -> None:
    assert first_month_kept(moment, days) == month


def test_buckets_are_added_up_by_day_whatever_their_fields() -> None:
    buckets = [
        BUCKET | {"reads": 5, "q": {"0": 2, "95": 3}, "by": {"bot": {"0": 1}},
                  "filtered": {"bot": 1}},
        BUCKET | {"slot": 7, "reads": 1, "q": {"95": 1}, "by": {"batch": {"95": 1}}, "later": 4},
        BUCKET | {"day": "2026-01-31", "reads": 0, "q": {}, "by": {"bot": {"3": 9}},
                  "filtered": {"bot": 9}},
    ]  # fmt: skip
    assert archived("a", "2026-01", buckets) == Upsert(
        "a/2026-01",
        {
            "$inc": {
                "days.05.reads": 6, "days.05.q.0": 2, "days.05.q.95": 4,
                "days.05.by.bot.0": 1, "days.05.by.batch.95": 1, "days.05.filtered.bot": 1,
                "days.05.later": 4,
                "days.31.reads": 0, "days.31.by.bot.3": 9, "days.31.filtered.bot": 9,
            },
            "$setOnInsert": {"article": "a", "month": "2026-01"},
        },
    )  # fmt: skip


@pytest.mark.parametrize("value", [None, "7", 1.5, True, [1]])
def test_a_bucket_that_cannot_be_added_up_is_refused(value: object) -> None:
    with pytest.raises(Permanent, match=r"days\.05\.q\.7 is .*, no whole number"):
        archived("a", "2026-01", [BUCKET | {"q": {"7": value}}])


def test_top_lists_reach_no_further_back_than_buckets_are_kept() -> None:
    assert timedelta(days=KEEP_DAYS_AT_LEAST) > MAX_WINDOW
    assert KEEP_DAYS_AT_LEAST == 100
    assert CounterSettings.model_fields["keep_buckets_days"].default == 400
