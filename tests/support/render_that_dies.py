"""A render that ends itself by SIGKILL at the step `DIE_AT` of storing a group of pages, `before`
or `after` the write, once it has stored `DIE_AFTER` groups. It prints the group's size.
"""

import os
import signal
from collections.abc import Sequence

from pymongo import UpdateOne

from services.render import store
from services.render.app import build
from services.render.settings import RenderSettings
from shared.storage.bulk import WriteOutcome, each_written
from shared.storage.types import MongoCollection
from shared.web.server import main

left = int(os.environ.get("LUOTDOC_DIE_AFTER", "0"))


async def _dying(collection: MongoCollection, writes: Sequence[UpdateOne]) -> list[WriteOutcome]:
    global left
    left -= 1
    if left >= 0:
        return await each_written(collection, writes)
    print(f"died with a group of {len(writes)}", flush=True)
    if os.environ["LUOTDOC_DIE_AT"] == "after":
        await each_written(collection, writes)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


if __name__ == "__main__":
    vars(store)["each_written"] = _dying
    main(RenderSettings, build)
