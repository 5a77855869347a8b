"""An article store in memory, and the contract that it and the real one pass."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, date, datetime, timedelta

import pytest

from luotdoc_events import events
from services.ingest.articles.article import Content, StoredArticle
from services.ingest.articles.changes import Decision, come_due, put, withdraw
from services.ingest.articles.commits.group import Decide
from services.ingest.articles.documents import Outgoing, outgoing_of
from services.ingest.articles.preconditions import Preconditions
from services.ingest.store import ArticleStore
from shared.storage import changes
from shared.storage.changes import Opened
from tests.support.faulty import Faulty, Streams

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SITE = "https://tin.example.vn"


class ArticlesInMemory(Faulty, ArticleStore):
    """`ArticleStore` without MongoDB: the queries of the beacon, the relay, the schedule and the
    salts.
    """

    def __init__(self, clock: Callable[[], datetime] = lambda: NOON) -> None:
        super().__init__()
        self.clock = clock
        self.articles: dict[str, StoredArticle] = {}
        self.outbox: list[Outgoing] = []
        self.salts: dict[date, bytes] = {}
        self.changed: Streams[tuple[str, bool]] = Streams(self)

    async def get(self, article_id: str) -> StoredArticle | None:
        """As the real one."""
        await self.answer("get", article_id)
        return self.articles.get(article_id)

    async def change(self, article_id: str, decide: Decide, correlation_id: str) -> Decision:
        """As the real one."""
        await self.answer("change", article_id)
        decision = decide(self.articles.get(article_id))
        if not decision.changed:
            return decision
        article = decision.article
        self.articles[article_id] = article
        if decision.event is not None:
            self.outbox.append(
                outgoing_of(
                    article,
                    decision.event,
                    correlation_id=correlation_id,
                    traceparent="",
                    now=self.clock(),
                    schemas_url=f"{SITE}/schemas",
                )
            )
        self.changed.send((article_id, article.state == "published"))
        return decision

    async def due(self, now: datetime, limit: int = 100) -> list[str]:
        """As the real one."""
        await self.answer("due", now)
        found = [
            (article.content.published_at, article.id)
            for article in self.articles.values()
            if article.state == "scheduled" and article.content.published_at <= now
        ]
        return [article_id for _, article_id in sorted(found)[:limit]]

    async def is_published(self, article_id: str) -> bool:
        """As the real one."""
        await self.answer("is_published", article_id)
        return article_id in self._public()

    async def published(self) -> set[str]:
        """As the real one."""
        await self.answer("published")
        return self._public()

    async def published_among(self, ids: set[str]) -> set[str]:
        """As the real one."""
        await self.answer("published_among", ids)
        return self._public() & ids

    def _public(self) -> set[str]:
        return {each.id for each in self.articles.values() if each.state == "published"}

    async def watch(self, opened: Opened) -> AsyncIterator[tuple[str, bool]]:
        """As the real one."""
        async for change in self.changed.watch(opened):
            if change is not None:
                yield change

    async def outgoing(self, limit: int) -> list[Outgoing]:
        """As the real one."""
        await self.answer("outgoing", limit)
        return sorted(self.outbox, key=lambda event: (event.article, event.revision))[:limit]

    async def sent(self, ids: list[str]) -> None:
        """As the real one."""
        await self.answer("sent", ids)
        self.outbox = [event for event in self.outbox if event.id not in ids]

    async def waiting(self) -> tuple[int, datetime | None]:
        """As the real one."""
        await self.answer("waiting")
        return len(self.outbox), min((event.time for event in self.outbox), default=None)

    async def salt(self, day: date, begin: datetime) -> bytes:
        """As the real one."""
        await self.answer("salt", day, begin)
        return self.salts.setdefault(day, secrets.token_bytes(32))


def content(title: str = "Tin", hours: int = 0) -> Content:
    """An article's content, published some hours after noon."""
    return Content(
        title=title,
        slug="tin",
        section="thoi-su",
        body_html="<p>Tin</p>",
        published_at=NOON + timedelta(hours=hours),
    )


def stored(article_id: str, hours: int = 0) -> StoredArticle:
    """A new article: public, or scheduled if it is published after noon."""
    return putting(article_id, hours=hours)(None).article


def putting(article_id: str, title: str = "Tin", hours: int = 0) -> Decide:
    """The decision on a `PUT` at noon."""
    return lambda current: put(
        article_id, content(title, hours), current, Preconditions(), NOON, SITE
    )


def withdrawing(current: StoredArticle | None) -> Decision:
    """The decision on a `DELETE` at noon."""
    return withdraw(current, Preconditions(), NOON, SITE)


def coming_due(hours: int) -> Decide:
    """The decision of the schedule some hours after noon."""

    def decide(current: StoredArticle | None) -> Decision:
        assert current is not None
        return come_due(current, NOON + timedelta(hours=hours), SITE)

    return decide


class ArticleStoreContract:
    """What an article store does. A subclass has the fixture `store`: an empty one, whose clock
    stands at noon.
    """

    async def test_an_article_is_stored_with_its_event(self, store: ArticleStore) -> None:
        assert await store.get("a") is None
        decision = await store.change("a", putting("a"), "c1")
        assert decision.changed
        assert await store.get("a") == decision.article == stored("a")
        (event,) = await store.outgoing(9)
        assert (event.article, event.revision, event.name) == ("a", 1, "article.published")
        assert (event.type, event.correlation_id, event.time) == (
            *("luotdoc.article.published.v1", "c1"),
            NOON,
        )
        envelope, _ = events.decode(event.body)
        assert (envelope.id, envelope.subject) == (event.id, "a")

    async def test_a_decision_without_a_change_writes_nothing(self, store: ArticleStore) -> None:
        await store.change("a", putting("a"), "c1")
        again = await store.change("a", putting("a"), "c2")
        assert (again.changed, again.article.revision) == (False, 1)
        assert len(await store.outgoing(9)) == 1

    async def test_a_decision_that_fails_writes_nothing(self, store: ArticleStore) -> None:
        def decide(current: StoredArticle | None) -> Decision:
            raise KeyError("slug")

        with pytest.raises(KeyError, match="slug"):
            await store.change("a", decide, "c1")
        assert (await store.get("a"), await store.outgoing(9)) == (None, [])

    async def test_a_scheduled_article_has_no_event_yet(self, store: ArticleStore) -> None:
        await store.change("a", putting("a", hours=1), "c1")
        assert await store.outgoing(9) == []
        await store.change("a", coming_due(1), "c2")
        assert [event.revision for event in await store.outgoing(9)] == [2]

    async def test_changes_at_once_come_one_after_the_other(self, store: ArticleStore) -> None:
        await asyncio.gather(
            *(store.change("a", putting("a", title=f"Tin {n}"), "c") for n in range(3))
        )
        article = await store.get("a")
        assert article is not None
        assert article.revision == 3
        assert [event.revision for event in await store.outgoing(9)] == [1, 2, 3]

    async def test_the_outbox_has_each_article_s_lowest_revision_first(
        self, store: ArticleStore
    ) -> None:
        for article_id, title in (("b", "1"), ("a", "1"), ("b", "2"), ("a", "2")):
            await store.change(article_id, putting(article_id, title), "c")

        async def waiting(limit: int) -> list[tuple[str, int]]:
            return [(event.article, event.revision) for event in await store.outgoing(limit)]

        assert await waiting(9) == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
        assert await waiting(3) == [("a", 1), ("a", 2), ("b", 1)]
        assert await store.waiting() == (4, NOON)
        await store.sent([event.id for event in await store.outgoing(2)])
        await store.sent(["unknown"])
        assert await waiting(9) == [("b", 1), ("b", 2)]

    async def test_an_empty_outbox(self, store: ArticleStore) -> None:
        assert (await store.outgoing(9), await store.waiting()) == ([], (0, None))

    async def test_what_is_due_is_scheduled_and_the_earliest_comes_first(
        self, store: ArticleStore
    ) -> None:
        for article_id, hours in (("a", 3), ("b", 1), ("c", 2), ("d", 0)):
            await store.change(article_id, putting(article_id, hours=hours), "c")

        assert [await store.due(NOON + timedelta(hours=hours)) for hours in range(4)] == [
            [], ["b"], ["b", "c"], ["b", "c", "a"]
        ]  # fmt: skip
        assert await store.due(NOON + timedelta(hours=3), 1) == ["b"]
        await store.change("b", coming_due(1), "c")
        assert await store.due(NOON + timedelta(hours=1)) == []

    async def test_what_is_public(self, store: ArticleStore) -> None:
        for article_id, hours in (("a", 0), ("b", 0), ("c", 1)):
            await store.change(article_id, putting(article_id, hours=hours), "c")
        await store.change("b", withdrawing, "c")
        assert await store.published() == {"a"}
        assert await store.published_among({"a", "b", "c", "d"}) == {"a"}
        assert [await store.is_published(each) for each in "abcd"] == [True, False, False, False]

    async def test_the_salt_of_a_day_is_made_once(self, store: ArticleStore) -> None:
        monday, tuesday = date(2026, 11, 23), date(2026, 11, 24)
        salt = await store.salt(monday, NOON)
        assert len(salt) == 32
        assert await store.salt(monday, NOON) == salt
        assert await store.salt(tuesday, NOON) != salt

    async def test_a_stream_has_the_changes_from_its_opening_on(
        self, store: ArticleStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(changes, "WAIT_MS", 20)

        async def opened() -> None:
            await store.change("b", putting("b", hours=1), "c")
            await store.change("a", putting("a"), "c")  # the same: no change
            await store.change("a", withdrawing, "c")
            await store.change("a", putting("a"), "c")

        await store.change("a", putting("a"), "c")
        heard = list[tuple[str, bool]]()
        async with asyncio.timeout(30), aclosing(store.watch(opened)) as stream:  # type: ignore[type-var]
            async for change in stream:
                heard.append(change)
                if len(heard) == 3:
                    break
        assert heard == [("b", False), ("a", False), ("a", True)]
