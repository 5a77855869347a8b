"""Groups of changes: who is in one, what each caller hears, and what waits for what."""

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar

import pytest

from services.ingest.articles.changes import Decision
from services.ingest.articles.commits import group as module
from services.ingest.articles.commits.group import (
    GroupCommit,
    NotTogether,
    Outcome,
    PendingChange,
)
from tests.support.article_store import stored

TRACE: ContextVar[str] = ContextVar("TRACE", default="")
DONE = Decision(stored("a"), changed=True)


class Commits:
    """Commits that wait until `release`; `groups` has the articles of each that has begun."""

    def __init__(self, *errors: Exception | None) -> None:
        self.groups: list[list[str]] = []
        self.traces: list[str] = []
        self.errors = list(errors)
        self.alone: list[str] = []
        self.unlocked = asyncio.Event()
        self._free = asyncio.Semaphore(0)
        self.group = GroupCommit(self._commit, self._try)

    async def _commit(self, group: Sequence[PendingChange]) -> Sequence[Outcome]:
        self.groups.append([each.article for each in group])
        self.traces.append(TRACE.get())
        await self._free.acquire()
        if self.errors and (error := self.errors.pop(0)):
            raise error
        return [DONE if each.article != "bad" else KeyError("slug") for each in group]

    async def _try(self, change: PendingChange) -> Decision:
        self.alone.append(change.article)
        if change.article == "locked":
            await self.unlocked.wait()
        if change.article == "bad":
            raise KeyError("slug")
        return DONE

    def ask(self, article: str, trace: str = "") -> asyncio.Task[Decision]:
        """A request that changes `article`."""

        async def change() -> Decision:
            TRACE.set(trace)
            return await self.group.change(PendingChange(article, lambda _: DONE, "c", trace))

        return asyncio.create_task(change())

    async def turn(self, released: int = 0) -> list[list[str]]:
        """Let commits end, then everything go on that can; the groups that have begun."""
        for _ in range(released):
            self._free.release()
        for _ in range(10):
            await asyncio.sleep(0)
        return self.groups


async def test_a_change_alone_is_committed_at_once() -> None:
    commits = Commits()
    asked = commits.ask("a")
    assert await commits.turn(1) == [["a"]]
    assert await asked == DONE


async def test_what_comes_meanwhile_makes_the_next_group() -> None:
    commits = Commits()
    asked = [commits.ask("a")]
    await commits.turn()
    asked += [commits.ask(each) for each in "bcd"]
    assert await commits.turn() == [["a"]]
    assert await commits.turn(1) == [["a"], ["b", "c", "d"]]
    await commits.turn(1)
    assert await asyncio.gather(*asked) == [DONE] * 4


async def test_an_article_is_once_in_a_group_and_its_changes_keep_their_order() -> None:
    commits = Commits()
    asked = [commits.ask(each) for each in ("a", "b", "a", "b", "a", "c")]
    assert await commits.turn() == [["a"]]
    assert await commits.turn(1) == [["a"], ["b", "a", "c"]]
    assert await commits.turn(1) == [["a"], ["b", "a", "c"], ["b", "a"]]
    await commits.turn(1)
    assert await asyncio.gather(*asked) == [DONE] * 6


async def test_a_group_has_an_upper_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GROUP", 3)
    commits = Commits()
    asked = [commits.ask(f"a{n}") for n in range(9)]
    for _ in range(4):
        await commits.turn(1)
    assert [len(group) for group in commits.groups] == [1, 3, 3, 2]
    assert await asyncio.gather(*asked) == [DONE] * 9


async def test_an_error_of_one_change_is_its_own() -> None:
    commits = Commits()
    asked = [commits.ask(each) for each in ("x", "a", "bad", "b")]
    await commits.turn(2)
    assert commits.groups[1] == ["a", "bad", "b"]
    heard = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each) for each in heard] == [Decision, Decision, KeyError, Decision]


async def test_a_commit_that_fails_fails_for_its_group_alone() -> None:
    commits = Commits(None, TimeoutError())
    asked = [commits.ask(each) for each in ("x", "a", "b")]
    await commits.turn(2)
    later = commits.ask("a")
    await commits.turn(1)
    heard = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each) for each in heard] == [Decision, TimeoutError, TimeoutError]
    assert (await later, commits.alone) == (DONE, [])


async def test_what_cannot_be_committed_together_is_tried_alone_and_keeps_no_group_back() -> None:
    commits = Commits(None, NotTogether())
    asked = [commits.ask(each) for each in ("x", "a", "locked", "bad")]
    await commits.turn(2)
    assert commits.alone == ["a", "locked", "bad"]
    assert [each.done() for each in asked] == [True, True, False, True]
    again, other = commits.ask("locked"), commits.ask("a")
    assert (await commits.turn(1))[2:] == [["a"]]  # the locked article's next change waits
    assert await other == DONE
    commits.unlocked.set()
    assert (await commits.turn(1))[3:] == [["locked"]]
    assert await again == DONE
    heard = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each) for each in heard] == [Decision, Decision, Decision, KeyError]


async def test_who_has_left_is_not_committed_before_and_disturbs_nobody_after() -> None:
    commits = Commits()
    asked = [commits.ask(each) for each in ("x", "a", "b", "a")]
    await commits.turn()
    asked[0].cancel()
    asked[1].cancel()
    assert await commits.turn(1) == [["x"], ["b", "a"]]
    await commits.turn(1)
    heard = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each).__name__ for each in heard] == [
        *("CancelledError", "CancelledError", "Decision", "Decision")
    ]


async def test_a_group_belongs_to_the_trace_of_its_first_change() -> None:
    commits = Commits()
    asked = [commits.ask(each, trace=f"t{each}") for each in "abc"]
    await commits.turn(2)
    await asyncio.gather(*asked)
    assert (commits.groups, commits.traces) == ([["a"], ["b", "c"]], ["ta", "tb"])
