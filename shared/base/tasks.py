"""Background work during a service's life."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine
from typing import Any

log = logging.getLogger(__name__)


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
