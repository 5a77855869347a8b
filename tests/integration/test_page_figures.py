"""The site's figures and the most read articles on render's pages, from reads that were sent."""

import random
import re
import time
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.clock import now
from services.render.figures import NO_FIGURES, RankedArticle, known_figures
from services.render.store import PageStore
from services.stats.parameters import TopParameters
from services.stats.portal.store import YIELD_MS, PortalStore
from services.stats.portal.writer import SHOWN_WINDOWS, PortalWriter
from shared.storage.quarters import quarter_of
from tests.integration.conftest import Emptied
from tests.integration.test_live import read_by
from tests.integration.test_traffic_oracle import Portal
from tests.support.page_store import site_document
from tests.support.plain_traffic import PlainRead
from tests.support.reporting import Reporting
from tests.support.system import EDITOR, System, until

PERIODS = ("today", "yesterday", "week", "month", "year")
_ROW = re.compile(r"<dd data-(\w+)[^>]*>([\d.]+)</dd>")
_ITEM = re.compile(r'<h2><a href="/thoi-su/[^"]*?(\w+)\.html">.*?([\d.]+) lượt đọc', re.DOTALL)


async def side_column(system: System) -> dict[str, int]:
    """The figures in the side column of a1's page, those that it has."""
    page = await system.page("a1")
    assert page is not None
    assert page.status_code == 200
    return {name: int(text.replace(".", "")) for name, text in _ROW.findall(page.text)}


async def most_read(system: System, query: str = "") -> list[tuple[str, int]]:
    """(article, reads) as the list of the most read articles shows them."""
    answer = await system.http.get(f"{system.url('render')}/doc-nhieu/{query}")
    assert answer.status_code == 200
    return [(name, int(text.replace(".", ""))) for name, text in _ITEM.findall(answer.text)]


async def become_most_read(system: System, query: str, ranked: list[tuple[str, int]]) -> None:
    found = list[tuple[str, int]]()

    async def is_so() -> bool:
        nonlocal found
        found = await most_read(system, query)
        return found == ranked

    await until(is_so, 30, lambda: f"{query}: {ranked}, not {found}")


async def published(system: System, *articles: str) -> None:
    for article in articles:
        baseline = 100 if article == "a1" else 0
        (await system.put(article, reads_baseline=baseline)).raise_for_status()
    for article in articles:
        await until(partial(system.page, article), 10, f"the page of {article}")


async def test_reads_reach_the_side_column_and_the_most_read_articles_within_seconds(
    system: System,
) -> None:
    """Two stats write the same."""
    await system.start_all(site_baseline=5000)
    await system.start("stats")
    await published(system, "a1", "a2", "a3")
    await read_by(system, "a1", 1)
    await read_by(system, "a2", 1, 2, 3)
    began, seen = time.monotonic(), dict[str, int]()

    async def reads_are_shown() -> bool:
        nonlocal seen
        seen = await side_column(system)
        return seen.get("today") == 4 and seen.get("online") == 3

    await until(reads_are_shown, 20, lambda: f"four reads of today, not {seen}")
    took = time.monotonic() - began
    site = await system.site()
    print(f"\nfour reads in the side column after {took:.1f} s: {seen}")
    names = [name for name in PERIODS if name in seen]
    assert {name: seen[name] for name in (*names, "online")} == {
        name: site[name] for name in (*names, "online")
    }
    assert {"today", "week", "month"} <= seen.keys()
    assert (site["total"], seen["total"]) == (104, 5104)

    ranked = [("a2", 3), ("a1", 1)]
    for window in SHOWN_WINDOWS:
        await become_most_read(system, f"?trong={window}", ranked)
        answer = await system.http.get(f"{system.url('stats')}/stats/top?window={window}")
        items = answer.json()["items"]
        assert [(each["article"], each["reads"]) for each in items] == ranked
    await system.http.delete(f"{system.url('ingest')}/articles/a2", headers=EDITOR)
    await become_most_read(system, "", [("a1", 1)])


async def test_without_stats_the_figures_go_after_a_minute_and_the_page_stays(
    system: System,
) -> None:
    await system.start_all()
    await published(system, "a1")
    await read_by(system, "a1", 1)

    async def read_once() -> bool:
        seen = await side_column(system)
        return seen.get("today") == 1 and await most_read(system) == [("a1", 1)]

    await until(read_once, 30, "the figures are shown")
    (stats,) = system.replicas("stats")
    assert await stats.stop() == 0
    assert (await side_column(system))["today"] == 1  # they are not too old yet
    a_minute_ago = now() - timedelta(seconds=61)  # as if the minute had passed since
    await system.db.online.update_many({}, {"$set": {"stored_at": a_minute_ago}})
    seen: dict[str, int] = {}

    async def gone() -> bool:
        nonlocal seen
        seen = await side_column(system)
        return seen.keys() == {"total"}

    await until(gone, 10, lambda: f"only the total is left, not {seen}")
    assert seen == {"total": 101}
    await read_by(system, "a1", 2)

    async def counted_on() -> bool:
        return await side_column(system) == {"total": 102}

    await until(counted_on, 10, "the total goes on without stats")
    answer = await system.http.get(f"{system.url('render')}/doc-nhieu/")
    assert (answer.status_code, "chưa có số liệu" in answer.text) == (200, True)
    print(f"\nwithout stats: {seen}, and the list says that it is not known")
    await system.start("stats")

    async def back() -> bool:
        return (await side_column(system)).get("today") == 2

    await until(back, 30, "the figures come back")


# ── a day turn, over a real MongoDB with clocks of the test ──

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
MIDNIGHT = datetime(2026, 12, 1, tzinfo=HANOI)
"""The begin of a Tuesday and of a month."""


async def test_later_figures_are_not_replaced_by_those_of_a_slow_stats(emptied: Emptied) -> None:
    store, pages = PortalStore(emptied.db), PageStore(emptied.db)

    async def shown() -> int | None:
        found = await pages.figures()
        assert found.visits is not None
        return found.visits[0].today

    seen = []
    for second, today in ((0, 1), (5, 5), (3, 3), (5, 6), (9, 9)):
        figures = {"site": site_document(today=today)}
        await store.show(figures, MIDNIGHT + timedelta(seconds=second))
        seen.append(await shown())
    assert seen == [1, 5, 5, 6, 9]
    # The later ones are of a stats that has ended, and its clock was ahead.
    long_ago = {"stored_at": now() - timedelta(milliseconds=YIELD_MS)}
    await emptied.db.online.update_one({"_id": "site"}, {"$set": long_ago})
    await store.show({"site": site_document(today=2)}, MIDNIGHT)
    assert await shown() == 2
    # They are of an earlier release.
    ahead = {"as_of": MIDNIGHT + timedelta(days=1), "online": 3}
    await emptied.db.online.replace_one({"_id": "site"}, {"v": 1, **ahead})
    assert await pages.figures() == NO_FIGURES
    await store.show({"site": site_document(today=7)}, MIDNIGHT)
    assert await shown() == 7


def writing(portal: Portal, stats: Reporting) -> PortalWriter:
    """The writer of one process."""
    show = PortalStore(portal.emptied.db).show
    return PortalWriter(stats.keeper, lambda: 3, show, portal.zone, lambda: portal.seconds)


async def test_around_midnight_pages_show_what_stats_answers(emptied: Emptied) -> None:
    """Two processes write, one after the other."""
    portal = Portal(emptied, HANOI, MIDNIGHT - timedelta(minutes=2), random.Random(5))
    for article in "abc":
        await portal.publish(article, "tin")
    past = [PlainRead("a", quarter_of(MIDNIGHT) - 96 * n - 1, 10 + n) for n in range(40)]
    await portal.writer.count(past, portal.now, 3)
    for stats in portal.stats:
        await portal.settled(stats)
    writers = [writing(portal, stats) for stats in portal.stats]
    pages, seen = PageStore(emptied.db), list[tuple[int | None, ...]]()
    for minutes in range(6):
        stats, writer = portal.stats[minutes % 2], writers[minutes % 2]
        quarter = quarter_of(portal.now)
        await portal.writer.count([PlainRead("b", quarter, 1 + minutes)], portal.now, 3)
        portal.seconds += 100
        await stats.keeper.refreshed()
        await writer.step()
        found = await pages.figures()
        assert found.visits is not None
        visits, age = found.visits
        site = (await stats.reports.site()).model_dump()
        assert known_figures(visits) == {name: site[name] for name in PERIODS}
        assert found.counted.reads == site["counted"] >= site["year"]
        assert found.online is not None
        assert (found.online[0], 0 <= age < 60) == (3, True)
        for window in SHOWN_WINDOWS:
            top: Any = (await stats.reports.top(TopParameters(window=window))).items
            ranked, _ = found.lists[f"top:{window}"]
            assert ranked == tuple(RankedArticle(each.article, each.reads) for each in top)
        seen.append((visits.today, visits.yesterday, visits.week, visits.month))
        portal.now += timedelta(minutes=1)
    print(f"\ntoday, yesterday, week, month around midnight: {seen}")
    assert [each[0] for each in seen] == [11, 13, 3, 7, 12, 18]
    assert [each[1] for each in seen] == [11, 11, 13, 13, 13, 13]
    assert [each[3] for each in seen][2:] == [3, 7, 12, 18]  # a month has begun
