"""Groups work that costs less together: what comes while one group is done makes the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context, copy_context
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
R = TypeVar("R")

MOST_TOGETHER = 100
"""Upper bound for the items of a group."""


class _Asked(NamedTuple, Generic[T, R]):
    item: T
    outcome: asyncio.Future[R]
    context: Context
    """A group is done in that of its first item, so that its spans belong to this one's trace."""


class Grouped(Generic[T, R]):
    """Does items in groups, one group at a time. An item that comes alone is done at once."""

    def __init__(
        self, together: Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]]
    ) -> None:
        """`together` does a group, and answers the outcome of each item, in order; an exception is
        that item's own. What it raises is the outcome of all.
        """
        self._together = together
        self._waiting: list[_Asked[T, R]] = []
        self._working: asyncio.Task[None] | None = None

    async def do(self, item: T) -> R:
        """The outcome of `item`; raises its error.

        A caller that is cancelled leaves at once; the item may be done nevertheless.
        """
        outcome: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Asked(item, outcome, copy_context()))
        self._start()
        return await outcome

    def _start(self) -> None:
        if self._working is None and self._waiting:
            context = self._waiting[0].context
            self._working = asyncio.create_task(self._work(), context=context)
            self._working.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._working = None
        if not task.cancelled():
            self._start()

    async def _work(self) -> None:
        # Taken here, not in `_start`: callers that run in the same turn of the loop come along.
        asked = [each for each in self._waiting if not each.outcome.done()]
        group, self._waiting = asked[:MOST_TOGETHER], asked[MOST_TOGETHER:]
        outcomes: Sequence[R | Exception]
        try:
            outcomes = await self._together([each.item for each in group]) if group else ()
        except Exception as error:
            outcomes = [error] * len(group)
        for each, outcome in zip(group, outcomes, strict=True):
            if each.outcome.done():
                continue  # its caller was cancelled
            if isinstance(outcome, Exception):
                each.outcome.set_exception(outcome)
            else:
                each.outcome.set_result(outcome)
