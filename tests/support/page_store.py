"""A page store in memory, and the contract that it and the real one pass."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.ingest.articles.media import Picture
from services.render.cursors import PagePlace
from services.render.figures import NO_FIGURES, PortalFigures, RankedArticle, portal_figures
from services.render.page import Page, PageChange, Wanted
from services.render.store import PageStore, Stored
from shared.storage import changes
from shared.storage.changes import Opened
from shared.storage.counts import Total
from shared.storage.versions import Document
from shared.web.state_listing import Held
from tests.support.faulty import Faulty, Streams

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class PagesInMemory(Faulty, PageStore):
    """`PageStore` without MongoDB."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[str, Page] = {}
        self.marked = dict[str, str]()
        self.counts: dict[str, int] = {}
        self.generations: dict[str, int] = {}
        self.pictures: dict[str, tuple[str, bytes]] = {}
        self.facts: dict[str, dict[str, Any]] = {}
        self.shown: dict[str, tuple[Document, float]] = {}
        self.changed: Streams[PageChange] = Streams(self)

    async def put(self, page: Page) -> Stored:
        """As the real one."""
        await self.answer("put", page.id)
        held = self.pages.get(page.id)
        if held is not None and held.revision >= page.revision:
            return "repeated" if held.revision == page.revision else "stale"
        self._keep(page)
        self.marked.pop(page.id, None)
        return "stored"

    def _keep(self, page: Page) -> None:
        held = self.pages.get(page.id)
        if page.state != "published" and held is not None:
            page = replace(page, baseline=held.baseline, language=held.language)
        self.pages[page.id] = page
        held = held or replace(page, revision=0, template="")
        changed = PageChange(
            page.id,
            page.revision if page.revision != held.revision else None,
            page.template if page.template != held.template else None,
        )
        self.changed.send(changed)

    def watch(self, opened: Opened) -> AsyncIterator[PageChange | None]:
        """As the real one."""
        return self.changed.watch(opened)

    async def redo(self, pages: Sequence[tuple[Page, Page]], call: str) -> set[str]:
        """As the real one."""
        await self.answer("redo")
        found = set[str]()
        for page, old in pages:
            held = self.pages.get(page.id)
            if held and (held.revision, held.template) == (page.revision, old.template):
                self._keep(replace(page, article=held.article))
                self.marked[page.id] = call
                found.add(page.id)
        return found

    async def unmark(self, ids: Sequence[str], call: str) -> None:
        """As the real one."""
        await self.answer("unmark")
        for name in ids:
            if self.marked.get(name) == call:
                del self.marked[name]
                self.changed.send(PageChange(name, None, None))

    async def outdated(self, template: str) -> AsyncIterator[str]:
        """As the real one."""
        await self.answer("outdated")
        for name in list(self.pages):
            if self._is_outdated(name, template):
                yield name

    async def outdated_among(self, ids: Sequence[str], template: str) -> list[Page]:
        """As the real one."""
        await self.answer("outdated_among")
        found = [name for name in ids if self._is_outdated(name, template)]
        return [replace(self.pages[name], parts=[]) for name in found]

    def _is_outdated(self, name: str, template: str) -> bool:
        page = self.pages.get(name)
        if page is None or page.state != "published":
            return False
        return page.template != template or name in self.marked

    async def outdated_number(self, template: str) -> int:
        """As the real one."""
        return len([page async for page in self.outdated(template)])

    async def get(self, article_id: str) -> Page | None:
        """As the real one."""
        page = self.pages.get(article_id)  # a query in flight does not see what changes meanwhile
        await self.answer("get", article_id)
        return replace(page, article={}, pictures=None) if page else None

    async def held(self, after: str, limit: int) -> list[Held]:
        """As the real one."""
        await self.answer("held")
        names = sorted(name for name in self.pages if name > after)[:limit]
        return [Held(n, self.pages[n].revision, self.pages[n].state) for n in names]

    async def listing(self, wanted: Wanted, limit: int) -> list[Page]:
        """As the real one."""
        await self.answer("listing")
        found = [
            replace(page, parts=[], article={}, pictures=None)
            for page in self.pages.values()
            if page.state == "published" and _matches(page, wanted)
        ]
        found.sort(key=_rank, reverse=not wanted.newer)
        return found[:limit]

    async def found(self, ids: list[str]) -> list[Page]:
        """As the real one."""
        await self.answer("found")
        held = [self.pages[name] for name in ids if name in self.pages]
        return [replace(page, parts=[]) for page in held if page.state == "published"]

    async def months(self, wanted: Wanted, zone: ZoneInfo) -> list[tuple[int, int, int]]:
        """As the real one."""
        await self.answer("months")
        numbers = Counter(
            _rank(page)[0].astimezone(zone).strftime("%Y %m")
            for page in self.pages.values()
            if page.state == "published" and _matches(page, wanted)
        )
        months = sorted(numbers, reverse=True)
        return [(int(name[:4]), int(name[5:]), numbers[name]) for name in months]

    async def translations(self, pages: Sequence[Page]) -> list[Page]:
        """As the real one."""
        await self.answer("translations", *[page.id for page in pages])
        asked = {page.id for page in pages}
        named = {name for page in pages for name in page.translated_as}
        return [
            replace(other, parts=[], article={}, pictures=None)
            for other in self.pages.values()
            if other.state == "published" and (other.id in named or asked & {*other.translated_as})
        ]

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

    def show(self, documents: Mapping[str, Document]) -> None:
        """Store figures, as stats does; they grow older by the event loop's clock."""
        stored_at = asyncio.get_running_loop().time()
        self.shown |= {name: (fields, stored_at) for name, fields in documents.items()}

    async def figures(self) -> PortalFigures:
        """As the real one."""
        await self.answer("figures")
        now = asyncio.get_running_loop().time()
        return portal_figures(
            {**fields, "_id": name, "age": now - stored_at}
            for name, (fields, stored_at) in self.shown.items()
        )

    async def picture(self, name: str) -> tuple[str, bytes] | None:
        """As the real one; `pictures` are what ingest has stored."""
        await self.answer("picture", name)
        return self.pictures.get(name)

    async def picture_facts(self, names: Sequence[str]) -> dict[str, dict[str, Any]]:
        """As the real one; `facts` are what ingest has stored beside its pictures."""
        if names:
            await self.answer("picture_facts", *names)
        return {name: self.facts[name] for name in names if name in self.facts}


def _rank(page: Page) -> tuple[datetime, str]:
    return page.published_at or NOON, page.id


def _matches(page: Page, wanted: Wanted) -> bool:
    moment, place = _rank(page)[0], wanted.place
    return (
        (wanted.ids is None or page.id in wanted.ids)
        and (wanted.sections is None or page.section in wanted.sections)
        and wanted.language in (None, page.language)
        and (wanted.tags is None or bool({*wanted.tags} & {*page.tags}))
        and wanted.topic in (None, page.topic)
        and wanted.pinned in (None, page.pinned)
        and (wanted.since is None or moment >= wanted.since)
        and (wanted.until is None or moment < wanted.until)
        and (
            place is None
            or (
                (_rank(page) > (place.time, place.id)) == wanted.newer
                and _rank(page) != (place.time, place.id)
            )
        )
    )


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
        language="vi",
        parts=["<p>", name],
        summary={"title": f"Tin {name}", "lead": "", "image": None},
        article={"id": name},
    )


def site_document(counted: int = 99, generation: int = 1, **more: int | None) -> Document:
    """The site's figures as stats stores them; yesterday is not known."""
    periods = {"today": 1, "yesterday": None, "week": 3, "month": 4, "year": 5}
    return {"counted": counted, "generation": generation, **periods, **more}


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
        """Store a picture, as ingest did before it stored sizes."""
        raise NotImplementedError

    async def upload_picture(self, store: PageStore, picture: Picture) -> None:
        """Store a picture, as ingest does."""
        raise NotImplementedError

    async def show(self, store: PageStore, documents: Mapping[str, Document]) -> None:
        """Store figures by id, as stats does."""
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
        assert await store.listing(Wanted(), 9) == []

    async def test_a_tombstone_keeps_the_language_of_its_page(self, store: PageStore) -> None:
        await store.put(replace(page("a"), language="en"))
        await store.put(withdrawn("a", 2))
        await store.put(withdrawn("a", 3))
        await store.put(withdrawn("b", 1))
        held = [await store.get("a"), await store.get("b")]
        assert [each and each.language for each in held] == ["en", ""]

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

        async def names(limit: int = 9, **wanted: Any) -> str:
            return "".join(each.id for each in await store.listing(Wanted(**wanted), limit))

        thoi_su: dict[str, Any] = {"sections": ("thoi-su",)}
        assert [await names(), await names(**thoi_su), await names(sections=("x",))] == [
            "dbca", "bca", ""
        ]  # fmt: skip
        assert await names(sections=("van-hoa", "thoi-su")) == "dbca"
        assert await names(2) == "db"
        assert {tuple(each.parts) for each in await store.listing(Wanted(), 9)} == {()}

    @pytest.mark.parametrize(
        ("place", "older", "newer"),
        [
            (PagePlace(NOON + timedelta(hours=2), "b"), "ca", "d"),
            (PagePlace(NOON + timedelta(hours=1), "c"), "a", "bd"),
            (PagePlace(NOON + timedelta(hours=1), "b"), "a", "cbd"),  # of an article that is gone
            (PagePlace(NOON, "z"), "", "acbd"),
            (PagePlace(NOON + timedelta(hours=9), "a"), "dbca", ""),
        ],
    )
    async def test_a_list_goes_on_at_any_place(
        self, store: PageStore, place: PagePlace, older: str, newer: str
    ) -> None:
        for name, hours in (("a", 1), ("b", 2), ("c", 1), ("d", 3)):
            await store.put(page(name, hours=hours))
        for forward, expected in ((False, older), (True, newer)):
            found = await store.listing(Wanted(place=place, newer=forward), 9)
            assert "".join(each.id for each in found) == expected

    async def test_lists_choose_by_tag_topic_language_pin_and_time(self, store: PageStore) -> None:
        await store.put(replace(page("a"), tags=["mưa", "lũ"], topic="bão-số-5", language="vi"))
        await store.put(replace(page("b", hours=1), tags=["lũ"], pinned=True, language="en"))
        hour = timedelta(hours=1)
        for wanted, expected in (
            (Wanted(tags=("lũ",)), "ba"),
            (Wanted(tags=("mưa", "lũ")), "ba"),
            (Wanted(tags=("mưa",)), "a"),
            (Wanted(tags=("mua",)), ""),
            (Wanted(topic="bão-số-5"), "a"),
            (Wanted(pinned=True), "b"),
            (Wanted(language="en"), "b"),
            (Wanted(ids=("b", "x")), "b"),
            (Wanted(ids=()), ""),
            (Wanted(since=NOON, until=NOON + hour), "a"),
            (Wanted(since=NOON + hour), "b"),
        ):
            found = await store.listing(wanted, 9)
            assert "".join(each.id for each in found) == expected, wanted

    async def test_public_pages_are_found_with_their_articles(self, store: PageStore) -> None:
        for each in (page("a"), page("b"), withdrawn("c", 2)):
            await store.put(each)
        found = await store.found(["b", "c", "d"])
        assert [(each.id, each.parts, each.article) for each in found] == [("b", [], {"id": "b"})]

    async def test_what_is_known_of_pictures_stays_with_the_article(self, store: PageStore) -> None:
        known = {"x.png": {"width": 30, "height": 20}}
        await store.put(replace(page("a"), pictures=known))
        assert [each.pictures for each in await store.found(["a"])] == [known]
        assert [each.pictures for each in await store.outdated_among(["a"], "new")] == [known]
        shown = [await store.get("a"), *await store.listing(Wanted(), 9)]
        assert [each and each.pictures for each in shown] == [None, None]

    async def test_months_are_those_of_the_zone(self, store: PageStore) -> None:
        for name, moment in (
            ("a", datetime(2026, 10, 31, 16, 59, tzinfo=UTC)),
            ("b", datetime(2026, 10, 31, 17, 0, tzinfo=UTC)),
            ("c", datetime(1969, 12, 31, 17, 0, tzinfo=UTC)),
        ):
            await store.put(replace(page(name), published_at=moment))
        await store.put(withdrawn("d", 2))
        found = await store.months(Wanted(), ZoneInfo("Asia/Ho_Chi_Minh"))
        assert found == [(2026, 11, 1), (2026, 10, 1), (1970, 1, 1)]

    async def test_translations_are_found_from_both_sides(self, store: PageStore) -> None:
        one, other = replace(page("a"), translated_as=["b", "x"]), page("b")
        await store.put(one)
        await store.put(other)
        await store.put(withdrawn("x", 2))
        assert [each.id for each in await store.translations([one])] == ["b"]
        assert [each.id for each in await store.translations([other])] == ["a"]
        both = await store.translations([one, other])
        assert sorted(each.id for each in both) == ["a", "b"]

    async def test_related_articles_share_a_tag_before_they_share_a_section(
        self, store: PageStore
    ) -> None:
        mine = replace(page("a", hours=9), tags=["lũ"])
        for each in (
            mine,
            replace(page("b"), tags=["lũ"], section="van-hoa"),
            page("c", hours=5),
            page("d", hours=4, section="van-hoa"),
            replace(page("e", hours=3), tags=["lũ", "mưa"]),
        ):
            await store.put(each)
        assert [each.id for each in await store.related(mine, 3)] == ["e", "b", "c"]
        assert [each.id for each in await store.related(mine, 9)] == ["e", "b", "c"]

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
            ids = sorted([each async for each in store.outdated("new")])
            among = await store.outdated_among(["x", "c", "b", "a"], "new")
            assert sorted(each.id for each in among) == ids
            return ids

        new = replace(page("a"), template="new")
        await store.put(page("a"))
        await store.put(withdrawn("b", 1))
        assert await outdated() == ["a"]
        assert (
            await store.redo([(new, replace(new, template="other"))], "1") == set()
        )  # by another process meanwhile
        assert await store.redo([(replace(new, revision=2), page("a"))], "2") == set()
        await store.put(page("c"))
        third = replace(page("c", 2), template="new")
        assert await store.redo([(new, page("a")), (third, page("c"))], "3") == {"a"}
        assert await store.redo([], "4") == set()
        assert (await outdated(), await store.outdated_number("new")) == (["a", "c"], 2)
        await store.unmark(["a"], "2")  # of another call
        assert await outdated() == ["a", "c"]
        await store.unmark(["a", "c"], "3")
        await store.unmark([], "3")
        assert (await outdated(), await store.outdated_number("new")) == (["c"], 1)

    async def test_a_newer_revision_needs_no_mark(self, store: PageStore) -> None:
        await store.put(page("a"))
        await store.redo([(replace(page("a"), template="new"), page("a"))], "1")
        await store.put(replace(page("a", 2), template="new"))
        assert [each async for each in store.outdated("new")] == []

    async def test_counts_are_those_of_the_counter(self, store: PageStore) -> None:
        assert (await store.counted(), await store.site_counted()) == ({}, Total(0, 0))
        await self.count(store, {"a": 3, "b": 1, "*": 4})
        found = {"a": Total(0, 3), "b": Total(0, 1), "*": Total(0, 4)}
        assert (await store.counted(), await store.site_counted()) == (found, Total(0, 4))

    async def test_figures_are_those_that_stats_stores_with_their_age(
        self, store: PageStore
    ) -> None:
        assert await store.figures() == NO_FIGURES
        await self.show(store, {"site": site_document(today=7), "online": {"online": 0}})
        await self.show(store, {"top:7d": {"items": [["b", 5], ["a", 3]]}})
        await self.show(store, {"site": site_document(today=8)})
        found = await store.figures()
        assert found.visits is not None
        visits, age = found.visits
        assert (found.counted, visits.today, visits.yesterday) == (Total(1, 99), 8, None)
        assert found.online is not None
        assert found.online[0] == 0
        ranked, age_of_list = found.lists["top:7d"]
        assert ranked == (RankedArticle("b", 5), RankedArticle("a", 3))
        assert 0 <= age <= age_of_list < 10

    async def test_a_picture_is_found_by_its_name(self, store: PageStore) -> None:
        assert await store.picture("x.png") is None
        await self.add_picture(store, "x.png", "image/png", b"png")
        assert await store.picture("x.png") == ("image/png", b"png")

    async def test_the_size_of_a_picture_is_known_once_ingest_has_stored_it(
        self, store: PageStore
    ) -> None:
        assert await store.picture_facts(["x.png"]) == {}
        await self.add_picture(store, "x.png", "image/png", b"png!")
        assert await store.picture_facts(["x.png"]) == {}
        await self.upload_picture(store, Picture("x.png", "image/png", b"png!", 30, 20))
        facts = {"type": "image/png", "size": 4, "width": 30, "height": 20}
        assert await store.picture_facts(["none.png", "x.png"]) == {"x.png": facts}
        assert await store.picture_facts([]) == {}
        assert await store.picture("x.png") == ("image/png", b"png!")

    async def test_a_stream_has_the_changes_from_its_opening_on(
        self, store: PageStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(changes, "WAIT_MS", 20)
        new, heard = replace(page("b"), template="new"), list[PageChange | None]()

        async def opened() -> None:
            await store.put(page("b"))
            await store.put(page("b"))  # repeated: no change
            await store.redo([(new, page("b"))], "1")
            await store.redo([(new, page("b"))], "2")  # of other templates: no change
            await store.unmark(["b"], "1")
            await store.unmark(["b"], "1")
            await store.put(withdrawn("a", 2))

        await store.put(page("a"))
        async with asyncio.timeout(30), aclosing(store.watch(opened)) as stream:  # type: ignore[type-var]
            async for change in stream:
                heard.append(change)
                if (
                    change is None and len(list(filter(None, heard))) > 3
                ):  # nothing has changed for a while
                    break
        assert [each for each in heard if each] == [
            PageChange("b", 1, "old"),
            PageChange("b", None, "new"),
            PageChange("b", None, None),
            PageChange("a", 2, None),
        ]
