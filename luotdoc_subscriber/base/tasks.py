"""Background work during a service's life: tasks, the supervised loop, and the backoff."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, NoReturn, TypeVar

from luotdoc_subscriber.base.errors import LuotdocError, Transient

log = logging.getLogger(__name__)

T = TypeVar("T")

FIRST_DELAY = 0.25
"""Longest first delay of a loop after a failure, in seconds."""
REMIND_SECONDS = 600.0
"""Interval at which a fault that waiting can't mend is logged again."""


def backoff(attempt: int, first: float, last: float) -> float:
    """Seconds to wait after failed attempt number `attempt`, from 1.

    The delay is `first`, doubled after each attempt, at most `last`.
    """
    return min(last, first * 2.0 ** min(attempt - 1, 60))


class Outage:
    """The failures of one piece of work since it last worked. Logs each reason once.

    A reason that waiting can't mend, such as a bug, is logged again every 10 minutes.
    `name` is how log lines call the work, such as `the outbox relay`.
    """

    def __init__(self, name: str, seconds: Callable[[], float] = time.monotonic) -> None:
        self._name, self._seconds = name, seconds
        self._told: dict[str, float] = {}
        self.failures = 0
        """Number of failures since the work last succeeded."""

    def failed(self, error: Exception) -> None:
        """Count a failure, and log its reason if it is new."""
        self.failures += 1
        reason = str(error)[:200] or type(error).__name__
        mends = isinstance(error, Transient | TimeoutError)
        told_at = self._told.get(reason)
        if told_at is not None and (mends or self._seconds() - told_at < REMIND_SECONDS):
            return
        self._told[reason] = self._seconds()
        if mends:
            log.warning("%s waits: %s", self._name, reason)
        elif isinstance(error, LuotdocError):
            log.error("%s can't go on, and tries again: %s", self._name, reason)
        else:
            log.error("a bug in %s, which tries again: %s", self._name, reason, exc_info=error)

    def over(self) -> None:
        """The work has succeeded: forget its failures, and log that it works again."""
        if self.failures:
            log.info("%s works again", self._name)
            self.failures = 0
            self._told.clear()


Pause = Callable[[float], Awaitable[object]]
"""Waits for some seconds."""


async def supervised(
    name: str,
    step: Callable[[], Awaitable[object]],
    interval: float,
    *,
    longest: float | None = None,
    outage: Outage | None = None,
    pause: Pause = asyncio.sleep,
) -> NoReturn:
    """For ever: await `step()`, then wait `interval` seconds. If it returned True, don't wait.

    A step that fails never ends the loop, see `retried`. The backoff grows up to `longest`
    seconds, by default to the interval. Pass an `outage` if the step itself knows when the work
    succeeds, as a step that follows a stream does.
    """
    longest = interval if longest is None else longest
    while True:
        more = await retried(
            name, step, min(interval, FIRST_DELAY), longest, outage=outage, pause=pause
        )
        if more is not True:
            await pause(interval)


async def retried(
    name: str,
    step: Callable[[], Awaitable[T]],
    first: float,
    longest: float,
    *,
    outage: Outage | None = None,
    pause: Pause = asyncio.sleep,
) -> T:
    """Await `step()` until it succeeds, and answer its result.

    Between attempts waits a backoff from `first` to `longest` seconds. `Transient` and TimeoutError
    are logged once per outage, any other error as a bug, with its traceback.
    """
    outage = outage or Outage(name)
    while True:
        try:
            result = await step()
        except Exception as error:
            # Motor may raise another error than CancelledError in a task that is being cancelled.
            # The loop must end then: `background` waits for it. So a step must not use TaskGroup:
            # Python 3.11's leaves its task marked as being cancelled after a failure.
            if (task := asyncio.current_task()) and task.cancelling():
                raise
            outage.failed(error)
            await pause(backoff(outage.failures, first, longest))
        else:
            outage.over()
            return result


@contextlib.asynccontextmanager
async def background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` in the background of the block and cancel it at the end.
    If any of it fails, the block fails.

    An error that a cancellation causes, as in Motor's change streams, is only logged. Work that is
    cancelled by a library, not by us, has failed: a task group would treat it as finished, and the
    block would go on without it.
    """
    ending = asyncio.Event()

    async def carried_out(coroutine: Coroutine[Any, Any, None]) -> None:
        try:
            await coroutine
        except Exception as error:
            if not ending.is_set():
                raise
            log.info("background work failed while it was being cancelled: %r", error)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if ending.is_set() or task is None or task.cancelling():
                raise
            raise RuntimeError(f"{coroutine!r} was cancelled from within") from error

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(carried_out(coroutine)) for coroutine in work]
        try:
            yield
        finally:
            ending.set()
        for task in tasks:
            task.cancel()
