"""A change stream is read by the batch."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from shared.storage import changes as module
from shared.storage.change_batches import next_batch
from shared.storage.changes import changes
from shared.storage.versions import Document
from tests.integration.conftest import Emptied


async def test_changes_that_come_at_once_are_a_few_batches_in_their_order(
    emptied: Emptied, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = list[int]()

    async def counted(stream: Any) -> list[Document]:
        batch = await next_batch(stream)
        sizes.append(len(batch))
        return batch

    monkeypatch.setattr(module, "next_batch", counted)
    pages = emptied.db.pages

    async def opened() -> None:
        await pages.insert_many([{"_id": f"p{n}", "revision": 1} for n in range(300)])

    heard = list[str]()
    stream: AsyncIterator[Document | None] = changes(pages, {}, opened)
    async with asyncio.timeout(30), aclosing(stream) as found:  # type: ignore[type-var]
        async for change in found:
            if change is None and len(heard) == 300:
                break
            if change:
                heard.append(change["documentKey"]["_id"])
    assert heard == [f"p{n}" for n in range(300)]
    assert sum(sizes) == 300
    assert len([size for size in sizes if size]) < 30
