"""The operator's command `archive`: moves all old buckets now, with a progress bar."""

import math

from luotdoc_subscriber.base.clock import now
from luotdoc_subscriber.base.plainly import say
from luotdoc_subscriber.base.progress import ProgressLine
from services.counter.archive.mover import Mover
from services.counter.archive.store import ArchiveStore
from services.counter.settings import CounterSettings
from shared.storage import mongo


async def archive_old(settings: CounterSettings) -> int:
    """Move the buckets that are older than `settings.keep_buckets_days`. Returns the exit status.

    Raises `Transient` and `Refused`. It may be stopped and repeated, and counters may run.
    """
    client, db = mongo.connect(settings.mongo_url, "counter-archive")
    mover = Mover(
        store=ArchiveStore(client, db),
        clock=now,
        keep_days=settings.keep_buckets_days,
        per_second=math.inf,
    )
    try:
        await mongo.reach(client, "counter")
        total, done = await mover.waiting(), 0
        with ProgressLine("buckets moved") as line:
            async for moved in mover.moves():
                done += moved
                line.advance(done, total)
        left = await mover.waiting()
    finally:
        await mongo.close(client)
    say(f"{done} buckets were moved to the archive, {left} that are old enough are left")
    return 0
