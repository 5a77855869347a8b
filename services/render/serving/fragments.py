"""A short-lived cache of the parts of pages that show several articles: lists, the side column.

Each part is made by single flight: concurrent requests share one query. While MongoDB gives no
answer, the last content is served as stale, for as long as cached pages are.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from luotdoc_subscriber.base.errors import Transient
from services.render.serving.database import ReaderQueries

T = TypeVar("T")

FRESH_SECONDS = 1.0
MOST = 200
"""Default bound for cached parts; a list has about 30 KB."""


@dataclass(slots=True)
class _Made(Generic[T]):
    began: float
    generation: int
    content: T


class Fragments(Generic[T]):
    """Caches each part for `fresh_seconds`, or until `expire`; at most `most` of them.

    A part may be served for `stale_seconds` after MongoDB's last answer.
    An empty part is not cached.
    """

    def __init__(
        self,
        *,
        queries: ReaderQueries,
        seconds: Callable[[], float],
        stale_seconds: float,
        fresh_seconds: float = FRESH_SECONDS,
        most: int = MOST,
    ) -> None:
        self._queries, self._seconds, self._stale_seconds = queries, seconds, stale_seconds
        self._fresh_seconds, self._most = fresh_seconds, most
        self._generation = 0
        self._made: OrderedDict[Hashable, _Made[T]] = OrderedDict()
        self._making: dict[Hashable, tuple[int, asyncio.Task[T]]] = {}

    def expire(self) -> None:
        """Make every part again at its next request. To be called when pages have changed."""
        self._generation += 1

    def peek(self, key: Hashable) -> T | None:
        """The part `key`, if it is in memory and fresh."""
        made = self._made.get(key)
        if (
            made
            and made.generation == self._generation
            and self._seconds() - made.began < self._fresh_seconds
        ):
            return made.content
        return None

    async def get(
        self, key: Hashable, make: Callable[[], Coroutine[Any, Any, T]]
    ) -> tuple[T, bool]:
        """The part `key`, and whether it is stale. Raises `Transient`."""
        if (fresh := self.peek(key)) is not None:
            return fresh, False
        made = self._made.get(key)
        try:
            return await self._queries.wait(self._make(key, make)), False
        except Transient:
            if made is None or self._queries.silence > self._stale_seconds:
                raise
            return made.content, True

    def _make(self, key: Hashable, make: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        generation, making = self._making.get(key, (-1, None))
        if making is not None and generation == self._generation:
            return making
        began, generation = self._seconds(), self._generation
        task = self._queries.start(make)
        self._making[key] = generation, task
        task.add_done_callback(lambda done: self._keep(key, began, generation, done))
        return task

    def _keep(self, key: Hashable, began: float, generation: int, task: asyncio.Task[T]) -> None:
        if self._making.get(key, (0, None))[1] is task:
            del self._making[key]
        if task.cancelled() or task.exception() or not task.result():
            return
        held = self._made.get(key)
        if held is None or held.generation <= generation:
            self._made[key] = _Made(began, generation, task.result())
            self._made.move_to_end(key)
            while len(self._made) > self._most:
                self._made.popitem(last=False)
