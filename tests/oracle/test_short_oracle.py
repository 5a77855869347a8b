"""The short form of `make oracle`, and that it notices what is wrong."""

import pytest

from tests.oracle.__main__ import report
from tests.oracle.fleet import STATS, Fleet
from tests.oracle.run import SHORT, Run
from tests.support.system import System, until


def _told(_figures: int) -> None:
    """No progress is shown."""


async def test_every_figure_over_http_is_that_of_a_plain_list(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    zones = ("Pacific/Apia", "Australia/Lord_Howe")
    run = Run(system, 2000, 7, _told, SHORT, zones, rounds=1)
    tally = await run.go()
    assert report(run) == 0, capsys.readouterr().out
    assert tally.figures >= 2000
    assert len(tally.endpoints) == 12
    assert tally.between > 0
    assert run.corrected > 0
    assert all(run.killed[role] for role in ("stats", "counter", "mover")), run.killed
    lists = ("periods", "compare", "sections", "top", "trending")
    assert sum(tally.by_family[name] for name in lists) > tally.figures / 3
    last, shares = capsys.readouterr().out.splitlines()[-2:]
    told = f"seed 7: {tally.figures:,} figures of 12 endpoints in 2 zones, 0 differ; killed "
    assert last.startswith(told)
    assert "compare 1" in shares


async def _exchange_reads(fleet: Fleet) -> None:
    """Give reads of one article to another one, in every projection: each sum stays right, so that
    no check of stats finds it.
    """
    projections = fleet.system.db.projections

    async def made() -> bool:
        return await projections.count_documents({"kind": "month"}) > 5

    await until(made, 30, "months are made")
    async for held in projections.find({"kind": {"$in": ["day", "month"]}}):
        reads = held["reads"]
        if len(reads) > 1:
            most, least = max(reads, key=reads.__getitem__), min(reads, key=reads.__getitem__)
            if most != least:
                moved = {f"reads.{most}": -1, f"reads.{least}": 1}
                await projections.update_one({"_id": held["_id"]}, {"$inc": moved})
    fleet.restart(STATS)


async def test_a_projection_that_is_wrong_is_a_difference(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(system, 4000, 8, _told, SHORT, ("Asia/Kathmandu",), rounds=1, spoil=_exchange_reads)
    tally = await run.go()
    assert report(run) == 1
    assert tally.differing > 0
    first, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("stats-")
    assert " /stats/top?window=" in first
    assert "(site in Asia/Kathmandu, as of 2027-02-28T" in first
    assert "expected ('" in first
    assert "found ('" in first
