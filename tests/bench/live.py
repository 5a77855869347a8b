"""What open pages cost and how soon they see a read: listeners of `/stats/live` on one stats, some
of which read nothing, while reads flow; and pages that each follow an article.
"""

import asyncio
import json
import resource
import sys
import time
from typing import Any

from tests.bench import machine
from tests.bench.figures import Figure, at, number
from tests.bench.rig import Rig
from tests.bench.traffic import ARTICLES, article
from tests.support.system import ROOT, Process

NAME = "live"
LISTENERS, STALLED, PAGES = 5_000, 50, 1_000
QUICK_LISTENERS, QUICK_STALLED, QUICK_PAGES = 1_000, 10, 200
SECONDS, QUICK_SECONDS = 60.0, 40.0
"""Long enough for a stalled listener to be dropped: what the system keeps for it fills first."""
RATE = 500.0
"""Reads of the portal a second."""
FOLLOWED, FOLLOWED_RATE = 20, 100.0
"""Articles that pages follow, and the reads of them a second that are looked for."""
ASKED_SECONDS = 0.05
"""Rest between two requests of someone who does not listen."""
MOST_KIB, MOST_DELAY_MS, MOST_LAG_MS = 40.0, 500.0, 1_000.0


async def measure(rig: Rig) -> list[Figure]:
    """Memory and CPU of listeners to everything, the delay of those who read, and how long other
    requests waited meanwhile; then seconds from a 204 to the frame of an open page.
    """
    await rig.reset()
    names = [f"live{which}" for which in range(FOLLOWED)]
    all_names = [*names, *(article(which) for which in range(ARTICLES))]
    known = {"v": 1, "revision": 1, "state": "published", "title": "", "url": "", "section": "tin",
             "baseline": 0, "published_at": None, "content_revision": 1}  # fmt: skip
    public = [{"_id": name, "v": 1, "state": "published"} for name in names]
    await rig.system.db.articles.insert_many(public)
    await rig.system.db.catalogue.insert_many([{"_id": name, **known} for name in all_names])
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # the listeners' process inherits it
    # Every process on every core: on two cores the listeners and stats need one each.
    ingest, counter, stats = await rig.start(
        "ingest", "counter", "stats", cores=rig.cores.every, live_per_address=0
    )
    everyone = await _listened(rig, ingest, stats)
    pages = await _followed(rig, ingest, stats)
    await rig.stop(ingest, counter, stats)
    return [*everyone, *pages]


async def _listened(rig: Rig, ingest: Process, stats: Process) -> list[Figure]:
    listeners, stalled, seconds = LISTENERS, STALLED, SECONDS
    if rig.quick:
        listeners, stalled, seconds = QUICK_LISTENERS, QUICK_STALLED, QUICK_SECONDS
    await _listen(rig, stats, (2, 10, 0, 0, ingest, 0))  # what is made once, is made
    before = machine.resident(stats.pid)
    load = asyncio.create_task(rig.open_loop(ingest, RATE, seconds + 10, spread=True))
    wanted = (seconds, listeners, stalled, 0, ingest, 0)
    answer, spent, after = await _listen(rig, stats, wanted)
    await load
    name = f"{number(listeners)} listeners, {stalled} of them stalled: "
    told = await rig.metrics(stats)
    note = (
        f"{number(RATE)} reads/s; {number(answer['versions'] / seconds)} frames/s each, "
        f"{number(answer['frames'] / seconds)} in all; opened in "
        f"{number(answer['opening_seconds'])} s"
    )
    return [
        Figure(NAME, name + "memory each", (after - before) * 1024 / listeners, "KiB", MOST_KIB),
        Figure(NAME, name + "CPU of stats", spent["stats"] / seconds, "cores", note=note),
        Figure(
            NAME,
            name + "longest delay of one that reads",
            answer["delay_max_ms"],
            "ms",
            MOST_DELAY_MS,
            note=f"after the first one that got the frame; p99 {number(answer['delay_p99_ms'])} ms",
        ),
        Figure(NAME, name + "stalled ones dropped", answer["dropped"], "", stalled, at_least=True),
        Figure(
            NAME,
            name + "counted as slow",
            told["luotdoc_live_ended_total{slow}"],
            "",
            stalled,
            at_least=True,
        ),
        Figure(NAME, name + "others dropped", answer["closed"], "", 0),
        Figure(
            NAME,
            name + "longest wait of another request",
            answer["waits"][-1],
            "ms",
            MOST_DELAY_MS,
            note=f"of {number(len(answer['waits']))} for /stats/site; "
            f"p99 {number(at(answer['waits'], 0.99))} ms",
        ),
    ]


async def _followed(rig: Rig, ingest: Process, stats: Process) -> list[Figure]:
    pages, seconds = (QUICK_PAGES, QUICK_SECONDS) if rig.quick else (PAGES, SECONDS)
    load = asyncio.create_task(rig.open_loop(ingest, RATE, seconds + 5, spread=True))
    wanted = (seconds, pages, 0, FOLLOWED, ingest, FOLLOWED_RATE)
    answer, spent, _ = await _listen(rig, stats, wanted)
    await load
    if answer["seen"] < answer["reads"] * pages / FOLLOWED * 0.99:
        raise RuntimeError(f"not every page saw every read: {answer}")
    note = (
        f"{number(RATE + FOLLOWED_RATE)} reads/s, {number(answer['seen'])} looked for; median "
        f"{number(answer['lag_p50_ms'] / 1000)} s, longest "
        f"{number(answer['lag_max_ms'] / 1000)} s; "
        f"{number(spent['stats'] / seconds)} cores of stats"
    )
    name = f"{number(pages)} open pages: from 204 to the page's frame: p99"
    return [
        Figure(NAME, name, answer["lag_p99_ms"] / 1000, "s", MOST_LAG_MS / 1000, note=note),
    ]


async def _listen(
    rig: Rig, stats: Process, wanted: tuple[float, int, int, int, Process, float]
) -> tuple[dict[str, Any], machine.Seconds, float]:
    """Run `tests.bench.listening`: what it says, with the waits of other requests; the CPU that
    stats used while it listened; and stats' largest memory.
    """
    seconds, listeners, stalled, articles, ingest, rate = wanted
    ports = [process.url.rpartition(":")[2] for process in (stats, ingest)]
    numbers = [seconds, listeners, stalled, articles, int(ports[1]), rate]
    pipe, waits, resident = asyncio.subprocess.PIPE, list[float](), list[float]()
    with machine.pinned(rig.cores.every):
        helper = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.listening", ports[0], *map(str, numbers),
            cwd=ROOT, stdin=pipe, stdout=pipe,  # its errors are shown
        )  # fmt: skip
    assert helper.stdout
    try:
        async with asyncio.timeout(seconds + 120):
            first = await helper.stdout.readline()
            if first != b"ready\n":
                raise RuntimeError(f"the listeners: {first!r}")
            asking = asyncio.create_task(_ask(rig, stats, waits, resident))
            work = helper.communicate(b"go\n")
            (output, _), spent = await rig.used(rig.pids(stats), work)
            asking.cancel()
    finally:
        if helper.returncode is None:
            helper.kill()
            await helper.wait()
    if helper.returncode:
        raise RuntimeError(f"the listeners ended with {helper.returncode}")
    answer = dict(json.loads(output.decode().strip().splitlines()[-1]))
    return answer | {"waits": sorted(waits)}, spent, max(resident)


async def _ask(rig: Rig, stats: Process, waits: list[float], resident: list[float]) -> None:
    """Ask for the site's figures, as someone does who does not listen; note each wait in ms, and
    stats' memory.
    """
    while True:
        resident.append(machine.resident(stats.pid))
        began = time.monotonic()
        (await rig.system.http.get(f"{stats.url}/stats/site")).raise_for_status()
        waits.append((time.monotonic() - began) * 1000)
        await asyncio.sleep(ASKED_SECONDS)
