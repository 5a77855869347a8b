"""What stats keeps in memory gives way to what the database says."""

import random
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.stats.parameters import TopParameters
from services.stats.traffic import bases
from services.stats.traffic.sections.listed import Listed
from shared.base.errors import Unavailable
from shared.storage.quarters import PER_DAY, day_name, quarter_of
from shared.storage.types import Session
from tests.integration.conftest import Emptied
from tests.integration.test_traffic_oracle import Portal, compare, gauge
from tests.support.plain_traffic import PlainRead
from tests.support.reporting import Reporting, reporting

NOW = datetime(2026, 11, 23, 5, 7, tzinfo=UTC)
TODAY = quarter_of(NOW)


@pytest.fixture
async def portal(emptied: Emptied) -> Portal:
    one = Portal(emptied, ZoneInfo("Asia/Ho_Chi_Minh"), NOW, random.Random(4))
    await one.publish("a", "tin")
    await one.publish("b", "the-thao")
    await one.writer.count([PlainRead("a", TODAY - 96 * n, 10 + n) for n in range(70)], NOW, 3)
    return one


async def top(portal: Portal, stats: Reporting, window: str) -> dict[str, int]:
    portal.seconds += 100
    found = await stats.reports.top(TopParameters(window=window))
    return {item.article: item.reads for item in found.items}


async def test_a_read_from_before_the_first_day_is_taken_in(portal: Portal) -> None:
    stats = portal.stats[0]
    await portal.settled(stats)
    await compare(portal, stats)
    await portal.writer.count([PlainRead("b", TODAY - 96 * 200, 7)], NOW, 3)
    await compare(portal, stats)
    await portal.settled(stats)
    await compare(portal, stats)
    assert (await top(portal, stats, "all"))["b"] == 7


async def restore_without_a_day(portal: Portal) -> None:
    """Buckets and counts are as they were before the reads of the day 20 days ago."""
    day = day_name((TODAY - 96 * 20) // PER_DAY)
    for article in ("a", "*"):
        gone = await portal.emptied.db.buckets.find_one_and_delete({"_id": f"{article}/{day}/3"})
        less = {"$inc": {"reads": -gone["reads"]}}
        await portal.emptied.db.counts.update_one({"_id": f"{article}/3"}, less)
    portal.plain.reads = [r for r in portal.plain.reads if r.quarter != TODAY - 96 * 20]


async def test_a_restore_that_leaves_no_marker_is_noticed_by_the_count(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    stats = portal.stats[0]
    await portal.settled(stats)
    await compare(portal, stats)
    await restore_without_a_day(portal)
    await portal.emptied.db.projections.delete_many({})
    await portal.settled(stats)
    await compare(portal, stats)
    assert "the site's quarters don't add up to its count" in caplog.text


@pytest.mark.parametrize("to", [None, "b"])
async def test_a_restore_of_today_reaches_its_sections_too(portal: Portal, to: str | None) -> None:
    """The closed hours of today change without a marker: the site's reads there, or, while older
    days change too, only whose they are.
    """
    stats, closed, db = portal.stats[0], TODAY - 16, portal.emptied.db
    await portal.writer.count([PlainRead("a", closed, 5), PlainRead("b", closed, 1)], NOW, 3)
    await portal.settled(stats)
    await compare(portal, stats)
    more, place = {"reads": 5, f"q.{closed % PER_DAY}": 5}, f"{day_name(closed // PER_DAY)}/3"
    for article, sign in (("a", -1), (to or "*", 1 if to else -1)):
        change = {"$inc": {name: sign * number for name, number in more.items()}}
        await db.buckets.update_one({"_id": f"{article}/{place}"}, change)
        await db.counts.update_one({"_id": f"{article}/3"}, {"$inc": {"reads": sign * 5}})
    portal.plain.reads.remove(PlainRead("a", closed, 5))
    if to:
        portal.plain.reads.append(PlainRead("b", closed, 5))
        await restore_without_a_day(portal)
    portal.seconds += 100
    await stats.keeper.refreshed()
    found = {each.section: each.today for each in (await stats.reports.sections()).sections}
    assert found == {"tin": 10, "the-thao": 6 if to else 1}


async def test_counts_that_are_older_than_the_buckets_are_no_fault(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    await portal.emptied.db.counts.update_one({"_id": "*/3"}, {"$inc": {"reads": 1000}})
    stats = portal.new()
    for _ in range(3):
        portal.seconds += 100
        site = await stats.reports.site()
        assert site.counted - site.year == 1000
        await portal.writer.count([PlainRead("a", TODAY, 1)], NOW, 3)
    assert "don't add up" not in caplog.text


async def test_a_view_that_took_long_is_kept_for_longer(portal: Portal) -> None:
    """While many late reads arrive, every window is added up again for each view."""
    ticks = [0.0]

    def seconds() -> float:
        return ticks[0]

    def now() -> datetime:
        ticks[0] += 1.0  # a second passes in the making of each view
        return NOW

    client, db = portal.emptied.client, portal.emptied.db
    stats = reporting(client, db, now, portal.zone, seconds)
    first = await stats.keeper.refreshed()
    ticks[0] += 3.0
    view = await stats.keeper.refreshed()
    assert view is not first  # which took long because nothing was in memory
    for _ in range(9):
        ticks[0] += 1.0
        assert await stats.keeper.refreshed() is view
    ticks[0] += 3.0
    assert await stats.keeper.refreshed() is not view


async def test_an_hour_that_closes_moves_from_the_tail_into_every_window(portal: Portal) -> None:
    stats = portal.stats[0]
    await portal.settled(stats)
    for _ in range(5):
        portal.now += timedelta(minutes=50)
        current = quarter_of(portal.now)
        await portal.writer.count([PlainRead("b", current, 1), PlainRead("a", current, 2)],
                                  portal.now, 0)  # fmt: skip
        await compare(portal, stats)


async def test_a_day_that_is_made_while_an_article_moves_is_right(portal: Portal) -> None:
    """The day is read with the article in its old section, and written after the move."""
    stats, day = portal.stats[0], (TODAY - 96 * 30) // PER_DAY
    sections, moved = stats.sections, False
    original = sections.listed

    async def listed(session: Session, articles: Collection[str] | None) -> dict[str, Listed]:
        nonlocal moved
        found = await original(session, articles)
        if not moved:
            moved = True
            await portal.publish("a", "kinh-te")
            await portal.stats[1].sections.move(["a"])
        return found

    sections.listed = listed  # type: ignore[method-assign]
    await sections.make_day(day)
    assert moved
    held = await portal.emptied.db.projections.find({"kind": "section"}).to_list(None)
    assert [(each["section"], each["q"]) for each in held] == [("kinh-te", {"20": 40})]
    await portal.settled(portal.stats[1])
    await compare(portal, portal.stats[1])


async def test_a_wrong_day_of_the_sections_is_found_and_made_again(portal: Portal) -> None:
    stats, other = portal.stats
    await portal.settled(stats)
    await compare(portal, other)
    wrong = {"kind": "section", "day": day_name((TODAY - 96 * 30) // PER_DAY)}
    await portal.emptied.db.projections.update_one(wrong, {"$set": {"section": "the-thao"}})
    view = await stats.keeper.refreshed()
    for _ in range(70):
        await stats.maker.check_a_day(view.site)
    assert gauge(stats, "luotdoc_traffic_projections_repaired_total") == 1
    await portal.settled(other)
    await compare(portal, other)


async def test_until_projections_are_made_long_windows_and_sections_say_so(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bases, "MAX_RAW_DOCUMENTS", 10)
    stats = portal.stats[0]
    for window in ("all", "90d", "month"):
        with pytest.raises(Unavailable, match="the figures of this window are being prepared"):
            await top(portal, stats, window)
    with pytest.raises(Unavailable, match="the figures of sections are being prepared"):
        await stats.reports.sections()
    assert gauge(stats, "luotdoc_traffic_windows_not_ready") > 0
    assert await top(portal, stats, "1h") == {"a": 10}
    assert await top(portal, stats, "50h") == {"a": 10 + 11 + 12}  # from the buckets
    assert (await stats.reports.site()).today == 10
    await portal.settled(stats)
    assert await top(portal, stats, "all") == {"a": sum(range(10, 80))}
    assert await top(portal, stats, "50h") == {"a": 10 + 11 + 12}
    assert gauge(stats, "luotdoc_traffic_windows_not_ready") == 0
    await compare(portal, portal.stats[0])


async def test_a_caller_that_has_waited_does_not_open_a_closed_hour_again(portal: Portal) -> None:
    stats = portal.stats[0]
    midnight = datetime(2026, 11, 24, 3, tzinfo=UTC)  # the UTC day before is closed now
    closed = []
    for back in (0, 0.005, 59, 90, 86400):  # s; a clock that was set back is believed
        now = midnight - timedelta(seconds=back)
        async with stats.store.snapshot() as session:
            site = await stats.keeper.site(session, now)
        closed.append((site.closed - quarter_of(midnight), site.loads))
    assert closed == [(-12, 1), (-12, 1), (-12, 1), (-16, 2), (-12 - PER_DAY, 2)]


async def test_projections_of_another_moment_than_the_buckets_are_found(portal: Portal) -> None:
    stats, projections = portal.stats[0], portal.emptied.db.projections
    await portal.settled(stats)
    await compare(portal, stats)
    await restore_without_a_day(portal)
    number = await projections.count_documents({})
    for _ in range(number):  # each step checks one
        portal.seconds += 100
        await stats.keeper.step()
    assert gauge(stats, "luotdoc_traffic_projections_repaired_total") == 2  # hour, day
    view = await stats.keeper.refreshed()
    for _ in range(70):
        await stats.maker.check_a_day(view.site)
    assert gauge(stats, "luotdoc_traffic_projections_repaired_total") == 3
    await portal.settled(stats)
    await compare(portal, stats)


async def test_projections_that_were_deleted_are_made_again(portal: Portal) -> None:
    stats, projections = portal.stats[0], portal.emptied.db.projections
    await portal.settled(stats)
    wanted = {"kind": {"$in": ["hour", "day", "month"]}}
    names = set(await projections.distinct("_id", wanted))
    assert len(names) > 60
    await projections.delete_many(wanted)
    for _ in range(2 * len(names)):  # each step looks for one of them
        await stats.keeper.step()
    assert set(await projections.distinct("_id", wanted)) == names
    assert gauge(stats, "luotdoc_traffic_projections_repaired_total") == 0
    await compare(portal, stats)
