"""Long work in short turns, so that the event loop does other work in between. Pure."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from itertools import islice
from typing import TypeVar

CHUNK = 500
"""Articles that are handled at a time: one to three milliseconds."""
_T = TypeVar("_T")


async def chunks(each: Iterable[_T]) -> AsyncIterator[list[_T]]:
    """`each` in lists of `CHUNK`. It must not change meanwhile."""
    left = iter(each)
    while some := list(islice(left, CHUNK)):
        yield some
        await asyncio.sleep(0)
