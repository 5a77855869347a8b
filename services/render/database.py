"""Questions to MongoDB that readers wait for: bounded in time and number, so that none pile up behind a frozen one."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from shared.base.errors import Unavailable

T = TypeVar("T")

WAIT_SECONDS = 2.0
"""A reader waits no longer for MongoDB; the answer is 503 then, or an older one from memory."""
SILENT_SECONDS = 3.0
"""Without any answer for so long, one question at a time goes to MongoDB, and the others are refused at once."""
MOST_QUESTIONS = 1000
"""In flight while MongoDB answers."""


class NoAnswer(Unavailable):
    """MongoDB did not answer in time, or is known to give no answer now."""


class Questions:
    """Starts questions and waits for them. `answered` is when MongoDB last answered one, in `seconds`' time."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._in_flight = set[asyncio.Task[Any]]()
        self.answered = float("-inf")

    @property
    def silence(self) -> float:
        """Seconds since the last answer."""
        return self._seconds() - self.answered

    def note_answer(self) -> None:
        """MongoDB has answered something else."""
        self.answered = self._seconds()

    def start(self, question: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        """Ask. Raises `NoAnswer` at once when too many questions are unanswered."""
        most = 1 if self.silence > SILENT_SECONDS else MOST_QUESTIONS
        if len(self._in_flight) >= most:
            raise NoAnswer("MongoDB gives no answer")
        task = asyncio.create_task(question())
        self._in_flight.add(task)
        task.add_done_callback(self._done)
        return task

    async def wait(self, task: asyncio.Task[T]) -> T:
        """The answer, which others may wait for too. Raises `NoAnswer` after `WAIT_SECONDS`, and the task's errors."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await asyncio.shield(task)
        except TimeoutError:
            raise NoAnswer("MongoDB did not answer in time") from None

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._in_flight.discard(task)
        if not task.cancelled() and task.exception() is None:
            self.answered = self._seconds()
