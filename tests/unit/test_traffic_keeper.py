"""The keeper of traffic figures: what it answers, and when, while views are made slowly or not at
all.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from luotdoc_subscriber.base.metrics import new_registry
from services.stats import app
from services.stats.metrics import StatsMetrics
from services.stats.traffic import keeper
from services.stats.traffic.keeper import FIRST_VIEW_SECONDS, MAX_REST_SECONDS, SHARE, Keeper
from services.stats.traffic.view import View
from shared.base.errors import Unavailable

NOW = datetime(2026, 11, 23, 5, 7, tzinfo=UTC)


class Made(Keeper):
    """A keeper whose views are made by the test: each takes `takes` seconds of its clock."""

    def __init__(self) -> None:
        nothing = cast(Any, None)
        metrics = StatsMetrics(new_registry())
        super().__init__(
            nothing, nothing, nothing, nothing, metrics, lambda: NOW, ZoneInfo("UTC"),
            lambda: self.now,
        )  # fmt: skip
        self.now, self.takes, self.number = 1000.0, 5.0, 0
        self.may_be_made, self.fails = asyncio.Event(), False

    async def _read(self) -> View:
        await self.may_be_made.wait()
        self.now += self.takes
        self.number += 1
        if self.fails:
            raise ConnectionError
        nothing = cast(Any, None)
        as_of = NOW + timedelta(seconds=self.number)
        return View(as_of, nothing, {}, {}, {}, nothing, None, None)


async def test_who_asks_before_the_first_view_is_told_that_it_is_being_prepared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeper, "MAX_WAIT_SECONDS", 0.01)
    one = Made()
    for asked in (one.current(), one.with_window("5h", timedelta(hours=5))):
        with pytest.raises(Unavailable, match="the figures are being prepared, try again"):
            await asyncio.wait_for(asked, 5)
    one.may_be_made.set()
    assert (await one.current()).as_of == NOW + timedelta(seconds=1)


async def test_the_keeper_rests_after_a_long_view_but_not_after_the_first() -> None:
    one = Made()
    one.may_be_made.set()
    first = await one.refreshed()
    one.now += 2.5  # a view is answered from for two seconds
    second = await one.refreshed()
    assert second.as_of > first.as_of
    assert one.takes * SHARE > MAX_REST_SECONDS
    one.now += MAX_REST_SECONDS - 0.5
    assert await one.refreshed() is second
    one.now += 1
    assert (await one.refreshed()).as_of > second.as_of


async def test_stats_is_being_prepared_until_the_first_view() -> None:
    one = Made()
    assert one.preparing() == "the traffic figures are being prepared"
    made = asyncio.create_task(one.refreshed())
    await asyncio.sleep(0.01)
    assert one.preparing()
    one.may_be_made.set()
    await made
    assert one.preparing() is None


async def test_a_first_view_that_fails_or_takes_too_long_keeps_no_stats_from_serving() -> None:
    one = Made()
    one.may_be_made.set()
    one.fails = True
    with pytest.raises(ConnectionError):
        await one.refreshed()
    assert one.preparing() is None
    other = Made()
    made = asyncio.create_task(other.refreshed())
    await asyncio.sleep(0.01)
    other.now += FIRST_VIEW_SECONDS - 1
    assert other.preparing()
    other.now += 1
    assert other.preparing() is None
    made.cancel()


async def test_the_first_view_is_what_makes_stats_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "not_consuming", lambda _: None)
    nothing, one = cast(Any, None), Made()
    stats = app.Statistics(
        settings=nothing,
        client=nothing,
        broker=nothing,
        store=nothing,
        database=app.Ping(nothing),
        reports=nothing,
        keeper=one,
        audience=nothing,
        portal=nothing,
        hub=nothing,
        metrics=nothing,
    )
    assert stats.not_ready() == "the traffic figures are being prepared"
    one.may_be_made.set()
    await one.refreshed()
    assert stats.not_ready() is None
