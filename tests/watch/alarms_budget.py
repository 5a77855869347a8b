"""A fault that uses up the error budget slowly: too few errors for any other alert."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx

from shared.storage.versions import DOCUMENT_VERSION
from tests.support.system import EDITOR
from tests.watch.alarms import fault
from tests.watch.alarms_delivery import repeated
from tests.watch.bench import ARTICLES, Bench

ONE_OF = 300
"""Between the shares at which the two alerts begin: 1 of 1,000, and 6 of 1,000 over six hours."""
PAUSE, SHORT_PAUSE = 0.1, 0.03
BROKEN = ARTICLES[5]


@asynccontextmanager
async def newer_document(one: Bench) -> AsyncIterator[None]:
    """A newer release has written a document of one article's reads, and was rolled back: stats
    answers 500 when it is asked for that article, by one of 300 requests.
    """
    buckets, day = one.stack.system.db.buckets, datetime.now(UTC).strftime("%Y-%m-%d")
    await buckets.insert_one(
        {"article": BROKEN, "day": day, "slot": -1, "reads": 0, "q": {}, "v": DOCUMENT_VERSION + 1}
    )
    try:
        async with requests(one, PAUSE, ONE_OF):
            yield
    finally:
        await buckets.delete_many({"slot": -1})
    # More requests, and all of them good: else the share falls in six hours.
    good = asyncio.create_task(_go_on(one))
    one.lasting.append(good)
    asyncio.get_running_loop().call_later(600, good.cancel)


async def _go_on(one: Bench) -> None:
    async with requests(one, SHORT_PAUSE):
        await asyncio.Event().wait()


@asynccontextmanager
async def requests(one: Bench, pause: float, broken: int = 0) -> AsyncIterator[None]:
    """Programs ask the APIs; each `broken`th request is for the article that stats can't read."""
    urls = [f"{one.replica('ingest-1').url}/articles/{article}" for article in ARTICLES]
    sent = 0
    async with httpx.AsyncClient(headers=EDITOR, timeout=10) as client:

        async def ask() -> None:
            nonlocal sent
            sent += 1
            if broken and sent % broken == 0:
                url = f"{one.replica('stats-1').url}/stats/articles/{BROKEN}"
                assert (await client.get(url)).status_code == 500
            else:
                await client.get(urls[sent % len(urls)])

        async with repeated(ask, pause):
            yield


FAULTS = (
    fault(
        "one of 300 requests to the API fails",
        newer_document,
        "ErrorBudgetBurnsSlowly",
        "TrafficStale",
        seconds=300,
        lasts=300,
    ),
)
