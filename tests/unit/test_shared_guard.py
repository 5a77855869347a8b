"""What the guard against older events drops."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from luotdoc_events.events import (
    ArticlePublished,
    ArticleWithdrawn,
    Envelope,
    PageRendered,
    ReadsCounted,
)
from luotdoc_subscriber.guard import InMemory, OnDisk, outdated, subject_of
from luotdoc_subscriber.subscribing import Event, kinds_of
from tests.support.guards import GuardContract


def event(name: str = "article.updated", revision: int | None = 5) -> Envelope:
    return Envelope(
        id="e",
        source="/test",
        type=f"luotdoc.{name}.v1",
        subject="ls0001" if revision else None,
        time=datetime(2026, 11, 23, tzinfo=UTC),
        sequence=f"{revision:020d}" if revision else None,
        data={},
    )


@pytest.mark.parametrize(
    ("name", "revision", "held", "replay", "dropped"),
    [
        ("article.published", 5, 0, False, False),
        ("article.updated", 5, 4, False, False),
        ("article.updated", 5, 5, False, True),
        ("article.updated", 10, 9, False, False),
        ("article.updated", 4, 5, False, True),
        ("article.updated", 5, 5, True, False),
        ("article.updated", 4, 5, True, True),
        ("page.rendered", 5, 5, False, False),
        ("page.rendered", 4, 5, False, True),
        ("reads.counted", None, 5, False, False),
    ],
)
def test_what_is_outdated(
    name: str, revision: int | None, held: int, replay: bool, dropped: bool
) -> None:
    assert outdated(event(name, revision), held, replay) is dropped


def test_an_article_and_its_page_are_two_subjects() -> None:
    assert (
        subject_of(event("article.withdrawn"))
        == subject_of(event("article.published"))
        == "article/ls0001"
    )
    assert subject_of(event("page.removed")) == "page/ls0001"


class TestInMemory(GuardContract):
    @pytest.fixture
    def guard(self) -> InMemory:
        return InMemory()


class TestOnDisk(GuardContract):
    @pytest.fixture
    def guard(self, tmp_path: Path) -> Iterator[OnDisk]:
        one = OnDisk(tmp_path / "guard.sqlite")
        yield one
        one.close()


async def test_the_memory_keeps_the_highest_and_forgets_who_was_silent_longest() -> None:
    memory = InMemory(capacity=2)
    for subject, revision in (("a", 3), ("b", 1), ("a", 2), ("c", 1)):
        await memory.keep(subject, revision)
    assert [await memory.held(subject) for subject in "abc"] == [3, 0, 1]


def test_the_annotation_says_which_events_are_wanted() -> None:
    async def two(event: Event[PageRendered | ArticleWithdrawn]) -> None: ...

    async def one(event: Event[ReadsCounted]) -> None: ...

    assert set(kinds_of(two)) == {PageRendered, ArticleWithdrawn}
    assert kinds_of(one) == (ReadsCounted,)


def test_a_handler_without_it_is_told_what_to_write() -> None:
    async def bare(event): ...  # type: ignore[no-untyped-def]

    async def plain(event: ArticlePublished) -> None: ...

    for handle in (bare, plain):
        with pytest.raises(TypeError, match="annotate its parameter, such as"):
            kinds_of(handle)
