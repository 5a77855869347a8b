"""Retry in place and the guard around a handler, in a time that jumps."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from luotdoc_events import events
from luotdoc_events.events import ArticlePublished, Data, PageRendered, ReadsCounted
from luotdoc_subscriber.attempts import handle_newer, retry_in_place
from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.decision import Event
from luotdoc_subscriber.guard import InMemory
from luotdoc_subscriber.subscribing import binding_of
from luotdoc_subscriber.testing import example
from tests.support.jumping import play


def retried(
    succeed: list[bool], errors: int, takes: float = 0.0
) -> tuple[list[tuple[int, float]], str, Any]:
    """What fails, with the backoff after it, how it ends, and after how many seconds.

    Each attempt takes `takes` seconds. `succeed` says for each failure whether others
    succeeded meanwhile; the last one holds on.
    """
    failures: list[tuple[int, float]] = []
    left, told = errors, list(succeed)
    end: list[Any] = []

    async def attempt() -> str:
        nonlocal left
        await asyncio.sleep(takes)
        if left:
            left -= 1
            raise Transient("away")
        return "handled"

    def others() -> bool:
        return told.pop(0) if len(told) > 1 else told[0]

    async def failed(number: int, seconds: float, error: Transient) -> None:
        assert str(error) == "away"
        failures.append((number, seconds))
        await asyncio.sleep(seconds)

    async def scene() -> None:
        begun = asyncio.get_running_loop().time()
        try:
            end.append(await retry_in_place(attempt, others, failed))
        except Transient as error:
            end.append(str(error))
        end.append(asyncio.get_running_loop().time() - begun)

    play(scene)
    return failures, end[0], end[1]


def test_what_works_at_once_is_not_retried() -> None:
    assert retried([True], 0) == ([], "handled", 0)


def test_what_works_again_is_handled() -> None:
    failures, end, seconds = retried([False], 4)
    assert failures == [(1, 0.1), (2, 0.2), (3, 0.4), (4, 0.8)]
    assert (end, seconds) == ("handled", pytest.approx(1.5))


def test_the_third_failure_is_its_own_if_others_succeed() -> None:
    assert retried([True], 3) == ([(1, 0.1), (2, 0.2)], "away", pytest.approx(0.3))
    assert retried([True], 2)[1] == "handled"
    # What others did before its third failure does not count.
    failures, end, _ = retried([True, True, False, False, True], 9)
    assert ([number for number, _ in failures], end) == ([1, 2, 3, 4], "away")


def test_after_half_a_minute_it_goes_to_a_retry_queue_in_any_case() -> None:
    failures, end, seconds = retried([False], 99)
    assert failures[5:] == [(6, 3.2), (7, 6.4), (8, 10.0), (9, 10.0)]
    assert (end, seconds) == ("away", pytest.approx(32.7))
    failures, end, seconds = retried([False], 99, takes=0.85)
    assert (len(failures), end, seconds) == (8, "away", pytest.approx(30.35))


def test_an_attempt_that_takes_half_a_minute_is_repeated_once() -> None:
    assert retried([False], 99, takes=30.0) == ([(1, 0.1)], "away", pytest.approx(60.1))


def event(kind: type[Data], revision: int, replay: str = "") -> Event[Any]:
    envelope = events.envelope(
        example(kind),
        id="e",
        source="/luotdoc/test",
        time=datetime(2026, 11, 23, tzinfo=UTC),
        schemas="https://www.example.org/schemas",
        subject="a1" if kind.of_article else None,
        revision=revision if kind.of_article else None,
    )
    return Event(example(kind), envelope, replay)


async def test_the_guard_keeps_what_was_handled_and_what_the_handler_dropped() -> None:
    guard, answers = InMemory(), iter([None, False, True])

    async def handle(_: Event[Any]) -> bool | None:
        return next(answers)

    async def told(revision: int) -> bool:
        return await handle_newer(event(ArticlePublished, revision), "search.a", handle, guard)

    assert [await told(2), await told(1), await told(3), await told(3), await told(4)] == [
        *(True, False, False, False, True)
    ]
    assert await guard.held("search.a/article/a1") == 4


@pytest.mark.parametrize(("answer", "new"), [(None, True), (True, True), (False, False)])
async def test_without_a_guard_the_handler_says_what_is_new(answer: bool | None, new: bool) -> None:
    async def handle(_: Event[Any]) -> bool | None:
        return answer

    assert await handle_newer(event(ArticlePublished, 1), "search.a", handle, None) is new


async def test_the_guard_keeps_nothing_that_failed() -> None:
    guard = InMemory()

    async def handle(_: Event[Any]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await handle_newer(event(ArticlePublished, 2), "search.a", handle, guard)
    assert await guard.held("search.a/article/a1") == 0


async def test_a_page_and_a_replay_may_come_again() -> None:
    guard = InMemory()

    async def handle(_: Event[Any]) -> None: ...

    async def told(one: Event[Any]) -> bool:
        return await handle_newer(one, "search.a", handle, guard)

    assert [await told(event(PageRendered, 2)) for _ in range(2)] == [True, True]
    assert [await told(event(ArticlePublished, 2, "all")) for _ in range(2)] == [True, True]
    assert not await told(event(ArticlePublished, 2))
    assert [await told(event(ReadsCounted, 0)) for _ in range(2)] == [True, True]


@pytest.mark.parametrize(
    ("names", "key"),
    [
        (["reads.counted"], "reads.counted"),
        (["page.rendered", "page.rendered"], "page.rendered"),
        (["article.published", "article.withdrawn"], "article.*"),
        (["article.published", "page.rendered"], "#"),
    ],
)
def test_a_temporary_queue_is_bound_under_one_key(names: list[str], key: str) -> None:
    assert binding_of(names) == key
