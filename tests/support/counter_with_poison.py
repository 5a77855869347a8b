"""A counter whose store can never commit the batch that `POISON` names."""

import os
from collections.abc import Sequence

from services.counter.app import build
from services.counter.settings import CounterSettings
from services.counter.store import CounterStore, Flushed
from shared.rabbit.batch import Batch
from shared.web.server import main

_flush = CounterStore.flush


async def _poisoned(store: CounterStore, batches: Sequence[Batch], slot: int) -> Flushed:
    if any(batch.batch_id == os.environ["LUOTDOC_POISON"] for batch in batches):
        raise ValueError("this will never do")
    return await _flush(store, batches, slot)


if __name__ == "__main__":
    CounterStore.flush = _poisoned  # type: ignore[method-assign,assignment]
    main(CounterSettings, build)
