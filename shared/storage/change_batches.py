"""The only module that reaches below the public interfaces of PyMongo and Motor: into a change
stream's batch, and to Motor's threads.

`requirements.in` bounds both versions. tests/unit/test_reached.py fails if a name changes, and
tests/integration/test_change_batches.py if the behaviour does.
"""

import asyncio
from typing import Any

from motor.frameworks.asyncio import run_on_executor

from shared.storage.versions import Document


async def next_batch(stream: Any) -> list[Document]:
    """The changes that the server sends at once; none if there were none for a while.

    `stream` is Motor's. Its own `try_next` wakes a thread for each change, which costs ten times
    what the change does.
    """
    # Not `asyncio.to_thread`: a stop would wait for its threads, 20 s if the server is frozen.
    loop = asyncio.get_running_loop()
    found = run_on_executor(loop, _taken, stream.delegate)  # type: ignore[no-untyped-call]
    batch: list[Document] = await found
    return batch


def _taken(stream: Any) -> list[Document]:
    found: list[Document] = []
    while (change := stream.try_next()) is not None:
        found.append(change)
        if not stream._cursor._has_next():
            break  # the next one would wait for the server
    return found
