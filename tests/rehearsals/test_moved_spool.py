"""A spool is moved: another ingest forwards it, and the batches are counted once although the old
ingest comes back and sends them again.
"""

import asyncio
from pathlib import Path

import pytest

from services.ingest.reads.segment import decode_record
from tests.chaos.fleet import Fleet
from tests.rehearsals.stores import (
    SETTINGS,
    acknowledged,
    all_counted,
    duplicates,
    exact,
    in_flight,
    ledger,
    publish,
    readers,
    run,
)
from tests.support.system import System, until

pytestmark = pytest.mark.long


def segments(spool: Path) -> list[Path]:
    """The segments of a spool, oldest first."""
    return sorted(spool.glob("*.spool"))


def batches_in(spool: Path) -> list[str]:
    """The ids of the batches that wait in a spool; each segment can be read to its end."""
    found = []
    for segment in segments(spool):
        content = segment.read_bytes()
        batches, end = decode_record(content)
        assert end == len(content)
        found += [batch.batch_id for batch in batches]
    return found


async def test_a_spool_is_moved(apart: System, tmp_path: Path) -> None:
    fleet, elsewhere = Fleet(apart, SETTINGS, forked=True), tmp_path / "elsewhere"
    try:
        await fleet.up({"ingest": 1, "counter": 1, "render": 1, "stats": 1})
        (old,) = fleet.of("ingest")
        home = apart.folder / "spool" / old.name
        await publish(fleet, "a1")
        before = readers(fleet)
        before.start(["a1"], [], [])
        await acknowledged(before, 200)
        await apart.end_broker()
        await acknowledged(before, 200)  # on ingest's disk
        before.stop()
        await before.finish()
        await fleet.stop(old)
        moved = batches_in(home)
        assert moved
        elsewhere.mkdir()
        await asyncio.to_thread(run, apart, f"cp -a {home} {elsewhere}/")
        await asyncio.to_thread(apart.broker.start, 300.0)

        new = fleet.add("ingest", spool_dir=str(elsewhere), instance=old.name)
        fleet.start(new)
        assert await fleet.ready_one(new, 60)
        after = readers(fleet, 1, [new])
        after.start(["a1"], [], [])
        await until(lambda: not segments(elsewhere / old.name), 30, "the new place forwards")
        await acknowledged(after, 100)
        assert batches_in(home) == moved

        known = await duplicates(apart)
        fleet.start(old)
        assert await fleet.ready_one(old, 60)
        await until(lambda: not segments(home), 30, "the old place forwards the same")
        after.stop()
        await after.finish()
        counted, found = await all_counted(fleet), await in_flight(apart, fleet, 0)
        again = await duplicates(apart) - known
    finally:
        await fleet.down()
    accepted = exact(before) + exact(after)
    print(
        f"spool moved: {accepted} reads acknowledged, {counted} counted, {len(moved)} batches in "
        f"the spool, {again} duplicates after the old one came back, 0 unannounced answers, "
        f"balance {found['balance']}"
    )
    assert fleet.manners == []
    assert counted == accepted
    assert set(moved) <= await ledger(apart)
    assert again >= len(moved)
    assert (found["balance"], found["counted"]) == (0, counted)
