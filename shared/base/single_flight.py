"""A single-flight cache: callers that ask the same within a moment share one query to the
database.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")

LATE = 4
"""Factor by which an answer may outlive its time while the next one is being made."""


class SingleFlightCache(Generic[T]):
    """A single-flight cache with a time to live: `seconds`, from the start of making the answer.

    An error is raised for all callers that wait, and not cached.

    With `ahead` a call in the second half of that time is answered from the cache and starts the
    next query in the background, so no caller waits for the database. If that query is slow, the
    old answer is used for up to `LATE` times `seconds`. This costs up to twice as many queries, so
    use it for cheap ones.
    """

    def __init__(
        self,
        seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        ahead: bool = False,
    ) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._ahead = ahead
        self._made: dict[Hashable, tuple[float, asyncio.Task[T]]] = {}
        self._next: dict[Hashable, tuple[float, asyncio.Task[T]]] = {}

    async def get(self, key: Hashable, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The answer for `key`: the cached one, the one being made, or a new one from `make()`."""
        now = self._monotonic()
        self._tidy(now)
        if key not in self._made:
            self._made[key] = (now, asyncio.create_task(make()))
        began, answer = self._made[key]
        if (
            self._ahead
            and answer.done()
            and now - began > self._seconds / 2
            and key not in self._next
        ):
            coming = asyncio.create_task(make())
            coming.add_done_callback(
                _succeeded
            )  # retrieves its error, else asyncio logs it as never retrieved
            self._next[key] = (now, coming)
        # Shielded: a caller that is cancelled must not cancel the query for the others.
        return await asyncio.shield(answer)

    def _tidy(self, now: float) -> None:
        """Move finished answers made ahead into place, and drop old and failed ones."""
        for name, (began, task) in list(self._next.items()):
            if task.done():
                del self._next[name]
                if _succeeded(task):
                    self._made[name] = (began, task)
        for name, (began, task) in list(self._made.items()):
            longest = self._seconds * (LATE if name in self._next else 1)
            if task.done() and not (_succeeded(task) and now - began < longest):
                del self._made[name]
                if name in self._next:
                    self._made[name] = self._next.pop(name)


def _succeeded(task: asyncio.Task[Any]) -> bool:
    return not task.cancelled() and task.exception() is None
