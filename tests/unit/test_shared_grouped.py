"""Work in groups: who is in one, what each caller hears, and what waits for what."""

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar

import pytest

from luotdoc_subscriber.base.errors import Transient
from shared.base import grouped as module
from shared.base.grouped import Grouped

TRACE: ContextVar[str] = ContextVar("TRACE", default="")


class Works:
    """Groups that wait until `turn` releases them. An item `bad…` has an error of its own."""

    def __init__(self, *errors: Exception | None) -> None:
        self.groups: list[list[str]] = []
        self.traces: list[str] = []
        self._errors, self._free = list(errors), asyncio.Semaphore(0)
        self._grouped: Grouped[str, str] = Grouped(self._together)

    async def _together(self, group: Sequence[str]) -> list[str | Exception]:
        self.groups.append([*group])
        self.traces.append(TRACE.get())
        await self._free.acquire()
        if self._errors and (error := self._errors.pop(0)):
            raise error
        return [KeyError(each) if each.startswith("bad") else each.upper() for each in group]

    def ask(self, item: str) -> asyncio.Task[str]:
        async def do() -> str:
            TRACE.set(f"trace of {item}")
            return await self._grouped.do(item)

        return asyncio.create_task(do())

    async def turn(self, released: int = 0) -> list[list[str]]:
        """Let groups end, then everything go on that can; the groups that have begun."""
        for _ in range(released):
            self._free.release()
        for _ in range(10):
            await asyncio.sleep(0)
        return self.groups


async def test_what_comes_at_once_or_meanwhile_is_done_together() -> None:
    works = Works()
    asked = [works.ask(each) for each in "ab"]
    assert await works.turn() == [["a", "b"]]
    asked += [works.ask(each) for each in "cde"]
    assert await works.turn() == [["a", "b"]]
    assert await works.turn(1) == [["a", "b"], ["c", "d", "e"]]
    await works.turn(1)
    assert await asyncio.gather(*asked) == ["A", "B", "C", "D", "E"]
    assert works.traces == ["trace of a", "trace of c"]


async def test_an_error_of_one_item_is_its_own() -> None:
    works = Works()
    asked = [works.ask(each) for each in ("a", "bad", "b")]
    await works.turn(1)
    heard = await asyncio.gather(*asked, return_exceptions=True)
    assert [each if isinstance(each, str) else repr(each) for each in heard] == [
        "A",
        "KeyError('bad')",
        "B",
    ]


async def test_an_error_of_a_group_is_that_of_its_items_alone() -> None:
    works = Works(Transient("away"))
    first, second = works.ask("a"), works.ask("b")
    await works.turn()
    later = works.ask("c")
    await works.turn(2)
    for failed in (first, second):
        with pytest.raises(Transient, match="away"):
            await failed
    assert await later == "C"


async def test_a_group_has_an_upper_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_TOGETHER", 3)
    works = Works()
    asked = [works.ask(f"a{n}") for n in range(7)]
    await works.turn(3)
    assert [len(group) for group in works.groups] == [3, 3, 1]
    assert len(await asyncio.gather(*asked)) == 7


async def test_who_has_left_is_not_done_before_and_disturbs_nobody_after() -> None:
    works = Works()
    first = works.ask("a")
    await works.turn()
    gone, stays = works.ask("b"), works.ask("c")
    await works.turn()
    first.cancel()
    gone.cancel()
    assert await works.turn(1) == [["a"], ["c"]]
    await works.turn(1)
    assert await stays == "C"
    assert first.cancelled()
    assert gone.cancelled()


async def test_after_all_have_left_the_next_item_is_done() -> None:
    works = Works()
    first = works.ask("a")
    await works.turn()
    gone = works.ask("b")
    await works.turn()
    gone.cancel()
    await works.turn(1)
    later = works.ask("c")
    await works.turn(1)
    assert (await first, await later, works.groups) == ("A", "C", [["a"], ["c"]])
