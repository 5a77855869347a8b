"""The counter dies at its worst moments, and the count stays exact."""

import asyncio
import signal
import sys
from typing import Any

import pytest

from tests.support.system import System, until

READS = 500


@pytest.mark.parametrize("step", ["folded", "committed"])
async def test_counter_killed_within_a_flush(system: System, step: str) -> None:
    """SIGKILL between fold and commit, and between commit and ack: another counter takes over,
    nothing doubles.
    """
    settings: dict[str, Any] = {"read_window": 0, "bot_filter": "off", "flush_interval": "0.2"}
    await system.start("ingest", **settings)
    await system.put("a1")
    dying = await system.start(
        "counter", module="tests.support.counter_that_dies", die_at=step, die_after=1, **settings
    )
    acknowledged = 0

    async def reader() -> None:
        nonlocal acknowledged
        for _ in range(READS // 10):
            answer = await system.read("a1")
            acknowledged += answer.status_code == 204

    await asyncio.gather(*(reader() for _ in range(10)))
    assert acknowledged == READS
    assert await dying.ended() == -signal.SIGKILL
    before = await system.counted()
    assert before < READS  # it died with reads in hand
    ledger = await system.db.ledger.count_documents({})
    await system.start("counter", **settings)

    async def all_counted() -> bool:
        return await system.counted() >= READS

    await until(all_counted, 10, "the second counter counts the rest")
    await until(lambda: _empty(system), 10, "the queue is empty")
    assert await system.counted() == READS
    assert await system.by_article() == {"a1": READS}
    duplicates = sum([d["duplicates"] async for d in system.db.books.find()])
    if step == "committed":
        assert ledger > 0
        assert duplicates > 0  # the ledger caught what was committed and not acked
    else:
        assert duplicates == 0


async def _empty(system: System) -> bool:
    return await system.queue_depth("counter.reads") == 0


async def test_a_stopping_counter_flushes_what_it_has_in_hand(system: System) -> None:
    ingest = await system.start("ingest", read_window=0, bot_filter="off")
    await system.put("a1")
    counter = await system.start("counter", flush_interval="60")
    for _ in range(25):
        assert (await system.read("a1")).status_code == 204
    assert await system.counted() == 0
    assert await ingest.stop() == 0  # it would go on sending its empty batches
    assert await counter.stop() == 0
    assert await system.counted() == 25
    assert await system.queue_depth("counter.reads") == 0
    assert await system.db.slots.count_documents({}) == 0  # the slot is given back


VICTIM = """
import sys, time, pymongo
client = pymongo.MongoClient(sys.argv[1], appname="luotdoc-counter")
session = client.start_session()
session.start_transaction()
client.get_default_database().ledger.insert_one({"_id": sys.argv[2]}, session=session)
print("open", flush=True)
time.sleep(100)
"""


async def test_a_transaction_that_a_dead_process_left_open_holds_nobody_up(system: System) -> None:
    """MongoDB alone would keep the dead counter's ledger entry from the others for 60 to 90 s."""
    await system.start("ingest", read_window=0, bot_filter="off")
    await system.put("a1")
    batch = (await system.read("a1")).headers["x-correlation-id"]
    url = system.database.url_of("counter")
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-c", VICTIM, url, batch, stdout=asyncio.subprocess.PIPE
    )
    assert victim.stdout is not None
    assert await victim.stdout.readline() == b"open\n"
    victim.kill()
    await victim.wait()
    await system.start("counter", flush_interval="0.2")
    await until(system.counted, 20, "the read is counted")
    assert await system.counted() == 1
