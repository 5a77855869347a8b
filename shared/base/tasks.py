"""Work that goes on beside a service's life."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine
from typing import Any

log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` beside the block and cancel it at the end. If any of it fails, so does the block.

    What fails because it was cancelled, as Motor's change streams may, is only logged. Work that a library cancels
    from within has failed: a task group would take it for done, and the block go on without it.
    """
    ending = asyncio.Event()

    async def carried_out(coroutine: Coroutine[Any, Any, None]) -> None:
        try:
            await coroutine
        except Exception as error:
            if not ending.is_set():
                raise
            log.info("work that was being ended has failed: %r", error)
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
