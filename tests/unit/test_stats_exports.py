"""Exports: what is done before a place is taken, and how long one works without a pause."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from luotdoc_subscriber.base.metrics import new_registry
from services.stats import periods
from services.stats.exporting.exports import POINTS_AT_ONCE, Exports
from services.stats.exporting.places import EXPORTS_AT_ONCE, ExportPlaces
from services.stats.exporting.reads import ReadsExport
from services.stats.metrics import StatsMetrics
from services.stats.parameters import SeriesParameters
from services.stats.traffic.archive_export import ArticleDay
from services.stats.traffic.export import ndjson_chunks
from services.stats.traffic.lines import SeriesLines
from shared.base.errors import Problem, Unavailable
from shared.web.asgi import Disconnected
from shared.web.streamed import StreamedAnswer

UTC_ZONE = ZoneInfo("UTC")
NOW = datetime(2026, 11, 23, 5, 7, tzinfo=UTC)
LONG = {"from": "2010-01-01", "to": "2032-10-01", "step": "hour"}


class Nothing:
    """A store of days and reports on a site that was never read."""

    def __init__(self, articles: int = 0) -> None:
        self.articles, self.asked = articles, 0

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[None]:
        yield

    async def next_article(self, _s: object, after: str, _p: object, **_: object) -> str | None:
        self.asked += 1
        following = int(after or 0) + 1
        return f"{following:06}" if following <= self.articles else None

    async def days(self, *_: object, **__: object) -> AsyncGenerator[ArticleDay, None]:
        return
        yield

    async def series_lines(self, *_: object) -> SeriesLines:
        return SeriesLines({"reads": []}, None, NOW)


class Store:
    """A database of which only the days are asked for."""

    days = Nothing()


class Steps:
    """Counts the steps that are made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made = 0
        steps = periods.steps

        def counted(*how: Any) -> Iterator[datetime]:
            for step in steps(*how):
                self.made += 1
                yield step

        monkeypatch.setattr(periods, "steps", counted)


def exports() -> tuple[Exports, ExportPlaces]:
    places = ExportPlaces(StatsMetrics(new_registry()))
    store, reports = Store(), Nothing()
    made: Any = Exports
    return made(store, reports, places, lambda: NOW, UTC_ZONE), places


async def test_no_step_of_a_long_series_is_made_without_a_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps, (tables, places) = Steps(monkeypatch), exports()
    with contextlib.ExitStack() as taken:
        for _ in range(EXPORTS_AT_ONCE):
            taken.enter_context(places.place())
        table = await tables.series(SeriesParameters.model_validate(LONG))
        with pytest.raises(Unavailable):
            await anext(table.rows)
        # One that is too long is refused at once, and HEAD of a long one needs no row.
        with pytest.raises(Problem) as refused:
            await tables.series(SeriesParameters.model_validate(LONG | {"to": "2033-06-01"}))
        assert (refused.value.status, steps.made, table.is_long) == (422, 0, True)
        short = await tables.series(SeriesParameters.model_validate(LONG | {"to": "2010-03-01"}))
        assert not short.is_long
        assert len([row async for row in short.rows if row]) == 59 * 24


async def test_a_long_series_pauses_while_its_edges_and_its_rows_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps, (tables, _) = Steps(monkeypatch), exports()
    table = await tables.series(SeriesParameters.model_validate(LONG))
    most, since, made, number = 0, 0, 0, 0
    async for row in table.rows:
        number += bool(row)
        since += bool(row) + steps.made - made
        most, made = max(most, since), steps.made
        since = since if row else 0
    print(f"\n{number} rows, at most {most} steps or rows without a pause")
    assert number == 8309 * 24
    assert most <= 2 * POINTS_AT_ONCE


class Client:
    """A client that leaves."""

    def __init__(self) -> None:
        self.disconnected, self.message_event, self.transport = False, asyncio.Event(), self

    async def receive(self) -> Any:
        raise AssertionError("the body is not read")

    async def send(self, message: Any) -> None:
        """Take it."""


async def test_a_client_that_leaves_an_export_without_rows_is_noticed_at_the_next_article() -> None:
    store, client, rests = Nothing(articles=100_000), Client(), list[float]()
    export: Any = ReadsExport
    rows = export(store, ExportPlaces(StatsMetrics(new_registry())), lambda: NOW).rows(
        (0, 1), UTC_ZONE
    )

    async def rest(seconds: float) -> None:
        rests.append(seconds)
        client.disconnected = store.asked == 50

    answer = StreamedAnswer(ndjson_chunks(("x",), rows), "application/x-ndjson", {}, rest=rest)
    scope: Any = {"type": "http", "method": "GET", "headers": []}
    with contextlib.suppress(Disconnected):
        await answer(scope, client.receive, client.send)
    print(f"\nit left at article 50; {store.asked} were read, with {len(rests)} rests")
    assert store.asked == 50
    assert len(rests) == 50
