"""The index on a real MongoDB: what is found, and that entries follow their pages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.monitoring import CommandListener

from services.render.page import Page
from services.render.search import searching
from services.render.search.entries import entry_of
from services.render.search.finding import store as finding
from services.render.search.finding.store import FindingStore
from services.render.search.indexing import Indexing
from services.render.search.questions import Question, runs_of
from services.render.search.searching import Searcher
from services.render.search.store import CLAIM_SECONDS, SearchStore
from services.render.store import PageStore
from shared.base.concurrency import ConcurrencyLimit
from shared.base.errors import Unavailable
from tests.integration.conftest import Emptied
from tests.support.searches import searched_article, searched_articles, searches

NOW = datetime(2026, 11, 28, 8, tzinfo=UTC)
VERSION = "1 vi"


def searcher(queries: FindingStore, at_once: int = 2, waiting: int = 9) -> Searcher:
    limit = ConcurrencyLimit(at_once, most_waiting=waiting, seconds=5)
    return Searcher(queries, limit, lambda: 0.0)


def stored_page(revision: int, title: str, state: Any = "published", name: str = "a1") -> Page:
    """The page of an article."""
    article = searched_article(id=name, title=title, revision=revision)
    held = article.model_dump() if state == "published" else {}
    return Page(id=name, revision=revision, state=state, template="t", language="vi", article=held)


class Indexed:
    """Pages, the index, and the work that makes it, by a clock that the test sets."""

    def __init__(self, emptied: Emptied) -> None:
        self.db, self.now = emptied.db, NOW
        self.pages, self.store = PageStore(emptied.db), SearchStore(emptied.db)
        self.queries = FindingStore(emptied.db)
        self.indexing = self.other("vi")

    def other(self, *languages: str) -> Indexing:
        """A process of a site with these languages."""
        return Indexing(
            store=self.store, languages=languages, clock=lambda: self.now, seconds=lambda: 0.0
        )

    async def put(self, page: Page) -> None:
        """Store a page, as the publisher does."""
        await self.pages.put(page)
        await self.indexing.want(page.id, page.revision)

    async def make(self, indexing: Indexing | None = None) -> list[bool]:
        """Make what is due; for each entry whether it was made."""
        made = []
        while claimed := await self.store.claim(self.now):
            made.append(await (indexing or self.indexing).make(claimed))
        return made

    async def found(self, text: str, **more: Any) -> list[str]:
        question = Question(runs=runs_of(text), **more)
        return [rank.id for rank in (await searcher(self.queries).search(question)).ranks]


@pytest.fixture
def indexed(emptied: Emptied) -> Indexed:
    return Indexed(emptied)


async def fill(indexed: Indexed) -> None:
    for article in searched_articles():
        await indexed.store.want(article.id, article.revision)
        assert await indexed.store.put(entry_of(article, article.language), VERSION)


@pytest.mark.parametrize(("most", "at_once"), [(60, 100), (6, 100), (6, 0)])
async def test_every_search_finds_first_what_it_must_in_mongodb(
    indexed: Indexed, monkeypatch: pytest.MonkeyPatch, most: int, at_once: int
) -> None:
    """With six results at most, nearly every search has more than one query may answer; with no
    entries that are read at once, terms are found by their times.
    """
    await fill(indexed)
    monkeypatch.setattr(finding, "READ_AT_ONCE", at_once)
    monkeypatch.setattr(searching, "MOST_RESULTS", most)
    asked, wrong, cut = searcher(indexed.queries), {}, 0
    for search in searches():
        question = search.question(search.text)
        results = await asked.search(question) if question.runs else None
        ids = tuple(rank.id for rank in results.ranks) if results else ()
        cut += bool(results and not results.every)
        length = len(ids) if search.every and most == 60 else len(search.first)
        if ids[:length] != search.first[:most]:
            wrong[search.text] = ids[:8]
    print(f"\n{len(searches())} searches, {cut} of them with more than {most} results")
    assert wrong == {}
    assert (cut > 20) == (most == 6)


async def test_the_newest_articles_with_several_terms_are_found_by_their_times(
    indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some are of one second: then an article with one of the terms is no answer."""
    monkeypatch.setattr(searching, "MOST_RESULTS", 3)
    monkeypatch.setattr(finding, "READ_AT_ONCE", 0)
    titles = {"a": "Mưa và lũ", "b": "Mưa", "c": "Lũ"}
    for hour in range(10):
        for name, title in titles.items():
            at = f"2026-11-01T{hour:02}:00:00+07:00"
            article = searched_article(id=f"{name}{hour}", title=title, published_at=at)
            await indexed.store.want(article.id, 1)
            assert await indexed.store.put(entry_of(article, "vi"), VERSION)
    for text in ("mưa, lũ", "lũ; mưa"):
        results = await searcher(indexed.queries).search(Question(runs=runs_of(text)))
        assert [rank.id for rank in results.ranks] == ["a9", "a8", "a7"]
        assert not results.every
    before = NOW.replace(month=10)
    assert await indexed.found("mưa, lũ", until=before) == []


async def test_an_entry_follows_its_page(indexed: Indexed) -> None:
    assert await indexed.found("mưa lũ") == []
    await indexed.put(stored_page(1, "Mưa lũ"))
    assert await indexed.make() == [True]
    assert await indexed.found("mưa lũ") == ["a1"]
    await indexed.put(stored_page(2, "Nắng hạn"))
    assert await indexed.make() == [True]
    assert (await indexed.found("mưa lũ"), await indexed.found("nắng hạn")) == ([], ["a1"])
    await indexed.put(stored_page(3, "", "withdrawn"))
    assert await indexed.make() == [True]
    assert await indexed.found("nắng hạn") == []
    await indexed.put(stored_page(4, "Nắng hạn"))
    assert await indexed.make() == [True]
    assert await indexed.found("nắng hạn") == ["a1"]
    assert await indexed.make() == []


async def test_an_entry_of_an_older_revision_is_never_stored_over_a_newer_one(
    indexed: Indexed,
) -> None:
    await indexed.put(stored_page(1, "Mưa lũ"))
    claimed = await indexed.store.claim(NOW)
    old = await indexed.store.page("a1")
    assert claimed
    assert old
    assert old.article
    await indexed.put(stored_page(2, "", "withdrawn"))
    assert not await indexed.store.put(entry_of(old.article, "vi"), VERSION)
    assert await indexed.found("mưa lũ") == []
    assert await indexed.make() == [True]
    assert not await indexed.store.put(entry_of(old.article, "vi"), VERSION)
    assert await indexed.make() == []


async def test_an_entry_whose_process_died_is_made_by_another(indexed: Indexed) -> None:
    await indexed.put(stored_page(1, "Mưa lũ"))
    assert await indexed.store.claim(indexed.now)  # and it dies
    assert await indexed.make() == []
    indexed.now += timedelta(seconds=CLAIM_SECONDS)
    assert await indexed.make() == [True]
    assert await indexed.found("mưa lũ") == ["a1"]


async def test_an_event_that_comes_again_makes_no_entry(indexed: Indexed) -> None:
    await indexed.put(stored_page(1, "Mưa lũ"))
    await indexed.make()
    await indexed.db.search.update_one({"_id": "a1"}, {"$set": {"keys": [1]}})
    await indexed.put(stored_page(1, "Mưa lũ"))
    assert await indexed.make() == [True]
    kept = await indexed.db.search.find_one({"_id": "a1"})
    assert kept
    assert kept["keys"] == [1]
    assert "due" not in kept


async def test_a_rebuild_makes_what_is_missing_older_or_of_another_version(
    indexed: Indexed,
) -> None:
    for number in range(5):
        await indexed.pages.put(stored_page(1, f"Bài {number} lũ", name=f"a{number}"))
    await indexed.indexing.rebuild()
    assert await indexed.store.to_make() == 5
    assert len(await indexed.make()) == 5
    assert await indexed.store.to_make() == 0
    await indexed.indexing.rebuild()
    assert await indexed.make() == []
    await indexed.db.search.delete_one({"_id": "a3"})
    await indexed.pages.put(stored_page(2, "Bài 4 lũ", name="a4"))  # and the process died
    await indexed.pages.put(stored_page(2, "", "withdrawn", "a0"))
    await indexed.indexing.rebuild()
    assert await indexed.make() == [True] * 3
    assert sorted(await indexed.found("lũ")) == ["a1", "a2", "a3", "a4"]
    other = indexed.other("vi", "en")
    await other.rebuild()
    assert await indexed.make(other) == [True] * 5
    await other.rebuild()
    assert await indexed.make(other) == []


async def test_new_articles_come_before_a_rebuild(indexed: Indexed) -> None:
    await indexed.store.want_all({"old1": 1, "old2": 1}, NOW)
    await indexed.store.want("new", 1)
    assert await indexed.store.to_make() == 3
    order = [claimed.id for _ in range(3) if (claimed := await indexed.store.claim(NOW))]
    assert order[0] == "new"
    assert sorted(order[1:]) == ["old1", "old2"]


async def test_suggestions_find_the_beginning_of_a_word(indexed: Indexed) -> None:
    await fill(indexed)
    asked = searcher(indexed.queries)
    for typed, first in (
        ("đi", "db3"),
        ("điện b", "db3"),
        ("giai phong m", "gpmb"),
        ("truyện kiề", "tq"),
        ("muong t", "xoi"),
        ("zzz", None),
        ("", None),
    ):
        ids = await asked.suggested(typed, "")
        assert (ids[0] if ids else None) == first, (typed, ids)
    assert await asked.suggested("dien b", "en") == ["en2"]


async def test_too_many_searches_at_once_are_refused(indexed: Indexed) -> None:
    await fill(indexed)
    asked = searcher(indexed.queries, at_once=1, waiting=0)
    with pytest.raises(Unavailable):
        await asked.search(Question(runs=runs_of("mưa")))


class Asked(CommandListener):
    """Notes the commands that read."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []

    def started(self, event: Any) -> None:
        """Note it."""
        if event.command_name in ("find", "aggregate"):
            self.commands.append(dict(event.command))

    def succeeded(self, event: Any) -> None:
        """Nothing is noted."""

    def failed(self, event: Any) -> None:
        """Nothing is noted."""


async def test_what_readers_ask_has_a_time_limit_and_is_read_in_the_order_of_time(
    indexed: Indexed, mongo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No query sorts what it finds: it ends as soon as it has enough."""
    monkeypatch.setattr(finding, "READ_AT_ONCE", 10)
    await fill(indexed)
    listener = Asked()
    client: Any = AsyncIOMotorClient(mongo_url, event_listeners=[listener])
    asked = searcher(FindingStore(client[indexed.db.name]))
    try:
        for text in ("điện biên", "mưa", "giải phóng mặt bằng", '"hoa ban" lễ hội'):
            sections = ("thoi-su", "van-hoa")
            await asked.search(Question(runs=runs_of(text), sections=sections, since=NOW))
            await asked.search(Question(runs=runs_of(text), language="vi"))
        await asked.suggested("điện b", "")
    finally:
        client.close()
    assert [each["maxTimeMS"] for each in listener.commands] == [1000] * len(listener.commands)
    finds = [each for each in listener.commands if "find" in each]
    for find in finds:
        names = ("find", "filter", "sort", "projection", "limit", "skip", "hint")
        command = {name: find[name] for name in names if name in find}
        explained = await indexed.db.command("explain", command, verbosity="queryPlanner")
        plan = str(explained["queryPlanner"]["winningPlan"])
        assert "'IXSCAN'" in plan
        assert "'SORT'" not in plan
        assert ("'FETCH'" in plan) == ("folded" in find["projection"])  # times are in the index
        assert "'COLLSCAN'" not in plan
        assert plan.count("'indexBounds'") == plan.count("'keys': ['[") >= 1
    print(f"\n{len(listener.commands)} queries of 9 questions, {len(finds)} of them for articles")
    assert len(finds) >= 9
