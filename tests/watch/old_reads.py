"""Reads of long ago that arrive now, as those of a forgotten spool."""

import time
from collections.abc import Iterable

from shared.rabbit.batch import QUARTER_MS, READER, Batch, batch_id
from shared.storage.quarters import PER_DAY

LONG_AGO = range(440, 470)
"""Days back: all in months that go to the archive, by the default of LUOTDOC_KEEP_BUCKETS_DAYS."""
MINTED_AGO_MS = 600_000
"""So that its ingest is not taken for a running one."""


def old_reads(epoch: str, articles: Iterable[str], days: Iterable[int]) -> Batch:
    """A batch with a read of each article so many days ago, on each of `days`."""
    minted = int(time.time() * 1000) - MINTED_AGO_MS
    now, each = minted // QUARTER_MS, list(articles)
    groups = [(READER, name, now - back * PER_DAY, 1, 0, 0) for back in days for name in each]
    return Batch(batch_id(epoch, 0), minted, groups)
