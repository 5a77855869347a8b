"""A page store in memory, and the contract that it and the real one pass."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.render.store import Page, PageStore, Stored
from shared.storage import changes
from shared.storage.changes import Opened
from shared.storage.counts import Total
from shared.web.state_listing import Held
from tests.support.faulty import Faulty, Streams

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class PagesInMemory(Faulty, PageStore):
    """`PageStore` without MongoDB."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[str, Page] = {}
        self.marked = set[str]()
        self.counts: dict[str, int] = {}
        self.generations: dict[str, int] = {}
        self.pictures: dict[str, tuple[str, bytes]] = {}
        self.readers_online: tuple[int, datetime] | None = None
        self.changed: Streams[str] = Streams(self)

    async def put(self, page: Page) -> Stored:
        """As the real one."""
        await self.answer("put", page.id)
        held = self.pages.get(page.id)
        if held is not None and held.revision >= page.revision:
            return "repeated" if held.revision == page.revision else "stale"
        self._keep(page)
        self.marked.discard(page.id)
        return "stored"

    def _keep(self, page: Page) -> None:
        held = self.pages.get(page.id)
        if page.state != "published" and held is not None:
            page = replace(page, baseline=held.baseline)
        self.pages[page.id] = page
        self.changed.send(page.id)

    def watch(self, opened: Opened) -> AsyncIterator[str | None]:
        """As the real one."""
        return self.changed.watch(opened)

    async def redo(self, page: Page, template: str) -> bool:
        """As the real one."""
        await self.answer("redo", page.id)
        held = self.pages.get(page.id)
        if held is None or (held.revision, held.template) != (page.revision, template):
            return False
        self._keep(page)
        self.marked.add(page.id)
        return True

    async def unmark(self, page: Page) -> None:
        """As the real one."""
        await self.answer("unmark", page.id)
        held = self.pages.get(page.id)
        if held and (held.revision, held.template) == (page.revision, page.template):
            if page.id in self.marked:
                self.changed.send(page.id)
            self.marked.discard(page.id)

    async def outdated(self, template: str) -> AsyncIterator[Page]:
        """As the real one."""
        await self.answer("outdated")
        for page in list(self.pages.values()):
            if page.state == "published" and (page.template != template or page.id in self.marked):
                yield page

    async def get(self, article_id: str) -> Page | None:
        """As the real one."""
        page = self.pages.get(article_id)  # a query in flight does not see what changes meanwhile
        await self.answer("get", article_id)
        return replace(page, article={}) if page else None

    async def held(self, after: str, limit: int) -> list[Held]:
        """As the real one."""
        await self.answer("held")
        names = sorted(name for name in self.pages if name > after)[:limit]
        return [Held(n, self.pages[n].revision, self.pages[n].state) for n in names]

    async def latest(self, section: str | None, skip: int, limit: int) -> list[Page]:
        """As the real one."""
        await self.answer("latest")
        found = [
            replace(page, parts=[], article={})
            for page in self.pages.values()
            if page.state == "published" and section in (None, page.section)
        ]
        found.sort(key=lambda page: (page.published_at or NOON, page.id), reverse=True)
        return found[skip : skip + limit]

    async def counted(self) -> dict[str, Total]:
        """As the real one; `counts` and `generations` are what the counter has written."""
        await self.answer("counted")
        return {name: self._total(name) for name in self.counts}

    async def site_counted(self) -> Total:
        """As the real one."""
        await self.answer("site_counted")
        return self._total("*")

    def _total(self, name: str) -> Total:
        return Total(self.generations.get(name, 0), self.counts.get(name, 0))

    async def baseline(self) -> int:
        """As the real one."""
        await self.answer("baseline")
        return sum(page.baseline for page in self.pages.values())

    async def online(self) -> tuple[int, datetime] | None:
        """As the real one; `readers_online` is what stats has stored."""
        await self.answer("online")
        return self.readers_online

    async def picture(self, name: str) -> tuple[str, bytes] | None:
        """As the real one; `pictures` are what ingest has stored."""
        await self.answer("picture", name)
        return self.pictures.get(name)


def page(name: str, revision: int = 1, hours: int = 0, section: str = "thoi-su") -> Page:
    """A public page, published some hours after noon."""
    return Page(
        id=name,
        revision=revision,
        state="published",
        template="old",
        baseline=10,
        path=f"/{section}/tin-{name}.html",
        section=section,
        published_at=NOON + timedelta(hours=hours),
        parts=["<p>", name],
        summary={"title": f"Tin {name}", "lead": "", "image": None},
        article={"id": name},
    )


def withdrawn(name: str, revision: int) -> Page:
    """A tombstone."""
    return Page(name, revision, "withdrawn", "old")


class PageStoreContract:
    """What a page store does. A subclass has the fixture `store`, an empty one, and writes what
    other services do.
    """

    async def count(self, store: PageStore, reads: dict[str, int]) -> None:
        """Count reads by article, `*` for the site, as the counter does."""
        raise NotImplementedError

    async def add_picture(self, store: PageStore, name: str, kind: str, content: bytes) -> None:
        """Store a picture, as ingest does."""
        raise NotImplementedError

    async def show_online(self, store: PageStore, number: int, at: datetime) -> None:
        """Store the number of readers online, as stats does."""
        raise NotImplementedError

    async def test_a_page_is_found_without_its_article(self, store: PageStore) -> None:
        assert await store.get("a") is None
        assert await store.put(page("a")) == "stored"
        assert await store.get("a") == replace(page("a"), article={})

    @pytest.mark.parametrize(("revision", "said"), [(1, "stale"), (2, "repeated"), (3, "stored")])
    async def test_only_a_newer_revision_is_stored(
        self, store: PageStore, revision: int, said: str
    ) -> None:
        await store.put(page("a", 2))
        assert await store.put(page("a", revision, hours=1)) == said
        found = await store.get("a")
        assert found is not None
        assert (found.revision, found.published_at) == (
            (3, NOON + timedelta(hours=1)) if revision == 3 else (2, NOON)
        )

    async def test_a_tombstone_is_not_replaced_by_an_older_page(self, store: PageStore) -> None:
        await store.put(page("a", 1))
        assert await store.put(withdrawn("a", 3)) == "stored"
        assert await store.put(page("a", 2)) == "stale"
        found = await store.get("a")
        assert found is not None
        assert (found.state, found.revision) == ("withdrawn", 3)
        assert await store.latest(None, 0, 9) == []

    async def test_baselines_are_added_up_with_those_of_withdrawn_pages(
        self, store: PageStore
    ) -> None:
        assert await store.baseline() == 0
        await store.put(page("a"))
        await store.put(page("b"))
        await store.put(withdrawn("a", 2))
        assert await store.baseline() == 20

    async def test_the_newest_pages_come_first_and_of_one_moment_the_highest_id(
        self, store: PageStore
    ) -> None:
        for each in (page("a", hours=1), page("b", hours=2), page("c", hours=1)):
            await store.put(each)
        await store.put(page("d", hours=3, section="van-hoa"))

        async def names(section: str | None, skip: int = 0, limit: int = 9) -> str:
            return "".join(each.id for each in await store.latest(section, skip, limit))

        assert [await names(None), await names("thoi-su"), await names("x")] == ["dbca", "bca", ""]
        assert await names(None, 1, 2) == "bc"
        assert {tuple(each.parts) for each in await store.latest(None, 0, 9)} == {()}

    async def test_what_is_held_is_listed_by_id(self, store: PageStore) -> None:
        for each in (page("b", 4), page("a"), withdrawn("c", 2)):
            await store.put(each)
        a, b, c = Held("a", 1, "published"), Held("b", 4, "published"), Held("c", 2, "withdrawn")
        assert await store.held("", 9) == [a, b, c]
        assert await store.held("a", 1) == [b]

    async def test_a_page_is_outdated_until_its_new_event_is_confirmed(
        self, store: PageStore
    ) -> None:
        async def outdated() -> list[str]:
            return sorted([each.id async for each in store.outdated("new")])

        new = replace(page("a"), template="new")
        await store.put(page("a"))
        await store.put(withdrawn("b", 1))
        assert await outdated() == ["a"]
        assert not await store.redo(new, "other")  # rendered by another process meanwhile
        assert not await store.redo(replace(new, revision=2), "old")
        assert await store.redo(new, "old")
        assert await outdated() == ["a"]
        await store.unmark(page("a"))  # of the templates before
        assert await outdated() == ["a"]
        await store.unmark(new)
        assert await outdated() == []

    async def test_a_newer_revision_needs_no_mark(self, store: PageStore) -> None:
        await store.put(page("a"))
        await store.redo(replace(page("a"), template="new"), "old")
        await store.put(replace(page("a", 2), template="new"))
        assert [each async for each in store.outdated("new")] == []

    async def test_counts_are_those_of_the_counter(self, store: PageStore) -> None:
        assert (await store.counted(), await store.site_counted()) == ({}, Total(0, 0))
        await self.count(store, {"a": 3, "b": 1, "*": 4})
        found = {"a": Total(0, 3), "b": Total(0, 1), "*": Total(0, 4)}
        assert (await store.counted(), await store.site_counted()) == (found, Total(0, 4))

    async def test_readers_online_are_those_that_stats_stores(self, store: PageStore) -> None:
        assert await store.online() is None
        await self.show_online(store, 7, NOON)
        assert await store.online() == (7, NOON)
        await self.show_online(store, 0, NOON + timedelta(seconds=20))
        assert await store.online() == (0, NOON + timedelta(seconds=20))

    async def test_a_picture_is_found_by_its_name(self, store: PageStore) -> None:
        assert await store.picture("x.png") is None
        await self.add_picture(store, "x.png", "image/png", b"png")
        assert await store.picture("x.png") == ("image/png", b"png")

    async def test_a_stream_has_the_changes_from_its_opening_on(
        self, store: PageStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(changes, "WAIT_MS", 20)
        new, heard = replace(page("b"), template="new"), list[str | None]()

        async def opened() -> None:
            await store.put(page("b"))
            await store.put(page("b"))  # repeated: no change
            await store.redo(new, "old")
            await store.redo(new, "old")  # of other templates: no change
            await store.unmark(new)
            await store.unmark(new)
            await store.put(withdrawn("a", 2))

        await store.put(page("a"))
        async with asyncio.timeout(30), aclosing(store.watch(opened)) as stream:  # type: ignore[type-var]
            async for change in stream:
                heard.append(change)
                if heard[-2:] == ["a", None]:  # nothing has changed for a while
                    break
        assert [each for each in heard if each] == ["b", "b", "b", "a"]
