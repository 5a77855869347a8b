"""Carries a plan out: sends its correcting batches to the counters until the ledger has them all.

A process that is killed at any moment has sent some of them, perhaps twice. The next one sends
those that the ledger lacks, under the same ids, so each is applied once, whoever sends it.
"""

import asyncio
import time
from collections.abc import Callable

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractExchange, DeliveryMode

from luotdoc_subscriber.base.errors import Refused
from luotdoc_subscriber.commands.connection import CONFIRM_SECONDS
from luotdoc_subscriber.rabbit.direct import way_into
from services.counter.recount.plan import RecountPlan
from services.counter.recount.store import RecountStore
from services.counter.stages import Stage, no_stage
from shared.rabbit.batch import Batch
from shared.rabbit.topology import COUNTER_READS

IN_FLIGHT = 8
"""Correcting batches that wait to be counted at a time, so that reads are not kept waiting."""
LEDGER_LOOK_SECONDS = 0.1
PARKED_SECONDS = 5.0
"""Time after which a note on a parked batch tells that a counter does not apply them."""
PATIENCE_SECONDS = 60.0
"""Time without a counted batch after which the command says what may be wrong, and ends."""


async def carry_out_plan(
    plan: RecountPlan,
    store: RecountStore,
    connection: AbstractConnection,
    advance: Callable[[int, int], None],
    at_stage: Stage = no_stage,
) -> None:
    """Send the batches of `plan` and note that it has ended. Raises `Refused` if no counter
    applies them. `at_stage` is a fault-injection hook for tests.
    """
    channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
    into = await way_into(channel, COUNTER_READS.name)
    some: list[Batch] = []
    done = 0
    async for batch in store.batches(plan):
        some.append(batch)
        done += 1
        if len(some) == IN_FLIGHT or done == plan.batches:
            await _apply(some, store, into, at_stage)
            advance(done, plan.batches)
            some = []
    at_stage("applied")
    await store.end(plan)


async def _apply(
    some: list[Batch], store: RecountStore, into: AbstractExchange, at_stage: Stage
) -> None:
    """Send those batches of `some` that were not counted, and wait until all are."""
    names = [batch.batch_id for batch in some]
    counted = await store.counted(names) if names else set()
    for batch in some:
        if batch.batch_id in counted:
            continue
        message = aio_pika.Message(
            batch.body(),
            headers=batch.headers(),
            content_type="application/json",
            delivery_mode=DeliveryMode.PERSISTENT,
            message_id=batch.batch_id,
            correlation_id=batch.batch_id,
        )
        await into.publish(message, COUNTER_READS.name, mandatory=True, timeout=CONFIRM_SECONDS)
        at_stage("sent")
    begun = time.monotonic()
    while some and len(await store.counted(names)) < len(some):
        waited = time.monotonic() - begun
        # One that was parked before may be counted now: it was redriven, or was sent again.
        if waited > PARKED_SECONDS and await store.parked(names):
            raise Refused(
                "a counter has parked correcting batches; it may be of an earlier release. Upgrade "
                "the counters, redrive what is parked in counter.reads (`python -m shared.parked "
                "redrive counter.reads --all`), and run this again"
            )
        if waited > PATIENCE_SECONDS:
            raise Refused(
                f"no counter has applied the correcting batches for {PATIENCE_SECONDS:g} s: see "
                "whether counters run and keep up, and run this again; it goes on from here"
            )
        await asyncio.sleep(LEDGER_LOOK_SECONDS)
