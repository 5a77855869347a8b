"""What answers say of the time that they know, and of sections that have just come to be."""

import asyncio
import json
import random
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services.stats.parameters import SeriesParameters, TopParameters, TrendingParameters
from services.stats.traffic.sections.memory import NEW_SECONDS
from shared.base.errors import Problem
from shared.storage.quarters import PER_DAY, day_name, quarter_of
from tests.integration.conftest import Emptied
from tests.integration.test_traffic_oracle import Portal
from tests.support.plain_traffic import PlainRead
from tests.support.system import until

NOW = datetime(2026, 11, 23, 5, 7, tzinfo=UTC)
TODAY = quarter_of(NOW)


@pytest.fixture
async def portal(emptied: Emptied) -> Portal:
    one = Portal(emptied, ZoneInfo("Asia/Ho_Chi_Minh"), NOW, random.Random(4))
    await one.publish("a", "tin")
    await one.publish("b", "the-thao")
    await one.writer.count([PlainRead("a", TODAY - 96 * n, 10 + n) for n in range(70)], NOW, 3)
    return one


async def test_a_section_that_the_view_does_not_know_yet_has_no_reads_and_is_no_404(
    portal: Portal,
) -> None:
    stats = portal.stats[0]
    await portal.settled(stats)
    catalogue = stats.keeper.catalogue
    following = asyncio.create_task(catalogue.run())
    await until(lambda: catalogue.following, 10, "the change stream is open")
    known = await stats.keeper.refreshed()
    await portal.publish("c", "van-hoa")
    await until(lambda: catalogue.is_new("van-hoa"), 10, "the new section is noted")
    section = await stats.reports.section("van-hoa", "previous")
    assert (section.articles, section.total, section.since) == (0, 0, since_of(portal))
    top = await stats.reports.top(TopParameters(window="1h", section="van-hoa"))
    trending = await stats.reports.trending(TrendingParameters(section="van-hoa"))
    series = await stats.reports.series(SeriesParameters(step="hour", section="van-hoa"))
    assert (top.items, trending.items) == ([], [])
    assert {point["reads"] for point in json.loads(series)["points"]} == {0}
    assert stats.keeper.view is known
    with pytest.raises(Problem, match="no article is in this section"):
        await stats.reports.section("kinh-te")
    with pytest.raises(Problem, match="no article is in this section"):
        await stats.reports.top(TopParameters(window="1h", section="kinh-te"))
    portal.seconds += NEW_SECONDS + 1
    assert not await catalogue.is_new("van-hoa")

    async def is_listed() -> bool:
        await portal.settled(stats)
        return "van-hoa" in (await stats.keeper.current()).listed.sections

    await until(is_listed, 10, "the change stream has told that the article is in its section")
    assert (await stats.reports.section("van-hoa")).articles == 1
    following.cancel()


def since_of(portal: Portal) -> str:
    """The start of the first UTC day with counted reads."""
    first = min(read.quarter for read in portal.plain.reads) // PER_DAY
    return f"{day_name(first)}T00:00:00.000Z"


async def test_a_top_list_says_from_when_to_when_it_counts(portal: Portal) -> None:
    stats = portal.stats[0]
    await portal.settled(stats)
    for window, start, end in (
        ("24h", "2026-11-22T05:00:00.000Z", None),
        ("12mo", "2025-11-23T05:00:00.000Z", None),
        ("5h", "2026-11-23T00:00:00.000Z", None),
        ("today", "2026-11-22T17:00:00.000Z", "2026-11-23T17:00:00.000Z"),
        ("yesterday", "2026-11-21T17:00:00.000Z", "2026-11-22T17:00:00.000Z"),
        ("all", None, None),
    ):
        found = await stats.reports.top(TopParameters(window=window))
        assert (found.from_, found.to, found.since) == (start, end, since_of(portal)), window
        told = found.model_dump(by_alias=True)
        assert (told["from"], told["to"]) == (start, end)


async def test_every_answer_says_since_when_reads_are_counted(portal: Portal) -> None:
    reports, since = portal.stats[0].reports, since_of(portal)
    await portal.settled(portal.stats[0])
    assert [
        (await reports.site()).since,
        (await reports.article("a")).since,
        (await reports.sections()).since,
        (await reports.section("tin")).since,
        (await reports.classes()).since,
        (await reports.sources()).since,
    ] == [since] * 6
