"""Several stats over one database: what one of them mends, or spoils, reaches the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from services.stats.traffic import maker
from services.stats.traffic.sections import memory
from services.stats.traffic.site_courses import SiteCourses
from shared.storage.changes import Opened
from shared.storage.quarters import PER_DAY
from shared.storage.types import Session
from shared.storage.versions import Document
from tests.integration.test_traffic_memory import NOW, TODAY, portal, top
from tests.integration.test_traffic_oracle import Portal, compare, gauge
from tests.support.plain_traffic import PlainRead
from tests.support.system import until

__all__ = ["portal"]

REPAIRED = "luotdoc_traffic_projections_repaired_total"
WITHDRAWAL = {"$set": {"state": "withdrawn"}, "$inc": {"revision": 1}}


async def test_a_projection_that_one_process_repairs_is_right_in_the_others_memory(
    portal: Portal,
) -> None:
    stats, other = portal.stats
    await portal.settled(stats)
    projections, wrong = portal.emptied.db.projections, {"kind": "month", "_id": "month/2026-10"}
    await projections.update_one(wrong, {"$inc": {"reads.a": 1000}})
    right = sum(range(10, 80))
    assert (await top(portal, other, "all"))["a"] == right + 1000
    turns = 0
    while gauge(stats, REPAIRED) == 0:
        await stats.keeper.step()
        turns += 1
        assert turns < 4000
    found = [(await top(portal, each, "all"))["a"] for each in (other, stats)]
    print(f"\nafter {turns} turns of one and two of the other: {found}, right is {right}")
    assert found == [right, right]
    await portal.settled(stats)
    assert (await top(portal, other, "all"))["a"] == right


async def test_a_projection_that_a_slower_process_has_overwritten_is_made_again(
    portal: Portal,
) -> None:
    stats, projections = portal.stats[0], portal.emptied.db.projections
    await portal.settled(stats)
    name = {"_id": f"day/{NOW - timedelta(days=30):%Y-%m-%d}"}
    (older,) = await projections.find(name).to_list(None)
    await portal.writer.count([PlainRead("b", TODAY - 96 * 30, 7)], NOW, 3)
    await portal.settled(stats)
    (newer,) = await projections.find(name).to_list(None)
    assert (older["reads"], newer["reads"]) == ({"a": 40}, {"a": 40, "b": 7})
    await projections.replace_one(name, older)  # as an earlier release may do
    for _ in range(2 * await projections.count_documents({})):  # each step looks at one
        await stats.keeper.step()
    assert await projections.distinct("reads", name) == [newer["reads"]]


async def test_an_older_projection_is_not_written_over_a_newer_one(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    stats, other = portal.stats
    name = f"day/{NOW - timedelta(days=30):%Y-%m-%d}"
    original = stats.store.traffic.made.write
    met: list[str] = []

    async def write(made: Document, over: Document | None) -> bool:
        if made["_id"] == name and not met:
            met.append(name)
            await portal.writer.count([PlainRead("b", TODAY - 96 * 30, 7)], NOW, 3)
            await portal.settled(other)
        return await original(made, over)

    monkeypatch.setattr(stats.store.traffic.made, "write", write)
    await stats.keeper.step()
    while not met:
        await stats.keeper.step()
    held = await portal.emptied.db.projections.distinct("reads", {"_id": name})
    assert held == [{"a": 40, "b": 7}]
    await portal.settled(stats)
    await compare(portal, stats)


async def test_the_newest_days_of_sections_are_checked_first(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    stats = portal.stats[0]
    await portal.settled(stats)
    view = await stats.keeper.refreshed()
    days: list[int] = []
    original = stats.sections.check_day

    async def check_day(day: int) -> bool:
        days.append(view.site.closed // PER_DAY - day)
        return await original(day)

    again = portal.new()
    monkeypatch.setattr(again.sections, "check_day", check_day)
    await again.keeper.step()
    assert days == list(range(1, 1 + maker.DAYS_AT_ONCE))
    await again.maker.check_a_day(view.site)
    assert days[-1] == maker.DAYS_AT_ONCE + 1


async def test_what_changes_after_the_first_query_of_a_snapshot_is_in_the_next_one(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    stats, due, db = portal.stats[0], False, portal.emptied.db
    catalogue, original = stats.keeper.catalogue, stats.keeper.site

    async def slow_site(session: Session, now: datetime) -> SiteCourses:
        nonlocal due
        found, notes = await original(session, now), catalogue.notes
        if due:
            due = False
            await db.catalogue.update_one({"_id": "a"}, WITHDRAWAL)
            await db.catalogue.update_one({"_id": "b"}, {"$inc": {"baseline": 777}})
            await until(lambda: catalogue.notes >= notes + 2, 10, "the stream tells it")
        return found

    monkeypatch.setattr(stats.keeper, "site", slow_site)
    following = asyncio.create_task(catalogue.run())
    await until(lambda: catalogue.following, 10, "the change stream is open")
    before = (await stats.reports.site()).baseline
    for _ in range(3):  # the whole catalogue is read, and then what has changed
        assert list(await top(portal, stats, "all")) == ["a"]
    due = True
    lists = [list(await top(portal, stats, "all")) for _ in range(2)]
    print(f"\nwithdrawn during the first of two views: {lists}")
    assert lists == [["a"], []]
    due, baselines = True, []
    for _ in range(3):
        portal.seconds += 100
        baselines.append((await stats.reports.site()).baseline - before)
    print(f"raised by 777, and again during the first of three answers: {baselines}")
    assert baselines == [777, 1554, 1554]
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following


@pytest.mark.parametrize("settled", [True, False])
async def test_a_view_has_an_article_in_one_section_while_it_moves(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, settled: bool
) -> None:
    """Its reads are moved before the change stream tells that the article has changed."""
    stats, other = portal.stats

    async def watch(opened: Opened) -> AsyncIterator[str | None]:
        await opened()
        await asyncio.Event().wait()  # it tells nothing
        yield None

    monkeypatch.setattr(stats.sections, "watch", watch)
    following = asyncio.create_task(stats.keeper.catalogue.run())
    await until(lambda: stats.keeper.catalogue.following, 10, "the change stream is open")
    if not settled:  # no day is made, so that the move changes none
        monkeypatch.setattr(memory, "MAX_RAW_DAYS", 100)
    for article in ("a", "b"):
        await other.sections.move([article])
    await portal.settled(stats) if settled else await stats.keeper.refreshed()
    for section in ("kinh-te", "the-thao"):
        await portal.publish("a", section)
        portal.seconds += 100
        await stats.keeper.refreshed()
        await other.sections.move(["a"])
        portal.seconds += 100
        found = {each.section: each.counted for each in (await stats.reports.sections()).sections}
        print(f"\n{found}")
        assert found == {"the-thao": 0, section: sum(range(10, 80))}
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
