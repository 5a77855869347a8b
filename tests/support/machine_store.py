"""A store for machines' files in memory, and the contract that it and the real one pass."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from services.render.cursors import PagePlace
from services.render.machine.store import MachineStore, SitemapMonth
from services.render.page import Page, Wanted
from services.render.store import PageStore
from tests.support.page_store import NOON, PagesInMemory, page, withdrawn


class MachineStoreInMemory(MachineStore):
    """`MachineStore` over the pages of a store in memory."""

    def __init__(self, pages: PagesInMemory) -> None:
        self._held = pages

    async def with_texts(self, wanted: Wanted, limit: int, most_bytes: int) -> list[Page]:
        """As the real one."""
        found = await self._held.listing(wanted, limit)
        articles = [self._held.pages[each.id].article for each in found]
        return [
            replace(each, article={**held, "body_html": _short(held.get("body_html"), most_bytes)})
            for each, held in zip(found, articles, strict=True)
        ]

    async def sitemap_months(self) -> list[SitemapMonth]:
        """As the real one."""
        months = defaultdict[datetime, list[Page]](list)
        for each in await self._held.listing(Wanted(newer=True), 1 << 30):
            assert each.published_at
            day = each.published_at.astimezone(UTC)
            months[datetime(day.year, day.month, 1, tzinfo=UTC)].append(each)
        return [
            SitemapMonth(
                begin,
                len(pages),
                max((p.modified_at for p in pages if p.modified_at), default=None),
            )
            for begin, pages in sorted(months.items())
        ]

    async def every(self, step: int, wanted: Wanted) -> list[PagePlace]:
        """As the real one."""
        found = await self._held.listing(replace(wanted, newer=True), 1 << 30)
        return [PagePlace(each.published_at or NOON, each.id) for each in found[step - 1 :: step]]


def _short(text: str | None, most_bytes: int) -> str:
    return text if text and len(text.encode()) <= most_bytes else ""


class MachineStoreContract:
    """What a store for machines' files does. A subclass has the fixtures `store`, an empty one, and
    `machine`, which reads the same pages.
    """

    async def test_articles_come_with_their_texts_unless_they_are_long(
        self, store: PageStore, machine: MachineStore
    ) -> None:
        for name, text in (("a", "ệ"), ("b", "ệ" * 3), ("c", "")):
            await store.put(replace(page(name), article={"id": name, "body_html": text}))
        await store.put(withdrawn("d", 1))
        found = await machine.with_texts(Wanted(), 9, 3)
        assert [(each.id, each.parts, each.article) for each in found] == [
            ("c", [], {"id": "c", "body_html": ""}),
            ("b", [], {"id": "b", "body_html": ""}),
            ("a", [], {"id": "a", "body_html": "ệ"}),
        ]
        assert [each.id for each in await machine.with_texts(Wanted(), 2, 9)] == ["c", "b"]

    async def test_months_of_the_sitemap_are_those_of_utc(
        self, store: PageStore, machine: MachineStore
    ) -> None:
        last = datetime(2026, 10, 31, 23, 59, 59, 999000, tzinfo=UTC)
        one, two = last + timedelta(milliseconds=1), last + timedelta(hours=9)
        for name, moment, modified in (("a", last, one), ("b", one, two), ("c", one, one)):
            await store.put(replace(page(name), published_at=moment, modified_at=modified))
        await store.put(withdrawn("d", 1))
        october, november = await machine.sitemap_months()
        assert october == SitemapMonth(datetime(2026, 10, 1, tzinfo=UTC), 1, one)
        assert november == SitemapMonth(datetime(2026, 11, 1, tzinfo=UTC), 2, two)
        assert october.end == november.begin
        assert [p.id for p in await store.listing(october.wanted, 9)] == ["a"]
        assert [p.id for p in await store.listing(november.wanted, 9)] == ["b", "c"]

    async def test_every_nth_place_divides_a_month(
        self, store: PageStore, machine: MachineStore
    ) -> None:
        for name, hours in zip("gbfdeac", (1, 1, 1, 0, 9, 3, 2), strict=True):
            await store.put(page(name, hours=hours))
        month = (await machine.sitemap_months())[0].wanted  # dbfgcae
        for step, expected in ((1, "dbfgcae"), (2, "bga"), (3, "fa"), (7, "e"), (8, "")):
            assert "".join(place.id for place in await machine.every(step, month)) == expected
