"""Builds the answer about the books."""

from luotdoc_subscriber.base.clock import Clock, rfc3339
from services.stats import books_answers
from services.stats.store import Store

WHY = (
    "later batches of this ingest were counted: the missing ones wait in counter.reads, were "
    "dead-lettered, or were lost when a broker or database was reset or restored; `python "
    "-m services.counter close-gap` notes them as lost"
)


async def books_report(store: Store, clock: Clock) -> books_answers.Reconciliation:
    """The books as of one snapshot."""
    now = clock()
    async with store.snapshot() as session:
        totals = await store.totals(session)
        counted = (await store.counted(session)).reads
        complete = await store.books.complete_through(session, now)
        in_flight, gaps = await store.books.missing(session, now)
        running = await store.books.running_gaps(session, now)
        lost = await store.books.lost(session)
    return books_answers.Reconciliation(
        accepted=totals.accepted,
        counted=counted,
        filtered=totals.filtered,
        parked=totals.parked,
        in_flight=in_flight,
        balance=totals.accepted - counted - sum(totals.filtered.values()) - totals.parked,
        corrected=totals.corrected,
        duplicates=totals.duplicates,
        complete_through=rfc3339(complete) if complete else None,
        lost=lost,
        running_gaps=[
            books_answers.RunningGap(
                epoch=gap.epoch,
                missing=gap.missing,
                since=rfc3339(gap.since),
                why=WHY,
            )
            for gap in running
        ],
        gaps=[books_answers.EndedGap(epoch=gap.epoch, missing=gap.missing) for gap in gaps],
        as_of=rfc3339(now),
    )
