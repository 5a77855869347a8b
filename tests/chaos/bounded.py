"""Waits with an end: whatever a server or a service does, a run comes to its verdict."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

CANCEL_SECONDS = 20.0
"""For what is given up to clean up after itself; after that it is left alone, and ends with the
process.
"""


class Unjudged(Exception):
    """The run can't be judged; the text says why."""


async def bounded(what: str, seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """What `work` answers. Raises `Unjudged` when it fails or takes longer than `seconds`, even if
    it ignores that.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task}, timeout=CANCEL_SECONDS)
        raise
    if not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=CANCEL_SECONDS)
        raise Unjudged(f"{what} took longer than {seconds:g} s")
    try:
        return task.result()
    except Unjudged:
        raise
    except Exception as error:
        raise Unjudged(f"{what} failed: {type(error).__name__}: {str(error)[:500]}") from error
