"""The operator's commands for gaps: `gaps` lists them, `close-gap` declares their batches lost."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from luotdoc_subscriber.base.clock import now, rfc3339
from luotdoc_subscriber.base.errors import Refused, Transient
from services.counter.settings import CounterSettings
from services.counter.store import CounterStore
from shared.rabbit.batch import COUNTED_HOURS
from shared.storage import mongo
from shared.storage.books import Books
from shared.storage.gaps import LIVE, Epoch, Hole
from shared.storage.transactions import snapshot
from shared.storage.types import Client

ARRIVING = timedelta(minutes=15)
"""Age below which a batch may still arrive, from a long queue or a spool that is forwarded."""
COUNTABLE = timedelta(hours=COUNTED_HOURS)
"""Age below which a batch may still be counted, if it is in the spool of an ended ingest."""
MAX_MISSING = 100_000
"""Upper bound for a gap: eight minutes of the busiest ingest.
A larger one comes from a forged sequence number."""
MAX_NOTES = 1000
"""Upper bound for notes in one transaction."""


def refuse(epoch: Epoch, holes: list[Hole], moment: datetime, no_spool: bool) -> None:
    """Raise `Refused` while a missing batch of `epoch` could still arrive.

    `no_spool`: an operator has confirmed that no spool contains batches of this ingest.
    """
    youngest = max((hole.before for hole in holes), default=epoch.first_minted_at)
    if moment - youngest < ARRIVING:
        raise Refused(
            f"the gap is younger than {ARRIVING.seconds // 60} minutes: its batches may "
            "be in counter.reads or on their "
            f"way; try again after {rfc3339(youngest + ARRIVING)}"
        )
    ended = epoch.last_minted_at < moment - LIVE
    if ended and not no_spool and moment - youngest < COUNTABLE:
        raise Refused(
            "this ingest has ended, and its spool may hold the batches: start it again, or "
            "forward the spool with `python -m services.ingest adopt INSTANCE`; if there is no "
            "such spool, confirm that with --no-spool"
        )


@asynccontextmanager
async def _opened(settings: CounterSettings) -> AsyncIterator[tuple[Client, CounterStore, Books]]:
    client, db = mongo.connect(settings.mongo_url, "counter-gaps")
    try:
        await mongo.reach(client, "counter")
        yield client, CounterStore(client, db, now), Books(db)
    finally:
        await mongo.close(client)


async def list_gaps(settings: CounterSettings) -> int:
    """Print every gap. Returns the exit status."""
    try:
        async with _opened(settings) as (client, _, books), snapshot(client) as session:
            running = await books.running_gaps(session, now())
            _, ended = await books.missing(session, now())
            lost = await books.lost(session)
    except Transient as error:
        print(f"{error}; try again", file=sys.stderr)
        return 1
    for gap in running:
        print(f"{gap.epoch}  {gap.missing} batches missing  running  since {rfc3339(gap.since)}")
    for old in ended:
        print(
            f"{old.epoch}  {old.missing} batches missing  ended    last seen "
            f"{rfc3339(old.last_seen)}"
        )
    print(
        f"{len(running) + len(ended)} gaps; {lost} batches are noted as lost and have not arrived "
        "since"
    )
    return 0


async def close_gap(settings: CounterSettings, name: str, no_spool: bool) -> int:
    """Declare the missing batches of the epoch `name` lost. Returns the exit status."""
    try:
        async with _opened(settings) as (client, store, books):
            made = await give_up_missing(client, store, books, name, no_spool, now())
    except Refused as refused:
        print(f"{name}: {refused}", file=sys.stderr)
        return 1
    except Transient as error:
        print(f"{error}; run this again", file=sys.stderr)
        return 1
    print(f"{name}: {made} batches are noted as lost" if made else f"{name}: nothing is missing")
    return 0


async def give_up_missing(
    client: Client, store: CounterStore, books: Books, name: str, no_spool: bool, moment: datetime
) -> int:
    """Note the missing batches of the epoch `name` as lost. Returns their number.

    Raises `Refused` and `Transient`.
    """
    async with snapshot(client) as session:
        epoch = await books.epoch(session, name)
        if epoch is None:
            raise Refused(
                "no batch of such an epoch was ever counted; `gaps` lists those with a gap"
            )
        if not epoch.missing:
            return 0
        if epoch.missing > MAX_MISSING:
            raise Refused(
                f"{epoch.missing:,} batches are missing up to number {epoch.top:,}, more than an "
                "ingest loses: a batch with a forged number was published; check who may "
                "publish to luotdoc.reads"
            )
        if epoch.first_minted_at < moment - COUNTABLE:
            holes = await books.late_holes(session, epoch)
        else:
            holes = await books.holes(session, epoch)
    refuse(epoch, holes, moment, no_spool)
    numbers, made = [hole.sequence for hole in holes], 0
    for at in range(0, len(numbers), MAX_NOTES):
        made += await store.give_up(name, numbers[at : at + MAX_NOTES], moment)
    return made
