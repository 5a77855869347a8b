"""Queries to MongoDB that readers wait for, bounded in time and number.
Without the bounds they would pile up while MongoDB is frozen.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from shared.base.errors import Unavailable

T = TypeVar("T")

WAIT_SECONDS = 2.0
"""Timeout for a query that a reader waits for. After it the reader gets a stale page or 503."""
SILENT_SECONDS = 3.0
"""Without any answer for this long, only one query at a time goes to MongoDB;
others are refused at once."""
MAX_QUERIES = 1000
"""Upper bound for queries in flight while MongoDB answers."""


class NoAnswer(Unavailable):
    """MongoDB did not answer this query in time, or has stopped answering."""


class ReaderQueries:
    """Starts queries and waits for them.
    `answered` is the time of MongoDB's last answer, by the clock `seconds`.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._in_flight = set[asyncio.Task[Any]]()
        self.answered = float("-inf")

    @property
    def silence(self) -> float:
        """Seconds since the last answer."""
        return self._seconds() - self.answered

    def note_answer(self) -> None:
        """Note an answer of MongoDB outside these queries, such as one to the change stream."""
        self.answered = self._seconds()

    def start(self, query: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        """Start a query. Raises `NoAnswer` at once if too many are in flight."""
        most = 1 if self.silence > SILENT_SECONDS else MAX_QUERIES
        if len(self._in_flight) >= most:
            raise NoAnswer("MongoDB gives no answer")
        task = asyncio.create_task(query())
        self._in_flight.add(task)
        task.add_done_callback(self._done)
        return task

    async def wait(self, task: asyncio.Task[T]) -> T:
        """The result of a query. Several callers may wait for the same one.
        Raises `NoAnswer` after `WAIT_SECONDS`; the query goes on.
        """
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await asyncio.shield(task)
        except TimeoutError:
            raise NoAnswer("MongoDB did not answer in time") from None

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._in_flight.discard(task)
        if not task.cancelled() and task.exception() is None:
            self.answered = self._seconds()
