"""A recount's plan: the correcting batches that were decided on, before any is sent. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.counter.recount.correcting import correcting_batch
from shared.rabbit.batch import COUNTED_HOURS, Batch, Move, Source

SENDABLE = timedelta(hours=COUNTED_HOURS - 1)
"""Age up to which the rest of a plan is sent. The counter parks older batches, because the ledger
may have forgotten the first ones."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The part of the stream that a recount has read."""

    first: int
    """The offset of the first message that the stream had."""
    first_batch: str
    """Its batch's id: two recounts with the same first message read the same stream."""
    last: int
    quarter: int
    """The first quarter whose reads are all in this part. Earlier ones were not judged again."""


@dataclass(frozen=True, slots=True)
class RecountPlan:
    """Recount `number`. There is one of each number, and none before the one before it has ended.

    So a plan is decided by what all earlier plans have changed, and two operators can't decide on
    the same reads twice.
    """

    number: int
    token: str
    """Names the documents with its correcting batches."""
    made_at: datetime
    reach: Reach
    rules: str
    """A digest of the rules."""
    batches: int
    done: bool = False

    @property
    def identity(self) -> tuple[object, ...]:
        """What the ids of the correcting batches are hashes of."""
        reach = self.reach
        return self.number, self.token, reach.first, reach.last, reach.quarter, self.rules

    def batch(
        self, number: int, minted_at: int, moves: Sequence[Move], sources: Sequence[Source]
    ) -> Batch:
        """Correcting batch `number` of this plan."""
        return correcting_batch(self.identity, number, minted_at, moves, sources)


def first_quarter(reach: Reach, before: RecountPlan | None, whole: int, oldest: int) -> int:
    """The first quarter to judge again: from it on, every read of which a correction may be known
    is in the stream.

    `reach.quarter` is that of the stream's first batch; `whole` is the first quarter of which every
    read is in the stream, if earlier messages have left it; before `oldest` the ledger may have
    forgotten batches. `before` is the last recount.

    Corrections are known by quarter. So a quarter of which the stream has only a part can't be
    judged again after it was corrected: the part that has left would seem to be uncorrected.
    """
    if before is None and not reach.first:
        begin = reach.quarter  # the stream has lost nothing, and nothing was corrected
    elif before is not None and (reach.first, reach.first_batch) == (
        before.reach.first,
        before.reach.first_batch,
    ):
        begin = before.reach.quarter
    else:
        begin = whole
    return max(begin, oldest)
