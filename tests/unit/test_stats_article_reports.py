"""The figures of articles: few are made at a time."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.stats.article_reports import ArticleReports
from services.stats.tops import AT_ONCE, MOST_WAITING
from services.stats.traffic.compare import ComparedBy
from shared.base.budget import Budget
from shared.base.errors import Unavailable

NOW = datetime(2026, 11, 23, 5, 7, tzinfo=UTC)


class Frozen:
    """A database that does not answer."""

    def __init__(self) -> None:
        self.asked = 0

    @asynccontextmanager
    async def snapshot(self) -> Any:
        self.asked += 1
        await asyncio.Event().wait()
        yield


@pytest.mark.parametrize("by", [None, "last_year"])
async def test_of_a_crowd_that_asks_for_many_articles_few_wait(by: ComparedBy | None) -> None:
    store: Any = Frozen()
    nobody: Any = None
    reports = ArticleReports(store, nobody, Budget(1, 1, debt=1), lambda: NOW, ZoneInfo("UTC"))
    crowd = [asyncio.create_task(reports.article(f"a{n}", by)) for n in range(50)]
    done, waiting = set[asyncio.Task[Any]](), set(crowd)
    async with asyncio.timeout(20):
        while len(waiting) > MOST_WAITING:
            ended, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            done |= ended
    refused = [each.exception() for each in done]
    print(f"\n{store.asked} asked, {len(waiting)} wait, {len(refused)} were refused at once")
    assert (store.asked, len(waiting)) == (AT_ONCE, MOST_WAITING)
    assert all(isinstance(each, Unavailable) for each in refused)
    for each in crowd:
        each.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)
