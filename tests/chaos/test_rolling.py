"""A rolling restart of every service under load breaks no request."""

import asyncio
import random

import pytest

from tests.chaos.editor import Editor
from tests.chaos.faults import Faults
from tests.chaos.fleet import Fleet
from tests.chaos.load import Load
from tests.chaos.settle import settled
from tests.support.system import System, until


@pytest.mark.long
async def test_a_rolling_restart_breaks_no_request(system: System) -> None:
    """Clients with kept connections that go on to the next replica only where a connection is
    refused.
    """
    fleet = Fleet(system, forked=True)
    try:
        await fleet.up({"ingest": 2, "counter": 2, "render": 2, "stats": 2})
        editor = Editor(fleet.of("ingest"), random.Random(0))
        # An answer that comes late, on a busy machine, is no broken request.
        load = Load(fleet.of("ingest"), random.Random(0), patience=20)
        for article in ("a1", "b1"):
            await editor.publish(article)
        for render in fleet.of("render"):
            await until(lambda url=render.url: _served(system, url), 10, "the page")
        pages = [(render, path) for render in fleet.of("render") for path in ("/", "/x/x-a1.html")]
        load.start(["a1"], ["b1"], pages + [(stats, "/stats/site") for stats in fleet.of("stats")])
        editor.start(["a1"])
        await until(lambda: _reads(load, 100), 15, "readers come")
        await Faults(fleet).roll()
        load.stop()
        editor.stop()
        await asyncio.gather(load.finish(), editor.finish())
        assert await settled(fleet) == ""
        counted = await system.by_article()
    finally:
        await fleet.down()
    tally = load.tally
    assert dict(tally.broken) == {}  # no connection was closed on a request
    assert dict(tally.odd) == {}  # no 5xx but 503 that says when to come again
    assert editor.odd == []
    assert fleet.manners == []  # each ended in time, with status 0
    assert tally.acknowledged["a1"] > 500
    assert (
        tally.acknowledged["a1"]
        <= counted["a1"]
        <= tally.acknowledged["a1"] + tally.unanswered["a1"]
    )
    assert counted["b1"] == tally.keyed["b1"] > 0


async def _reads(load: Load, number: int) -> bool:
    return load.tally.acknowledged.total() > number


async def _served(system: System, url: str) -> bool:
    return (await system.http.get(f"{url}/x/x-a1.html", follow_redirects=True)).status_code == 200
